// Draws every <figure data-chart="address" data-library="address of the library">, at its own width and without eval.
import { page } from "./http.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const STEP = 20;  // pixels: a window that is moved a little asks for nothing
let library = null;

const load = (address) => {
  library ??= new Promise((loaded, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => loaded(window.vegaEmbed);
    script.onerror = () => failed(new Error(address));
    document.head.append(script);
  });
  return library;
};

const told = (value) =>
  value && typeof value === "object" ? Object.entries(value).map((pair) => pair.filter(Boolean).join(" ")).join("\n") : "";

const suited = (address, width) => {
  const url = new URL(address, location.href);
  url.searchParams.set("width", width);
  if (dark.matches) url.searchParams.set("dark", "1");
  return url;
};

const draw = async (figure) => {
  const place = figure.querySelector(".chart");
  const width = Math.floor(place.clientWidth / STEP) * STEP;
  const look = `${width} ${dark.matches}`;
  if (!width || figure.dataset.look === look) return;
  figure.dataset.look = look;
  const asked = fetch(suited(figure.dataset.chart, width), { headers: { Accept: "application/json" } });
  const [answer, embed] = await Promise.all([asked, load(figure.dataset.library)]);
  if (!answer.ok) throw new Error(String(answer.status));
  const spec = await answer.json();
  if (figure.dataset.look !== look) return;
  const tooltip = (handler, event, item, value) => { place.title = told(value); };
  await embed(place, spec, { ast: true, actions: false, defaultStyle: false, renderer: "canvas", tooltip });
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", spec.description);
  figure.dataset.drawn = "";
};

// Where the library does not come, a picture from the server is as good.
const fallBack = (figure) => {
  const picture = new Image();
  picture.src = suited(figure.dataset.picture, figure.querySelector(".chart").clientWidth);
  picture.alt = figure.dataset.title;
  figure.querySelector(".chart").replaceChildren(picture);
};

const watched = new WeakSet();
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) redraw(target);
}, { rootMargin: "400px" });
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.dataset.look) redraw(target);
});

const redraw = (figure) => draw(figure).catch((error) => {
  console.warn("chart", error);
  fallBack(figure);
});

// A table that is not in the page is that of the chart's own page, fetched when somebody opens it.
const fetchTable = async (details) => {
  const link = details.querySelector("a[data-table]");
  if (!details.open || !link) return;
  link.replaceWith((await page(link.href)).querySelector("figure table"));
};

const begin = () => {
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    if (watched.has(figure)) continue;
    watched.add(figure);
    near.observe(figure);
    sized.observe(figure);
    figure.querySelector("details")?.addEventListener("toggle", (event) => fetchTable(event.target));
  }
};

export const charts = () => {
  begin();
  new MutationObserver(begin).observe(document.getElementById("main") ?? document.body, { childList: true, subtree: true });
  dark.addEventListener("change", () => document.querySelectorAll("figure[data-look]").forEach(redraw));
};
