"""Where every log line goes: ours through structlog, those of libraries through the standard library.

All pass one handler that writes to stderr, as text or JSON, with the ids bound in structlog's context
variables (task, worker, turn), and with secrets taken out at the very end, tracebacks included.
Never logs anything itself.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import TextIO
from urllib.parse import quote

import structlog
from structlog.typing import Processor

from bot.settings import Settings

REDACTED = "[redacted]"
#: Tokens of Slack, keys in OpenAI's form, credentials in headers and URLs, one-time URLs of Slack.
_SECRET_SHAPES = (
    r"\bx(?:ox[a-z]|app)-[\w.-]+",
    r"\bsk-[\w-]{16,}",
    r"(?<=Bearer )[^\s\"'\\,}]+",
    r"(?<=ticket=)[\w.%-]+",
    r"(?<=://)[^/@\s:\"']*:[^/@\s\"']+(?=@)",
    r"(?<=hooks\.slack\.com/)[\w./-]+",
)
#: Shorter values are words rather than secrets, and taking them out would make every line unreadable.
_SHORTEST_SECRET = 8
#: Told only from `warning` on unless the level is `debug`: they report each request.
_TALKATIVE = ("aiohttp.access", "alembic", "dbos", "httpcore2", "httpx2", "openai", "slack_bolt", "slack_sdk")


def set_up(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to `stream` (stderr unless given). Call it before any other work."""
    stream = sys.stderr if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_RedactingFormatter(settings, colors=stream.isatty()))
    for name in ("", "dbos"):
        # dbos gives its logger a handler of its own, past our redaction, unless it finds one there.
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
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
    """Patterns of each value as it is, as it stands in JSON, and as it stands in a URL; longest first."""
    forms = {
        form
        for secret in secrets
        if len(secret) >= _SHORTEST_SECRET
        for form in (
            secret,
            json.dumps(secret, ensure_ascii=False)[1:-1],
            quote(secret, safe=""),
            repr(secret)[1:-1],
        )
    }
    return [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
