// Scans a line for marks, with a table of rules by first character. mrkdwn.js and markdown.js use it.
// A rule gets (text, at) and returns {nodes, end}, or null to leave the character as it is. The time is linear in
// the number of marks: closing marks are looked up, without backtracking.

import { h, safeAddress } from "./dom.js";
import { emoji, emojiCharacter } from "./emoji.js";

const WORD = /[\p{L}\p{N}]/u;
const ADDRESS_END = /[\s<>"`]/;
const TRAILING = /[.,:;!?'*_~]+$/;

/** Split text into nodes by `rules`, a map from a first character to a rule. Newlines become line breaks. */
export function scan(text, rules) {
  const out = [];
  let plain = "";
  const flush = () => {
    if (plain) out.push({ text: plain });
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const hit = rules[text[at]]?.(text, at);
    if (!hit) {
      plain += text[at++];
      continue;
    }
    flush();
    out.push(...hit.nodes);
    at = hit.end;
  }
  flush();
  return out;
}

/** A rule for text between two equal marks, such as *bold*. `draw` gets the text inside. Unless `inWord`, a mark
 *  inside a word, as in snake_case, is just a character. */
export function pair(mark, draw, inWord = false) {
  return (text, at) => {
    if (!text.startsWith(mark, at) || (!inWord && wordAt(text, at - 1))) return null;
    const end = closing(text, mark, at + mark.length, inWord);
    return end < 0 ? null : { nodes: [draw(text.slice(at + mark.length, end))], end: end + mark.length };
  };
}

function closing(text, mark, from, inWord) {
  if (!text[from] || /\s/.test(text[from])) return -1;
  const paragraph = text.indexOf("\n\n", from);
  const limit = paragraph < 0 ? text.length : paragraph;
  for (let end = text.indexOf(mark, from + 1); end >= 0 && end < limit; end = text.indexOf(mark, end + 1)) {
    const after = end + mark.length;
    if (!/\s/.test(text[end - 1]) && text[after] !== mark[0] && (inWord || !wordAt(text, after))) return end;
  }
  return -1;
}

function wordAt(text, at) {
  return at >= 0 && at < text.length && WORD.test(text[at]);
}

export function lineBreak(text, at) {
  return { nodes: [h("br")], end: at + 1 };
}

/** `code`, closed by as many backticks as it was opened with. */
export function codeSpan(text, at) {
  const mark = /^`+/.exec(text.slice(at, at + 8))[0];
  const end = text.indexOf(mark, at + mark.length);
  const inside = end < 0 ? "" : text.slice(at + mark.length, end);
  if (!inside.trim()) return null;
  return { nodes: [h("code", inside.replace(/^ (.*) $/, "$1"))], end: end + mark.length };
}

/** :name: as an emoji, if the name is known. */
export function emojiMark(text, at) {
  const name = /^:([a-z0-9_+-]+(?:::skin-tone-\d)?):/.exec(text.slice(at, at + 50))?.[1];
  return name && emojiCharacter(name) ? { nodes: [emoji(name)], end: at + name.length + 2 } : null;
}

/** A bare http(s) URL in running text. */
export function bareAddress(text, at) {
  if (!/^https?:\/\//.test(text.slice(at, at + 8)) || wordAt(text, at - 1)) return null;
  let end = at;
  while (end < text.length && !ADDRESS_END.test(text[end])) end += 1;
  let address = text.slice(at, end).replace(TRAILING, "");
  if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
  return { nodes: [link(address, [address])], end: at + address.length };
}

/** A link that opens in a new tab; what is not http(s) stays text. */
export function link(address, children) {
  const href = safeAddress(address);
  if (!href || !/^https?:/i.test(address)) return h("span", { title: address }, children);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", title: href }, children);
}
