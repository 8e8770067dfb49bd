// Slack's mrkdwn: <@U…> and other references, *bold*, _italic_, ~strike~, code, quotes, :emoji:.
// Also converts a stored text back to what a person would type, for editing and copying.

import { slackDate } from "./clock.js";
import { codeBlock } from "./code.js";
import { h } from "./dom.js";
import { bareAddress, codeSpan, emojiMark, lineBreak, link, pair, scan } from "./inline.js";
import { nameOf } from "./people.js";
import { channelById } from "./store.js";
import { ui } from "./ui.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const REFERENCE = /^<([@#!]?)([^<>|\n]+)(?:\|([^<>\n]*))?>/;

const RULES = {
  "*": pair("*", (inside) => h("strong", inline(inside))),
  _: pair("_", (inside) => h("em", inline(inside))),
  "~": pair("~", (inside) => h("s", inline(inside))),
  "`": (text, at) => {
    const hit = codeSpan(text, at);
    return (
      hit && { nodes: [h("code", unescape(text.slice(at, hit.end).replace(/^`+|`+$/g, "")))], end: hit.end }
    );
  },
  "<": reference,
  "&": entity,
  ":": emojiMark,
  h: bareAddress,
  "\n": lineBreak,
};

/** Slack text as nodes: paragraphs, quotes and code blocks. */
export function mrkdwn(text) {
  const parts = text.split(/```\n?([\s\S]*?)\n?```/);
  return parts.map((part, i) => (i % 2 ? codeBlock(unescape(part)) : quotes(part.replace(/^\n|\n$/g, ""))));
}

/** One run of Slack text, without blocks. */
export function inline(text) {
  return scan(text, RULES);
}

function quotes(text) {
  const runs = [];
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>) ?/.exec(line);
    const last = runs.at(-1);
    const content = quoted ? line.slice(quoted[0].length) : line;
    if (last && last.quoted === Boolean(quoted)) last.lines.push(content);
    else runs.push({ quoted: Boolean(quoted), lines: [content] });
  }
  return runs
    .filter((run) => run.quoted || run.lines.join("").length)
    .map((run) => h(run.quoted ? "blockquote" : "p", inline(run.lines.join("\n"))));
}

function entity(text, at) {
  const found = /^&(amp|lt|gt);/.exec(text.slice(at, at + 6))?.[0];
  return found ? { nodes: [{ text: ENTITIES[found] }], end: at + found.length } : null;
}

/** A <…> reference to a person, channel, group, date or URL. Also used inside Markdown, where Slack allows it. */
export function reference(text, at) {
  const found = REFERENCE.exec(text.slice(at, at + 3100));
  if (!found) return null;
  const [whole, sign, target, label] = found;
  const node = REFERENCES[sign]?.(target, label) ?? addressReference(target, label);
  return node ? { nodes: [node], end: at + whole.length } : null;
}

const REFERENCES = {
  "@": (id) => mention(id),
  "#": (id, label) => channelMention(id, label),
  "!": (target, label) => special(target, label),
};

function addressReference(target, label) {
  if (!/^(https?:|mailto:)/i.test(target)) return null;
  return link(unescape(target), [unescape(label || target.replace(/^mailto:/, ""))]);
}

export function mention(id) {
  return h("span.mention", { class: id === ui.me ? "me" : "" }, `@${nameOf(id)}`);
}

export function channelMention(id, label) {
  const name = channelById(id)?.name ?? label ?? id;
  return channelById(id) ? h("a.mention", { href: `#/${id}` }, `#${name}`) : h("span.mention", `#${name}`);
}

function special(target, label) {
  const [kind, seconds, format] = target.split("^");
  if (kind === "date")
    return h("time", /^\d+$/.test(seconds) ? slackDate(seconds, format ?? "{date}") : (label ?? target));
  return h("span.mention", { class: "me" }, `@${label || kind}`);
}

function unescape(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (found) => ENTITIES[found]);
}

/** What a person would type to get this text. */
export function typed(text) {
  const plain = text.replace(/<([@#!]?)([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, sign, target, label) => {
    if (sign === "@") return `@${nameOf(target)}`;
    if (sign === "#") return `#${channelById(target)?.name ?? label ?? target}`;
    return sign === "!" ? `@${label || target}` : target;
  });
  return unescape(plain);
}
