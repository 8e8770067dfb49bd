// What each person has read: a mark per conversation, stored in this browser.

import { channelMessages, store } from "./store.js";
import { ui } from "./ui.js";

const KEY = "playground.read";
let marks = null; // {since, "person/conversation": ts}

function load() {
  if (marks) return marks;
  try {
    marks = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    marks = {}; // not our format: start over
  }
  marks.since ??= String(Date.now() / 1000 - 2);
  return marks;
}

/** The speaker's read mark in a conversation: a channel's id, or "channel:thread". */
function readMark(conversation) {
  return load()[`${ui.me}/${conversation}`] ?? load().since;
}

function markRead(conversation, ts) {
  if (!ts || ts <= readMark(conversation)) return;
  load()[`${ui.me}/${conversation}`] = ts;
  localStorage.setItem(KEY, JSON.stringify(marks));
}

/** {count, mentions} of the speaker's unread messages in a channel. Direct messages all count as mentions. */
export function unreadIn(channel) {
  const mark = readMark(channel.id);
  const fresh = channelMessages(channel.id, ui.me).filter(
    (message) => message.ts > mark && message.user !== ui.me,
  );
  const threads = (store.messages.get(channel.id) ?? []).filter(isThreadUnread);
  const called = fresh.filter((message) => channel.kind === "im" || message.text.includes(`<@${ui.me}>`));
  return { count: fresh.length + threads.length, mentions: called.length };
}

/** Where the "new" divider belongs in an open channel; null if everything is read. */
export function newSince(channel) {
  return channel && unreadIn(channel).count ? readMark(channel.id) : null;
}

/** Whether a thread of the speaker has unread replies. */
export function isThreadUnread(message) {
  if (!message.reply_count || !message.latest_reply) return false;
  const mine = message.user === ui.me || message.reply_users.includes(ui.me);
  return mine && message.latest_reply > readMark(`${message.channel}:${message.ts}`);
}

/** Mark what is open now as read. */
export function markOpenAsRead() {
  if (document.hidden || !ui.channel || ui.tab === "home") return;
  markRead(ui.channel, channelMessages(ui.channel, ui.me).at(-1)?.ts);
  if (!ui.thread) return;
  const replies = (store.messages.get(ui.channel) ?? []).filter((message) => message.thread_ts === ui.thread);
  markRead(`${ui.channel}:${ui.thread}`, replies.at(-1)?.ts);
}
