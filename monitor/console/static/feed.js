// Says above a list how many have arrived since it was made, without moving a row: <p data-news="/feed/news?…" data-after="12" hidden><a></a></p>.
const EVERY = 2000; // milliseconds between two looks: a storm is no reason to ask for each mention
let waiting = null;

const look = async (bar) => {
  waiting = null;
  const address = new URL(bar.dataset.news, location.href);
  address.searchParams.set("after", bar.dataset.after);
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
    if (!answer.ok) return;
    const { count, words } = await answer.json();
    bar.querySelector("a").textContent = words;
    bar.hidden = count === 0;
  } catch {
    // the next event tries again
  }
};

export const feed = () => {
  const bar = document.querySelector("[data-news]");
  if (!bar) return;
  const soon = () => (waiting ??= setTimeout(look, EVERY, bar));
  document.addEventListener("tocsin:mention", soon);
  document.addEventListener("tocsin:reset", soon);
};
