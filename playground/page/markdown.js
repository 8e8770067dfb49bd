// Markdown as agents write it: headings, lists, tables, fences, quotes, links. Text that is still streaming
// is fine: an open fence or mark shows as far as it goes. HTML stays text.

import { codeBlock } from "./code.js";
import { h } from "./dom.js";
import { bareAddress, codeSpan, emojiMark, lineBreak, link, pair, scan } from "./inline.js";
import { reference } from "./mrkdwn.js";

const DEEPEST_NESTING = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const ITEM = /^(\s*)([-*+•]|\d{1,9}[.)])\s+(.*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const TABLE_LINE = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;

const RULES = {
  "*": firstOf(
    pair("***", (text) => h("strong", h("em", inline(text))), true),
    pair("**", (text) => h("strong", inline(text)), true),
    pair("*", (text) => h("em", inline(text)), true),
  ),
  _: firstOf(
    pair("__", (text) => h("strong", inline(text))),
    pair("_", (text) => h("em", inline(text))),
  ),
  "~": firstOf(
    pair("~~", (text) => h("s", inline(text)), true),
    pair("~", (text) => h("s", inline(text))),
  ),
  "`": codeSpan,
  "[": linkMark,
  "!": (text, at) => (text[at + 1] === "[" ? linkMark(text, at + 1) : null),
  "<": (text, at) => reference(text, at),
  "\\": (text, at) =>
    /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? { nodes: [{ text: text[at + 1] }], end: at + 2 } : null,
  ":": emojiMark,
  h: bareAddress,
  "\n": lineBreak,
};

function firstOf(...rules) {
  return (text, at) => {
    for (const rule of rules) {
      const hit = rule(text, at);
      if (hit) return hit;
    }
    return null;
  };
}

export function inline(text) {
  return scan(text, RULES);
}

/** [label](URL). An image becomes a link too: images come as files. */
function linkMark(text, at) {
  const middle = text.indexOf("](", at);
  const end = middle < 0 ? -1 : text.indexOf(")", middle);
  if (end < 0 || text.slice(at + 1, middle).includes("\n")) return null;
  const label = text.slice(at + 1, middle);
  const address = text
    .slice(middle + 2, end)
    .trim()
    .replace(/\s+"[^"]*"$/, "")
    .replace(/^<|>$/g, "");
  return { nodes: [link(address, label.includes("[") ? [label] : inline(label || address))], end: end + 1 };
}

/** Markdown as nodes. */
export function markdown(text, depth = 0) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const out = [];
  for (let at = 0; at < lines.length;) {
    const [node, next] = block(lines, at, depth);
    if (node) out.push(node);
    at = next;
  }
  return out;
}

function block(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return fence(lines, at);
  if (HEADING.test(line)) return heading(line, at);
  if (RULE.test(line)) return [h("hr"), at + 1];
  if (isTable(lines, at)) return table(lines, at);
  if (/^ {0,3}>/.test(line) && depth < DEEPEST_NESTING) return quote(lines, at, depth);
  if (ITEM.test(line) && depth < DEEPEST_NESTING) return list(lines, at, depth);
  return paragraph(lines, at);
}

function fence(lines, at) {
  const [, mark, language] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
  return [codeBlock(lines.slice(at + 1, end).join("\n"), language), end + 1];
}

function heading(line, at) {
  const [, marks, text] = HEADING.exec(line);
  return [h(`h${Math.min(marks.length + 2, 6)}`, { class: `h${marks.length}` }, inline(text)), at + 1];
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && /^ {0,3}>/.test(lines[end])) end += 1;
  const inside = lines
    .slice(at, end)
    .map((line) => line.replace(/^ {0,3}> ?/, ""))
    .join("\n");
  return [h("blockquote", markdown(inside, depth + 1)), end];
}

function list(lines, at, depth) {
  const [, lead, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const items = [];
  let end = at;
  while (end < lines.length && belongs(lines, end, lead.length, ordered)) {
    const found = ITEM.exec(lines[end]);
    if (found && found[1].length <= lead.length + 1) items.push([found[3]]);
    else
      items
        .at(-1)
        .push(lines[end].slice(Math.min(lead.length + 2, lines[end].length - lines[end].trimStart().length)));
    end += 1;
  }
  const start = ordered ? Number.parseInt(mark, 10) : undefined;
  return [
    h(
      ordered ? "ol" : "ul",
      { start },
      items.map((item) => listItem(item, depth)),
    ),
    end,
  ];
}

function belongs(lines, at, indent, ordered) {
  const line = lines[at];
  if (!line.trim()) return at + 1 < lines.length && /^\s{2,}\S/.test(lines[at + 1]);
  const found = ITEM.exec(line);
  if (found)
    return found[1].length > indent + 1 || (found[1].length >= indent && /\d/.test(found[2]) === ordered);
  return /^\s{2,}\S/.test(line) && line.length - line.trimStart().length > indent;
}

function listItem(lines, depth) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(lines[0]);
  const first = task ? task[2] : lines[0];
  const rest = lines.slice(1).join("\n").trimEnd();
  const box =
    task && h("input", { type: "checkbox", checked: task[1] !== " ", disabled: true, "aria-label": first });
  return h("li", { class: task ? "task-item" : "" }, box, inline(first), rest && markdown(rest, depth + 1));
}

function isTable(lines, at) {
  return (
    lines[at].includes("|") &&
    at + 1 < lines.length &&
    lines[at + 1].includes("-") &&
    TABLE_LINE.test(lines[at + 1].trim()) &&
    cells(lines[at]).length === cells(lines[at + 1]).length
  );
}

function table(lines, at) {
  const align = cells(lines[at + 1]).map((cell) =>
    /:$/.test(cell) ? (/^:/.test(cell) ? "center" : "right") : "",
  );
  let end = at + 2;
  while (end < lines.length && lines[end].trim() && lines[end].includes("|")) end += 1;
  const row = (line, tag) =>
    h(
      "tr",
      align.map((side, i) => h(tag, { class: side }, inline(cells(line)[i] ?? ""))),
    );
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  return [tableFrame(h("thead", row(lines[at], "th")), h("tbody", body)), end];
}

/** A table that scrolls sideways if it is wider than its message. */
export function tableFrame(...parts) {
  return h("div.table", { tabindex: "0", role: "region", "aria-label": "Table" }, h("table", parts));
}

function cells(line) {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines, end)) end += 1;
  return [h("p", inline(lines.slice(at, end).join("\n").trim())), end];
}

function startsBlock(lines, at) {
  return (
    [FENCE, HEADING, RULE, ITEM].some((pattern) => pattern.test(lines[at])) ||
    /^ {0,3}>/.test(lines[at]) ||
    isTable(lines, at)
  );
}
