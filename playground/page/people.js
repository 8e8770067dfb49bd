// People: names, avatars, presence, and who speaks in this tab.

import { h, icon } from "./dom.js";
import { store } from "./store.js";
import { openMenu, set, ui } from "./ui.js";

const SPEAKER_KEY = "playground.speaker"; // in sessionStorage: two tabs can be two people
const COLORS = ["#c2410c", "#0f766e", "#7c3aed", "#be185d", "#1d4ed8", "#4d7c0f", "#b45309", "#0e7490"];

export function nameOf(id) {
  const user = store.users.get(id);
  if (user) return user.real_name || user.name;
  return id === store.bot.user ? store.bot.name : id;
}

export function authorOf(message) {
  return message.username || nameOf(message.user);
}

export function isBot(id) {
  return id === store.bot.user || Boolean(store.users.get(id)?.is_bot);
}

/** The people to speak as in this workspace. */
export function speakers() {
  return [...store.users.values()].filter((user) => !user.is_bot);
}

/** Keep the speaker of this tab across reloads; fall back to the first person. */
export function settleSpeaker() {
  const wanted = ui.me ?? sessionStorage.getItem(SPEAKER_KEY);
  const known = speakers();
  ui.me = known.some((user) => user.id === wanted) ? wanted : (known[0]?.id ?? null);
}

export function speakAs(id) {
  sessionStorage.setItem(SPEAKER_KEY, id);
  set({ me: id, menu: null, editing: null, completion: null, newFrom: undefined });
}

/** A square avatar: our mark for the bot, else initials in the person's colour. */
export function avatar(id, size = "", name = nameOf(id)) {
  if (id === store.bot.user && name === nameOf(id)) {
    return h("img.avatar", { class: size, src: "/page/mark.svg", alt: "", width: 36, height: 36 });
  }
  const initials = name
    .split(/[\s._-]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => [...word][0])
    .join("");
  return h(
    "span.avatar",
    { class: size, "aria-hidden": "true", style: { "--tint": colorOf(id) } },
    initials.toUpperCase(),
  );
}

function colorOf(id) {
  const given = store.users.get(id)?.color ?? "";
  if (/^#?[0-9a-f]{6}$/i.test(given)) return given.startsWith("#") ? given : `#${given}`;
  const sum = [...id].reduce((total, letter) => total + letter.codePointAt(0), 0);
  return COLORS[sum % COLORS.length];
}

export function presence(here) {
  return h("span.presence", { class: here ? "here" : "away", title: here ? "connected" : "away" });
}

/** The button that shows the speaker and opens the choice. */
export function speakerButton() {
  if (!ui.me) return null;
  return h(
    "button.speaker",
    {
      type: "button",
      "aria-haspopup": "menu",
      "aria-expanded": ui.menu?.kind === "speaker",
      onclick: (event) => openMenu(event, { kind: "speaker" }),
    },
    avatar(ui.me),
    h("span.speaker-name", h("small", "You speak as"), h("strong", nameOf(ui.me))),
    icon("updown"),
  );
}

export function speakerMenu() {
  return h(
    "div.menu-list",
    { role: "menu", "aria-label": "Speak as" },
    h("p.menu-title", "Speak as"),
    speakers().map((user) =>
      h(
        "button.menu-item",
        {
          key: user.id,
          type: "button",
          role: "menuitemradio",
          "aria-checked": user.id === ui.me,
          onclick: () => speakAs(user.id),
        },
        avatar(user.id, "small"),
        h("span.grow", user.real_name || user.name),
        user.id === ui.me && icon("check"),
      ),
    ),
    h("p.menu-note", "Another tab can be another person."),
  );
}
