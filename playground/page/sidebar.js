// The left column: the team, the jump button, channels and the app with their unread marks, the speaker.

import { h, icon } from "./dom.js";
import { avatar, presence, speakerButton } from "./people.js";
import { go } from "./route.js";
import { channelsOf, store } from "./store.js";
import { openSwitcher } from "./switcher.js";
import { themeButton } from "./theme.js";
import { ui } from "./ui.js";
import { unreadIn } from "./unread.js";

export function sidebar() {
  const { shared, direct } = channelsOf(ui.me);
  return h(
    "nav.sidebar",
    { class: ui.sidebar ? "open" : "", "aria-label": "Workspace" },
    h(
      "header.team",
      h("img", { src: "/page/mark.svg", alt: "", width: 30, height: 30 }),
      h("strong", store.team.name || "Playground"),
      themeButton(),
    ),
    h(
      "button.jump-button",
      { type: "button", onclick: () => openSwitcher() },
      icon("search"),
      h("span.grow", "Jump to…"),
      h("kbd", shortcutName()),
    ),
    h(
      "div.sidebar-scroll",
      group(
        "Channels",
        shared.map((channel) => entry(channel, h("span.hash", "#"), channel.name)),
      ),
      group(
        "Apps",
        direct.map((channel) =>
          entry(channel, [avatar(store.bot.user, "tiny"), presence(store.connections !== 0)], store.bot.name),
        ),
      ),
    ),
    h("footer.sidebar-foot", speakerButton()),
  );
}

function shortcutName() {
  return /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ K" : "Ctrl K";
}

function group(title, entries) {
  return h("section", h("h2", title), h("ul", entries));
}

function entry(channel, face, name) {
  const here = ui.channel === channel.id;
  const { count, mentions } = here && !document.hidden ? { count: 0, mentions: 0 } : unreadIn(channel);
  return h(
    "li",
    { key: channel.id },
    h(
      "button.entry",
      {
        type: "button",
        class: count ? "unread" : "",
        "aria-current": here ? "page" : undefined,
        "data-channel": channel.id,
        onclick: () => go(channel.id),
      },
      h("span.entry-face", face),
      h("span.grow", name),
      count > 0 && mentions === 0 && h("span.unseen", `, ${count} unread`),
      mentions > 0 && h("span.badge", { "aria-label": `${mentions} for you` }, mentions),
    ),
  );
}
