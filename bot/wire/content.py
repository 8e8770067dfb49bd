"""What one Slack message says: its author's words, what it quotes, and its files.

Reads any JSON and raises nothing. People's words are in `text`, and blocks and attachments add to it; apps
often fill only one of the three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bot.wire.block_text import block_text, blocks_text, link, objects, quoted, string
from bot.wire.text import escape
from tasks.message import FileRef
from text.excerpt import excerpt
from text.sanitize import sanitize_text

#: Characters of a message's own words, and of all that it quotes. Slack cuts a text at 40,000.
LONGEST = 40_000
#: Quotes in quotes, and files of one message; what exceeds them is left out.
_DEEPEST, _MOST_FILES = 8, 50
#: Attachments, and blocks, of one message: Slack takes 100 and 50.
_MOST_PARTS = 100
#: Characters that a further quote needs, and letters by which words are known again in other markup.
_LEAST, _SHORTEST = 200, 4
#: Modes of files whose bytes Slack does not have any more.
_GONE = {"tombstone", "hidden_by_limit"}
#: Kinds of files that Slack serves as a web page.
_PAGES = {"canvas", "email", "html", "quip", "post", "space"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """In mrkdwn: `bot.wire.entities.plain_text` writes out names and links."""

    text: str = ""
    quotes: str = ""
    """Forwarded and linked messages, previews and e-mails: a header in brackets, then `> ` before each line.
    Their authors are not the message's author."""
    files: tuple[FileRef, ...] = ()

    @property
    def whole(self) -> str:
        return "\n\n".join(filter(None, [self.text, self.quotes]))


def content_of(message: object, deep: int = 0) -> MessageContent:
    """The content of a message from an event, a history or a shortcut."""
    if not isinstance(message, dict):
        return MessageContent()
    words, quotes, files = [_text(message)], list[tuple[str, str]](), list(_files(message))
    for attachment in islice(objects(message.get("attachments")), _MOST_PARTS):
        if is_quote(attachment) and deep < _DEEPEST:
            inner = _quoted_content(attachment, deep + 1)
            files += inner.files
            quotes.append((_header(attachment), inner.whole))
        elif not is_quote(attachment) and (card := _card(attachment)):
            if not _is_own(attachment, message):
                quotes.append((_header(attachment), card))
            elif not _says(words, card):
                words.append(card)
    return MessageContent(
        text=excerpt("\n".join(filter(None, words)), LONGEST),
        quotes="\n\n".join(_quotes([*quotes, *_emails(message)])),
        files=tuple(files[:_MOST_FILES]),
    )


def _quotes(found: list[tuple[str, str]]) -> Iterator[str]:
    """Headers and quoted texts, as many as there is room for. A text is cut before it is marked as a quote:
    a line that lost its mark would be the author's own."""
    left = LONGEST
    for number, (header, body) in enumerate(found):
        if left < _LEAST:
            yield f"[… {len(found) - number} more left out …]"
            return
        whole = f"{header}\n{quoted(excerpt(body, left))}".strip()
        left -= len(whole)
        yield whole


def is_quote(attachment: Mapping[str, Any]) -> bool:
    """Whether an attachment is a message: forwarded, or linked and shown below the text."""
    return any(attachment.get(name) for name in ("is_share", "is_msg_unfurl", "message_blocks"))


def speaks_of_files(message: Mapping[str, Any]) -> bool:
    """Whether a message says that it has files, even where it does not hold them."""
    blocks = objects(message.get("blocks"))
    marks = (message.get("upload"), message.get("x_files"), message.get("subtype") == "file_share")
    return any(marks) or any(block.get("type") == "file" for block in blocks)


def file_line(file: FileRef) -> str:
    """A file as one line for a model: name, kind, size, and the address of one that is not Slack's."""
    kind, outside = file.source.get("kind"), file.source.get("outside")
    parts = [
        file.name,
        kind,
        f"{file.size:,} bytes" if file.size else "",
        outside and f"outside of Slack: {outside}",
    ]
    return f"[File: {', '.join(filter(None, parts))}]"


def _text(message: Mapping[str, Any]) -> str:
    """Text, then what blocks say beyond it, then transcripts of voice clips."""
    text = string(message.get("text"))
    blocks = list(islice(objects(message.get("blocks")), _MOST_PARTS))
    by_app = bool(message.get("bot_id"))
    if not by_app and text.strip():
        # The text of a person's message is that of its rich_text block.
        blocks = [block for block in blocks if block.get("type") != "rich_text"]
    if any(block.get("type") == "markdown" for block in blocks):
        # An answer in Markdown: its text is for notifications, and a context block is its footer.
        text, blocks = "", [block for block in blocks if block.get("type") != "context"]
    said = list[str]()
    for words in map(block_text, blocks):
        if words and not _says([text, *said], words):
            said.append(words)
    # With blocks, Slack shows an app's text in notifications only.
    if by_app and said and _says(said, text[:300]):
        text = ""
    clips = [clip for file in objects(message.get("files")) if (clip := transcript(file))]
    return "\n".join(filter(None, [text, *said, *clips]))


