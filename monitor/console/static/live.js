// Listens to the stream of events, and renews the parts of a page that say on what they depend: <section id data-live="alert run">;
// with data-slowly="mention" not at once.
import { page } from "./http.js";
import { woken } from "./wake.js";

const KINDS = ["mention", "alert", "run", "handling", "source", "presence"];
const SLOWLY = 10_000; // milliseconds: in a storm, figures need not be new three times a second for everybody
const stale = new Set();
let waiting = null;
let due = 0;

export const live = () => {
  const mark = document.body.dataset.mark;
  if (!mark) return;
  const shown = document.querySelector(".live");
  const say = (state) => {
    document.dispatchEvent(new CustomEvent("tocsin:line", { detail: state }));
    if (!shown) return;
    shown.dataset.state = state;
    shown.textContent = shown.dataset[state];
  };
  const stream = new EventSource(`/events?since=${encodeURIComponent(mark)}`);
  stream.addEventListener("open", () => say("on"));
  stream.addEventListener("error", () => {
    say("off");
    if (stream.readyState === EventSource.CLOSED) setTimeout(live, 5000);  // refused: perhaps signed out, perhaps too many pages
  });
  for (const kind of KINDS) {
    stream.addEventListener(kind, (event) => {
      document.dispatchEvent(new CustomEvent(`tocsin:${kind}`, { detail: JSON.parse(event.data) }));
      renew(kind);
    });
  }
  stream.addEventListener("reset", () => {
    document.dispatchEvent(new CustomEvent("tocsin:reset"));
    KINDS.forEach(renew);
  });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
};

const renew = (kind) => {
  spoil("live", kind, 400);
  spoil("slowly", kind, SLOWLY);
};

const spoil = (attribute, kind, time) => {
  const parts = document.querySelectorAll(`[data-${attribute}~="${kind}"]`);
  for (const part of parts) stale.add(part.id);
  const at = performance.now() + time;
  if (!parts.length || (waiting !== null && due <= at)) return;
  clearTimeout(waiting);
  due = at;
  waiting = setTimeout(fetchParts, time);
};

const fetchParts = async () => {
  const ids = [...stale];
  stale.clear();
  try {
    const fresh = await page();
    ids.forEach((id) => replace(id, fresh));
  } catch {
    ids.forEach((id) => stale.add(id));  // the next event tries again
  }
  waiting = null;
};

// Whoever is typing, or has opened something, keeps it.
const replace = (id, fresh) => {
  const before = document.getElementById(id);
  const after = fresh.getElementById(id);
  if (!before || !after || before.isEqualNode(woken(after))) return;
  if (before.querySelector("dialog[open], :is(input, textarea, select):focus")) return;
  if ([...before.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue)) return;
  for (const open of before.querySelectorAll("details[open][id]")) after.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  const focused = before.contains(document.activeElement) ? document.activeElement.id : "";
  before.replaceWith(after);
  if (focused) document.getElementById(focused)?.focus();
};
