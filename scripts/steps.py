"""How the set-up speaks: a line when a step begins, one when it is done, a sentence when it can't be."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN_OF_A_FAILURE = 40  # lines


class Stuck(Exception):
    """The set-up can't go on; each argument is a sentence that says why and what the person can do."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    say(f"{what} …")
    began = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - began:.0f} s")


def say(line: str) -> None:
    print(f"handoff set-up: {line}", file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], *, fix: str, parts: tuple[str, ...] = (), total: int = 0) -> None:
    """Run a command whose output is shown only when it fails, followed by `fix`, the sentence for the person.

    Each line that begins with one of `parts` is one of `total`, and now and then it is told how far it is.
    """
    lines, done = [], 0
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as work:
        for line in work.stdout or ():
            lines.append(line)
            if parts and line.lstrip().startswith(parts):
                done += 1
                if done % max(1, total // 4) == 0 and done < total:
                    say(f"  {done} of {total}")
    if work.returncode != 0:
        sys.stderr.write("".join(lines[-SHOWN_OF_A_FAILURE:]))
        raise Stuck(fix)


def _user() -> str:
    """Whoever this process is: most refusals are for the owner of a file."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        return f"the user {os.getuid()}"


def ended(main: Callable[[], None]) -> int:
    """Exit code of a set-up step: 2 with a sentence when it is stuck or the system refuses, 130 on Ctrl-C."""
    try:
        main()
    except Stuck as error:
        for sentence in error.args:
            say(sentence)
        return 2
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        say(f"{what}{error.strerror or error}. It runs as {_user()}; mend that and start again.")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
