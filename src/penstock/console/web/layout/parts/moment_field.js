// A native field for date and time, in the zone of whoever looks; what it says and is given is ISO 8601.
export default {
  template: `<input type="datetime-local" class="field short" :aria-label="label" :value="local" @change="say">`,
  props: { at: String, label: String },
  emits: ["moment"],
  computed: {
    local() {
      const at = new Date(this.at);
      if (isNaN(at)) return "";
      return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    },
  },
  methods: {
    say(event) {
      const at = new Date(event.target.value);
      this.$emit("moment", isNaN(at) ? "" : at.toISOString());
    },
  },
};
