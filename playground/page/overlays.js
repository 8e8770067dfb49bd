// What covers the page: the open menu, dialogs, the large image, notices, and the live region for screen readers.

import { iconButton } from "./button.js";
import { h, icon } from "./dom.js";
import { messageMenu } from "./editor.js";
import { emojiPicker } from "./emoji.js";
import { largePicture } from "./files.js";
import { helpDialog } from "./keyboard.js";
import { modal, question } from "./modal.js";
import { speakerMenu } from "./people.js";
import { switcher } from "./switcher.js";
import { closeMenu, set, ui } from "./ui.js";

const MARGIN_PX = 8;
const MENUS = { emoji: emojiPicker, message: messageMenu, speaker: speakerMenu };

export function overlays() {
  return h(
    "div.overlays",
    modal(),
    ui.help && helpDialog(),
    ui.switcher && switcher(),
    ui.picture && largePicture(),
    ui.dialog && question(),
    ui.menu && menu(ui.menu),
    h("div.notices", { key: "notices", role: "alert" }, ui.notices.map(noticeLine)),
    h("div.unseen", { key: "announce", "aria-live": "polite" }, ui.announce),
  );
}

function menu(open) {
  return h(
    "div.menu-layer",
    {
      key: `menu/${open.kind}/${open.address}`,
      onmousedown: (event) => event.target === event.currentTarget && closeMenu(),
    },
    h("div.menu", { class: `of-${open.kind}`, ref: (el) => placeMenu(el, open.at) }, MENUS[open.kind](open)),
  );
}

/** Places a menu beside its button: below if there is room, else above, and inside the window. */
function placeMenu(el, at) {
  const { offsetWidth: width, offsetHeight: height } = el;
  const below = at.bottom + height + MARGIN_PX < innerHeight;
  const top = below ? at.bottom + 4 : Math.max(MARGIN_PX, at.top - height - 4);
  const left = at.left + width + MARGIN_PX < innerWidth ? at.left : Math.max(MARGIN_PX, at.right - width);
  el.style.setProperty("top", `${top}px`);
  el.style.setProperty("left", `${left}px`);
  if (!el.contains(document.activeElement)) el.querySelector("[role^=menuitem]")?.focus();
}

function noticeLine(note) {
  const dismiss = () => set({ notices: ui.notices.filter((other) => other !== note) });
  return h(
    "div.notice",
    { key: note.id, class: note.tone },
    icon(note.tone === "error" ? "warning" : "check"),
    h("span.grow", note.text),
    iconButton("close", "Dismiss", dismiss),
  );
}
