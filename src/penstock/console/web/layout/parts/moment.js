// A time in the zone of whoever looks; in UTC when pointed at.
export default {
  template: `<time :datetime="at" :title="utc(at)">{{ local(at, exactly) }}</time>`,
  props: { at: String, exactly: Boolean },
  methods: { local: (iso, exactly) => window.penstock.local(iso, exactly), utc: (iso) => window.penstock.utc(iso) },
};
