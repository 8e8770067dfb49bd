"""Configures logging: our lines through structlog, libraries' lines through the standard library.

One handler writes all of them to stderr, as text or JSON, with the ids in structlog's context variables
(task, worker, turn). It redacts secrets last, tracebacks included.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import TextIO

import structlog
from structlog.typing import Processor

from bot.observability.audit import LOGGER, AuditFile
from bot.settings import Settings
from bot.settings.redaction import REDACTED, secret_patterns

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
#: Logged from `warning` on unless the level is `debug`: they report each request.
_TALKATIVE = ("aiohttp.access", "alembic", "dbos", "httpcore2", "httpx2", "openai", "slack_bolt", "slack_sdk")
#: Warnings about normal events, logged at `debug` only: dbos warns at each stop with running tasks, Bolt at
#: each start, because it finds SLACK_BOT_TOKEN itself and prefers our client, and slack_sdk when a connection
#: ends before a ping, which `bot.wire.outage_log` reports if it lasts.
_HARMLESS_WARNINGS = (
    "Asyncio task cancelled for workflow or step", "As you gave `client` as well, `token`",
    "Failed to send a ping message",
)  # fmt: skip
#: Characters that make two warnings of dbos the same kind, and seconds between two of a kind.
_KIND, _AGAIN = 50, 600.0


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to `stream` (default: stderr). Call this first."""
    stream = sys.stderr if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_RedactingFormatter(settings, colors=stream.isatty()))
    if level > logging.DEBUG:
        handler.addFilter(lambda record: not str(record.msg).startswith(_HARMLESS_WARNINGS))
        handler.addFilter(_RepeatFilter())
    for name in ("", "dbos"):
        # dbos gives its logger a handler of its own, past our redaction, unless it finds one there.
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
    audit = logging.getLogger(LOGGER)
    audit.handlers[:], audit.propagate, audit.level = [logging.NullHandler()], False, logging.INFO
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


def open_audit_log(settings: Settings) -> None:
    """Write the audit log to its file, if one is set. Raises `OSError` when it can't be opened."""
    if settings.audit_file is not None:
        file = AuditFile(settings.audit_file, _RedactingFormatter(settings, as_json=True))
        logging.getLogger(LOGGER).handlers[:] = [file]


class _RepeatFilter(logging.Filter):
    """Suppresses repeated warnings of dbos, which logs several lines a second while its database is down."""

    def __init__(self) -> None:
        super().__init__()
        self._logged_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name != "dbos" or record.levelno > logging.WARNING:
            return True
        kind, now = str(record.msg)[:_KIND], time.monotonic()
        if now - self._logged_at.get(kind, -_AGAIN) < _AGAIN:
            return False
        self._logged_at[kind] = now
        return True


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self, settings: Settings, *, colors: bool = False, as_json: bool | None = None) -> None:
        self._secrets = re.compile("|".join((*secret_patterns(settings.secrets), *_SECRET_SHAPES)))
        as_json = settings.log_format == "json" if as_json is None else as_json
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
