"""Reads jobs as lines of JSON and writes their runs as lines of JSON."""

from __future__ import annotations

import asyncio
import base64
import codecs
import json
import threading
from collections.abc import AsyncIterator, Mapping
from typing import BinaryIO, TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.job import Job, Run, Status
from sandbox.result import failed_run
from sandbox.sandbox import Sandbox

_READ_AHEAD = 16  # lines read while the sandboxes are busy; a line may be as large as all input files


class Line(BaseModel):
    """One line of the input. `id` may be any JSON value and comes back as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: object = None
    code: str
    timeout: float | None = Field(default=None, gt=0)
    files: dict[str, str] = Field(default_factory=dict)
    """Contents in base64 by name."""

    def job(self) -> Job:
        """ValueError when a file is not base64."""
        files = {name: base64.b64decode(text, validate=True) for name, text in self.files.items()}
        return Job(code=self.code, files=files, timeout=self.timeout)


async def answer_lines(sandbox: Sandbox, lines: BinaryIO, answers: TextIO, *, at_once: int) -> None:
    """Run every line's job, `at_once` at the same time, and write each answer when it is done.

    Raises BrokenPipeError when the reader of the answers has gone.
    """
    places, gone = asyncio.Semaphore(at_once), False

    async def answer(raw: bytes) -> None:
        try:
            identity, run = await _answer(sandbox, raw)
            print(_line(identity, run), file=answers, flush=True)
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:
            async for raw in _read_aside(lines):
                if raw.strip():
                    await places.acquire()
                    group.create_task(answer(raw))
    except* BrokenPipeError:
        gone = True
    if gone:
        raise BrokenPipeError


async def _answer(sandbox: Sandbox, raw: bytes) -> tuple[object, Run]:
    try:
        line = Line.model_validate_json(raw.removeprefix(codecs.BOM_UTF8))
        job = line.job()
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "the line"
        sentence = f"This line was not run: {where}: {problem['msg']}."
        return _identity(raw), failed_run(sentence, status=Status.ERROR)
    except ValueError as error:
        sentence = f"This line was not run: a file is not base64: {error}."
        return line.id, failed_run(sentence, status=Status.ERROR)
    return line.id, await sandbox.run(job)


def _identity(raw: bytes) -> object:
    """The id of a line that is wrong elsewhere, so that its sender still knows it."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value.get("id") if isinstance(value, dict) else None


def _line(identity: object, run: Run) -> str:
    answer: Mapping[str, object] = {
        "id": identity if _is_portable(identity) else None,
        "status": run.status.value,
        "exit_code": run.exit_code,
        "stdout": run.stdout,
        "stderr": run.stderr if run.exit_code is not None else _append_line(run.stderr, run.sentence),
        "files": {name: base64.b64encode(data).decode() for name, data in run.contents().items()},
        "seconds": round(run.seconds, 6),
    }
    return json.dumps(answer)


def _is_portable(identity: object) -> bool:
    """Whether any JSON parser reads it: no NaN, no infinity, no nesting that is too deep."""
    try:
        json.dumps(identity, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def _append_line(text: str, line: str) -> str:
    between = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{between}{line}\n"


async def _read_aside(lines: BinaryIO) -> AsyncIterator[bytes]:
    """The lines of a blocking stream, read in a daemon thread."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(_READ_AHEAD)

    def put(raw: bytes | OSError) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(raw), loop).result()

    def read() -> None:
        try:
            for raw in lines:
                put(raw)
        except OSError as error:
            put(error)
        except ValueError:  # the stream was closed, since the reader of the answers has gone
            return
        put(b"")

    threading.Thread(target=read, name="read jobs", daemon=True).start()
    while raw := await queue.get():
        if isinstance(raw, OSError):
            raise raw
        yield raw
