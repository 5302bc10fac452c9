// A time in the zone of whoever looks; in UTC when pointed at.
export default {
  template: `<time :datetime="at" :title="utc(at)">{{ local(at) }}</time>`,
  props: { at: String },
  methods: { local: (iso) => window.penstock.local(iso), utc: (iso) => window.penstock.utc(iso) },
};
