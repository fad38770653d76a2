// Listens to the stream of events, and renews the parts of a page that say on what they depend: <section id data-live="alert run">.
import { page } from "./http.js";

const KINDS = ["mention", "alert", "run", "handling", "source", "presence"];
const stale = new Set();
let waiting = null;

export const live = () => {
  const mark = document.body.dataset.mark;
  if (!mark) return;
  const shown = document.querySelector(".live");
  const say = (state) => {
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
  for (const part of document.querySelectorAll(`[data-live~="${kind}"]`)) stale.add(part.id);
  if (stale.size && waiting === null) waiting = setTimeout(fetchParts, 400);
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
  if (!before || !after || before.isEqualNode(after)) return;
  if (before.querySelector("dialog[open], :is(input, textarea, select):focus")) return;
  if ([...before.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue)) return;
  const focused = before.contains(document.activeElement) ? document.activeElement.id : "";
  before.replaceWith(after);
  if (focused) document.getElementById(focused)?.focus();
};
