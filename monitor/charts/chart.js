// Draws every <figure data-chart="URL of a specification" data-vega="URL of the library">, at its own width and without eval.
// Without this script, or where it fails, the figure keeps the image that it came with.

let library;

function load(url) {
  library ??= new Promise((loaded, failed) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => loaded(window.vegaEmbed);
    script.onerror = failed;
    document.head.append(script);
  });
  return library;
}

function point(place) {
  return (handler, event, item, value) => {
    const told = value && typeof value === "object" ? Object.entries(value).map((pair) => pair.filter(Boolean).join(" ")) : [];
    place.title = told.join("\n");
  };
}

async function draw(figure) {
  const [answer, embed] = await Promise.all([fetch(figure.dataset.chart, { credentials: "same-origin" }), load(figure.dataset.vega)]);
  if (!answer.ok) throw new Error(`${figure.dataset.chart}: ${answer.status}`);
  const spec = await answer.json();
  const image = figure.querySelector("img");
  const place = document.createElement("div");
  place.className = "chart";
  figure.insertBefore(place, image);
  spec.width = figure.clientWidth || spec.width;
  try {
    await embed(place, spec, { ast: true, actions: false, defaultStyle: false, renderer: "canvas", tooltip: point(place) });
  } catch (error) {
    place.remove();
    throw error;
  }
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", spec.description);
  if (image) image.hidden = true;
}

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  draw(figure).catch((error) => console.warn("chart", error));
}
