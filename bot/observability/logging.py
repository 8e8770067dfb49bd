"""Where every log line goes: ours through structlog, those of libraries through the standard library.

All pass one handler that writes to stderr, as text or JSON, with the ids bound in structlog's context
variables (task, worker, turn), and with secrets taken out at the very end, tracebacks included.
Never logs anything itself.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterable
from typing import TextIO
from urllib.parse import unquote

import structlog
from structlog.typing import Processor

from bot.settings import Settings

REDACTED = "[redacted]"
#: Tokens of Slack, keys in OpenAI's form, credentials in headers and URLs, one-time URLs of Slack.
_SECRET_SHAPES = (
    r"\bx(?:ox[a-z]|app)-[\w.-]+",
    r"\bsk-[\w-]{16,}",
    r"(?<=Bearer )[^\s\"'\\,}]+",
    r"(?<= )(?<=bearer )(?=\S*\d)[^\s\"'\\,}]{8,}",
    r"(?<=Basic )[A-Za-z0-9+/=]{8,}",
    r"(?<==)(?i:(?<=ticket=)|(?<=password=)|(?<=secret=)|(?<=api-key=)|(?<=api_key=))[^\s\"'\\&,}]+",
    r"(?<= )(?i:(?<=api-key: )|(?<=api-key': )|(?<=api-key\": )|(?<=x-slack-signature: ))[^\s\\,}]+",
    r"(?<=://)[^/@\s:\"']*:[^/@\s\"']+(?=@)",
    r"(?<=hooks\.slack\.com/)[\w./-]+",
    r"(?<=files\.slack\.com/upload/)[\w./-]+",
)
#: Shorter values are words rather than secrets, and taking them out would make every line unreadable.
_SHORTEST_SECRET = 8
#: Told only from `warning` on unless the level is `debug`: they report each request.
_TALKATIVE = ("aiohttp.access", "alembic", "dbos", "httpcore2", "httpx2", "openai", "slack_bolt", "slack_sdk")
#: What libraries warn of although it is as it should be, told at `debug`: dbos at each stop with tasks under
#: way, and Bolt at each start, since it finds SLACK_BOT_TOKEN by itself and our client's token comes first.
_AS_IT_SHOULD_BE = ("Asyncio task cancelled for workflow or step", "As you gave `client` as well, `token`")
#: Characters by which two of its warnings are of one kind, and seconds until one of a kind is told again.
_KIND, _AGAIN = 50, 600.0


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to `stream` (stderr unless given). Call it before any other work."""
    stream = sys.stderr if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_RedactingFormatter(settings, colors=stream.isatty()))
    if level > logging.DEBUG:
        handler.addFilter(lambda record: not str(record.msg).startswith(_AS_IT_SHOULD_BE))
        handler.addFilter(_RepeatFilter())
    for name in ("", "dbos"):
        # dbos gives its logger a handler of its own, past our redaction, unless it finds one there.
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
    # Otherwise Python prints them past everything here.
    logging.captureWarnings(capture=True)
    logging.getLogger().setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_context(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


class _RepeatFilter(logging.Filter):
    """Keeps back what dbos warns of again and again: some lines a second for as long as its database is away,
    each with a statement in it, under which everything else would be lost."""

    def __init__(self) -> None:
        super().__init__()
        self._told_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name != "dbos" or record.levelno > logging.WARNING:
            return True
        kind, now = str(record.msg)[:_KIND], time.monotonic()
        if now - self._told_at.get(kind, -_AGAIN) < _AGAIN:
            return False
        self._told_at[kind] = now
        return True


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self, settings: Settings, *, colors: bool) -> None:
        self._secrets = re.compile("|".join((*_exactly(settings.secrets), *_SECRET_SHAPES)))
        as_json = settings.log_format == "json"
        super().__init__(
            foreign_pre_chain=_context(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_as_json() if as_json else [_as_text(colors)]),
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.sub(REDACTED, super().format(record))


def _context() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _as_text(colors: bool) -> Processor:
    # The plain form: a richer one shows the values of local variables, which are people's messages.
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _as_json() -> list[Processor]:
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(tracebacks),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _exactly(secrets: Iterable[str]) -> Iterable[str]:
    """Patterns of each value, however it was coded on its way into the line; longest first."""
    values = {unquote(secret) for secret in secrets if len(secret) >= _SHORTEST_SECRET}
    return ["".join(map(_coded, value)) for value in sorted(values, key=len, reverse=True)]


def _coded(character: str) -> str:
    """A character as it is, in a URL, in JSON and in Python's own form, also one inside the other: each level
    adds backslashes, of which up to nine are matched, so that no line takes long."""
    if character.isascii() and character.isalnum():
        return character
    halves = re.findall("....", character.encode("utf-16-be").hex())
    in_json = "".join(rf"\\{{1,9}}u{half}" for half in halves)
    in_url = re.escape("".join(f"%{byte:02x}" for byte in character.encode()))
    in_python = rf"\\{{1,9}}x{ord(character):02x}|\\{{1,9}}U{ord(character):08x}"
    return rf"(?i:\\{{0,9}}{re.escape(character)}|{in_json}|{in_url}|{in_python})"
