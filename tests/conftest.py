"""What all tests share: fixtures of databases and sandboxes, the profile of Hypothesis, pytest's workers."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.support.logs import configure_plain_log

configure_plain_log()

pytest_plugins = [
    "tests.support.databases",
    "tests.support.sandboxes",
    "tests.support.buckets",
    "tests.support.egress",
]

# A busy machine is no fault of the code.
# More examples: pytest --hypothesis-profile=many, as `make soak` runs it.
settings.register_profile("few", deadline=None, max_examples=40)
settings.register_profile("many", deadline=None, max_examples=1000)
settings.load_profile("few")

# A background job or a CI runner ignores Ctrl-C, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int | None:
    """Workers: two for each core with `-n auto`, since a test waits half of its time."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # pytest-xdist reads it
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Leave the modules and tests, a quarter of a million objects, out of garbage collection."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "shared_sandbox" in names:
            # Their sandbox lives on the session's event loop.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if "own_postgres" in names:
            item.add_marker(pytest.mark.xdist_group("own PostgreSQL"))
        if "browser" in names:
            # Chromium starts slowly: two workers have one, each for about half of the tests.
            item.add_marker(pytest.mark.xdist_group(f"Chromium {len(item.path.name) % 2}"))


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Undoes `bot.observability.logging.configure_logging`, which configures the whole process."""
    root = logging.getLogger()
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    configure_plain_log()
    structlog.contextvars.clear_contextvars()
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)
    logging.captureWarnings(capture=False)
