"""Runs untrusted Python in throwaway containers.

Owns the image, the containers and their limits, the supervisor inside them, the files that go in and
come out, and cleaning up. Never knows of agents, Slack or tasks.
"""

from sandbox.errors import (
    ContainerLost,
    EngineRefused,
    EngineUnavailable,
    FileRefused,
    ImageBuildFailed,
    ImageMissing,
    SandboxBusy,
    SandboxError,
)
from sandbox.job import Job, Run, Status
from sandbox.limits import SandboxLimits

__all__ = [
    "ContainerLost",
    "EngineRefused",
    "EngineUnavailable",
    "FileRefused",
    "ImageBuildFailed",
    "ImageMissing",
    "Job",
    "Run",
    "SandboxBusy",
    "SandboxError",
    "SandboxLimits",
    "Status",
]
