"""Every error of this room.

::

    TaskError
    ├── StaleRunner       another process has taken the task over (an `agents.errors.Superseded`)
    ├── DatabaseInUse     a second process on one SQLite file; shown to the operator at start
    ├── DatabaseTooNew    a later release has migrated the tables; shown to the operator at start
    ├── FolderNotShared   each process has another folder for files; shown to the operator at start
    ├── PoolerNotSupported  a pooler in front of PostgreSQL; shown to the operator at start
    ├── FilesUnavailable  the bucket of the threads' files does not answer; the task waits for it
    ├── BackupRefused     an archive that can't be restored, or not here; shown to the operator
    └── NewerRow          a task's log was written by a later release
"""

from __future__ import annotations

from agents.errors import AgentError, Superseded


class TaskError(Exception):
    """Base of all errors this room raises on purpose."""


class StaleRunner(TaskError, Superseded):
    """An append conflicts with another run's: this one no longer has the task."""


class DatabaseInUse(TaskError):
    """Another process has the SQLite file; `str()` says which file and the fix."""


class DatabaseTooNew(TaskError):
    """A later release has migrated the tables; `str()` says the fix."""


class FolderNotShared(TaskError):
    """The folder for files is not the one of the other processes; `str()` says the fix."""


class PoolerNotSupported(TaskError):
    """The URL leads to a pooler without sessions; `str()` says the fix."""


class NewerRow(TaskError):
    """A later release wrote entries of the task's log, so only such a process can resume it."""


class FilesUnavailable(TaskError, AgentError):
    """The bucket of the threads' files does not answer; `str()` says which. The run of the task ends, and it
    continues from its log once the bucket is back."""


class BackupRefused(TaskError):
    """An archive can't be restored; `str()` says why and what to do."""
