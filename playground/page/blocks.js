// Block Kit: from Slack's block JSON to nodes. A block that this page can't draw, or a malformed one, shows a
// sentence in its place, and the rest of the message stays.

import { chart } from "./chart.js";
import { element } from "./elements.js";
import { h, safeAddress } from "./dom.js";
import { emojiMark, lineBreak, link, scan } from "./inline.js";
import { markdown, tableFrame } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { planCard, taskRow } from "./plan.js";
import { richText } from "./richtext.js";

const DRAW = {
  section,
  header,
  divider,
  context,
  actions,
  image,
  table,
  data_table: table,
  data_visualization: chart,
  input,
  video,
  plan,
  context_actions: actions,
  markdown: (block) => h("div.text", markdown(block.text ?? "")),
  rich_text: (block) => h("div.text", richText(block)),
  task_card: (block, place) =>
    h("ul.task-cards", taskRow(place.address, taskOf(block), block.status === "in_progress")),
  alert: (block) => h("div.alert", { "data-level": block.level ?? "default" }, textOf(block.text)),
};

/** Draw blocks. `place` is {address, act(block, element, choice), values?}: where they are and what a click does. */
export function blockList(blocks, place) {
  return h(
    "div.blocks",
    blocks.map((block, i) =>
      h("div.block", { key: block.block_id ?? i, "data-type": block.type }, safely(block, place)),
    ),
  );
}

function safely(block, place) {
  try {
    return (
      DRAW[block.type]?.(block, place) ??
      h("p.unknown-block", `This page can't show a block of type “${block.type}”.`)
    );
  } catch (error) {
    console.warn("A block could not be drawn.", block, error);
    return h("p.unknown-block", `A block of type “${block.type}” is malformed: ${error.message}`);
  }
}

/** A Slack text object, or a plain string, as nodes. */
export function textOf(text) {
  if (!text) return [];
  if (typeof text === "string") return mrkdwn(text);
  return text.type === "mrkdwn" ? mrkdwn(text.text) : plainText(text.text);
}

/** Slack's plain text, where only emoji names and line breaks have a meaning. */
export function plainText(text) {
  return scan(text, { ":": emojiMark, "\n": lineBreak });
}

function section(block, place) {
  return h(
    "div.section",
    h(
      "div.section-text.text",
      textOf(block.text),
      block.fields &&
        h(
          "dl.fields",
          block.fields.map((field) => h("div", textOf(field))),
        ),
    ),
    block.accessory && h("div.accessory", element(block, block.accessory, place)),
  );
}

function header(block) {
  return h("h3.block-header", plainText(block.text.text));
}

function divider() {
  return h("hr");
}

function context(block) {
  return h(
    "div.context",
    block.elements.map((one) =>
      one.type === "image" ? remoteImage(one, "context-image") : h("span.text", textOf(one)),
    ),
  );
}

function actions(block, place) {
  return h(
    "div.actions",
    { class: block.type },
    block.elements.map((one) => element(block, one, place)),
  );
}

function image(block) {
  return h("figure.block-image", block.title && h("figcaption", textOf(block.title)), remoteImage(block, ""));
}

/** Show an image of this origin and link any other: this page loads nothing from elsewhere. */
function remoteImage(block, size) {
  const file = block.slack_file;
  const address = safeAddress(
    file?.id ? `/page/api/files/${encodeURIComponent(file.id)}` : (file?.url ?? block.image_url ?? ""),
  );
  if (address && new URL(address).origin === location.origin)
    return h("img", { class: size, src: address, alt: block.alt_text ?? "" });
  return link(block.image_url ?? "", [block.alt_text || "Image"]);
}

function table(block) {
  const sides = (block.column_settings ?? []).map((column) =>
    ["right", "center"].includes(column?.align) ? column.align : "",
  );
  const [head = [], ...rows] = block.rows;
  const row = (cells, tag) =>
    h(
      "tr",
      cells.map((cell, i) => h(tag, { class: sides[i] ?? "" }, cellOf(cell))),
    );
  return tableFrame(
    block.caption && h("caption.unseen", block.caption),
    h("thead", row(head, "th")),
    h(
      "tbody",
      rows.map((cells) => row(cells, "td")),
    ),
  );
}

function cellOf(cell) {
  if (cell.type === "rich_text") return richText(cell);
  return cell.text ?? String(cell.value ?? "");
}

function input(block, place) {
  const many = ["checkboxes", "radio_buttons", "multi_static_select"].includes(block.element.type);
  return h(
    many ? "div.input-block" : "label.input-block",
    many ? { role: "group", "aria-label": block.label.text } : {},
    h("span.input-label", plainText(block.label.text), block.optional && h("small", " (optional)")),
    element(block, block.element, place),
    block.hint && h("small.hint", plainText(block.hint.text)),
  );
}

function video(block) {
  return h("p", link(block.title_url ?? block.video_url, [plainText(block.title.text)]));
}

function plan(block, place) {
  const rows = (block.tasks ?? []).map(taskOf);
  const title = typeof block.title === "string" ? block.title : (block.title?.text ?? "");
  return planCard(place.address, { title, rows, running: rows.some((row) => row.status === "in_progress") });
}

function taskOf(card) {
  const rich = (part) => (part && typeof part === "object" ? richText(part) : part);
  return {
    id: card.task_id ?? card.id ?? card.title,
    title: card.title ?? "",
    status: card.status ?? "pending",
    details: rich(card.details),
    output: rich(card.output),
    sources: card.sources ?? [],
  };
}
