// The icon button, with a title and a label for screen readers.

import { h, icon } from "./dom.js";

/** `more` adds or overrides attributes, such as a title that names the key. */
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
