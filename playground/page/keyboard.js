// Keyboard shortcuts: jumping, moving through messages, opening and closing. A text box keeps its keys,
// except Escape and the Ctrl/Cmd ones.

import { closeView } from "./actions.js";
import { askToDelete, startEditing } from "./editor.js";
import { h } from "./dom.js";
import { circle, isCovered } from "./focus.js";
import { openReactionMenu } from "./reactions.js";
import { closeThread, go } from "./route.js";
import { messageAt, store } from "./store.js";
import { openSwitcher } from "./switcher.js";
import { closeMenu, set, ui } from "./ui.js";

const HELP = [
  ["Ctrl/⌘ K", "Jump to a channel, person or setting"],
  ["↓ or j, ↑ or k", "Next and previous message"],
  ["Enter or →", "Open the thread of a message"],
  ["Esc", "Close what is open, innermost first"],
  ["/ or c", "Write a message"],
  ["↑ in an empty box", "Edit your last message"],
  ["r", "React to a message"],
  ["e", "Edit your message"],
  ["Del", "Delete your message"],
  ["Enter, Shift Enter", "Send, new line"],
  ["@ # :", "Complete people, channels, emoji"],
  ["i", "Show the bot's calls"],
  ["?", "This list"],
];

export function listenToKeys() {
  addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "k") return take(event, openSwitcher);
    if (event.key === "Tab" && isCovered()) return circle(event);
    if (event.key === "Escape") return take(event, closeInnermost);
    if (!command && !event.altKey) plainKey(event);
  });
}

function plainKey(event) {
  if (event.target.closest?.("[role=menu]")) return menuKey(event);
  if (!isTyping(event.target) && !isCovered()) KEYS[event.key]?.(event);
}

const KEYS = {
  j: (event) => move(event, 1),
  ArrowDown: (event) => move(event, 1),
  k: (event) => move(event, -1),
  ArrowUp: (event) => move(event, -1),
  Enter: openThread,
  ArrowRight: openThread,
  "/": (event) => take(event, focusBox),
  c: (event) => take(event, focusBox),
  r: (event) =>
    onMessage(event, (message, el) =>
      openReactionMenu({ currentTarget: el.querySelector(".tools .tool") ?? el }, message),
    ),
  e: (event) =>
    onMessage(event, (message, el) => message.user === ui.me && startEditing(message, el.dataset.place)),
  Delete: (event) => onMessage(event, (message) => message.user === ui.me && askToDelete(message)),
  i: (event) => take(event, () => set({ inspector: !ui.inspector })),
  "?": (event) => take(event, () => set({ help: true })),
};

function take(event, act) {
  event.preventDefault();
  act();
}

function isTyping(el) {
  return el.matches?.("input, textarea, select, [contenteditable]");
}

/** Close the topmost open thing. */
function closeInnermost() {
  const view = store.modals.get(ui.me);
  if (ui.menu) return closeMenu();
  if (ui.dialog) return set({ dialog: null });
  if (ui.picture) return set({ picture: null });
  if (ui.switcher) return set({ switcher: null });
  if (ui.help) return set({ help: false });
  if (view) return closeView(view.id);
  if (ui.sidebar) return set({ sidebar: false });
  if (ui.thread) return closeThread();
  if (ui.inspector) return set({ inspector: false });
  focusBox();
}

function focusBox() {
  (
    document.querySelector(".thread .composer textarea") ?? document.querySelector(".main .composer textarea")
  )?.focus();
}

function move(event, step) {
  const current = document.activeElement.closest?.("article[data-ts]");
  const list = current?.closest(".messages") ?? document.querySelector(".main .messages");
  const rows = [...(list?.querySelectorAll("article[data-ts]") ?? [])];
  const next = current ? rows[rows.indexOf(current) + step] : rows.at(-1);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function openThread(event) {
  if (!event.target.matches?.("article[data-ts]")) return;
  onMessage(
    event,
    (message, el) => el.dataset.place === "channel" && go(message.channel, message.thread_ts ?? message.ts),
  );
}

function onMessage(event, act) {
  const el = event.target.closest?.("article[data-ts]");
  const message = el && messageAt(ui.channel, el.dataset.ts);
  if (message) take(event, () => act(message, el));
}

function menuKey(event) {
  const items = [...event.target.closest("[role=menu]").querySelectorAll("[role^=menuitem]")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  items[(items.indexOf(event.target) + step + items.length) % items.length].focus();
}

export function helpDialog() {
  const close = () => set({ help: false });
  return h(
    "div.veil",
    { key: "help", onclick: (event) => event.target === event.currentTarget && close() },
    h(
      "div.dialog",
      { role: "dialog", "aria-modal": true, "aria-labelledby": "help-title" },
      h(
        "header",
        h("h2.grow", { id: "help-title" }, "Keyboard"),
        h("button.button", { type: "button", onclick: close, ref: (el) => el.focus() }, "Close"),
      ),
      h(
        "dl.keys",
        HELP.map(([keys, meaning]) => h("div", h("dt", h("kbd", keys)), h("dd", meaning))),
      ),
    ),
  );
}
