// Runs before anything else on each page: how times are written, and the drawer of phones.
window.penstock = {
  local(iso) {
    const at = new Date(iso);
    return isNaN(at) ? iso : at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
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
