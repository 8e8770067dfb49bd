"""Makes a `Run` of what a container sent: status, text with head and tail, a sentence, notes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sandbox import filenames
from sandbox.container import RawRun
from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.image.supervisor import variables
from sandbox.job import Run, Status
from sandbox.limits import SandboxLimits

_NOTES = 40
_NOTE = 400  # characters; enough for a file's name and the reason
_SIGNAL = re.compile(r"SIG[A-Z0-9+-]{2,10}|\d{1,3}")


def run_from(raw: RawRun, limits: SandboxLimits, timeout: float) -> Run:
    """The run as measured. The container's words are checked for shape, and can't blame the sandbox."""
    status = _status(raw)
    files, renamed = _named(raw.files)
    said, state = raw.variables or ("", None)
    lost = [] if raw.record else ["The files that the program made or changed are lost."]
    lost += _strings(raw.record.get("lost"))
    lost += [line for line in said.split("\n")[:_NOTES] if line.startswith(variables.NOTES)]
    output = {"stdout": bytes(raw.stdout), "stderr": bytes(raw.stderr)}
    return Run(
        status=status,
        exit_code=_exit_code(raw.record) if status in (Status.OK, Status.ERROR) else None,
        stdout=_text(output["stdout"], limits.output_bytes),
        stderr=_text(output["stderr"], limits.output_bytes),
        files=files,
        removed=_strings(raw.record.get("removed"))[: limits.input_count],
        folders=_folders(raw.record, status, limits),
        whole_output={name: text for name, text in output.items() if len(text) > limits.output_bytes},
        state=state if state is None or len(state) <= limits.state_bytes else None,
        seconds=_seconds(raw),
        sentence=_sentence(status, raw.record, limits, timeout),
        notes=tuple(map(_plain, [*lost, *renamed, *_strings(raw.record.get("notes"))][:_NOTES])),
    )


def failed_run(sentence: str, *, status: Status = Status.INFRASTRUCTURE, seconds: float = 0.0) -> Run:
    """A run whose program did not start or was lost: the job was refused, or the sandbox failed."""
    return Run(status=status, exit_code=None, stdout="", stderr="", seconds=seconds, sentence=sentence)


def _status(raw: RawRun) -> Status:
    if raw.stopped:
        return Status(raw.stopped)
    status = raw.record.get("status")
    if status in (Status.OK, Status.ERROR, Status.SIGNAL, Status.TIMEOUT, Status.OOM, Status.OUTPUT_FLOOD):
        return Status(str(status))
    return Status.ERROR


def _exit_code(record: Mapping[str, object]) -> int | None:
    code = record.get("exit_code")
    return code if type(code) is int and code in range(256) else None


def _seconds(raw: RawRun) -> float:
    inside = raw.record.get("seconds")
    return float(inside) if isinstance(inside, int | float) and 0 <= inside <= raw.seconds else raw.seconds


def _folders(record: Mapping[str, object], status: Status, limits: SandboxLimits) -> tuple[str, ...] | None:
    if status not in (Status.OK, Status.ERROR) or record.get("stopped"):
        return None
    return tuple(filter(filenames.is_clean, _strings(record.get("folders"))))[: limits.input_count]


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _plain(text: str) -> str:
    """On one line, without characters that turn or hide others: file names in it are the program's words."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return shown if len(shown) <= _NOTE else f"{shown[: _NOTE // 2]} … {shown[-_NOTE // 2 :]}"


def _named(files: list[tuple[str, SandboxFile]]) -> tuple[dict[str, SandboxFile], list[str]]:
    kept: dict[str, SandboxFile] = {}
    notes: list[str] = []
    for original, file in files:
        try:
            name = filenames.unique(filenames.clean(original), kept.keys())
        except FileRefused as refused:
            notes.append(str(refused))
            continue
        if name != original:
            notes.append(f"A file was renamed to {name}: its own name can't be used outside.")
        kept[name] = file
    return kept, notes


def _text(output: bytes, limit: int) -> str:
    """Head and tail of an output past the limit."""
    if len(output) <= limit:
        return output.decode("utf-8", "replace")
    half = limit // 2
    head = output[:half].decode("utf-8", "ignore")
    tail = output[-half:].decode("utf-8", "ignore")
    return f"{head}\n[… {len(output) - 2 * half} bytes left out …]\n{tail}"


def _sentence(status: Status, record: Mapping[str, object], limits: SandboxLimits, timeout: float) -> str:
    match status:
        case Status.OK:
            return ""
        case Status.ERROR if isinstance(refused := record.get("refused"), str):
            return f"The program was not run: {_plain(refused)}."
        case Status.ERROR if isinstance(stopped := record.get("stopped"), str):
            return f"The program was stopped: {_plain(stopped)}."
        case Status.ERROR:
            return f"The program ended with exit code {_exit_code(record)}."
        case Status.SIGNAL:
            signal = str(record.get("signal"))
            name = signal if _SIGNAL.fullmatch(signal) else "a signal"
            return f"The program was killed by {name}, which it caused itself."
        case Status.TIMEOUT:
            return f"The program was stopped after {round(timeout, 1):g} s, its time limit. Do less at once."
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
