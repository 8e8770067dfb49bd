// Slack's rich_text: sections, lists, quotes and preformatted text with their styled pieces.

import { slackDate } from "./clock.js";
import { codeBlock } from "./code.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { link } from "./inline.js";
import { channelMention, mention } from "./mrkdwn.js";

const SECTIONS = {
  rich_text_section: (part) => h("p", pieces(part.elements)),
  rich_text_quote: (part) => h("blockquote", pieces(part.elements)),
  rich_text_preformatted: (part) => codeBlock(plain(part.elements), part.language ?? ""),
  rich_text_list: (part) =>
    h(
      part.style === "ordered" ? "ol" : "ul",
      {
        class: `indent-${Math.min(part.indent ?? 0, 6)}`,
        start: part.style === "ordered" ? (part.offset ?? 0) + 1 : undefined,
      },
      part.elements.map((item) => h("li", pieces(item.elements))),
    ),
};

const PIECES = {
  text: (piece) => broken(piece.text),
  link: (piece) => link(piece.url, [piece.text || piece.url]),
  user: (piece) => mention(piece.user_id),
  usergroup: (piece) => h("span.mention", `@${piece.usergroup_id}`),
  channel: (piece) => channelMention(piece.channel_id),
  broadcast: (piece) => h("span.mention.me", `@${piece.range}`),
  emoji: (piece) => emoji(piece.name),
  date: (piece) => h("time", slackDate(piece.timestamp, piece.format ?? "{date}")),
  color: (piece) => h("code", piece.value),
};

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

/** A rich_text object as nodes. */
export function richText(object) {
  return (object.elements ?? []).map((part) => SECTIONS[part.type]?.(part));
}

function pieces(elements = []) {
  return elements.map((piece) => styled(PIECES[piece.type]?.(piece) ?? piece.text ?? "", piece.style ?? {}));
}

function styled(node, style) {
  return Object.entries(STYLES).reduce((inner, [name, tag]) => (style[name] ? h(tag, inner) : inner), node);
}

function broken(text) {
  return text.split("\n").flatMap((line, i) => (i ? [h("br"), line] : [line]));
}

function plain(elements = []) {
  return elements.map((piece) => piece.text ?? piece.url ?? "").join("");
}
