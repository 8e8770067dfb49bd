// The jump dialog (Ctrl/Cmd+K) over channels, people to speak as, and a few commands.

import { h, icon } from "./dom.js";
import { avatar, speakAs, speakers } from "./people.js";
import { go } from "./route.js";
import { channelsOf, store } from "./store.js";
import { switchTheme } from "./theme.js";
import { set, ui } from "./ui.js";

export function openSwitcher() {
  set({ switcher: { query: "", index: 0 }, sidebar: false, menu: null });
}

function targets() {
  const { shared, direct } = channelsOf(ui.me);
  return [
    ...shared.map((channel) => ({
      key: channel.id,
      face: h("span.hash", "#"),
      label: channel.name,
      kind: "Channel",
      act: () => go(channel.id),
    })),
    ...direct.flatMap((channel) => [
      {
        key: channel.id,
        face: avatar(store.bot.user, "small"),
        label: store.bot.name,
        kind: "App",
        act: () => go(channel.id),
      },
      {
        key: "home",
        face: icon("home"),
        label: `${store.bot.name}: Home`,
        kind: "App",
        act: () => go(channel.id, null, "home"),
      },
    ]),
    ...speakers()
      .filter((user) => user.id !== ui.me)
      .map((user) => ({
        key: user.id,
        face: avatar(user.id, "small"),
        label: `Speak as ${user.real_name || user.name}`,
        kind: "Person",
        act: () => speakAs(user.id),
      })),
    {
      key: "theme",
      face: icon("moon"),
      label: "Switch between light and dark",
      kind: "View",
      act: switchTheme,
    },
    {
      key: "calls",
      face: icon("pulse"),
      label: "Show the bot's calls",
      kind: "View",
      act: () => set({ inspector: true }),
    },
    {
      key: "help",
      face: icon("keyboard"),
      label: "Keyboard shortcuts",
      kind: "View",
      act: () => set({ help: true }),
    },
  ];
}

function found(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return targets().filter(({ label, kind }) =>
    words.every((word) => `${label} ${kind}`.toLowerCase().includes(word)),
  );
}

/** The dialog. `ui.switcher` holds the typed text and the selected target. */
export function switcher() {
  const { query, index } = ui.switcher;
  const list = found(query);
  const at = Math.min(index, list.length - 1);
  const close = (event) => event.target === event.currentTarget && set({ switcher: null });
  return h(
    "div.veil.top",
    { key: "switcher", onclick: close },
    h(
      "div.dialog.switcher",
      { role: "dialog", "aria-modal": true, "aria-label": "Jump to" },
      h("div.switcher-search", icon("search"), searchBox(query, list, at)),
      h(
        "ul.switcher-list",
        { id: "switcher-list", role: "listbox", "aria-label": "Places" },
        list.map((target, i) => item(target, i === at)),
        !list.length && h("li.nothing", "Nothing with that name."),
      ),
    ),
  );
}

function choose(target) {
  set({ switcher: null });
  target?.act();
}

function item(target, marked) {
  return h(
    "li.switcher-item",
    {
      key: target.key,
      id: `switch-${target.key}`,
      role: "option",
      "aria-selected": marked,
      onclick: () => choose(target),
    },
    h("span.entry-face", target.face),
    h("span.grow", target.label),
    h("small", target.kind),
  );
}

function searchBox(query, list, at) {
  return h("input", {
    type: "text",
    role: "combobox",
    placeholder: "Jump to a channel, a person, a setting…",
    "aria-label": "Jump to",
    "aria-expanded": true,
    "aria-controls": "switcher-list",
    "aria-activedescendant": list.length ? `switch-${list[at].key}` : undefined,
    value: query,
    ref: (el) => el.focus(),
    oninput: (event) => set({ switcher: { query: event.target.value, index: 0 } }),
    onkeydown: (event) => searchKey(event, query, list, at),
  });
}

function searchKey(event, query, list, at) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const typed = event.target.value; // may be a frame ahead of what is drawn
  if (step && list.length) set({ switcher: { query, index: (at + step + list.length) % list.length } });
  else if (event.key === "Enter") choose(typed === query ? list[at] : found(typed)[0]);
  else return;
  event.preventDefault();
}
