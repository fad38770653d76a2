// Says on what the reader of this page is, and shows who else is: <div data-presence="mention:12" data-me="ana"> with a .who in it.
import { post } from "./http.js";

const AGAIN = 10_000; // milliseconds

const show = ({ what, who }) => {
  for (const part of document.querySelectorAll(`[data-presence="${CSS.escape(what)}"]`)) {
    const others = Object.entries(who).filter(([account]) => account !== document.body.dataset.account);
    const place = part.querySelector(".who");
    if (!place) continue;
    place.textContent = others.map(([, name]) => name).join(", ");
    place.hidden = others.length === 0;
  }
};

export const presence = () => {
  document.addEventListener("tocsin:presence", (event) => show(event.detail));
  const here = [...document.querySelectorAll("[data-presence][data-here]")].map((part) => part.dataset.presence);
  if (!here.length) return;
  const say = (gone) => here.forEach((what) => post("/presence", { what, gone }, { keepalive: gone }).catch(() => {}));
  say(false);
  setInterval(() => document.visibilityState === "visible" && say(false), AGAIN);
  addEventListener("pagehide", () => say(true));
};
