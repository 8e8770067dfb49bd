// The thread beside the channel: its root, the replies, and the bot's status there, with Stop.

import { iconButton } from "./button.js";
import { stop } from "./actions.js";
import { composer, dropTarget } from "./composer.js";
import { h, icon } from "./dom.js";
import { messageRow } from "./message.js";
import { rows, scroller } from "./messages.js";
import { closeThread } from "./route.js";
import { channelById, messageAt, sessionOf, store, threadReplies } from "./store.js";
import { ui, wide } from "./ui.js";

export function threadPane() {
  const { channel, thread } = ui;
  const first = messageAt(channel, thread);
  const replies = threadReplies(channel, thread, ui.me);
  const place = channelById(channel);
  return h(
    "section.thread",
    { role: wide.matches ? "complementary" : "main", "aria-label": "Thread", ...dropTarget(`${channel}:${thread}`) },
    h(
      "header.pane-head",
      h("div.grow", h("h2", "Thread"), h("small", place.kind === "im" ? store.bot.name : `# ${place.name}`)),
      iconButton("close", "Close thread", closeThread, { title: "Close thread (Esc)" }),
    ),
    scroller(
      "thread",
      `${channel}:${thread}`,
      first && messageRow(first, { place: "thread", tabbable: replies.length === 0 }),
      replies.length > 0 &&
        h(
          "div.divider.count",
          { key: "count", role: "separator" },
          h("span", replies.length === 1 ? "1 reply" : `${replies.length} replies`),
        ),
      rows(replies, "thread"),
    ),
    sessionLine(sessionOf(channel, thread)),
    composer(place, thread),
  );
}

/** The bot's status in a thread; nothing if it is idle. */
function sessionLine(session) {
  if (!session || !(session.text || ["processing", "suspended"].includes(session.status))) return null;
  const waiting = session.status === "suspended";
  const text = session.text
    ? `${store.bot.name} ${session.text}`
    : `${store.bot.name} ${waiting ? "is waiting for an answer" : "is working"}`;
  return h(
    "div.session",
    { key: "session", role: "status", "data-status": session.status },
    waiting ? icon("ring") : h("span.status.spin"),
    h("span.grow", h("strong", text), session.title && h("small", session.title)),
    session.can_stop &&
      !waiting &&
      h(
        "button.button.stop",
        {
          type: "button",
          onclick: () => stop(session.channel, session.thread_ts),
        },
        icon("stop"),
        "Stop",
      ),
  );
}
