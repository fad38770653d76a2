// The keyboard: g and a letter goes somewhere, / searches, j and k walk through a list, ? tells about all this.
let going = 0;

const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog[open]");

const walk = (by) => {
  const rows = [...document.querySelectorAll("[data-rows] > *")];
  const at = rows.findIndex((row) => "at" in row.dataset);
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!next) return;
  if (at >= 0) delete rows[at].dataset.at;
  next.dataset.at = "";
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a, button") ?? next).focus({ preventScroll: true });
};

const pressed = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const now = performance.now();
  if (now - going < 1500) {
    going = 0;
    const place = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
    if (place) {
      event.preventDefault();
      place.click();
      return;
    }
  }
  if (event.key === "g") going = now;
  else if (event.key === "?") document.getElementById("keys")?.showModal();
  else if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
};

export const keys = () => document.addEventListener("keydown", pressed);
