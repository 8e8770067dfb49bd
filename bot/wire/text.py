"""Converts agents' Markdown to safe Slack messages.

Limits are Slack's (docs.slack.dev/reference/block-kit and /methods/chat.postMessage).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Characters of Markdown in one message. Slack accepts 12,000, including what it adds.
MESSAGE_LIMIT = 11_500
#: Blocks of one message: Slack takes 50, those below the text included.
BLOCK_LIMIT = 40
#: Characters read for a row or title, which holds 256.
_LINE_READ = 2_000
#: What notifies people when a model writes it: an entity, or a word that clients turn into one. Neither
#: `<!DOCTYPE` nor `me@here.com` does.
_NOTIFIES = re.compile(
    r"<(?=@[UWB][A-Z0-9]|!(?:channel|here|everyone|subteam)\b)"
    r"|(?<![\w.+/@-])@(?=(?:channel|here|everyone)(?![/.:-]?\w))",
    re.ASCII,
)

#: What ends a word: white space, and each character of Chinese, Japanese, Thai, Lao, Khmer and Burmese.
_UNSPACED = re.compile(
    r"[\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
)
#: A line that opens or closes a code fence (spec.commonmark.org, fenced code blocks); longer marks are text.
_FENCE = re.compile(r"\s*(?P<mark>(?P<sign>[`~])(?P=sign){2,19})(?!(?P=sign))(?P<rest>.*)", re.DOTALL)
_LONGEST_FENCE = 20
_HEADING = re.compile(r"#{1,3}[ \t]+(.*\S)")
#: A line that has no sense without the text below it: a heading of any level, or a line in bold.
_TITLE = re.compile(r"[ \t]*(?:#{1,6}[ \t].*|\*\*[^*\n]+\*\*:?)[ \t]*")
#: The line below a table's first line.
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")


def silence_mentions(markdown: str) -> str:
    """Markdown that notifies no one: a zero-width space stands in each mention. Code, in which Slack sees no
    mentions, stays as it is."""
    pieces, at = list[str](), 0
    for start, end in _prose(markdown):
        pieces += [markdown[at:start], _silence(markdown[start:end])]
        at = end
    return "".join([*pieces, markdown[at:]])


def _prose(markdown: str) -> Iterator[tuple[int, int]]:
    """Where text that is no code begins and ends."""
    for start, end in _paragraphs(markdown):
        at = start
        for code, after in _code_spans(markdown[start:end]):
            yield at, start + code
            at = start + after
        yield at, end


def _paragraphs(markdown: str) -> Iterator[tuple[int, int]]:
    """Where the paragraphs outside of code fences begin and end."""
    start, at, fence = 0, 0, ""
    for line in markdown.splitlines(keepends=True):
        after = _fence_after(line, fence)
        if fence or after or not line.strip():
            yield start, at
            start = at + len(line)
        at, fence = at + len(line), after
    yield start, at


def _silence(text: str) -> str:
    return _NOTIFIES.sub(lambda mention: mention[0] + "\u200b", text)


def _code_spans(paragraph: str) -> Iterator[tuple[int, int]]:
    """Where the code in a paragraph begins and ends: between two equally long runs of backticks
    (spec.commonmark.org, code spans)."""
    runs = [match.span() for match in re.finditer("`+", paragraph)]
    ends, closing = dict[int, int](), dict[int, int]()
    for number, (start, end) in reversed(list(enumerate(runs))):
        closing[number] = ends.get(end - start, -1)
        ends[end - start] = number
    number = 0
    while number < len(runs):
        last = closing[number]
        if last > 0:
            yield runs[number][0], runs[last][1]
        number = max(number, last) + 1


def escape(text: str) -> str:
    """Text for a mrkdwn field, where these three characters are markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def truncate(text: str, most_bytes: int = 3500) -> str:
    """Text for a notification or an edit: Slack refuses an edit of more than 4,000 bytes, counted after
    escaping."""
    data = escape(text).encode()
    if len(data) <= most_bytes:
        return data.decode()
    cut = data[:most_bytes].decode(errors="ignore")
    return re.sub(r"&[a-z]{0,3}$", "", cut) + "…"


