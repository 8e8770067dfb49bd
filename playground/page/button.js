// Owns the small button that shows a picture and says its name, to the eye by its title and to the ear by its label.

import { h, icon } from "./dom.js";

/** `more` adds or overrides attributes, such as a title that tells the key. */
export function iconButton(picture, label, onclick, { class: extra = "", ...more } = {}) {
  const all = {
    type: "button",
    title: label,
    "aria-label": label,
    class: `icon-button ${extra}`,
    onclick,
    ...more,
  };
  return h("button", all, icon(picture));
}
