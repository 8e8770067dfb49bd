// Owns what each person has read: marks per conversation, kept in this browser across reloads.

import { channelMessages, store } from "./store.js";
import { ui } from "./ui.js";

const KEY = "playground.read";
let marks = null; // {since, "person/conversation": ts}

function load() {
  if (marks) return marks;
  try {
    marks = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    marks = {}; // somebody else's text under our key: begin anew
  }
  marks.since ??= String(Date.now() / 1000 - 2);
  return marks;
}

/** Up to where the speaker has read a conversation: a channel's id, or "channel:thread". */
function readMark(conversation) {
  return load()[`${ui.me}/${conversation}`] ?? load().since;
}

function markRead(conversation, ts) {
  if (!ts || ts <= readMark(conversation)) return;
  load()[`${ui.me}/${conversation}`] = ts;
  localStorage.setItem(KEY, JSON.stringify(marks));
}

/** {count, mentions} of messages in a channel that the speaker has not seen. Direct messages all count as mentions. */
export function unreadIn(channel) {
  const mark = readMark(channel.id);
  const fresh = channelMessages(channel.id, ui.me).filter(
    (message) => message.ts > mark && message.user !== ui.me,
  );
  const threads = (store.messages.get(channel.id) ?? []).filter(isThreadUnread);
  const called = fresh.filter((message) => channel.kind === "im" || message.text.includes(`<@${ui.me}>`));
  return { count: fresh.length + threads.length, mentions: called.length };
}

/** Where the line of what is new belongs in a channel now being looked at; null when all has been seen. */
export function newSince(channel) {
  return channel && unreadIn(channel).count ? readMark(channel.id) : null;
}

/** Whether a thread the speaker takes part in has replies they have not seen. */
export function isThreadUnread(message) {
  if (!message.reply_count || !message.latest_reply) return false;
  const mine = message.user === ui.me || message.reply_users.includes(ui.me);
  return mine && message.latest_reply > readMark(`${message.channel}:${message.ts}`);
}

/** Note that what is open now has been seen. */
export function markOpenAsRead() {
  if (document.hidden || !ui.channel || ui.tab === "home") return;
  markRead(ui.channel, channelMessages(ui.channel, ui.me).at(-1)?.ts);
  if (!ui.thread) return;
  const replies = (store.messages.get(ui.channel) ?? []).filter((message) => message.thread_ts === ui.thread);
  markRead(`${ui.channel}:${ui.thread}`, replies.at(-1)?.ts);
}
