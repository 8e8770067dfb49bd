"""The log of tests: structlog's defaults, with plain tracebacks."""

from __future__ import annotations

import logging

import structlog


def configure_plain_log() -> None:
    """Log to stdout as structlog does by default, but without rich's tracebacks: one takes seconds of CPU.

    Unless dbos finds a handler at its logger, it adds one for the stderr of that moment, which is closed with
    the test that captures it. Pytest shows what dbos logs.
    """
    logging.getLogger("dbos").handlers = [logging.NullHandler()]
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
