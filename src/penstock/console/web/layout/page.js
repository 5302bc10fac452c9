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
