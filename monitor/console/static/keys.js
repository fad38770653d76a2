// The keyboard: g and a letter goes somewhere, / searches, j and k walk through a list, ? tells about all this. Any other letter
// presses what says data-press="a" in the row that one is at, or on a page about one thing: <div data-one>.
let going = 0;

const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog[open]");

const walk = (by) => {
  const rows = [...document.querySelectorAll("[data-rows] > *")];
  const at = rows.findIndex((row) => "at" in row.dataset);
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!next) return;
  stand(next);
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a, button") ?? next).focus({ preventScroll: true });
};

const stand = (row) => {
  for (const other of document.querySelectorAll("[data-rows] > [data-at]")) delete other.dataset.at;
  row.dataset.at = "";
};

const press = (key) => {
  const here = document.querySelector("[data-rows] > [data-at]") ?? document.querySelector("[data-one]");
  const button = here?.querySelector(`[data-press="${CSS.escape(key)}"]`) ?? document.querySelector(`[data-one] [data-press="${CSS.escape(key)}"]`);
  button?.click();
  return Boolean(button);
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
  } else if (press(event.key)) event.preventDefault();
};

// Who opens a field to write in wants to write in it.
const opened = (event) => event.target.open && event.target.querySelector?.("textarea")?.focus();

export const keys = () => {
  document.addEventListener("keydown", pressed);
  document.addEventListener("toggle", (event) => event.target.matches("details.noting") && opened(event), true);
  const row = document.getElementById(location.hash.slice(1));
  if (row?.matches("[data-rows] > *")) stand(row);
};
