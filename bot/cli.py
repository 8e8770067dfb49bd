"""The command `handoff`: reads the settings, runs one of `bot.commands`, returns its exit code.

0 is success, 1 what the command says, 2 a problem with settings or arguments, 130 Ctrl-C. SIGTERM cancels
the command and ends with 0. `handoff --help` imports nothing heavy.
"""

from __future__ import annotations

import argparse
import asyncio
import logging as standard
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from bot.commands import backup, doctor, eval, manifest, orders, play, purge, restore, sandbox, serve, tasks
from bot.errors import BotError, SettingsError
from bot.observability import logging
from bot.release import version
from bot.settings import Settings

SUMMARY = "Hand a task to a team of agents from Slack and watch the work in the thread."
REPORTS_PROBLEMS_ITSELF = "doctor"
#: Seconds that threads have to return when the command has ended.
LAST_THREADS = 1.0


class Command(Protocol):
    """What a module of `bot.commands` offers.

    It may also have `async def problems(args, settings) -> tuple[str, ...]`: what must be mended before
    `run`, a sentence each. They are printed with the problems of the settings. And `INTERRUPTED`, the
    exit code after Ctrl-C, where that is not 130.
    """

    def register(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None: ...

    def run(self, args: argparse.Namespace, settings: Settings) -> int | Awaitable[int]: ...


COMMANDS: Mapping[str, Command] = {
    "serve": serve,
    "play": play,
    "doctor": doctor,
    "manifest": manifest,
    "sandbox": sandbox,
    "tasks": tasks,
    "orders": orders,
    "purge": purge,
    "backup": backup,
    "restore": restore,
    "eval": eval,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name (the process's own unless given) and return its exit code."""
    code = run(COMMANDS, arguments)
    _exit_despite_threads(code)
    return code


def _exit_despite_threads(code: int) -> None:
    """End here when threads of libraries wait for what does not answer: the interpreter would join them
    first, however long that takes."""
    deadline = time.monotonic() + LAST_THREADS
    others = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    for thread in others:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in others):
        standard.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(commands: Mapping[str, Command], arguments: Sequence[str] | None) -> int:
    args = _parser(commands).parse_args(arguments)
    settings, args.settings_problems = _settings()
    logging.configure_logging(settings)
    try:
        code = asyncio.run(_run(commands[args.command], args, settings))
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = getattr(commands[args.command], "INTERRUPTED", 130)
    except BrokenPipeError:
        # The reader of our output left (`handoff tasks | head`); closing stdout would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except BotError as error:
        print(f"handoff: {error}", file=sys.stderr)
        code = 1
    except Exception:
        # Through the log and not past it: it takes out secrets, and a log of JSON stays one.
        standard.getLogger(__name__).critical("ended by a fault of Handoff's own", exc_info=True)
        code = 1
    return code


def _settings() -> tuple[Settings, tuple[str, ...]]:
    try:
        return Settings.load(), ()
    except SettingsError as error:
        return error.usable, error.problems


def _parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="handoff", description=SUMMARY)
    parser.add_argument("--version", action="version", version=version())
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands.values():
        command.register(subparsers)
    return parser


async def _run(command: Command, args: argparse.Namespace, settings: Settings) -> int:
    terminated = _cancel_on_sigterm()
    try:
        problems = await _problems(command, args, settings)
        if problems:
            print("\n".join(f"handoff: {problem}" for problem in problems), file=sys.stderr)
            return 2
        code = command.run(args, settings)
        return code if isinstance(code, int) else await code
    except asyncio.CancelledError:
        if terminated.is_set():
            return 0
        raise


async def _problems(command: Command, args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    if args.command == REPORTS_PROBLEMS_ITSELF:
        return ()
    further = getattr(command, "problems", None)
    return (*args.settings_problems, *(await further(args, settings) if further else ()))


def _cancel_on_sigterm() -> asyncio.Event:
    """The first SIGTERM cancels the command, which cleans up; a second one ends the process at once."""
    loop, task, terminated = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert task is not None

    def terminate() -> None:
        loop.remove_signal_handler(signal.SIGTERM)
        terminated.set()
        task.cancel()

    with suppress(NotImplementedError):  # Windows has no such signal
        loop.add_signal_handler(signal.SIGTERM, terminate)
    return terminated


if __name__ == "__main__":
    raise SystemExit(main())
