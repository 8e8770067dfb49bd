// The location of this tab: the address bar (#/channel, #/channel/thread, #/channel/home) and navigation.

import { openHome, openMessagesTab } from "./actions.js";
import { channelById, channelsOf, messageAt, store } from "./store.js";
import { set, ui } from "./ui.js";
import { newSince } from "./unread.js";

/** Open a conversation; `thread` opens beside it. */
export function go(channel, thread = null, tab = "messages") {
  const target = `#/${[channel, thread ?? (tab === "home" ? "home" : null)].filter(Boolean).join("/")}`;
  if (location.hash !== target) location.hash = target;
  set({ sidebar: false, switcher: null, menu: null });
}

export function closeThread() {
  const parent = ui.thread;
  go(ui.channel);
  requestAnimationFrame(() => document.querySelector(`.main [data-ts="${parent}"]`)?.focus());
}

/** Read the address bar into the view state; called at start and whenever it changes. */
export function followAddress() {
  const [, channel, rest] = location.hash.split("/");
  const moved = channel && channel !== ui.channel;
  if (moved) set({ newFrom: undefined, editing: null, completion: null });
  const tab = rest === "home" ? "home" : "messages";
  const opened = tab !== ui.tab || moved;
  set({ channel: channel || null, thread: rest && tab !== "home" ? rest : null, tab });
  if (store.ready && opened) tellBot();
}

/** The workspace has loaded: send the App Home event if the bot's conversation is open. */
export function arrive() {
  settlePlace();
  tellBot();
}

/** Opening the App Home or its messages tab sends the bot an event, as in Slack. */
function tellBot() {
  if (!isDirect()) return;
  if (ui.tab === "home") openHome();
  else openMessagesTab();
}

function isDirect() {
  return channelsOf(ui.me).direct.some((channel) => channel.id === ui.channel);
}

/** After a change of person or workspace, stay only in a conversation that this person can see. */
export function settlePlace() {
  const { shared, direct } = channelsOf(ui.me);
  if (![...shared, ...direct].some((channel) => channel.id === ui.channel)) leave(shared, direct);
  if (ui.thread && !messageAt(ui.channel, ui.thread)) ui.thread = null;
  if (ui.newFrom === undefined && !document.hidden) ui.newFrom = newSince(channelById(ui.channel));
}

/** From another person's direct conversation to one's own, from anywhere else to the first channel. */
function leave(shared, direct) {
  const wasDirect = store.channels.some((channel) => channel.id === ui.channel && channel.kind === "im");
  const next = (wasDirect ? direct[0] : null) ?? shared[0] ?? direct[0];
  const tab = wasDirect && direct.includes(next) ? ui.tab : "messages";
  Object.assign(ui, { channel: next?.id ?? null, thread: null, newFrom: undefined, tab });
  history.replaceState(null, "", `#/${ui.channel ?? ""}${tab === "home" ? "/home" : ""}`);
  tellBot();
}
