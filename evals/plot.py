"""A picture of score, cost and time for each model, drawn in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files

from evals.results import ModelScore
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox

_NAME = "scores.png"


class NotDrawn(Exception):
    """The sandbox could not draw it; `str()` says why."""


async def draw_scores(scores: Sequence[ModelScore], sandbox: Sandbox) -> bytes:
    """A PNG with a bar for each model. Raises `NotDrawn`."""
    code = files("evals").joinpath("programs/draw_scores.py").read_text("utf-8")
    rows = json.dumps([asdict(one) for one in scores]).encode()
    run = await sandbox.run(Job(code=code, files={"scores.json": rows}))
    if run.status is not Status.OK or _NAME not in run.files:
        raise NotDrawn(run.sentence or run.stderr.strip()[-300:] or f"the program ended with {run.status}")
    return run.files[_NAME].read()
