"""One sentence on what to do here, after the traceback of an error that has to do with the sandbox."""

# ruff: noqa: PTH208
from __future__ import annotations

import errno
import importlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PIP = ("pip install", "pip3 install")
_NETWORK = "The sandbox has no network. Work with the files in /work, and report what is missing."
_NAME = (
    "Each call has a new interpreter: variables, functions and imports of earlier calls are not there, but "
    "files in /work are. Repeat what the program needs."
)
_LOCKED = "The file is protected by a password. Report that it can't be read without it."
_UNREADABLE = (
    "The file can't be read as what its name says: it is damaged, cut off, or of another kind. Look at its "
    "size and first bytes, and report what it is when it can't be read."
)
_ENCODING = (
    "The text is not UTF-8, or the file is no text. Look at its first bytes, or let "
    "charset_normalizer.from_path find the encoding."
)
_SPACE = "There is no room left in this folder. Write less at once, or remove what is not needed."
_NO_INPUT = "No one can type an answer here. Put the values into the program."
_FILES_NAMED = 20
# By the class's name, since none of these modules is imported for it.
_BY_NAME = {
    "NameError": _NAME,
    "gaierror": _NETWORK,
    "ConnectionError": _NETWORK,
    "ConnectError": _NETWORK,
    "URLError": _NETWORK,
    "EOFError": _NO_INPUT,
    "UnicodeDecodeError": _ENCODING,
    "FileNotDecryptedError": _LOCKED,
    "WrongPasswordError": _LOCKED,
    "PDFPasswordIncorrect": _LOCKED,
    "DependencyError": _LOCKED,
    **dict.fromkeys(
        (
            "ArrowInvalid", "BadGzipFile", "BadZipFile", "CalamineError", "EmptyFileError",
            "InvalidFileException", "LZMAError", "PackageNotFoundError", "PDFSyntaxError", "PSEOF",
            "PdfReadError", "PdfStreamError", "PdfiumError", "PdfminerException", "ReadError",
            "UnidentifiedImageError",
            "XLRDError", "XMLSyntaxError", "EmptyDataError",
        ),
        _UNREADABLE,
    ),
}  # fmt: skip


def hint(error: BaseException, source: str, *, carried: bool) -> str:
    """A line for the program's stderr, or nothing. `carried`: variables of earlier calls are there."""
    if isinstance(error, ModuleNotFoundError) or (
        isinstance(error, SyntaxError) and any(words in source for words in _PIP)
    ):
        return _installed()
    if isinstance(error, NameError):
        return "" if carried else f"{_NAME}\n"
    for one in reversed([*_chain(error)]):  # the first cause knows best
        if isinstance(one, FileNotFoundError):
            return _files()
        if isinstance(one, OSError) and one.errno == errno.ENOSPC:
            return f"{_SPACE}\n"
        for kind in type(one).__mro__:
            if kind.__name__ in _BY_NAME and not (kind is EOFError and "reading a line" not in str(one)):
                advice = _BY_NAME[kind.__name__]
                is_of_no_use = advice is _NETWORK and "https_proxy" in os.environ
                return "" if is_of_no_use else f"{advice}\n"
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _files() -> str:
    names = sorted(os.listdir("/work"))
    more = f" and {len(names) - _FILES_NAMED} more" if len(names) > _FILES_NAMED else ""
    return f"In /work: {', '.join(names[:_FILES_NAMED])}{more}.\n" if names else "/work is empty.\n"


def _installed() -> str:
    try:
        stand_in = importlib.import_module("pip")
        return f"{stand_in.sentence()}\n"
    except (ImportError, AttributeError):  # a team's own image
        return "No package can be installed in the sandbox: it has no network.\n"
