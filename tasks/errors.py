"""Every error of this room.

::

    TaskError
    ├── StaleRunner       another process has taken this task over (an `agents.errors.Superseded`)
    ├── DatabaseInUse     a second process on one SQLite file; told to the operator at start
    ├── DatabaseTooNew    a later release has changed the tables; told to the operator at start
    ├── BackupRefused     an archive that can't be restored, or not here; told to the operator
    └── NewerRow          a task's log was written by a later version of the program
"""

from __future__ import annotations

from agents.errors import Superseded


class TaskError(Exception):
    """Base of all errors this room raises on purpose."""


class StaleRunner(TaskError, Superseded):
    """An append met an entry that somebody else has written: this process is no longer the task's runner."""


class DatabaseInUse(TaskError):
    """SQLite serves one process; `str()` says which file and what to do."""


class DatabaseTooNew(TaskError):
    """This release doesn't know the tables; `str()` says what to do."""


class NewerRow(TaskError):
    """This process is too old for a task's log: it was begun by a newer one and waits for such."""


class BackupRefused(TaskError):
    """An archive can't be restored; `str()` says why and what to do."""
