// Says something in a corner, for a few seconds, and to screen readers.
export const toast = (words, kind = "") => {
  const box = document.querySelector(".toasts");
  if (!box || !words) return;
  const said = document.createElement("div");
  said.className = `toast ${kind}`;
  said.textContent = words;
  box.append(said);
  setTimeout(() => said.remove(), 6000);
};
