// The composer: its box, keys, attachments, and sending. Drafts stay with their conversation.

import { post, slash } from "./actions.js";
import { iconButton } from "./button.js";
import { completionKey, completionList, noteTyping } from "./completion.js";
import { h, icon } from "./dom.js";
import { emojiCharacter } from "./emoji.js";
import { startEditing } from "./editor.js";
import { followEnd } from "./messages.js";
import { store } from "./store.js";
import { notice, openMenu, redraw, set, ui } from "./ui.js";
import { attach, attachmentList, draftOf, uploadedIds } from "./uploads.js";

const COMMAND = /^\/([a-z][\w-]*)(?:\s+([\s\S]*))?$/;

/** The composer of a channel, or of a thread in it. */
export function composer(channel, thread = null) {
  const conversation = thread ? `${channel.id}:${thread}` : channel.id;
  const draft = draftOf(conversation);
  const accept = (item) => complete(conversation, item);
  const send = () => sendDraft(channel, thread, conversation);
  return h(
    "form.composer",
    {
      key: `composer/${conversation}`,
      class: ui.dropping === conversation ? "dropping" : "",
      onsubmit: (event) => {
        event.preventDefault();
        send();
      },
    },
    completionList(conversation, accept),
    h(
      "div.composer-box",
      attachmentList(draft),
      h(
        "div.composer-text",
        h("div.mirror", { "aria-hidden": "true" }, `${draft.text}\u200b`),
        box(channel, thread, conversation, send, accept),
      ),
      toolbar(channel, thread, conversation, draft),
    ),
  );
}

function box(channel, thread, conversation, send, accept) {
  const draft = draftOf(conversation);
  const open = ui.completion?.conversation === conversation;
  const label = thread ? "Reply…" : `Message ${channel.kind === "im" ? store.bot.name : `#${channel.name}`}`;
  return h("textarea", {
    rows: 1,
    value: draft.text,
    placeholder: label,
    "aria-label": label,
    "data-conversation": conversation,
    enterkeyhint: "send",
    "aria-autocomplete": "list",
    "aria-controls": open ? "completion" : undefined,
    "aria-activedescendant": open ? `completion-${ui.completion.index}` : undefined,
    ref: (el) => matchMedia("(pointer: fine)").matches && el.focus({ preventScroll: true }),
    oninput: (event) => {
      draft.text = event.target.value;
      noteTyping(conversation, event.target);
    },
    onblur: () => ui.completion && set({ completion: null }),
    onpaste: (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      attach(draft, event.clipboardData.files);
    },
    onkeydown: (event) => completionKey(event, accept) || boxKey(event, channel, thread, send),
  });
}

function boxKey(event, channel, thread, send) {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && event.target.value === "") {
    event.preventDefault();
    editLast(channel, thread);
  }
}

/** Up in an empty box edits the person's last message there, as in Slack. */
function editLast(channel, thread) {
  const here = (store.messages.get(channel.id) ?? []).filter((message) =>
    thread ? message.thread_ts === thread : !message.thread_ts || message.thread_ts === message.ts,
  );
  const mine = here.findLast((message) => message.user === ui.me);
  if (mine) startEditing(mine, thread ? "thread" : "channel");
}

function toolbar(channel, thread, conversation, draft) {
  const ready = draft.text.trim() || draft.files.length;
  const pick = (name) => insert(conversation, emojiCharacter(name));
  return h(
    "div.composer-tools",
    fileInput(draft),
    iconButton("clip", "Attach files", (event) => event.currentTarget.previousElementSibling.click()),
    iconButton("smile", "Emoji", (event) => openMenu(event, { kind: "emoji", address: conversation, pick })),
    iconButton("at", "Mention someone", () => insert(conversation, "@")),
    thread && broadcastBox(channel, draft),
    h("span.grow"),
    h("small.hint", h("kbd", "Enter"), " sends, ", h("kbd", "Shift Enter"), " new line"),
    h("button.send", { type: "submit", title: "Send", "aria-label": "Send", disabled: !ready }, icon("send")),
  );
}

function fileInput(draft) {
  const onchange = (event) => {
    attach(draft, event.target.files);
    event.target.value = ""; // so that the same file can be chosen again
  };
  return h("input.unseen", { type: "file", multiple: true, tabindex: "-1", "aria-hidden": "true", onchange });
}

function broadcastBox(channel, draft) {
  const onchange = (event) => {
    draft.broadcast = event.target.checked;
  };
  return h(
    "label.also",
    h("input", { type: "checkbox", checked: Boolean(draft.broadcast), onchange }),
    h("span", channel.kind === "im" ? "Also to the conversation" : `Also to #${channel.name}`),
  );
}

/** Drop handlers of a pane: a file dropped on it is attached to its conversation's draft. */
export function dropTarget(conversation) {
  return {
    ondragover: (event) => {
      event.preventDefault();
      if (ui.dropping !== conversation) set({ dropping: conversation });
    },
    ondragleave: (event) => event.currentTarget.contains(event.relatedTarget) || set({ dropping: null }),
    ondrop: (event) => {
      event.preventDefault();
      set({ dropping: null });
      attach(draftOf(conversation), event.dataTransfer.files);
    },
  };
}

export function boxOf(conversation) {
  return document.querySelector(`textarea[data-conversation="${CSS.escape(conversation)}"]`);
}

/** Insert text at the caret of a conversation's box, as if typed. */
export function insert(conversation, text) {
  const el = boxOf(conversation);
  const before = el.value.slice(0, el.selectionStart);
  replace(
    conversation,
    el.selectionStart,
    el.selectionEnd,
    /^@$/.test(text) && /\S$/.test(before) ? ` ${text}` : text,
  );
  noteTyping(conversation, el);
}

function complete(conversation, item) {
  const { from } = ui.completion;
  replace(conversation, from, boxOf(conversation).selectionStart, `${item.insert} `);
  set({ completion: null });
}

function replace(conversation, from, to, text) {
  const el = boxOf(conversation);
  el.focus();
  el.setRangeText(text, from, to, "end");
  draftOf(conversation).text = el.value;
  redraw();
}

async function sendDraft(channel, thread, conversation) {
  const { text, files, broadcast } = draftOf(conversation);
  if (!text.trim() && !files.length) return;
  if (files.some((item) => item.error))
    return notice("A file could not be uploaded. Remove it or attach it again.");
  const command = COMMAND.exec(text.trim());
  if (command && thread)
    return notice(`Slack has no slash commands in threads. Write /${command[1]} in the channel.`);
  ui.drafts.delete(conversation);
  set({ completion: null });
  followEnd(thread ? "thread" : "channel");
  const answer = command
    ? await slash(channel.id, `/${command[1]}`, command[2] ?? "")
    : await post(channel.id, thread, text.trim(), await uploadedIds(files), broadcast);
  if (answer === null) return restore(conversation, { text, files, broadcast });
  if (answer.notice) notice(answer.notice, "good");
  if (!thread && answer.ts) ui.following = { channel: channel.id, ts: answer.ts };
}

function restore(conversation, draft) {
  if (draftOf(conversation).text === "") ui.drafts.set(conversation, draft);
  redraw();
}