def one_plain_line(markdown: str) -> str:
    """Markdown as plain text on one line, for rows and titles. Only the first 2,000 characters are read:
    matching Markdown in long text is slow."""
    text = re.sub(r"^[ \t]*```.*$", "", markdown.strip()[:_LINE_READ], flags=re.MULTILINE)
    text = re.sub(r"^[ \t|:-]*-[ \t|:-]*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^[ \t]*(?:#{1,6}|>|[-*+])[ \t]+", "", text, flags=re.MULTILINE)
    text = re.sub(r"^[ \t]*\|(.*)\|[ \t]*$", _cells_in_words, text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\[\]]*)\]\([^)\[]*\)", r"\1", text)
    text = re.sub(r"(\*\*|__|~~|`{1,3})(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    return silence_mentions(" ".join(text.replace("```", " ").split()))


def _cells_in_words(row: re.Match[str]) -> str:
    return ", ".join(cell.strip() for cell in row[1].split("|")) + ";"


def last_break(text: str) -> int:
    """The place after the last character at which a line may break: a space, a line break, or a letter of a
    script that is written without spaces. 0 when there is none."""
    found = _UNSPACED.search(text[::-1])
    return len(text) - found.start() if found else 0


def open_code_at(markdown: str) -> int:
    """Where a code span begins that the last paragraph does not close; else the text's length."""
    *_, (start, end) = _prose(markdown)
    found = markdown.find("`", start, end)
    return len(markdown) if found < 0 else found


def table_at(markdown: str) -> int:
    """Where the first table begins that is not inside a code fence; the text's length when there is none."""
    return next(tables(markdown), (len(markdown), 0))[0]


def tables(markdown: str) -> Iterator[tuple[int, int]]:
    """Where the tables outside of code fences begin and end."""
    at, above, fence, begun = 0, "", "", -1
    for line in markdown.splitlines(keepends=True):
        fence = _fence_after(line, fence)
        if begun >= 0 and (fence or "|" not in line):
            yield begun, at
            begun = -1
        if begun < 0 and not fence and "|" in above and _RULE.fullmatch(line.strip()):
            begun = at - len(above)
        at, above = at + len(line), line
    if begun >= 0:
        yield begun, at


def headings(markdown: str, start: int = 0) -> Iterator[str]:
    """Headings of levels 1 to 3 from character `start` on. Comments in code are no headings."""
    at, fence = 0, ""
    for line in markdown.splitlines(keepends=True):
        fence = _fence_after(line, fence)
        if at >= start and not fence and (found := _HEADING.match(line)):
            yield found[1]
        at += len(line)


def split_markdown(markdown: str, limit: int = MESSAGE_LIMIT, most_blocks: int = BLOCK_LIMIT) -> list[str]:
    """Markdown cut into messages: between paragraphs where it can. A code fence that is cut is closed in one
    part and opened again in the next; a table that is cut has its first line in both, or it would be none."""
    pieces: list[str] = []
    rest, again = markdown.strip(), ""
    while len(again) + len(rest) > limit or _block_at(rest, most_blocks) < len(rest):
        room = limit - len(again) - 1 - _LONGEST_FENCE
        cut = min(_place_to_cut(rest, room) if len(rest) > room else len(rest), _block_at(rest, most_blocks))
        cut = _before_titles(rest, cut)
        head, left = again + rest[:cut].rstrip("\n"), rest[cut:]
        fence, rest = _open_fence(head), left.lstrip("\n")
        pieces.append(f"{head}\n{_mark(fence)}" if fence else head)
        goes_on = left.startswith("\n") and "|" in left.split("\n", 2)[1]
        again = fence or (_open_table(head, limit // 4) if goes_on else "")
    return [*pieces, again + rest] if rest else pieces


def _block_at(markdown: str, number: int) -> int:
    """Where the block of this number begins, counted from 0; the text's length if it has no more blocks. A
    block is what Slack makes one of: a paragraph, a heading, a list, a table, or code."""
    at, count, is_inside, fence = 0, 0, False, ""
    for line in markdown.splitlines(keepends=True):
        was, fence = fence, _fence_after(line, fence)
        is_text = bool(line.strip())
        is_heading = not was and line.startswith("#")
        if is_text and (not is_inside or is_heading) and not was:
            if count == number:
                return at
            count += 1
        is_inside = bool(fence) or (is_text and not is_heading)
        at += len(line)
    return at


def _place_to_cut(text: str, room: int) -> int:
    for separator in ("\n\n", "\n", "。", "！", "？", " "):
        cut = text.rfind(separator, room // 2, room)
        if cut > 0:
            return cut + (not separator.isspace() or separator == " ")
    half = room // 2
    return half + (last_break(text[half:room]) or room - half)


def _before_titles(text: str, cut: int) -> int:
    """`cut`, or the place before the titles that would end the text before it."""
    kept = text[:cut].rstrip()
    while (start := kept.rfind("\n") + 1) and _TITLE.fullmatch(kept, start) and not _open_fence(kept):
        kept, cut = kept[:start].rstrip(), start
    return cut


def _open_fence(text: str) -> str:
    """The opening line of the code fence that `text` leaves open, with its line break; empty if none is."""
    fence = ""
    for line in text.splitlines():
        fence = _fence_after(line, fence)
    return fence and fence + "\n"


def _open_table(text: str, most: int) -> str:
    """The first line and the rule of the table that `text` ends in, with their line breaks; empty if it ends
    in none, or if these have more than `most` characters."""
    found, above, fence = "", "", ""
    for line in text.splitlines():
        fence = _fence_after(line, fence)
        if fence or "|" not in line:
            found = ""
        elif not found and "|" in above and _RULE.fullmatch(line.strip()):
            found = f"{above}\n{line}\n"
        above = line
    return found if len(found) <= most else ""


def _fence_after(line: str, fence: str) -> str:
    """The opening line of the fence open after `line`, where `fence` was before it; empty if none is."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    rest = found["rest"].strip()
    if fence:
        return "" if found["mark"].startswith(_mark(fence)) and not rest else fence
    return "" if found["sign"] == "`" and "`" in rest else (found["mark"] + rest)[:100]


def _mark(fence: str) -> str:
    """The signs that a fence's opening line begins with."""
    return fence[: len(fence) - len(fence.lstrip(fence[0]))]
