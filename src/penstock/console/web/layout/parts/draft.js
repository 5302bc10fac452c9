// A text that somebody writes.  It stays as written whatever else on the page is drawn anew; a text that is given
// later takes its place only where another one was given before.
export default {
  template: `<textarea class="field" :rows="rows" :value="text" :placeholder="hint" @input="type($event.target.value)"></textarea>`,
  props: { given: String, hint: String, rows: { type: Number, default: 5 } },
  emits: ["typed"],
  data() {
    return { text: this.given || "" };
  },
  watch: {
    given(next) {
      this.text = next || "";
    },
  },
  methods: {
    type(value) {
      this.text = value;
      this.$emit("typed", value);
    },
  },
};
