// The middle column: the open channel's header, its messages or the App Home, and its composer.

import { killBot } from "./actions.js";
import { iconButton } from "./button.js";
import { composer, dropTarget } from "./composer.js";
import { h, icon } from "./dom.js";
import { homeTab } from "./home.js";
import { channelList } from "./messages.js";
import { avatar } from "./people.js";
import { go } from "./route.js";
import { channelById, store } from "./store.js";
import { set, ui } from "./ui.js";
import { isThreadUnread } from "./unread.js";
import { tryNext } from "./welcome.js";

export function mainPane() {
  const channel = channelById(ui.channel);
  if (!channel)
    return h("main.main", h("p.nothing", store.ready ? "There is no channel here yet." : "Connecting…"));
  const direct = channel.kind === "im";
  return h(
    "main.main",
    {
      "aria-label": direct ? store.bot.name : channel.name,
      ...(ui.tab === "messages" && dropTarget(channel.id)),
    },
    head(channel, direct),
    direct && tabs(channel),
    !store.online &&
      store.ready &&
      h("p.offline", { role: "status" }, h("span.status.spin"), "Connection lost. Reconnecting…"),
    store.online &&
      store.bot.killable &&
      store.connections === 0 &&
      h("p.offline", { role: "status" }, h("span.status.spin"), "The bot's process is starting…"),
    ui.tab === "home" && direct ? homeTab() : [channelList(channel), tryNext(channel), composer(channel)],
  );
}

function head(channel, direct) {
  return h(
    "header.pane-head",
    h(
      "button.icon-button.menu-button",
      { type: "button", "aria-label": "Channels", title: "Channels", onclick: () => set({ sidebar: true }) },
      icon("menu"),
      store.channels.some(hasNews) && h("span.dot"),
    ),
    direct ? avatar(store.bot.user, "small") : h("span.head-hash", { "aria-hidden": "true" }, "#"),
    h(
      "div.grow",
      h("h2", direct ? store.bot.name : channel.name),
      channel.topic && h("small", channel.topic),
    ),
    store.model && modelLabel(),
    store.bot.killable &&
      iconButton("power", "Kill the bot now", killBot, {
        title: "Kill the bot's process. It starts again, and its tasks go on.",
        class: "wide-only",
      }),
    iconButton("keyboard", "Keyboard shortcuts", () => set({ help: true }), {
      title: "Keyboard (?)",
      class: "wide-only",
    }),
    iconButton("pulse", "Show the bot's calls", () => set({ inspector: !ui.inspector }), {
      "aria-pressed": ui.inspector,
    }),
  );
}

function hasNews(channel) {
  return channel.id !== ui.channel && (store.messages.get(channel.id) ?? []).some(isThreadUnread);
}

/** The model behind the bot; a scripted one is named as such. */
function modelLabel() {
  const { label, scripted } = store.model;
  if (!scripted) return h("span.model", { title: "The model that answers" }, `model: ${label}`);
  const title = `“${label}” answers from a script, it is not a language model. With OPENAI_API_KEY set, a real one answers.`;
  return h("span.model.scripted", { title }, "demo model: scripted");
}

function tabs(channel) {
  const tab = (name, label) =>
    h(
      "button.tab",
      {
        type: "button",
        role: "tab",
        "aria-selected": ui.tab === name,
        onclick: () => go(channel.id, null, name),
      },
      label,
    );
  return h(
    "div.tabs",
    { role: "tablist", "aria-label": "App" },
    tab("messages", "Messages"),
    tab("home", "Home"),
  );
}
