// A table of plain values.  Everything is written as text by Vue; nothing is ever taken for HTML.
export default {
  template: `
    <div class="table-box">
      <table class="data" :class="{ dense }">
        <caption class="sr">{{ caption }}</caption>
        <thead><tr>
          <th v-for="c in columns" :key="c.name" scope="col" :class="'k-' + c.kind"
              :aria-sort="sort === c.name ? (descending ? 'descending' : 'ascending') : null">
            <button v-if="c.sortable" type="button" class="sort" @click="$emit('sort', c.name)">
              {{ c.label }}<span aria-hidden="true">{{ sort === c.name ? (descending ? '↓' : '↑') : '' }}</span>
            </button>
            <span v-else>{{ c.label }}</span>
          </th>
          <th v-if="acts" scope="col" class="acts"><span class="sr">Actions</span></th>
        </tr></thead>
        <tbody>
          <tr v-for="r in rows" :key="r.id">
            <td v-for="(c, i) in columns" :key="c.name" :class="['k-' + c.kind, width(r.cells[i])]" :data-label="c.label"
                :title="dense && typeof r.cells[i] === 'string' && r.cells[i].length > 20 && c.kind !== 'clock' ? r.cells[i] : null">
              <span v-if="r.cells[i] === null || r.cells[i] === ''" class="none">–</span>
              <span v-else-if="c.kind === 'badge'" class="badge" :class="r.tones[i]">{{ r.cells[i] }}</span>
              <span v-else-if="c.kind === 'tags'" class="tags">
                <span v-for="t in r.cells[i]" :key="t" class="badge">{{ t }}</span>
                <span v-if="!r.cells[i].length" class="none">–</span>
              </span>
              <svg v-else-if="c.kind === 'course'" class="course" viewBox="0 0 96 26" role="img" :aria-label="said(r.cells[i])">
                <title>{{ said(r.cells[i]) }}</title>
                <polyline v-for="(part, n) in parts(r.cells[i])" :key="n" :points="part" />
                <circle v-if="last(r.cells[i])" :cx="last(r.cells[i])[0]" :cy="last(r.cells[i])[1]" r="2.5" />
              </svg>
              <component v-else :is="r.links[i] ? 'a' : 'span'" :href="r.links[i] || null">
                <time v-if="c.kind === 'time' || c.kind === 'clock'" :datetime="r.cells[i]" :title="utc(r.cells[i])">{{
                  written(c.kind, r.cells[i]) }}</time>
                <template v-else>{{ written(c.kind, r.cells[i]) }}</template>
              </component>
            </td>
            <td v-if="acts" class="acts">
              <button v-for="a in r.acts" :key="a.name" type="button" class="button small" :class="a.tone"
                      :aria-label="a.label + ': ' + r.name" @click="$emit('act', { id: r.id, name: a.name })">{{ a.label }}</button>
            </td>
          </tr>
        </tbody>
      </table>
    </div>`,
  props: { caption: String, columns: Array, rows: Array, sort: String, descending: Boolean, acts: Boolean, dense: Boolean },
  emits: ["sort", "act"],
  methods: {
    utc: (iso) => window.penstock.utc(iso),
    // What is short stays on one line; what is long gets room to be read in.
    width: (value) => (typeof value !== "string" || value.length <= 24 ? "short" : "long"),
    said: (values) => values.map((v) => (v === null ? "unknown" : window.penstock.number(v))).join(", "),
    points(values) {
      const known = values.filter((v) => v !== null);
      const low = Math.min(...known), span = Math.max(...known) - low;
      const x = (i) => (values.length > 1 ? 3 + (90 * i) / (values.length - 1) : 48);
      return values.map((v, i) => (v === null ? null : [x(i), span ? 23 - (20 * (v - low)) / span : 13]));
    },
    last(values) {
      return this.points(values)[values.length - 1];
    },
    // One line for each stretch in which all is known; a single value gets a dash.
    parts(values) {
      const found = [[]];
      for (const point of this.points(values)) point ? found[found.length - 1].push(point) : found.push([]);
      return found.filter((p) => p.length).map((p) => (p.length > 1 ? p : [p[0], [p[0][0] + 2, p[0][1]]]).map((at) => at.join(",")).join(" "));
    },
    written(kind, value) {
      const write = { number: "number", usd: "money", percent: "percent", time: "local", clock: "clock" }[kind];
      return write ? window.penstock[write](value) : value;
    },
  },
};
