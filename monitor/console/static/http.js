// Asks the console from a page, as the page's reader.
const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

export const post = (path, body, options = {}) =>
  fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": csrf() },
    body: JSON.stringify(body),
    ...options,
  });

// A form that was refused is shown at its own address, where nothing can be asked for: the page says where it is.
const here = () => document.querySelector('link[rel="canonical"]')?.href ?? location.href;

export const page = async (address = here()) => {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};
