// Runs before anything else on each page: how times are written, and the drawer of phones.
window.penstock = {
  local(iso, exactly = false) {
    const at = new Date(iso);
    return isNaN(at) ? iso : at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: exactly ? "medium" : "short" });
  },
  clock(iso) {
    const at = new Date(iso);
    const isOld = at.getFullYear() !== new Date().getFullYear();
    const day = { day: "numeric", month: "short", ...(isOld ? { year: "numeric" } : {}) };
    return isNaN(at) ? iso : at.toLocaleString(undefined, { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  },
  utc(iso) {
    const at = new Date(iso);
    return isNaN(at) ? "" : at.toISOString().replace("T", " ").slice(0, 19) + " UTC";
  },
  number(value) {
    return typeof value === "number" ? value.toLocaleString(undefined, { maximumFractionDigits: 6 }) : value;
  },
  money(value) {
    if (typeof value !== "number") return value;
    const size = Math.abs(value);
    const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 6;
    const shown = size.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return (value < 0 ? "−$" : "$") + shown;
  },
  percent(value) {
    if (typeof value !== "number") return value;
    return value.toLocaleString(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  },
  nav(open) {
    document.body.classList.toggle("nav-open", open);
    const button = document.querySelector(".menu-button");
    if (button) button.setAttribute("aria-expanded", String(document.body.classList.contains("nav-open")));
    if (document.body.classList.contains("nav-open")) document.querySelector(".side a")?.focus();
  },
};
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  window.penstock.nav(false);
  document.querySelectorAll("details.user[open]").forEach((each) => each.removeAttribute("open"));
});
// A letter does what the button does that says so in `aria-keyshortcuts`; while something is written only Ctrl+Enter.
window.penstock.letters = () => {
  const off = localStorage.getItem("penstock-letters") !== "off";
  localStorage.setItem("penstock-letters", off ? "off" : "on");
  document.documentElement.dataset.letters = off ? "off" : "on";
};
document.documentElement.dataset.letters = localStorage.getItem("penstock-letters") || "on";
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.isComposing || event.repeat || document.querySelector(".q-dialog .sheet-dialog")) return;
  let key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key !== "enter") return;
    key = "Control+Enter";
  } else {
    if (key.length !== 1 || document.documentElement.dataset.letters === "off") return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  }
  const wanted = document.querySelector(`[aria-keyshortcuts~="${CSS.escape(key)}"]:not([disabled])`);
  if (!wanted) return;
  event.preventDefault();
  wanted.click();
});
