"""Runs untrusted Python in throwaway containers.

Owns the image, the containers and their limits, the supervisor inside them, the files that go in and
come out, and cleaning up. Never knows of agents, Slack or tasks.
"""

from sandbox.errors import (
    Busy,
    ContainerLost,
    EngineRefused,
    EngineUnavailable,
    FileRefused,
    ImageBuildFailed,
    ImageMissing,
    SandboxError,
)
from sandbox.job import Job, Run, Status
from sandbox.limits import Limits

__all__ = [
    "Busy",
    "ContainerLost",
    "EngineRefused",
    "EngineUnavailable",
    "FileRefused",
    "ImageBuildFailed",
    "ImageMissing",
    "Job",
    "Limits",
    "Run",
    "SandboxError",
    "Status",
]
