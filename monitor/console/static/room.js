// A room when the network is bad: what is seen says how old it is, what was done is sent until it came through, clocks go on.
import { toast } from "./toast.js";
import { woken } from "./wake.js";

const AGAIN = 3000; // milliseconds
const banner = () => document.querySelector("[data-offline]");
let since = null;

const two = (number) => String(number).padStart(2, "0");

const span = (seconds) => {
  const all = Math.abs(Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60), all % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
};

// Counted from when the part came, so that nobody's own clock matters.
const count = () => {
  const now = performance.now();
  for (const clock of document.querySelectorAll("[data-left]")) {
    clock.until ??= now + Number(clock.dataset.left) * 1000;
    const left = (clock.until - now) / 1000;
    clock.textContent = `${left < 0 ? "−" : ""}${span(left)}`;
    clock.classList.toggle("late", left < 0);
  }
  const line = banner();
  if (line && since !== null) line.textContent = line.dataset.offline.replace("{span}", span((now - since) / 1000));
  if (line) line.hidden = since === null || now - since < 2000;
};

document.addEventListener("tocsin:line", (event) => {
  since = event.detail === "on" ? null : (since ?? performance.now());
  if (event.detail === "on") count();
});

const sleep = (time) => new Promise((done) => setTimeout(done, time));

// The form has a key of its own, so that it may be sent again: it is done once.
const send = async (address, body) => {
  for (let told = false; ; told = true) {
    try {
      const answer = await fetch(address, { method: "POST", body, headers: { Accept: "text/html" } });
      if (answer.status !== 503 && answer.status !== 502 && answer.status !== 504) return answer;
    } catch {
      // no way out at this moment
    }
    if (!told) toast(banner()?.dataset.unsent ?? "", "bad");
    await sleep(AGAIN);
  }
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-safe]")) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  const body = new URLSearchParams(new FormData(form));
  const answer = await send(event.submitter?.getAttribute("formaction") ?? form.action, body);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = fresh.querySelector("main#main");
  if (!main || new URL(answer.url).pathname.startsWith("/sign-in")) {
    location.assign(answer.url);
    return;
  }
  const here = document.querySelector("[data-presence]");  // who is here did not change
  if (here) main.querySelector("[data-presence]")?.replaceWith(here);
  document.querySelector("main#main").replaceWith(main);
  woken(main);
  count();
  const said = main.querySelector("[role=alert]");
  if (said) said.scrollIntoView({ block: "center" });
  else toast(main.querySelector("[data-notice]")?.textContent ?? "");
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});

count();
setInterval(count, 1000);
