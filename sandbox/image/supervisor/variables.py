"""Variables that one program leaves to the next, each in a container of its own, in the child alone.

Owns the memory file that both sides of the fork share. What a program left is never unpickled outside a
container, neither by PID 1 nor by the host. cloudpickle is imported only where variables are carried.
"""

from __future__ import annotations

import io
import os
import sys
from types import CodeType, FunctionType

from . import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EARLIER = "/work/earlier.py"  # in tracebacks, where code of an earlier program would show wrong lines
_UNNAMED = "<dynamic-code>"  # what cloudpickle writes for the file of a code object
_NAMED = 20
_NOT_LOADED, _NOT_KEPT = (
    "The variables of earlier calls could not be loaded: ",
    "Not kept for the next call: ",
)
NOTES = (_NOT_LOADED, _NOT_KEPT)
"""How each note begins. One that begins otherwise is the program's own word."""


class Variables:
    """A memory file: what is carried, pickled, on the way in; on the way out `frames.named` notes with it."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("variables")

    def fill(self, pickled: bytes) -> None:
        """Lay ready what the host sent, before the program starts."""
        os.pwrite(self.descriptor, pickled, 0)

    def left(self, longest: int) -> bytes:
        """What the program left; empty when it came to no end of its own, or wrote here what it liked.

        All other processes of the container must have ended.
        """
        size = os.fstat(self.descriptor).st_size
        left = os.pread(self.descriptor, size, 0) if size <= longest else b""
        try:
            frames.parse_named(left)
        except ValueError:
            return b""
        return left


class Carried:
    """The program's side: variables in before it begins, out when it has ended. `most` bytes, pickled."""

    def __init__(self, descriptor: int, name: str, most: int) -> None:
        self._file = descriptor
        self._name = name
        self._most = most
        self._me = os.getpid(), os.fstat(descriptor)
        self._notes: list[str] = []

    def load(self, names: dict[str, Any]) -> None:
        """Put the variables of earlier programs into `names`, and empty the file."""
        pickled = os.pread(self._file, os.fstat(self._file).st_size, 0)
        os.ftruncate(self._file, 0)
        if not pickled:
            return
        try:
            names.update(_cloudpickle().loads(pickled))
        except BaseException as error:  # noqa: BLE001 a class of the program's own may raise anything
            self._notes.append(f"{_NOT_LOADED}{_short(error)}.")

    def save(self, names: dict[str, Any]) -> None:
        """Write what can be kept, and a note of what can't; nothing in a fork, or when the file is gone."""
        if not self._is_mine():
            return
        kept = {name: value for name, value in names.items() if not name.startswith("__")}
        pickled, reasons = self._pickled(kept)
        if reasons:
            named = [f"{name} ({why})" for name, why in list(reasons.items())[:_NAMED]]
            named += [f"{len(reasons) - _NAMED} more"] if len(reasons) > _NAMED else []
            self._notes.append(f"{_NOT_KEPT}{', '.join(named)}.")
        said = "\n".join(self._notes)[:8000]
        os.pwrite(self._file, frames.named(said, pickled), 0)

    def _is_mine(self) -> bool:
        pid, mine = self._me
        try:
            return os.getpid() == pid and os.path.samestat(os.fstat(self._file), mine)
        except OSError:
            return False

    def _pickled(self, names: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        """All together, so that what two variables share stays shared; one by one only where that fails."""
        try:
            return self._dumped(names), {}
        except BaseException:  # noqa: BLE001 the note names the variable that is the reason
            return self._fitting(names)

    def _fitting(self, names: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        sizes: dict[str, int] = {}
        reasons: dict[str, str] = {}
        for name, value in names.items():
            try:
                sizes[name] = len(self._dumped({name: value}))
            except BaseException as error:  # noqa: BLE001 a class of the program's own may raise anything
                reasons[name] = _short(error)
        while sizes:
            try:
                return self._dumped({name: names[name] for name in sizes}), reasons
            except BaseException as error:  # noqa: BLE001
                largest = max(sizes, key=sizes.__getitem__)
                reasons[largest] = f"{sizes[largest]} bytes; {_short(error)} of all together"
                del sizes[largest]
        return b"", reasons

    def _dumped(self, names: dict[str, Any]) -> bytes:
        into = _Bounded(self._most)
        _pickler(into, self._name).dump(names)
        return into.getvalue()


class _TooLargeError(Exception):
    """More than the limit. The text is the reason as the model reads it."""


class _Bounded(io.BytesIO):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any) -> int:
        size = self.tell() + memoryview(data).nbytes  # a PickleBuffer of a large array has no len()
        if size > self._most:
            raise _TooLargeError(f"{size} bytes or more, and {self._most} is the limit")
        return super().write(data)


class _Globals:
    """Stands for the program's own global names, so that functions of earlier programs see new values."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return _globals, ()


def _globals() -> dict[str, Any]:
    return vars(sys.modules["__main__"])


def _cloudpickle() -> Any:
    import cloudpickle  # type: ignore[import-not-found]  # in the image; only who carries variables pays for it

    return cloudpickle


def _pickler(into: io.BytesIO, name: str) -> Any:
    inner = _cloudpickle().cloudpickle
    own = _globals()

    class Pickler(inner.Pickler):  # type: ignore[misc, name-defined]
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, CodeType) and obj.co_filename == name:
                # cloudpickle writes a name of its own for every file.
                make, arguments = inner._code_reduce(obj)
                return make, tuple(_EARLIER if word == _UNNAMED else word for word in arguments)
            return super().reducer_override(obj)

        def _dynamic_function_reduce(self, func: FunctionType) -> Any:
            make, arguments, state, *rest = super()._dynamic_function_reduce(func)
            if func.__globals__ is own:
                state[1]["__globals__"] = {}
                arguments = (arguments[0], _Globals(), *arguments[2:])
            return make, arguments, state, *rest

    return Pickler(into)


def _short(error: BaseException) -> str:
    if isinstance(error, _TooLargeError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