def _says(parts: list[str], words: str) -> bool:
    """Whether the parts say these words already, in whatever markup."""
    wanted, said = _letters(words), " ".join(parts)
    return wanted in _letters(said) if len(wanted) >= _SHORTEST else words.strip() in said


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _is_own(attachment: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    """Whether an attachment is the author's own: an app's card, or a person's table."""
    if message.get("bot_id"):
        return not attachment.get("from_url")
    return not any(
        attachment.get(name) for name in ("from_url", "original_url", "author_name", "service_name")
    )


def _card(attachment: Mapping[str, Any]) -> str:
    """An app's attachment (docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments)."""

    def value(name: str) -> str:
        return string(attachment.get(name)).strip()

    title = link(value("title_link"), value("title")) if value("title_link") else value("title")
    fields = [
        ": ".join(filter(None, [string(field.get("title")), string(field.get("value"))]))
        for field in objects(attachment.get("fields"))
    ]
    said = [value("pretext"), title, value("text"), *fields]
    blocks = blocks_text(attachment.get("blocks"))
    said += [] if _says(said, blocks) else [blocks]
    return "\n".join(filter(None, said)) or value("fallback")


def _quoted_content(attachment: Mapping[str, Any], deep: int) -> MessageContent:
    inner = [one["message"] for one in objects(attachment.get("message_blocks")) if "message" in one]
    blocks = [block for one in objects(inner) for block in objects(one.get("blocks"))]
    nested = [one for part in (attachment, *objects(inner)) for one in objects(part.get("attachments"))]
    has_more = bool(blocks or nested or attachment.get("files"))
    card = {name: value for name, value in attachment.items() if not (has_more and name == "fallback")}
    files = attachment.get("files")
    content = content_of({"text": _card(card), "blocks": blocks, "attachments": nested, "files": files}, deep)
    lines = [escape(file_line(file)) for file in content.files]
    return replace(content, quotes="\n".join(filter(None, [content.quotes, *lines])))


def _header(attachment: Mapping[str, Any]) -> str:
    """Who wrote what is quoted, where and when."""

    def value(name: str) -> str:
        return " ".join(string(attachment.get(name)).split())

    if not is_quote(attachment):
        source = value("from_url") or value("original_url") or value("title_link")
        return f"[Preview of {link(source)}]" if source else "[Attachment]"
    id_, channel = value("author_id"), value("channel_id")
    author = escape(value("author_name")) or (f"<@{id_}>" if id_ else "an unknown author")
    named = value("channel_name")
    place = f"#{escape(named)}" if named else f"<#{channel}>" if channel[:1] in ("C", "G") else ""
    kind = "Forwarded message" if attachment.get("is_share") else "Linked message"
    parts = [f"{kind} by {author}", place and f"in {place}", _time(value("ts"))]
    return f"[{', '.join(filter(None, parts))}]"


def _time(ts: str) -> str:
    found = re.fullmatch(r"(\d{9,10})(?:\.\d+)?", ts)
    return f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M} UTC" if found else ""


def _emails(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for file in objects(message.get("files")):
        if file.get("filetype") == "email" and (body := string(file.get("plain_text")).strip()):
            senders = [
                string(sender.get("original") or sender.get("address"))
                for sender in objects(file.get("from"))
            ]
            subject = string(file.get("subject")) or string(file.get("title"))
            about = ", ".join(
                filter(None, [f"from {', '.join(filter(None, senders))}" if any(senders) else "", subject])
            )
            yield f"[E-mail {escape(' '.join(about.split()))}]", escape(body)


def transcript(file: Mapping[str, Any]) -> str:
    """Slack's transcript of a voice or video clip, of which it sends the beginning; empty until there is
    one."""
    words, has_more = _preview(file)
    if not words:
        return ""
    return f"[Slack's transcript of the clip {escape(_name(file))}] {escape(words)}{' …' if has_more else ''}"


def is_being_transcribed(file: Mapping[str, Any]) -> bool:
    """Whether Slack is at work on the transcript of a clip."""
    found = file.get("transcription")
    return isinstance(found, dict) and found.get("status") in ("queued", "processing")


def _preview(file: Mapping[str, Any]) -> tuple[str, bool]:
    """The beginning of a clip's transcript, and whether it goes on."""
    found = file.get("transcription")
    preview = found.get("preview") if isinstance(found, dict) else None
    if not isinstance(preview, dict):
        return "", False
    return string(preview.get("content")).strip(), bool(preview.get("has_more"))


def _files(message: Mapping[str, Any]) -> Iterator[FileRef]:
    """The files whose bytes there are; the others are left out."""
    for file in objects(message.get("files")):
        id_ = string(file.get("id"))
        if 0 < len(id_) <= 64 and file.get("mode") not in _GONE:
            yield _file_ref(file, id_)


def _file_ref(file: Mapping[str, Any], id_: str) -> FileRef:
    size, kind = file.get("size"), string(file.get("filetype"))
    is_outside = file.get("is_external") is True or file.get("mode") == "external"
    address = (
        string(file.get("external_url")) or string(file.get("url_private")) or string(file.get("permalink"))
    )
    is_page = kind in _PAGES or string(file.get("mimetype")) == "text/html"
    said, more = _preview(file)
    source = {
        "url": string(file.get("url_private_download")),
        "access": string(file.get("file_access")),
        "mode": string(file.get("mode")),
        "kind": string(file.get("pretty_type")) or kind,
        "outside": address if is_outside else "",
        "page": is_page,
        "untranscribed": isinstance(file.get("transcription"), dict) and (not said or more),
    }
    return FileRef(
        id=id_,
        name=sanitize_text(_name(file)) + (".html" if is_page and not _has_ending(_name(file)) else ""),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else 0,
        source={name: value for name, value in source.items() if value},
    )


def _name(file: Mapping[str, Any]) -> str:
    return string(file.get("name")) or string(file.get("title")) or string(file.get("id"))


def _has_ending(name: str) -> bool:
    return name.lower().endswith((".html", ".htm"))
