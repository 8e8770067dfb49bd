"""Runs untrusted Python in throwaway containers: image, warm pool, limits, files in and out, clean-up."""

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
