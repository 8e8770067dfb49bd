"""The files of a set that has a program to make them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from evals.sets import MADE, MAKER, EvalSet, InvalidSet
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox


async def make_files(eval_set: EvalSet, sandbox: Sandbox) -> None:
    """Run the set's `MAKER` in the sandbox, unless its files are there already. Raises `InvalidSet`."""
    maker, made = eval_set.folder / MAKER, eval_set.folder / MADE
    if not maker.exists() or made.exists():
        return
    run = await sandbox.run(Job(code=maker.read_text("utf-8")))
    if run.status is not Status.OK:
        why = run.sentence or run.stderr.strip()[-300:]
        raise InvalidSet((f"{maker} can't make the set's files: {why}.",))
    await asyncio.to_thread(_write, made, run.contents())


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """The folder appears only when it is complete."""
    partial = folder.with_name(f".{folder.name}.part")
    for name, data in files.items():
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    partial.rename(folder)
