// The editor in a message's place, and the message menu.

import { edit, remove, shortcut } from "./actions.js";
import { copy } from "./code.js";
import { h, icon } from "./dom.js";
import { typed } from "./mrkdwn.js";
import { go } from "./route.js";
import { addressOf } from "./store.js";
import { set, ui } from "./ui.js";

const HAND_OFF = "handoff_message"; // the bot's message shortcut

export function editor(message) {
  const close = () => {
    set({ editing: null });
    document.querySelector(`[data-ts="${message.ts}"]`)?.focus();
  };
  const save = async (text) => {
    if (!text.trim()) return askToDelete(message);
    if ((await edit(message, text)) !== null) close();
  };
  return h(
    "form.editor",
    {
      onsubmit: (event) => {
        event.preventDefault();
        save(event.target.elements.text.value);
      },
    },
    h("textarea.field", {
      name: "text",
      rows: 3,
      "aria-label": "Edit the message",
      ref: (el) => {
        el.value = typed(message.text);
        el.focus();
      },
      onkeydown: (event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          close();
        }
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          save(event.target.value);
        }
      },
    }),
    h(
      "div.editor-foot",
      h("button.button", { type: "button", onclick: close }, "Cancel"),
      h("button.button.primary", { type: "submit" }, "Save"),
    ),
  );
}

export function startEditing(message, place) {
  set({ editing: `${place}/${addressOf(message)}`, menu: null });
}

export function askToDelete(message) {
  set({
    menu: null,
    dialog: {
      title: "Delete this message?",
      text: "This cannot be undone.",
      confirm: "Delete",
      deny: "Cancel",
      danger: true,
      act: () => remove(message),
    },
  });
}

export function messageMenu({ message, place }) {
  const mine = message.user === ui.me;
  const close = (act) => () => {
    set({ menu: null });
    act();
  };
  return h(
    "div.menu-list",
    { role: "menu", "aria-label": "Message" },
    item(
      "reply",
      "Reply in thread",
      close(() => go(message.channel, message.thread_ts ?? message.ts)),
    ),
    !message.bot &&
      item(
        "hand",
        "Hand off this message",
        close(() => shortcut(message, HAND_OFF)),
      ),
    item(
      "copy",
      "Copy text",
      close(() => copy(message.markdown ?? typed(message.text))),
    ),
    mine && h("hr"),
    mine && item("pencil", "Edit message", () => startEditing(message, place)),
    mine && item("trash", "Delete message…", () => askToDelete(message), "danger"),
  );
}

function item(picture, label, act, tone = "") {
  return h(
    "button.menu-item",
    { key: label, type: "button", role: "menuitem", class: tone, onclick: act },
    icon(picture),
    label,
  );
}
