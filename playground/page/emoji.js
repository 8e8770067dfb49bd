// Emoji: from name to character and back, search, and the picker.

import { h } from "./dom.js";
import { GROUPS } from "./emoji-names.js";
import { closeMenu, set, ui } from "./ui.js";

const ALIASES = {
  thumbsup: "+1",
  thumbsdown: "-1",
  thinking: "thinking_face",
  robot: "robot_face",
  hugs: "hugging_face",
  thumbs_up: "+1",
};
const groups = Object.entries(GROUPS).map(([title, text]) => [title, pairs(text)]);
const byName = new Map(groups.flatMap(([, list]) => list));

function pairs(text) {
  const words = text.trim().split(/\s+/);
  return words.flatMap((word, i) => (i % 2 ? [] : [[word, words[i + 1]]]));
}

/** The character of an emoji; null for an unknown name. Skin tones are dropped ("+1::skin-tone-3"). */
export function emojiCharacter(name) {
  const plain = name.split("::")[0];
  return byName.get(ALIASES[plain] ?? plain) ?? null;
}

/** An emoji as a node; unknown names stay readable as :name:. */
export function emoji(name) {
  const character = emojiCharacter(name);
  if (!character) return { text: `:${name}:` };
  return h(
    "span.emoji",
    { role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` },
    character,
  );
}

/** Up to `limit` [name, character] pairs whose name begins with, then contains, the query. */
export function searchEmoji(query, limit) {
  const wanted = query.toLowerCase();
  const names = [...byName].filter(([name]) => name.includes(wanted));
  return names.sort(([a], [b]) => b.startsWith(wanted) - a.startsWith(wanted)).slice(0, limit);
}

/** The picker of an open emoji menu. It calls the menu's `pick(name)`. */
export function emojiPicker(menu) {
  const query = menu.query ?? "";
  const shown = query ? [["Found", searchEmoji(query, 60)]] : groups;
  const pick = (name) => {
    closeMenu();
    menu.pick(name);
  };
  const pickFirst = (text) => {
    const [first] = text ? searchEmoji(text, 1) : groups[0][1];
    if (first) pick(first[0]);
  };
  return h(
    "div.picker",
    h("input.picker-search", {
      type: "search",
      placeholder: "Search emoji",
      "aria-label": "Search emoji",
      value: query,
      ref: (el) => el.focus(),
      oninput: (event) => set({ menu: { ...ui.menu, query: event.target.value } }),
      onkeydown: (event) => event.key === "Enter" && pickFirst(event.target.value),
    }),
    h(
      "div.picker-scroll",
      shown.map(([title, list]) =>
        h(
          "section",
          { key: title },
          h("h3", list.length ? title : "No emoji with that name"),
          h(
            "div.picker-grid",
            list.map(([name, character]) =>
              h(
                "button.picker-cell",
                {
                  key: name,
                  type: "button",
                  title: `:${name}:`,
                  "aria-label": name.replaceAll("_", " "),
                  onclick: () => pick(name),
                },
                character,
              ),
            ),
          ),
        ),
      ),
    ),
  );
}
