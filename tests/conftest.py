"""What all tests share: fixtures of databases and sandboxes, the profile of Hypothesis, pytest's workers."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.databases", "tests.support.sandboxes"]

# A busy machine is no fault of the code.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")

# A background job or a CI runner ignores Ctrl-C, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Workers of `-n auto`. Most of a test is waiting, so three share a core."""
    return 3 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "run_code" in getattr(item, "fixturenames", ()):
            # Their sandbox lives on the session's event loop.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
