// The content of a message: its plan, streamed or written text, blocks and files, in Slack's order.

import { click } from "./actions.js";
import { blockList } from "./blocks.js";
import { h, icon } from "./dom.js";
import { fileList } from "./files.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { planCard } from "./plan.js";
import { addressOf } from "./store.js";

const ENDINGS = { stopped: "Stopped", broken: "This message is incomplete: its stream broke off" };

/** A message's content as nodes. If it can't be drawn, its plain text is shown. */
export function content(message) {
  try {
    return draw(message);
  } catch (error) {
    console.warn("A message could not be drawn.", message, error);
    return h("div.text", h("p", message.text || message.markdown || "This message could not be drawn."));
  }
}

function draw(message) {
  const { stream, blocks, attachments, files } = message;
  const address = addressOf(message);
  return [
    stream &&
      stream.rows.length > 0 &&
      planCard(address, { ...stream, running: stream.state === "streaming" }),
    written(message),
    blocks.length > 0 &&
      blockList(blocks, { address, act: (block, one, choice) => act(message, block, one, choice) }),
    attachments.map((one, i) => attachment(one, `attachment ${i}`)),
    files.length > 0 && fileList(files, address),
    stream &&
      ENDINGS[stream.state] &&
      h(
        "p.ending",
        { class: stream.state },
        icon(stream.state === "stopped" ? "stop" : "warning"),
        ENDINGS[stream.state],
      ),
  ];
}

/** What an app or a forward adds to a message. A click in it reaches no one. */
function attachment({ author_name, title, text, fields = [], blocks = [], footer }, key) {
  return h(
    "div.attached",
    { key },
    author_name && h("strong", author_name),
    title && h("strong", mrkdwn(title)),
    text && h("div.text", mrkdwn(text)),
    fields.map((field) => h("p", h("strong", field.title ?? ""), " ", mrkdwn(field.value ?? ""))),
    blocks.length > 0 && blockList(blocks, { address: key, act: () => {} }),
    footer && h("small", footer),
  );
}

/** Blocks replace Slack's text, which is then their fallback. Markdown and streams are shown beside them. */
function written(message) {
  const { stream, markdown: source, text, blocks } = message;
  const streaming = stream?.state === "streaming";
  const typing = streaming && h("span.caret", { "aria-hidden": "true" });
  if (source) return h("div.text", { "aria-busy": streaming }, markdown(source), typing);
  if (stream)
    return streaming && !stream.rows.length && h("div.text", h("p.waiting", h("i"), h("i"), h("i")));
  if (!text || blocks.length) return null;
  return h("div.text", mrkdwn(text), message.edited && h("small.edited", " (edited)"));
}

function act({ channel, ts }, block, one, choice) {
  return click({ channel, ts }, { block_id: block.block_id, action_id: one.action_id, ...choice });
}
