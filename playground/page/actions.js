// The requests of the page: each function sends one as the current speaker and shows a refusal as a notice.
// The store changes when the server pushes the change, not here.

import { notice, ui } from "./ui.js";

let live = null;

/** Set the connection for requests; app.js calls it once. */
export function actThrough(connection) {
  live = connection;
}

/** Resolves to the server's answer, or to null after showing the refusal. */
async function ask(body) {
  try {
    return await live.request({ user: ui.me, ...body });
  } catch (error) {
    notice(error.message);
    return null;
  }
}

export const post = (channel, thread, text, files, broadcast) =>
  ask({
    do: "post",
    channel,
    ...(thread && { thread_ts: thread }),
    text,
    files,
    ...(broadcast && { broadcast }),
  });
export const edit = ({ channel, ts }, text) => ask({ do: "edit", channel, ts, text });
export const remove = ({ channel, ts }) => ask({ do: "delete", channel, ts });
export const stop = (channel, thread) => ask({ do: "stop", channel, thread_ts: thread });
export const slash = (channel, command, text) => ask({ do: "slash", channel, command, text });
export const shortcut = ({ channel, ts }, callback) =>
  ask({ do: "shortcut", channel, ts, callback_id: callback });
export const openHome = () => ask({ do: "home" });
export const openMessagesTab = () => ask({ do: "messages_tab" });
export const click = (place, action) => ask({ do: "click", ...place, ...action });
export const killBot = () => ask({ do: "kill_bot" });
export const submit = (view, values) => ask({ do: "submit", view_id: view, values });
export const closeView = (view) => ask({ do: "close", view_id: view });

/** Add my reaction, or remove it. */
export function toggleReaction({ channel, ts, reactions }, name) {
  const given = reactions.some((one) => one.name === name && one.users.includes(ui.me));
  return ask({ do: given ? "unreact" : "react", channel, ts, name });
}

/** Upload one file as the current speaker. Resolves to the protocol's File; rejects with a sentence. */
export async function upload(file) {
  const query = new URLSearchParams({ user: ui.me, name: file.name || "pasted.png" });
  const answer = await fetch(`/page/api/files?${query}`, {
    method: "POST",
    body: file,
    headers: { "Content-Type": file.type || "application/octet-stream" },
  });
  const body = await answer
    .json()
    .catch(() => ({ error: `The server answered ${answer.status} without a reason.` }));
  if (!body.ok) throw new Error(body.error ?? `${file.name} could not be uploaded.`);
  return body.file;
}
