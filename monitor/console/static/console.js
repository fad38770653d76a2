// What makes pages pleasant: they all work without it.
import { feed } from "./feed.js";
import { keys } from "./keys.js";
import { live } from "./live.js";
import { presence } from "./presence.js";
import { toast } from "./toast.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    navigator.clipboard.writeText(copier.dataset.copy).then(() => toast(document.body.dataset.copied));
  }
  const row = event.target.closest("[data-href]");
  if (row && !event.target.closest("a, button, input, select, label, summary")) location.assign(row.dataset.href);
  for (const open of document.querySelectorAll(".bottom details[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

// A question before what cannot be undone. The browser's own one is in its language, works by keyboard, and is read aloud.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm ?? event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
keys();
feed();
live();
presence();
const notice = document.querySelector("[data-notice]");
if (notice) toast(notice.textContent);
