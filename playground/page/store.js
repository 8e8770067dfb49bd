// The workspace as the server sends it: people, channels, messages, sessions, views, calls.
// `receive` is the only way to change it. It uses neither the server nor the document.

const CALLS_KEPT = 300;

export const store = {
  ready: false,
  online: false,
  team: { id: "", name: "" },
  bot: { user: "", name: "" },
  model: null,
  users: new Map(),
  channels: [],
  messages: new Map(), // channel -> messages, oldest first
  sessions: new Map(), // "channel:thread_ts" -> session
  views: new Map(),
  modals: new Map(),
  whispers: [], // {user, message}: ephemeral messages
  calls: [],
  connections: null, // null until the server sends it
  prompts: [],
};

const APPLY = {
  state: applyState,
  message: ({ message }) => upsert(message),
  deleted: ({ channel, ts }) => remove(channel, ts),
  ephemeral: ({ user, message }) => void (store.whispers = [...store.whispers, { user, message }]),
  session: ({ session }) => store.sessions.set(`${session.channel}:${session.thread_ts}`, session),
  view: ({ user, view }) => store.views.set(user, view),
  modal: ({ user, view }) => (view ? store.modals.set(user, view) : store.modals.delete(user)),
  call: (call) => void (store.calls = [...store.calls.slice(1 - CALLS_KEPT), call]),
  socket: ({ connections }) => void (store.connections = connections),
};

/** Apply one pushed object. Unknown kinds are ignored. */
export function receive(object) {
  APPLY[object.type]?.(object);
}

function applyState(state) {
  Object.assign(store, {
    ready: true,
    team: state.team,
    bot: state.bot,
    model: state.model,
    users: new Map(state.users.map((user) => [user.id, user])),
    channels: state.channels,
    messages: new Map(),
    sessions: new Map(state.sessions.map((one) => [`${one.channel}:${one.thread_ts}`, one])),
    views: new Map(Object.entries(state.views ?? {})),
    modals: new Map(Object.entries(state.modals ?? {})),
    prompts: state.prompts ?? [],
    connections: state.connections ?? store.connections,
  });
  const byChannel = Map.groupBy(state.messages, (message) => message.channel);
  for (const [channel, messages] of byChannel) store.messages.set(channel, messages.sort(byTime));
}

function upsert(message) {
  const list = store.messages.get(message.channel) ?? [];
  const at = list.findIndex((other) => other.ts === message.ts);
  const next = at < 0 ? [...list, message].sort(byTime) : list.with(at, message);
  store.messages.set(message.channel, next);
}

function remove(channel, ts) {
  const list = store.messages.get(channel) ?? [];
  store.messages.set(
    channel,
    list.filter((message) => message.ts !== ts),
  );
  store.whispers = store.whispers.filter(({ message }) => message.ts !== ts || message.channel !== channel);
}

function byTime(a, b) {
  return a.ts < b.ts ? -1 : 1;
}

/** The address of a message, its identity everywhere on this page. */
export function addressOf(message) {
  return `${message.channel}:${message.ts}`;
}

function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

/** What `me` sees in a channel: top-level messages, replies also sent to the channel, and their ephemeral messages. */
export function channelMessages(channel, me) {
  const list = (store.messages.get(channel) ?? []).filter(
    (message) => !isReply(message) || message.broadcast,
  );
  return withWhispers(list, channel, me, (message) => !isReply(message));
}

/** The replies of a thread as `me` sees them, without its first message. */
export function threadReplies(channel, thread, me) {
  const list = (store.messages.get(channel) ?? []).filter(
    (one) => one.thread_ts === thread && one.ts !== thread,
  );
  return withWhispers(list, channel, me, (message) => message.thread_ts === thread && message.ts !== thread);
}

function withWhispers(list, channel, me, belongs) {
  const mine = store.whispers
    .filter(({ user, message }) => user === me && message.channel === channel && belongs(message))
    .map(({ message }) => message);
  return mine.length ? [...list, ...mine].sort(byTime) : list;
}

export function messageAt(channel, ts) {
  return (store.messages.get(channel) ?? []).find((message) => message.ts === ts) ?? null;
}

export function isWhisper(message) {
  return store.whispers.some((whisper) => whisper.message === message);
}

export function dismissWhisper(message) {
  store.whispers = store.whispers.filter((whisper) => whisper.message !== message);
}

export function channelById(id) {
  return store.channels.find((channel) => channel.id === id) ?? null;
}

/** The channels, which all people see, and then the direct message of `me` and the bot. */
export function channelsOf(me) {
  const shared = store.channels.filter((channel) => channel.kind === "channel");
  const direct = store.channels.filter((channel) => channel.kind === "im" && channel.user === me);
  return { shared, direct };
}

export function sessionOf(channel, thread) {
  return store.sessions.get(`${channel}:${thread}`) ?? null;
}
