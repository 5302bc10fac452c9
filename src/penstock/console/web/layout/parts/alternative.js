// The figures of a chart as a table, for whoever cannot see it.  Everything is written as text by Vue.
export default {
  template: `
    <div class="sr"><table>
      <caption>{{ title }}</caption>
      <thead><tr><th scope="col" aria-label="Of"></th><th v-for="n in names" :key="n" scope="col">{{ n }}</th></tr></thead>
      <tbody><tr v-for="(l, i) in labels" :key="i">
        <th scope="row">{{ times ? local(l) : l }}</th>
        <td v-for="(s, j) in values" :key="j">{{ s[i] === null ? 'unknown' : number(s[i]) }}</td>
      </tr></tbody>
    </table></div>`,
  props: { title: String, labels: Array, names: Array, values: Array, times: Boolean },
  methods: {
    local: (iso) => window.penstock.local(iso),
    number: (value) => window.penstock.number(value),
  },
};
