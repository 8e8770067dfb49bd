// The entry point: puts the parts together, redraws after changes, and keeps the connection open.

import { actThrough } from "./actions.js";
import { h, paint } from "./dom.js";
import { keepFocus } from "./focus.js";
import { inspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { mainPane } from "./main.js";
import { typed } from "./mrkdwn.js";
import { overlays } from "./overlays.js";
import { authorOf, settleSpeaker } from "./people.js";
import { arrive, followAddress, go, settlePlace } from "./route.js";
import { sidebar } from "./sidebar.js";
import { Live } from "./socket.js";
import { channelById, channelsOf, receive, store } from "./store.js";
import { startTheme } from "./theme.js";
import { threadPane } from "./thread.js";
import { drawWith, redraw, set, ui, wide } from "./ui.js";
import { markOpenAsRead, unreadIn } from "./unread.js";

const READ_OUT_LENGTH = 300;
const MINUTE_MS = 60_000;

function draw() {
  if (store.ready) {
    settleSpeaker();
    settlePlace();
    markOpenAsRead();
  }
  document.title = title();
  keepFocus((covered) => paint(document.getElementById("app"), page(covered)));
}

function page(covered) {
  const state = { class: pageClass(), "data-online": String(store.online) };
  return h("div.page", state, h("div.beneath", { inert: covered }, panes()), overlays());
}

function panes() {
  const close = () => set({ sidebar: false });
  const shade = { key: "shade", type: "button", "aria-label": "Close the channels", onclick: close };
  return [
    h("header.unseen", h("h1", store.team.name || "Playground")),
    sidebar(),
    ui.sidebar && h("button.sidebar-shade", shade),
    mainPane(),
    ui.thread && store.ready && threadPane(),
    ui.inspector && inspector(),
  ];
}

function pageClass() {
  return [ui.thread && "with-thread", ui.inspector && "with-inspector"].filter(Boolean).join(" ");
}

function title() {
  if (!store.ready) return "Playground";
  const { shared, direct } = channelsOf(ui.me);
  const count = [...shared, ...direct].reduce((sum, channel) => sum + unreadIn(channel).count, 0);
  const channel = channelById(ui.channel);
  const name = !channel || channel.kind === "im" ? store.bot.name : `#${channel.name}`;
  return `${count ? `(${count}) ` : ""}${name} · ${store.team.name}`;
}

function onPush(object) {
  const known =
    object.type === "message" &&
    (store.messages.get(object.message.channel) ?? []).some((message) => message.ts === object.message.ts);
  const first = object.type === "state" && !store.ready;
  receive(object);
  if (first) {
    settleSpeaker();
    arrive();
  }
  if (object.type === "message" && !known) onNewMessage(object.message);
  redraw();
}

/** Open the thread of a task at its first reply, unless the person is writing something. */
function onNewMessage(message) {
  const { following } = ui;
  if (message.user !== ui.me && message.channel === ui.channel && message.text) {
    set({ announce: `${authorOf(message)}: ${typed(message.text).slice(0, READ_OUT_LENGTH)}` });
  }
  if (
    !following ||
    message.channel !== following.channel ||
    message.thread_ts !== following.ts ||
    message.user === ui.me
  )
    return;
  ui.following = null;
  const isWriting = Boolean(document.activeElement?.value);
  if (ui.channel === following.channel && !isWriting && wide.matches)
    go(following.channel, following.ts);
}

function onStatus(online) {
  store.online = online;
  redraw();
}

function start() {
  startTheme();
  drawWith(draw);
  addEventListener("hashchange", followAddress);
  addEventListener("focus", redraw);
  wide.addEventListener("change", redraw);
  document.addEventListener("visibilitychange", () => set(document.hidden ? { newFrom: undefined } : {}));
  setInterval(redraw, MINUTE_MS);
  for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault()); // a missed drop must not open the file
  listenToKeys();
  const address = new URL("/page/api/live", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const live = new Live(address.href, onPush, onStatus);
  actThrough(live);
  followAddress();
  live.start();
}

start();
