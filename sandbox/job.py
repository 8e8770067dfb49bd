"""Jobs and their results, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.filenames import is_clean, unique
from sandbox.files import SandboxFile
from sandbox.limits import SandboxLimits

Queue = tuple[str, ...]
"""Whose call it is, the widest first: a person, a task. Where calls wait, these take turns."""


class Status(StrEnum):
    """How a run ended. Exactly one of these, decided by what was measured from outside the code."""

    OK = "ok"  # the program exited with 0
    ERROR = "error"  # the program exited with another code, an uncaught exception among them
    SIGNAL = "signal"  # the program was killed by a signal of its own making (a segmentation fault, abort)
    TIMEOUT = "timeout"  # the wall-clock limit was reached
    OOM = "oom"  # the memory limit was reached
    OUTPUT_FLOOD = "output_flood"  # the program printed more than the limit allows
    INFRASTRUCTURE = "infrastructure"  # our side failed: engine, image, disk; not the program's fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One Python program and the files it finds in its working directory `/work`."""

    code: str
    files: Mapping[str, bytes | SandboxFile] = field(default_factory=dict)
    """By path relative to `/work`, `/` between the parts; parents are made."""
    folders: tuple[str, ...] = ()
    """Empty folders of `/work`."""
    timeout: float | None = None
    """Wall-clock seconds above 0; None takes the limit of the sandbox, a larger value is cut to it."""
    queue: Queue = ()
    """Whose turn it uses when no container is free."""
    prefix: str = ""
    """Begins the names of the files that the sandbox itself names, such as figures."""
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
    files: Mapping[str, SandboxFile] = field(default_factory=dict)
    """New and changed files of `/work`, in the order they were made. When the program was stopped, new ones
    only: its changes to files of the job may be torn."""
    removed: tuple[str, ...] = ()
    """Files of the job that the program removed or renamed; none when it was stopped."""
    folders: tuple[str, ...] | None = None
    """Empty folders of `/work` at the end; None when the program was stopped."""
    whole_output: Mapping[str, bytes] = field(default_factory=dict)
    """`stdout` and `stderr` in full, where the text above has only head and tail."""
    seconds: float
    """Wall-clock seconds of the program itself, without the container's preparation."""
    sentence: str = ""
    """What happened and what to do about it, for the model that wrote the code; empty for a plain `ok`."""
    state: bytes | None = None
    """The variables it left, for the next `Job.state`; unpickled in a container alone. None when none were
    asked for, or when the program was stopped before it could leave any: then the earlier ones still hold."""
    notes: tuple[str, ...] = ()
    """What was left out and why, a sentence each; lost data comes first."""

    def contents(self) -> dict[str, bytes]:
        """The contents of `files`, and `whole_output` as text files beside them. Blocks."""
        contents = {name: file.read() for name, file in self.files.items()}
        for stream, output in self.whole_output.items():
            contents[unique(f"{stream}.txt", contents)] = output
        return contents


def refusal(job: Job, limits: SandboxLimits) -> str:
    """Why a job is not taken, in a sentence for the model; empty when it is."""
    size, total = len(job.code.encode("utf-8", "replace")), sum(map(_size, job.files.values()))
    why = ""
    if job.timeout is not None and not job.timeout > 0:  # nor is NaN
        why = f"{job.timeout} is not a time it could have"
    elif size > limits.code_bytes:
        why = f"it has {size} bytes, and {limits.code_bytes} is the limit. Read data from a file"
    elif len(job.files) > limits.input_count:
        why = f"it brings {len(job.files)} files, and {limits.input_count} is the limit"
    elif total > limits.input_bytes:
        why = f"its files have {total} bytes, and {limits.input_bytes} is the limit"
    elif len(job.state or b"") > limits.state_bytes:
        why = f"its variables have more than {limits.state_bytes} bytes, the limit"
    elif (wrong := next((n for n in (*job.files, *job.folders) if not is_clean(n)), None)) is not None:
        why = f"{wrong[:80]!r} is not a name a file can have in /work"
    return why and f"The program was not run: {why}."


def _size(content: bytes | SandboxFile) -> int:
    return content.size if isinstance(content, SandboxFile) else len(content)
