"""`handoff sandbox`: build the image, run programs as the bot would, list and remove leftover containers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bot.settings import Settings

if TYPE_CHECKING:
    from sandbox.image.build import BuildProgress
    from sandbox.job import Run
    from sandbox.sandbox import Sandbox

_RUN_EPILOG = """
The exit code is the program's own; 124 when a time limit stopped it, 137 for memory, output or a signal,
125 when Docker failed. With --jsonl every line of the input is {"id", "code", "timeout"?, "files"?: {name:
base64}} and is answered by one line {"id", "status", "exit_code", "stdout", "stderr", "files", "seconds"},
as soon as it is done and so in any order; status is ok, error, signal, timeout, oom, output_flood or
infrastructure. Where exit_code is null, the last line of stderr says why. A line that can't be read is
answered with status error. The exit code is then 0.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "sandbox", help="build the image, run programs, clean up", description=__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("build", help="make the image, or say that it is there")
    run = actions.add_parser("run", help="run a program, or many with --jsonl", epilog=_RUN_EPILOG)
    run.add_argument("file", nargs="?", default="-", metavar="FILE", help="a program; - or nothing: stdin")
    run.add_argument("--jsonl", action="store_true", help="FILE has one job in JSON per line")
    run.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="less than the limit of the settings"
    )
    run.add_argument(
        "--input", action="append", default=[], type=Path, metavar="FILE", help="put FILE into /work"
    )
    run.add_argument("--output", type=Path, metavar="FOLDER", help="write the files the program made here")
    actions.add_parser("ps", help="list the containers of every Handoff on this engine")
    clean = actions.add_parser("clean", help="remove the containers that dead processes left")
    clean.add_argument("--images", action="store_true", help="also remove images of earlier versions")
    clean.add_argument("--all", action="store_true", help="remove those of living processes too")


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if (seconds := float(text)) > 0:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from sandbox.errors import SandboxError

    actions = {"build": _build, "run": _run, "ps": _list, "clean": _clean}
    try:
        return await actions[args.action](args, settings)
    except SandboxError as error:
        print(f"handoff: {error}", file=sys.stderr)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"handoff: {error.filename or 'The output'}: {error.strerror}.", file=sys.stderr)
    return 1


async def _build(args: argparse.Namespace, settings: Settings) -> int:
    from bot.factories.sandbox import image_recipe
    from sandbox.engine import DockerEngine
    from sandbox.image.build import ensure_image

    async with DockerEngine(settings.docker_host) as engine:
        if own := settings.sandbox_image:
            there = await engine.image_id(own) is not None
            what = "is there" if there else "Docker does not have. Load or pull it, or remove the setting"
            print(
                f"HANDOFF_SANDBOX_IMAGE names {own}, which {what}.", file=sys.stdout if there else sys.stderr
            )
            return 0 if there else 1
        print(await ensure_image(engine, image_recipe(settings), _line_printer()))
    return 0


async def _run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.factories.sandbox import make_sandbox

    if problem := _unreadable(args):
        print(f"handoff: {problem}", file=sys.stderr)
        return 2
    logging.getLogger("sandbox").setLevel(logging.ERROR)  # what fails here is in the answer
    if not args.jsonl:  # the containers that a single program does not use would be started for nothing
        settings = settings.model_copy(update={"sandbox_pool": 0})
    async with make_sandbox(settings) as sandbox:
        return await (_run_lines if args.jsonl else _run_one)(args, settings, sandbox)


async def _run_lines(args: argparse.Namespace, settings: Settings, sandbox: Sandbox) -> int:
    from bot.commands.jobs import answer_lines

    with _opened(args.file) as lines:
        await answer_lines(sandbox, lines, sys.stdout, at_once=settings.sandbox_max)
    return 0


def _opened(file: str) -> contextlib.AbstractContextManager[BinaryIO]:
    return contextlib.nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb")


