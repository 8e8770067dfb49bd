// The list of a channel's messages: days, groups by author, the "new" divider, and scrolling.

import { dayName, dayOf } from "./clock.js";
import { h, icon } from "./dom.js";
import { messageRow } from "./message.js";
import { channelMessages } from "./store.js";
import { set, ui } from "./ui.js";
import { welcome } from "./welcome.js";

const GROUP_SECONDS = 300;
const DRAWN_AT_ONCE = 200;
const NEAR_END_PX = 60;
const places = new WeakMap(); // scroller -> {atEnd: whether it follows new messages, top: the last position}

/** The messages of the open channel, newest at the bottom. */
export function channelList(channel) {
  const all = channelMessages(channel.id, ui.me);
  const shown = all.slice(-(DRAWN_AT_ONCE + (ui.earlier.get(channel.id) ?? 0)));
  return scroller(
    "channel",
    channel.id,
    all.length > shown.length && earlierButton(channel.id),
    welcome(channel, all.length === 0),
    rows(shown, "channel", ui.newFrom),
  );
}

/** A scroller that stays at its end while it is there, even if its content grows. */
export function scroller(place, key, ...children) {
  const away = ui.away?.[place] === key;
  return h(
    "div.scroll-frame",
    { key: `scroll/${key}` },
    h(
      "div.messages",
      {
        role: "region", // not a feed, which may hold articles only: there are dividers between them
        "aria-label": place === "thread" ? "Thread" : "Messages",
        "data-place": place,
        tabindex: "-1",
        ref: follow,
        onscroll: (event) => noteScroll(event.currentTarget, place, key),
      },
      h("div.messages-inner", children),
    ),
    away &&
      h(
        "button.jump",
        {
          type: "button",
          onclick: (event) => toEnd(event.currentTarget.parentElement.querySelector(".messages")),
        },
        icon("down"),
        "Latest messages",
      ),
  );
}

function follow(el) {
  places.set(el, { atEnd: true, top: 0 });
  const settle = () => places.get(el).atEnd && (el.scrollTop = el.scrollHeight);
  const observer = new ResizeObserver(settle);
  observer.observe(el);
  observer.observe(el.firstElementChild);
  settle();
}

/** Only scrolling up leaves the end; growing content does not. */
function noteScroll(el, place, key) {
  const stood = places.get(el);
  const near = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END_PX;
  const end = near || (stood.atEnd && el.scrollTop >= stood.top);
  places.set(el, { atEnd: end, top: el.scrollTop });
  const away = ui.away?.[place] === key;
  if (away === end) set({ away: { ...ui.away, [place]: end ? null : key } });
}

function toEnd(el) {
  places.set(el, { atEnd: true, top: el.scrollTop });
  el.scrollTop = el.scrollHeight;
}

/** Scroll to the end again after the person sent a message. */
export function followEnd(place) {
  const el = document.querySelector(`.messages[data-place="${place}"]`);
  if (el) toEnd(el);
}

function earlierButton(channel) {
  return h(
    "button.button.earlier",
    {
      type: "button",
      onclick: () => {
        ui.earlier.set(channel, (ui.earlier.get(channel) ?? 0) + DRAWN_AT_ONCE);
        set({});
      },
    },
    "Show earlier messages",
  );
}

/** Rows with dividers between days and before the first unread message. */
export function rows(messages, place, newFrom = null) {
  let before = null;
  let marked = false;
  return messages.flatMap((message, i) => {
    const newDay = !before || dayOf(before.ts) !== dayOf(message.ts);
    const first = !marked && newFrom !== null && message.ts > newFrom && message.user !== ui.me && i > 0;
    marked ||= first || (newFrom !== null && message.ts > newFrom);
    const grouped = !newDay && !first && continues(before, message);
    before = message;
    return [
      newDay && place === "channel" && divider(`day/${dayOf(message.ts)}`, dayName(message.ts), "day"),
      first && divider("new", "New", "new"),
      messageRow(message, { place, grouped, tabbable: i === messages.length - 1 }),
    ];
  });
}

function continues(before, message) {
  return (
    before.user === message.user &&
    before.username === message.username &&
    !message.broadcast &&
    !before.broadcast &&
    Number(message.ts) - Number(before.ts) < GROUP_SECONDS &&
    !before.reply_count
  );
}

function divider(key, label, tone) {
  return h("div.divider", { key, class: tone, role: "separator" }, h("span", label));
}
