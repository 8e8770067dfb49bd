"""Errors of the sandbox itself. What a program does wrong is a `Run`, not an exception.

SandboxError               base class; the text is a sentence for an operator
├── EngineUnavailable      Docker can't be reached, or refuses a request
│   └── EngineRefused      Docker answers, and refuses
├── ImageMissing           the engine has no image to make a container from
├── ImageBuildFailed       a build step failed
├── ContainerLost          a container ended or broke the protocol before its exit record
├── PlaceTaken             another container has this place on the engine
├── SandboxBusy            no container was free in time
├── EgressRefused          a program or worker may not reach a host
└── FileRefused            a file name or size that a workspace or job can't take
"""

from __future__ import annotations


class SandboxError(Exception):
    """Base class. The text says what is wrong and what to do."""


class EngineUnavailable(SandboxError):
    """Docker can't be reached, or refuses a request."""


class EngineRefused(EngineUnavailable):
    """Docker answers, and refuses a request."""


class ImageMissing(SandboxError):
    """The engine has no image to make a container from."""


class ImageBuildFailed(SandboxError):
    """A build step failed."""


class ContainerLost(SandboxError):
    """A container ended or broke the protocol before it sent its exit record."""


class PlaceTaken(SandboxError):
    """Another container has this place on the engine."""


class SandboxBusy(SandboxError):
    """No container was free in time."""


class FileRefused(SandboxError):
    """A file name or size that a workspace or job can't take. The text is for the model."""


class EgressRefused(SandboxError):
    """A host or an address that may not be reached. The text is for the model, and says how to allow it."""
