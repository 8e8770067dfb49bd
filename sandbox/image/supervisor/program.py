"""Runs one program as a notebook cell would, in the child. Never speaks to the host."""

# ruff: noqa: PTH123
from __future__ import annotations

import ast
import atexit
import builtins
import contextlib
import gc
import importlib
import io
import linecache
import os
import sys
import threading
import traceback
import types

from . import figures, restarts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .variables import Carried

NAME = "/work/main.py"
_WRITES = ("write", "writelines")  # they return a count that is not worth showing
_FILES = {io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom}
_PIP = ("pip install", "pip3 install")
_WARM_UP = "import os\nprint(len([n * n for n in range(9)]))\nraise ValueError('warm')"


def run(source: str, carried: Carried | None = None) -> int:
    """Run `source` to its end, threads and exit handlers included; the exit code it would leave with."""
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    module.__dict__.update(__file__=NAME, __builtins__=builtins)
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    restarts.watch(source)
    if carried is not None:
        carried.load(module.__dict__)
    code = _finish(_guarded(source, module.__dict__))
    if carried is not None:
        carried.save(module.__dict__)
        _flush()  # what an object printed while it was pickled
    return code


def warm() -> None:
    """Pay for everything `run` imports and builds, with a program that prints and fails unheard."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        _guarded(_WARM_UP, {"__name__": "__main__", "__builtins__": builtins})


def _guarded(source: str, names: dict[str, object]) -> int:
    try:
        _execute(source, names)
    except SystemExit as leaving:
        return _exit_code(leaving.code)
    except BaseException as error:  # noqa: BLE001 whatever the program raised is its own result
        _print_error(error, source)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _execute(source: str, names: dict[str, object]) -> None:
    tree = ast.parse(source, NAME)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and not source.rstrip().endswith(";") and not _writes(last.value):
        tree.body.pop()
        exec(compile(tree, NAME, "exec"), names)
        value = eval(compile(ast.Expression(last.value), NAME, "eval"), names)
        if value is not None:
            print(repr(value))
    else:
        exec(compile(tree, NAME, "exec"), names)


def _writes(value: ast.expr) -> bool:
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in _WRITES


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _print_error(error: BaseException, source: str) -> None:
    """The traceback from the program's own first line on, and what helps against the commonest mistake."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != NAME:
        frame = frame.tb_next
    text = "".join(traceback.format_exception(type(error), error, frame))
    if isinstance(error, ModuleNotFoundError) or (
        isinstance(error, SyntaxError) and any(words in source for words in _PIP)
    ):
        text += _installed()
    try:
        sys.stderr.write(text)
    except (OSError, ValueError, AttributeError):  # the program closed or replaced it
        with contextlib.suppress(OSError):
            os.write(2, text.encode("utf-8", "backslashreplace"))


def _installed() -> str:
    try:
        stand_in = importlib.import_module("pip")
        return f"{stand_in.sentence()}\n"
    except (ImportError, AttributeError):  # a team's own image
        return "No package can be installed in the sandbox: it has no network.\n"


def _finish(code: int) -> int:
    """What the interpreter does at its end, short of tearing the address space down."""
    for step in (_join_threads, _figures, atexit._run_exitfuncs, _flush_files, _flush):
        try:
            step()
        except SystemExit as leaving:
            code = _exit_code(leaving.code)
        except BaseException as error:  # noqa: BLE001 a handler of the program failed: its own result
            _print_error(error, "")
            code = code or 1
    return code


def _join_threads() -> None:
    threading._shutdown()  # type: ignore[attr-defined]


def _figures() -> None:
    figures.save_open("/work")


def _flush_files() -> None:
    """Write out what the program's open files still hold, as the interpreter does when it drops them."""
    for thing in gc.get_objects():
        if type(thing) in _FILES and not thing.closed:
            with contextlib.suppress(
                OSError, ValueError
            ):  # the other end of a pipe is gone, or it is read-only
                thing.flush()


def _flush() -> None:
    for name in ("stdout", "stderr"):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed or replaced
            getattr(sys, name).flush()


def open_standard_streams() -> None:
    """Text streams over descriptors 1 and 2 that never raise for a character and are seen line by line."""
    out, err = (os.fdopen(fd, "w", 1, "utf-8", "backslashreplace", closefd=False) for fd in (1, 2))
    vars(sys).update(stdout=out, __stdout__=out, stderr=err, __stderr__=err)
