// Autocompletion in the composer: people after @, channels after #, emoji after :.

import { h } from "./dom.js";
import { searchEmoji } from "./emoji.js";
import { avatar } from "./people.js";
import { channelsOf, store } from "./store.js";
import { set, ui } from "./ui.js";

const MOST = 8;
const EMOJI_AFTER = 2; // letters: a colon in running text stays a colon
const OPENING = /(?:^|[\s(])([@#:])([\p{L}\p{N}_+.-]*)$/u;

const SOURCES = {
  "@": (query) => people(query),
  "#": (query) =>
    channelsOf(ui.me)
      .shared.filter((channel) => channel.name.includes(query))
      .map((channel) => ({
        id: channel.id,
        insert: `#${channel.name}`,
        face: h("span.hash", "#"),
        label: channel.name,
        note: channel.topic,
      })),
  ":": (query) =>
    query.length < EMOJI_AFTER
      ? []
      : searchEmoji(query, MOST).map(([name, character]) => ({
          id: name,
          insert: character,
          face: h("span.emoji", character),
          label: `:${name}:`,
        })),
};

function people(query) {
  const matches = (user) =>
    `${user.real_name} ${user.name}`
      .toLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(query));
  const known = [...store.users.values()].filter((user) => user.id !== ui.me && matches(user));
  const bot = (user) => Number(user.id === store.bot.user);
  return known
    .sort((a, b) => bot(b) - bot(a))
    .map((user) => ({
      id: user.id,
      insert: `@${user.real_name || user.name}`,
      face: avatar(user.id, "small"),
      label: user.real_name || user.name,
      note: user.is_bot ? "app" : `@${user.name}`,
    }));
}

/** Open, narrow or close the completion for the text before the caret. */
export function noteTyping(conversation, textarea) {
  const before = textarea.value.slice(0, textarea.selectionStart);
  const found = OPENING.exec(before);
  const items = found ? SOURCES[found[1]](found[2].toLowerCase()).slice(0, MOST) : [];
  const from = found ? before.length - found[2].length - 1 : 0;
  set({ completion: items.length ? { conversation, items, from, index: 0 } : null });
}

/** Pass a key to an open completion. True if it used the key. */
export function completionKey(event, accept) {
  const open = ui.completion;
  if (!open || event.isComposing) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step)
    set({ completion: { ...open, index: (open.index + step + open.items.length) % open.items.length } });
  else if (event.key === "Enter" || event.key === "Tab") accept(open.items[open.index]);
  else if (event.key === "Escape") set({ completion: null });
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}

export function completionList(conversation, accept) {
  const open = ui.completion;
  if (open?.conversation !== conversation) return null;
  return h(
    "ul.completion",
    { role: "listbox", id: "completion", "aria-label": "Suggestions" },
    open.items.map((item, i) =>
      h(
        "li.completion-item",
        {
          key: item.id,
          id: `completion-${i}`,
          role: "option",
          "aria-selected": i === open.index,
          onmousedown: (event) => {
            event.preventDefault();
            accept(item);
          },
        },
        item.face,
        h("strong", item.label),
        item.note && h("small", item.note),
      ),
    ),
  );
}
