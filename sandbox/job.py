"""What goes into a sandbox and what comes out: plain values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How a run ended. Exactly one of these, decided by what was measured from outside the code."""

    OK = "ok"  # the program exited with 0
    ERROR = "error"  # the program exited with another code, an uncaught exception among them
    SIGNAL = "signal"  # the program was killed by a signal of its own making (a segmentation fault, abort)
    TIMEOUT = "timeout"  # the wall-clock limit was reached
    OOM = "oom"  # the memory limit was reached
    OUTPUT_FLOOD = "output_flood"  # the program printed more than the limit allows
    INFRASTRUCTURE = "infrastructure"  # our side failed: engine, image, disk. Never the code's fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One Python program and the files it finds in its working directory `/work`."""

    code: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Contents by path relative to `/work`, `/` between the parts; parents are made."""
    timeout: float | None = None
    """Wall-clock seconds above 0; None takes the limit of the sandbox, a larger value is cut to it."""
    state: bytes | None = None
    """Variables of an earlier program, `Run.state`; empty: none yet. None: none go in and none come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one job did, as measured."""

    status: Status
    exit_code: int | None
    """The program's exit code; None unless it exited by itself."""
    stdout: str
    stderr: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files that are new or changed in `/work`, in the order they were made."""
    removed: tuple[str, ...] = ()
    """Files of the job that the program removed or renamed."""
    seconds: float
    """Wall-clock seconds of the program itself, without the container's preparation."""
    sentence: str = ""
    """What happened and what to do about it, for the model that wrote the code; empty for a plain `ok`."""
    state: bytes | None = None
    """The variables it left, for the next `Job.state`; unpickled in a container alone. None when none were
    asked for, or when the program was stopped before it could leave any: then the earlier ones still hold."""
    notes: tuple[str, ...] = ()
    """What was left out and why, a sentence each: output that was cut, files too large or too many."""
