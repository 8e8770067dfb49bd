// One row of a message list: author and time, content, reactions, replies, and the toolbar.

import { toggleReaction } from "./actions.js";
import { ago, fullTimeOf, timeOf } from "./clock.js";
import { content } from "./content.js";
import { h, icon, lazy } from "./dom.js";
import { editor } from "./editor.js";
import { emojiCharacter } from "./emoji.js";
import { typed } from "./mrkdwn.js";
import { authorOf, avatar, isBot } from "./people.js";
import { openReactionMenu, reactionBar } from "./reactions.js";
import { go } from "./route.js";
import { addressOf, dismissWhisper, isWhisper, sessionOf, store } from "./store.js";
import { isThreadUnread } from "./unread.js";
import { openMenu, redraw, ui } from "./ui.js";

const QUICK = ["white_check_mark", "eyes", "raised_hands"];
const LABEL_LENGTH = 200;

/** A message as a row. `place` is "channel" or "thread"; `grouped` omits the author's line. */
export function messageRow(message, { place, grouped = false, tabbable = false }) {
  const address = addressOf(message);
  const state = {
    place,
    grouped,
    tabbable,
    address,
    editing: ui.editing === `${place}/${address}`,
    whisper: isWhisper(message),
    session: sessionOf(message.channel, message.ts)?.status ?? "",
    unread: place === "channel" && isThreadUnread(message),
    opened: place === "channel" && ui.thread === message.ts,
    menu: ui.menu?.address === address,
    minute: message.reply_count ? Math.floor(Date.now() / 60_000) : 0, // "2 minutes ago" grows old
  };
  const deps = [message, store.users, ui.me, ui.bumps.get(address), ...Object.values(state)];
  return lazy(`${place}/${message.ts}`, deps, () => row(message, state));
}

function row(message, state) {
  const { place, grouped, whisper } = state;
  return h(
    "article.message",
    {
      class: Object.entries({
        grouped,
        whisper,
        opened: state.opened,
        "with-menu": state.menu,
        editing: state.editing,
      })
        .filter(([, on]) => on)
        .map(([name]) => name)
        .join(" "),
      "data-ts": message.ts,
      "data-place": place,
      tabindex: state.tabbable ? "0" : "-1",
      "aria-label": labelOf(message),
      "aria-busy": message.stream?.state === "streaming",
    },
    h("div.gutter", grouped ? stamp(message) : avatar(message.user, "", authorOf(message))),
    h(
      "div.body",
      whisper && whisperLine(message),
      message.broadcast && message.thread_ts !== message.ts && broadcastLine(message, place),
      !grouped && byline(message),
      state.editing ? editor(message) : content(message),
      message.reactions.length > 0 && reactionBar(message),
      place === "channel" && message.reply_count > 0 && replyBar(message, state),
    ),
    !state.editing && !whisper && tools(message, state),
  );
}

function labelOf(message) {
  const text = typed(message.text || message.markdown || message.stream?.title || "");
  const files = message.files.map((file) => file.name).join(", ");
  return `${authorOf(message)}, ${timeOf(message.ts)}: ${[text.slice(0, LABEL_LENGTH), files].filter(Boolean).join(", ")}`;
}

function byline(message) {
  return h(
    "header.byline",
    h("strong.author", authorOf(message)),
    (message.bot || isBot(message.user)) && h("span.tag", "APP"),
    stamp(message),
  );
}

function stamp(message) {
  return h("time.stamp", { title: fullTimeOf(message.ts) }, timeOf(message.ts));
}

function whisperLine(message) {
  const dismiss = () => {
    dismissWhisper(message);
    redraw();
  };
  return h(
    "p.whisper-line",
    icon("eye"),
    "Only visible to you",
    h("button.link", { type: "button", onclick: dismiss }, "Dismiss"),
  );
}

function broadcastLine(message, place) {
  if (place === "thread") return h("p.whisper-line", "Also sent to the channel");
  return h(
    "p.whisper-line",
    "Replied to a thread: ",
    h("button.link", { type: "button", onclick: () => go(message.channel, message.thread_ts) }, "open it"),
  );
}

function replyBar(message, { session, unread }) {
  const count = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  const working = session === "processing";
  return h(
    "button.reply-bar",
    { type: "button", class: unread ? "unread" : "", onclick: () => go(message.channel, message.ts) },
    h(
      "span.reply-faces",
      message.reply_users.slice(0, 4).map((user) => avatar(user, "tiny")),
    ),
    h("strong", count),
    working
      ? h("span.reply-working", h("span.status.spin"), "working")
      : h("span.reply-last", `Last reply ${ago(message.latest_reply)}`),
    unread && h("span.dot", { role: "img", "aria-label": "new replies" }),
  );
}

function tools(message, { place, address }) {
  return h(
    "div.tools",
    { role: "toolbar", "aria-label": "Message tools" },
    QUICK.map((name) =>
      h(
        "button.tool",
        {
          key: name,
          type: "button",
          title: `React with :${name}:`,
          "aria-label": `React with ${name.replaceAll("_", " ")}`,
          onclick: () => toggleReaction(message, name),
        },
        h("span.emoji", emojiCharacter(name)),
      ),
    ),
    tool("smile", "Add a reaction", (event) => openReactionMenu(event, message)),
    place === "channel" &&
      tool("reply", "Reply in thread", () => go(message.channel, message.thread_ts ?? message.ts)),
    tool("more", "More", (event) => openMenu(event, { kind: "message", address, message, place })),
  );
}

function tool(picture, label, act) {
  return h("button.tool", { type: "button", title: label, "aria-label": label, onclick: act }, icon(picture));
}
