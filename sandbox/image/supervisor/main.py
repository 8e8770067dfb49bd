"""PID 1 of a sandbox: takes one job, runs it, reports how it ended.

When it ends the kernel kills every process that is left in the container.
"""

# ruff: noqa: PTH102, PTH123, PTH208
from __future__ import annotations

import contextlib
import gc
import os
import site
import sys

from . import child, files, frames, inputs, kernel, leftovers, network, variables, warm_up, watch
from .link import HostGone, Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_WORK = "/work"
_LINGER_SECONDS = 1  # so that the host decides when the engine removes the container
_FONTS = "/opt/handoff/matplotlib"
_INSTALLED = "/opt/handoff/installed.json"


def main() -> None:
    """`FLAVOUR [SOCKET]`. Exits with 0 when the job is done or the host is gone."""
    kernel.forget_signals()
    flavour, *sockets = sys.argv[1:] or ["bare"]
    link = Link.connect(sockets[0]) if sockets else Link.take_over()
    with contextlib.suppress(HostGone):
        _serve(link, flavour)
        link.linger(_LINGER_SECONDS)
    os._exit(0)


def _serve(link: Link, flavour: str) -> None:
    _prepare(flavour)
    process = child.spawn(link, flavour)
    ready = {"python": sys.version.split()[0], "flavour": flavour, "packages": _installed()}
    link.send(frames.READY, frames.packed(ready))
    tree = files.Tree(_WORK)
    work = inputs.Inputs(link, _WORK)
    settings, source, problem = _receive(link, work, process.variables)
    if problem:
        link.send(frames.EXIT, frames.packed({"status": "error", "refused": problem}))
        return
    tree.remember()
    link.send(frames.STARTED)
    most = int(settings["state_bytes"])
    way_out = network.Network(link) if settings["network"] else None
    work.meanwhile = way_out.take if way_out else None
    process.start(source, most, settings["prefix"], way_out.port if way_out else 0)
    flood_bytes = int(settings["flood_bytes"])
    watching = watch.Watch(
        link, process, work, tree, way_out, timeout=float(settings["timeout"]), flood_bytes=flood_bytes
    )
    ending = watching.until_end()
    link.send(frames.ENDED)
    bounds = files.Bounds(
        one=int(settings["artifact_bytes"]),
        together=int(settings["artifacts_bytes"]),
        count=int(settings["artifacts_count"]),
    )
    gone = tree.collect(bounds, link, work.unopened(), whole=ending.by_itself)
    if most and ending.by_itself and (left := process.variables.left(most + frames.CHUNK)):
        link.send(frames.VARIABLES, left)
    link.send(frames.EXIT, _record(ending, tree, gone))


def _prepare(flavour: str) -> None:
    """Everything a program may need of the interpreter, before the fork, so that the child shares it."""
    os.umask(0o022)
    site.setquit()
    site.sethelper()
    _lay_out_fonts()
    _count_cores()
    warm_up.before_fork(flavour)
    gc.collect()
    kernel.trim_memory()
    gc.freeze()  # so that a collection in the child does not copy what it shares with this process
    kernel.set_dumpable(False)


def _installed() -> dict[str, object]:
    """What programs can import, with versions; empty in a team's own image."""
    with contextlib.suppress(OSError, ValueError), open(_INSTALLED, "rb") as file:
        return frames.parse_packed(file.read())
    return {}


def _count_cores() -> None:
    """Have programs see the cores that they may use, and not the machine's."""
    if count := int(os.environ.get("PYTHON_CPU_COUNT", 0)):
        os.cpu_count = lambda: count


def _lay_out_fonts() -> None:
    """Copy the font list to a folder that matplotlib can write to; without one it scans all fonts."""
    with contextlib.suppress(OSError):  # a team's own image has no font list
        os.mkdir("/tmp/matplotlib")
        for name in os.listdir(_FONTS):
            with open(f"{_FONTS}/{name}", "rb") as listed, open(f"/tmp/matplotlib/{name}", "wb") as copy:
                copy.write(listed.read())


def _receive(
    link: Link, work: inputs.Inputs, carried: variables.Variables
) -> tuple[dict[str, str], bytes, str]:
    """Settings, source, and why the job can't run; reads all that the host sends in any case."""
    settings: dict[str, str] = {}
    problem = ""
    while True:
        kind, payload = link.receive()
        if kind == frames.FILE:
            problem = problem or _problem(work.put, *frames.parse_named(payload))
        elif kind == frames.MANIFEST:
            problem = _problem(work.announce, frames.parse_packed(payload))
        elif kind == frames.VARIABLES:
            carried.fill(payload)
        elif kind == frames.JOB:
            settings = {name: str(value) for name, value in frames.parse_packed(payload).items()}
        elif kind == frames.CODE:
            return settings, payload, problem or _problem(work.lease_others)


def _problem(step: Callable[..., None], *arguments: object) -> str:
    try:
        step(*arguments)
    except inputs.NotLoaded as problem:
        return str(problem)
    return ""


def _record(ending: watch.ProgramExit, tree: files.Tree, gone: list[str]) -> bytes:
    return frames.packed(
        {
            "status": ending.status,
            "exit_code": ending.exit_code,
            "signal": watch.name_of(ending.signal) if ending.signal else None,
            "seconds": ending.seconds,
            "stopped": ending.problem or None,
            "lost": tree.lost.sentences,
            "notes": [*leftovers.sentences(), *tree.others.sentences],
            "removed": gone,
            "folders": tree.folders,
        }
    )
