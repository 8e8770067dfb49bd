// Files in messages: images inline, small previews of tables and texts, cards for the rest, the large view.

import { iconButton } from "./button.js";
import { codeBlock } from "./code.js";
import { parseCsv } from "./csv.js";
import { h, icon } from "./dom.js";
import { tableFrame } from "./markdown.js";
import { bump, set, ui } from "./ui.js";

const PREVIEW_BYTES = 65536;
const PREVIEW_ROWS = 6;
const PREVIEW_COLUMNS = 8;
const PREVIEW_LINES = 10;
const TEXT_NAME = /\.(txt|md|py|js|ts|json|jsonl|log|sql|ya?ml|toml|html?|css|sh|xml|ini)$/i;
const previews = new Map(); // file id -> text, or null while it loads

/** The files of a message. `address` is the message to redraw when a preview has loaded. */
export function fileList(files, address) {
  const pictures = files.filter(isPicture);
  const others = files.filter((file) => !isPicture(file));
  return h(
    "div.files",
    pictures.length > 0 && h("div.pictures", pictures.map(picture)),
    others.map((file) => card(file, address)),
  );
}

export function isPicture(file) {
  return /^image\/(png|jpe?g|gif|webp|svg\+xml|avif|bmp)$/.test(file.mimetype ?? "");
}

function isCsv(file) {
  return /csv|tab-separated/.test(file.mimetype ?? "") || /\.(csv|tsv)$/i.test(file.name);
}

function isText(file) {
  return /^text\/|json|python|javascript|yaml/.test(file.mimetype ?? "") || TEXT_NAME.test(file.name);
}

function picture(file) {
  return h(
    "figure.picture",
    { key: file.id },
    h("figcaption", file.title || file.name, downloadLink(file)),
    h(
      "button.picture-open",
      {
        type: "button",
        "aria-label": `Show ${file.title || file.name} large`,
        onclick: () => set({ picture: file }),
      },
      h("img", { src: file.url, alt: file.title || file.name, decoding: "async" }),
    ),
  );
}

function downloadLink(file) {
  return h(
    "a.icon-button",
    { href: file.url, download: file.name, title: "Download", "aria-label": `Download ${file.name}` },
    icon("download"),
  );
}

function card(file, address) {
  return h(
    "div.file",
    { key: file.id },
    h(
      "div.file-head",
      h("span.file-kind", { class: isCsv(file) ? "sheet" : "" }, extension(file)),
      h(
        "span.grow",
        h("strong", file.title || file.name),
        h("small", `${kindName(file)} · ${readableSize(file.size)}`),
      ),
      downloadLink(file),
    ),
    (isCsv(file) || isText(file)) && preview(file, previewOf(file, address)),
  );
}

function preview(file, text) {
  return h("div.preview", text && (isCsv(file) ? sheet(text) : excerpt(text)));
}

/** The beginning of a file's text; null while it loads, "" if it can't be loaded. */
function previewOf(file, address) {
  if (!previews.has(file.id)) {
    previews.set(file.id, null);
    fetchText(file).then((text) => {
      previews.set(file.id, text);
      bump(address);
    });
  }
  return previews.get(file.id);
}

async function fetchText(file) {
  try {
    const answer = await fetch(file.url);
    return answer.ok ? await (await answer.blob()).slice(0, PREVIEW_BYTES).text() : "";
  } catch {
    return ""; // no preview: the card has the download
  }
}

function sheet(text) {
  const [head = [], ...rows] = parseCsv(text, PREVIEW_ROWS + 1);
  const all = text.split("\n").filter((line) => line.trim()).length - 1;
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => isNumber(row[i] ?? "")));
  const line = (row, tag) =>
    h(
      "tr",
      row.slice(0, PREVIEW_COLUMNS).map((cell, i) => h(tag, { class: numeric[i] ? "right" : "" }, cell)),
    );
  const more = [
    all > rows.length && `${all - rows.length} more rows`,
    head.length > PREVIEW_COLUMNS && `${head.length - PREVIEW_COLUMNS} more columns`,
  ];
  return [
    tableFrame(
      h("thead", line(head, "th")),
      h(
        "tbody",
        rows.map((row) => line(row, "td")),
      ),
    ),
    h("small.preview-more", more.filter(Boolean).join(" · ")),
  ];
}

function isNumber(cell) {
  return cell.trim() !== "" && !Number.isNaN(Number(cell));
}

function excerpt(text) {
  const lines = text.split("\n");
  const more = lines.length - PREVIEW_LINES;
  return [
    codeBlock(lines.slice(0, PREVIEW_LINES).join("\n").trimEnd()),
    more > 0 && h("small.preview-more", `${more} more lines`),
  ];
}

function extension(file) {
  const found = /\.([a-z0-9]{1,5})$/i.exec(file.name);
  return (found?.[1] ?? "file").toUpperCase();
}

function kindName(file) {
  if (isCsv(file)) return "Table";
  return isText(file) ? "Text" : file.mimetype || "File";
}

export function readableSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** The image shown over the whole page. */
export function largePicture() {
  const file = ui.picture;
  const close = () => set({ picture: null });
  return h(
    "div.lightbox",
    {
      role: "dialog",
      "aria-modal": true,
      "aria-label": file.name,
      onclick: (event) => event.target === event.currentTarget && close(),
    },
    h(
      "header",
      h("span.grow", h("strong", file.title || file.name), h("small", readableSize(file.size))),
      downloadLink(file),
      iconButton("close", "Close", close, { title: "Close (Esc)", ref: (el) => el.focus() }),
    ),
    h("img", { src: file.url, alt: file.title || file.name, onclick: close }),
  );
}
