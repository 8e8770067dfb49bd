"""What the models are told of the sandbox: its limits, and versions once a container has named them."""

from __future__ import annotations

from agents.tools.python_tool import sandbox_facts
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox


def test_limits_are_named_before_a_container_is_ready() -> None:
    sandbox = Sandbox(SandboxLimits(timeout_seconds=45, memory_mb=512, work_mb=99, cpus=2.5))
    assert sandbox_facts(sandbox) == (
        "A program may take 45 s, 512 MiB of memory with its files, 99 MiB in /work and 2.5 cores."
    )


def test_versions_are_named_and_what_they_change() -> None:
    sandbox = Sandbox()
    sandbox.installed = {"Python": "3.12.1", "pandas": "3.1.1", "a-package-of-the-team": "2.0"}
    assert "Installed, and nothing can be added: Python 3.12.1, pandas 3.1.1, a-package-of-the-team 2.0." in (
        sandbox_facts(sandbox)
    )
    assert "copy-on-write" in sandbox_facts(sandbox)
    sandbox.installed = {"Python": "3.12.1", "pandas": "2.3.0"}
    assert "copy-on-write" not in sandbox_facts(sandbox)
