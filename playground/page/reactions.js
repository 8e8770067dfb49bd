// The reactions under a message: who added them, and adding and removing one's own.

import { toggleReaction } from "./actions.js";
import { h, icon } from "./dom.js";
import { emojiCharacter } from "./emoji.js";
import { nameOf } from "./people.js";
import { addressOf } from "./store.js";
import { openMenu, ui } from "./ui.js";

export function reactionBar(message) {
  return h(
    "div.reactions",
    message.reactions.map((reaction) => chip(message, reaction)),
    h(
      "button.chip.add",
      {
        type: "button",
        title: "Add a reaction",
        "aria-label": "Add a reaction",
        onclick: (event) => openReactionMenu(event, message),
      },
      icon("smile"),
    ),
  );
}

export function openReactionMenu(event, message) {
  openMenu(event, {
    kind: "emoji",
    address: addressOf(message),
    pick: (name) => toggleReaction(message, name),
  });
}

function chip(message, { name, users }) {
  const mine = users.includes(ui.me);
  const who = users.map((user) => (user === ui.me ? "you" : nameOf(user))).join(", ");
  return h(
    "button.chip",
    {
      key: name,
      type: "button",
      class: mine ? "mine" : "",
      title: `${who} reacted with :${name}:`,
      "aria-pressed": mine,
      "aria-label": `${name.replaceAll("_", " ")}, ${users.length}, from ${who}`,
      "data-reaction": name,
      onclick: () => toggleReaction(message, name),
    },
    h("span.emoji", emojiCharacter(name) ?? `:${name}:`),
    h("span.count", users.length),
  );
}
