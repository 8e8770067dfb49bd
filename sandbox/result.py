"""Turns what a container told into a `Run`: status, text with head and tail, a sentence, notes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sandbox import filenames
from sandbox.container import RawRun
from sandbox.errors import FileRefused
from sandbox.image.supervisor import variables
from sandbox.job import Run, Status
from sandbox.limits import SandboxLimits

_NOTES = 40
_NOTE = 400  # characters; what the supervisor says of a file's name and why fits
_SIGNAL = re.compile(r"SIG[A-Z0-9+-]{2,10}|\d{1,3}")


def run_from(raw: RawRun, limits: SandboxLimits, timeout: float) -> Run:
    """The run as measured. What the inside said is checked for shape and can't blame our side."""
    status = _status(raw)
    files, notes = _named(raw.files)
    stdout = _text(raw.stdout, "stdout", limits.output_bytes, files, notes)
    stderr = _text(raw.stderr, "stderr", limits.output_bytes, files, notes)
    said, state = raw.variables or ("", None)
    notes += [_plain(line) for line in said.split("\n")[:_NOTES] if line.startswith(variables.NOTES)]
    return Run(
        status=status,
        exit_code=_exit_code(raw.record) if status in (Status.OK, Status.ERROR) else None,
        stdout=stdout,
        stderr=stderr,
        files=files,
        removed=_strings(raw.record.get("removed"))[: limits.input_count],
        state=state if state is None or len(state) <= limits.state_bytes else None,
        seconds=_seconds(raw),
        sentence=_sentence(status, raw.record, limits, timeout),
        notes=tuple([*map(_plain, _strings(raw.record.get("notes"))), *notes][:_NOTES]),
    )


def failed_run(sentence: str, *, status: Status = Status.INFRASTRUCTURE, seconds: float = 0.0) -> Run:
    """A run that never came to anything, by our fault or because the job was refused."""
    return Run(status=status, exit_code=None, stdout="", stderr="", seconds=seconds, sentence=sentence)


def _status(raw: RawRun) -> Status:
    if raw.stopped:
        return Status(raw.stopped)
    told = raw.record.get("status")
    if told in (Status.OK, Status.ERROR, Status.SIGNAL, Status.TIMEOUT, Status.OOM, Status.OUTPUT_FLOOD):
        return Status(str(told))
    return Status.ERROR


def _exit_code(record: Mapping[str, object]) -> int | None:
    code = record.get("exit_code")
    return code if type(code) is int and code in range(256) else None


def _seconds(raw: RawRun) -> float:
    told = raw.record.get("seconds")
    return float(told) if isinstance(told, int | float) and 0 <= told <= raw.seconds else raw.seconds


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _plain(told: str) -> str:
    """On one line, without what turns or hides letters: the names of files in it are the program's words."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in told)
    return shown if len(shown) <= _NOTE else f"{shown[: _NOTE // 2]} … {shown[-_NOTE // 2 :]}"


def _named(files: list[tuple[str, bytes]]) -> tuple[dict[str, bytes], list[str]]:
    kept: dict[str, bytes] = {}
    notes: list[str] = []
    for told, content in files:
        try:
            name = filenames.unique(filenames.clean(told), kept.keys())
        except FileRefused as refused:
            notes.append(str(refused))
            continue
        if name != told:
            notes.append(f"A file was renamed to {name}: its own name can't be used outside.")
        kept[name] = content
    return kept, notes


def _text(output: bytearray, stream: str, limit: int, files: dict[str, bytes], notes: list[str]) -> str:
    """Head and tail of an output past the limit; then the whole goes to the files."""
    if len(output) <= limit:
        return output.decode("utf-8", "replace")
    name = filenames.unique(f"{stream}.txt", files.keys())
    files[name] = bytes(output)
    notes.append(f"{stream} has {len(output)} bytes; its middle is left out here, the whole is in {name}.")
    half = limit // 2
    head = output[:half].decode("utf-8", "ignore")
    tail = output[-half:].decode("utf-8", "ignore")
    return f"{head}\n[… {len(output) - 2 * half} bytes left out, all of it is in {name} …]\n{tail}"


def _sentence(status: Status, record: Mapping[str, object], limits: SandboxLimits, timeout: float) -> str:
    match status:
        case Status.OK:
            return ""
        case Status.ERROR if isinstance(refused := record.get("refused"), str):
            return f"The program was not run: {_plain(refused)}."
        case Status.ERROR:
            return f"The program ended with exit code {_exit_code(record)}."
        case Status.SIGNAL:
            told = str(record.get("signal"))
            name = told if _SIGNAL.fullmatch(told) else "a signal"
            return f"The program was killed by {name}, which it brought about by itself."
        case Status.TIMEOUT:
            return f"The program was stopped after {timeout:g} s, its time limit. Do less at once."
        case Status.OOM:
            return (
                f"The program was stopped: it used more than {limits.memory_mb} MiB, files in /work and /tmp "
                "included. Work on less data at once."
            )
        case _:
            return (
                f"The program was stopped: it printed more than {limits.flood_bytes} bytes. "
                "Write long results to a file in /work and print a summary."
            )
