// A parser for comma-, semicolon- or tab-separated text, as far as a preview needs it.

/** The first `limit` rows as lists of cells. Quoted cells may hold separators, newlines and doubled quotes. */
export function parseCsv(text, limit) {
  const separator = separatorOf(text.slice(0, text.search(/[\r\n]|$/)));
  const rows = [];
  let row = [];
  for (let at = 0; at < text.length && rows.length < limit;) {
    const [cell, end] = text[at] === '"' ? quoted(text, at + 1) : bare(text, at, separator);
    row.push(cell);
    if (text[end] === separator) {
      at = end + 1;
      continue;
    }
    if (row.some((one) => one !== "")) rows.push(row);
    row = [];
    at = end + (text.startsWith("\r\n", end) ? 2 : 1);
  }
  return rows;
}

function separatorOf(line) {
  const count = (mark) => line.split(mark).length;
  return [",", ";", "\t"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

function bare(text, at, separator) {
  let end = at;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return [text.slice(at, end), end];
}

function quoted(text, at) {
  let cell = "";
  let from = at;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) return [cell + text.slice(from), text.length];
    cell += text.slice(from, end);
    if (text[end + 1] !== '"') return [cell, end + 1];
    cell += '"';
    from = end + 2;
  }
}