async def _run_one(args: argparse.Namespace, settings: Settings, sandbox: Sandbox) -> int:
    from sandbox.job import Job

    raw = await asyncio.to_thread(sys.stdin.buffer.read if args.file == "-" else Path(args.file).read_bytes)
    files = {path.name: path.read_bytes() for path in args.input}
    run = await sandbox.run(Job(code=raw.decode("utf-8", "replace"), files=files, timeout=args.timeout))
    sys.stdout.write(run.stdout)
    sys.stderr.write(run.stderr)
    if run.exit_code is None:
        print(f"handoff: {run.sentence}", file=sys.stderr)
    await asyncio.to_thread(_save, run, args.output)
    return _exit_code(run)


def _unreadable(args: argparse.Namespace) -> str:
    """Which of the files named can't be read, in a sentence; empty when all can."""
    wanted = [*args.input, *([] if args.file == "-" else [Path(args.file)])]
    for path in wanted:
        if path.is_dir():
            return f"{path} is a folder; a file is needed."
        if not path.exists():
            return f"there is no file {path}."
    if args.file == "-" and sys.stdin is None:
        return "stdin is closed; name a FILE, or pipe one in."
    if args.jsonl and (args.input or args.output or args.timeout is not None):
        return "--input, --output and --timeout are for one program; with --jsonl each line has its own."
    return ""


def _save(run: Run, folder: Path | None) -> None:
    """Write the files under `folder`, or name them when there is none. Their names are safe ones."""
    for name, data in run.contents().items():
        if folder is None:
            print(f"handoff: {name}, {len(data)} bytes; --output FOLDER keeps it", file=sys.stderr)
        else:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            print(f"handoff: wrote {path}", file=sys.stderr)
    for note in run.notes:
        print(f"handoff: {note}", file=sys.stderr)


def _exit_code(run: Run) -> int:
    if run.exit_code is not None:
        return run.exit_code
    return {"timeout": 124, "infrastructure": 125, "error": 2}.get(run.status.value, 137)


async def _list(args: argparse.Namespace, settings: Settings) -> int:
    from sandbox.engine import DockerEngine
    from sandbox.owner import FLAVOUR_LABEL, Owner

    async with DockerEngine(settings.docker_host) as engine:
        found = await engine.listed()
        used = [await engine.memory(container["Id"]) for container in found]
    print(f"{'CONTAINER':<14}{'FLAVOUR':<9}{'MEMORY':<9}{'STATUS':<26}OWNER")
    for container, memory in zip(found, used, strict=True):
        owner = Owner.of(container)
        flavour = (container.get("Labels") or {}).get(FLAVOUR_LABEL, "")
        dead = " (dead; handoff sandbox clean removes it)" if owner.dead else ""
        size = f"{memory / 1e6:.0f} MB" if memory else ""
        row = f"{container['Id'][:12]:<14}{flavour:<9}{size:<9}{container.get('Status', ''):<26}"
        print(f"{row}{owner.label}{dead}")
    return 0


async def _clean(args: argparse.Namespace, settings: Settings) -> int:
    from bot.factories.sandbox import image_recipe
    from sandbox.engine import DockerEngine
    from sandbox.image.build import remove_old
    from sandbox.owner import sweep

    async with DockerEngine(settings.docker_host) as engine:
        count = await sweep(engine, everything=args.all)
        print(f"Removed {count} container{'' if count == 1 else 's'}.")
        if args.images:
            for name in await remove_old(engine, image_recipe(settings)):
                print(f"Removed the image {name}.")
    return 0


def _line_printer() -> Callable[[BuildProgress], None]:
    """Prints a line for each step, and for each quarter of a step that reports its progress."""
    printed: set[tuple[str, int]] = set()

    def report(progress: BuildProgress) -> None:
        key = (progress.text, int(progress.done * 4))
        if key not in printed:
            printed.add(key)
            print(progress, file=sys.stderr, flush=True)

    return report
