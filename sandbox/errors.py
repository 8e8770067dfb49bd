"""The faults of the sandbox's own side; what a program did wrong is a `Run`, never an exception.

SandboxError               every one below; its text is a sentence fit for an operator
├── EngineUnavailable      Docker can't be reached, or refused a request
│   └── EngineRefused      it was reached, and refused
├── ImageMissing           the engine has no image to make a container from
├── ImageBuildFailed       making the image stopped at a step
├── ContainerLost          a container ended, or spoke nonsense, before it told its result
├── SandboxBusy            no container became free in time
└── FileRefused            a name or a size a workspace or a job can't take
"""

from __future__ import annotations


class SandboxError(Exception):
    """The sandbox could not do its part. The text says what is wrong and what to do."""


class EngineUnavailable(SandboxError):
    """Docker can't be reached, or refused a request."""


class EngineRefused(EngineUnavailable):
    """Docker was reached and refused a request."""


class ImageMissing(SandboxError):
    """The engine has no image to make a container from."""


class ImageBuildFailed(SandboxError):
    """Making the image stopped at a step."""


class ContainerLost(SandboxError):
    """A container ended, or spoke nonsense, before it told its result."""


class SandboxBusy(SandboxError):
    """No container became free in time."""


class FileRefused(SandboxError):
    """A name or a size that a workspace or a job can't take. The text is fit for the model."""
