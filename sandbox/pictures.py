"""Pictures in a form and size that model services take.

They are decoded in a container, since a decoder meets bytes of anyone; the host reads none of their pixels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated

import pydantic

from sandbox.files import SandboxFile
from sandbox.job import Job, Queue, Run, Status
from sandbox.sandbox import Sandbox

#: Seconds for all pictures of one call.
_SECONDS = 30.0
#: Bytes of a shrunk picture; a JPEG of 1568 pixels has less.
_LARGEST = 4 * 1024 * 1024
_MEDIA_TYPES = {"png": ("image/png", b"\x89PNG"), "jpg": ("image/jpeg", b"\xff\xd8\xff")}

NO_PICTURE = "is not a picture that can be opened"
TOO_LARGE = "has {width:,} × {height:,} pixels, which is too large to open"
NOT_IN_TIME = "could not be opened within the sandbox's limits"
NO_PILLOW = "can't be opened: the sandbox image has no Pillow"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkPicture:
    """A picture for a model: PNG, or JPEG where that is much smaller."""

    data: bytes
    media_type: str
    width: int
    height: int
    original: tuple[int, int]
    """Width and height of the file."""


class _Line(pydantic.BaseModel):
    """What the program prints about one picture. A damaged picture may have taken the program over."""

    name: Annotated[str, pydantic.Field(max_length=8)]
    size: tuple[pydantic.PositiveInt, pydantic.PositiveInt] | None = None
    width: Annotated[int, pydantic.Field(gt=0, le=1568)] = 1
    height: Annotated[int, pydantic.Field(gt=0, le=1568)] = 1
    problem: str = ""


async def shrink(
    sandbox: Sandbox, pictures: Sequence[SandboxFile], *, queue: Queue = ()
) -> list[ShrunkPicture | str]:
    """Shrink pictures to 1568 pixels on the long side, in one container.

    For a file that is no picture, or one that is too large, the result is the reason, in words that follow
    the file's name.
    """
    if not pictures:
        return []
    program = files("sandbox.programs").joinpath("shrink_pictures.py").read_text("utf-8")
    job = Job(
        code=program, files={str(n): file for n, file in enumerate(pictures)}, timeout=_SECONDS, queue=queue
    )
    run = await sandbox.run(job)
    if run.status is Status.INFRASTRUCTURE:
        return [f"could not be opened: {run.sentence}"] * len(pictures)
    return await asyncio.to_thread(_results, run, len(pictures))


def _results(run: Run, count: int) -> list[ShrunkPicture | str]:
    lines = {line.name: line for text in run.stdout.splitlines() if (line := _line(text))}
    if not lines and "PIL" in run.stderr:
        return [NO_PILLOW] * count
    return [_result(run, lines.get(str(number))) for number in range(count)]


def _line(text: str) -> _Line | None:
    try:
        return _Line.model_validate_json(text)
    except pydantic.ValidationError:
        return None


def _result(run: Run, line: _Line | None) -> ShrunkPicture | str:
    if line is None:
        return NO_PICTURE if run.status is Status.OK else NOT_IN_TIME
    if line.problem == "pixels" and line.size:
        return TOO_LARGE.format(width=line.size[0], height=line.size[1])
    for suffix, (media_type, magic) in _MEDIA_TYPES.items():
        file = run.files.get(f"{line.name}.{suffix}")
        if (
            line.size
            and file is not None
            and file.size <= _LARGEST
            and (data := file.read()).startswith(magic)
        ):
            return ShrunkPicture(
                data=data, media_type=media_type, width=line.width, height=line.height, original=line.size
            )
    return NO_PICTURE
