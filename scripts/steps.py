"""Progress lines, commands and errors of the set-up."""

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


class SetupError(Exception):
    """The set-up can't continue. Each argument is a sentence with the reason and the fix."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


@contextmanager
def step(what: str) -> Iterator[None]:
    """Prints what is being done, and how long it took."""
    say(f"{what} …")
    began = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - began:.0f} s")


def say(line: str) -> None:
    print(f"handoff set-up: {line}", file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], *, fix: str, parts: tuple[str, ...] = (), total: int = 0) -> None:
    """Runs a command and shows its output only if it fails, followed by `fix`, the sentence for the person.

    Each output line that begins with one of `parts` counts as one of `total` for the progress lines.
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
        raise SetupError(fix)


def _user() -> str:
    """The user of this process: most refusals are about the owner of a file."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in a container
        return f"the user {os.getuid()}"


def exit_code(main: Callable[[], None]) -> int:
    """The exit code of a set-up step: 2 with a sentence after an error, 130 after Ctrl-C."""
    try:
        main()
    except SetupError as error:
        for sentence in error.args:
            say(sentence)
        return 2
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        say(f"{what}{error.strerror or error}. This process runs as {_user()}; fix that and try again.")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
