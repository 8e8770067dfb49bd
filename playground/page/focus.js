// Focus while a dialog is open: the page beneath is inert, and the focus returns to its element when the
// dialog closes.

import { store } from "./store.js";
import { ui } from "./ui.js";

const REACHABLE = "a[href], button:not(:disabled), input:not(:disabled), select, textarea";

let wasCovered = false;
let left = null;

export function isCovered() {
  return Boolean(ui.dialog || ui.switcher || ui.picture || ui.help || store.modals.get(ui.me));
}

/** Draw with `paintPage(covered)`, which makes what is beneath inert. */
export function keepFocus(paintPage) {
  const covered = isCovered();
  if (covered && !wasCovered) left = document.activeElement;
  paintPage(covered);
  if (!covered && wasCovered && document.activeElement === document.body && left?.isConnected) left.focus();
  wasCovered = covered;
}

/** Keep Tab within the topmost dialog. */
export function circle(event) {
  const dialog = [...document.querySelectorAll("[role$=dialog]")].at(-1);
  const stops = [...(dialog?.querySelectorAll(REACHABLE) ?? [])];
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge && dialog?.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
}
