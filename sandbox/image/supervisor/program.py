"""Runs one program in the child, as a notebook cell would."""

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

from . import figures, hints, notebook, restarts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .variables import Carried

NAME = "/work/main.py"
_WRITES = ("write", "writelines")  # they return a count that is not worth showing
_COROUTINE = 0x80  # inspect.CO_COROUTINE
_FILES = {io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom}
_LAST = "__handoff_last__"  # the value of a last line that is an expression
_WARM_UP = "import os\nprint(len([n * n for n in range(9)]))\nraise ValueError('warm')"


def run(source: str, carried: Carried | None = None) -> int:
    """Run `source` to its end, threads and exit handlers included; the exit code it would leave with."""
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    module.__dict__.update(__file__=NAME, __builtins__=builtins, display=notebook.display)
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    restarts.watch(source)
    if carried is not None:
        carried.load(module.__dict__)
    code = _finish(_guarded(source, module.__dict__, carries=carried is not None))
    if carried is not None:
        if module.__dict__.get("display") is notebook.display:
            del module.__dict__["display"]
        carried.save(module.__dict__)
        _flush()  # what an object printed while it was pickled
    return code


def warm() -> None:
    """Pay for everything `run` imports and builds, with a program that prints and fails."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        _guarded(_WARM_UP, {"__name__": "__main__", "__builtins__": builtins})


def _guarded(source: str, names: dict[str, object], *, carries: bool = False) -> int:
    try:
        _execute(source, names)
    except SystemExit as leaving:
        return _exit_code(leaving.code)
    except BaseException as error:  # noqa: BLE001 whatever the program raised is its own result
        _print_error(error, source, carries=carries)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _execute(source: str, names: dict[str, object]) -> None:
    tree = _parsed(source)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and not source.rstrip().endswith(";") and not _writes(last.value):
        shown = ast.Assign([ast.copy_location(ast.Name(_LAST, ast.Store()), last)], last.value)
        tree.body[-1] = ast.copy_location(shown, last)
    code = _compiled(tree)
    if code.co_flags & _COROUTINE:
        asyncio = importlib.import_module("asyncio")  # a program that needs no loop does not pay for it
        asyncio.run(eval(code, names))
    else:
        exec(code, names)
    value = names.pop(_LAST, None)
    if value is not None:
        print(repr(value))


def _parsed(source: str) -> ast.Module:
    """The program; one that is no Python is read as a notebook's cell."""
    try:
        return ast.parse(source, NAME)
    except SyntaxError:
        with contextlib.suppress(SyntaxError):
            return ast.parse(notebook.to_python(source), NAME)
        raise


def _compiled(tree: ast.Module) -> types.CodeType:
    try:
        return compile(tree, NAME, "exec")
    except SyntaxError:  # perhaps an await outside of a function; otherwise it is raised again
        code: types.CodeType = compile(tree, NAME, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return code


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


def _print_error(error: BaseException, source: str, *, carries: bool = False) -> None:
    """The traceback from the program's own first line on, and what to do about it here."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != NAME:
        frame = frame.tb_next
    text = "".join(traceback.format_exception(type(error), error, frame))
    text += hints.hint(error, source, carried=carries)
    try:
        sys.stderr.write(text)
    except (OSError, ValueError, AttributeError):  # the program closed or replaced it
        with contextlib.suppress(OSError):
            os.write(2, text.encode("utf-8", "backslashreplace"))


def _finish(code: int) -> int:
    """What the interpreter does at its end, short of tearing the address space down."""
    # A failed program's figures are half drawn, and come again from the next one.
    figures_of = [figures.save_open] if code == 0 else []
    for step in (_join_threads, *figures_of, atexit._run_exitfuncs, _flush_files, _flush):
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
