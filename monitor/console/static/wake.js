// What only works with scripts is hidden until they run; so is what comes later.
export const woken = (part) => {
  for (const each of part.querySelectorAll("[data-scripted]")) each.hidden = false;
  return part;
};
