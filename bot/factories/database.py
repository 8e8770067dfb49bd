"""Opens the database, with error messages for the operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from bot.errors import BotError
from tasks.errors import DatabaseInUse, DatabaseTooNew, PoolerNotSupported
from tasks.store.database import Database
from tasks.store.retry import DATABASE_ERRORS, describe_outage

_NO_DRIVER = (
    "HANDOFF_DATABASE_URL names a PostgreSQL database, and the package for it is not installed. "
    "Install Handoff with it: pip install 'handoff[postgres]'."
)


def driver_problems(url: str) -> tuple[str, ...]:
    """The sentence about a missing database driver, if any."""
    is_postgres = make_url(url).get_backend_name() == "postgresql"
    return (_NO_DRIVER,) if is_postgres and find_spec("asyncpg") is None else ()


async def open_database(database: Database) -> None:
    """Open and migrate. Raises `BotError` for problems that the operator can fix."""
    try:
        await database.open()
    except (DatabaseInUse, DatabaseTooNew, PoolerNotSupported) as error:
        raise BotError(str(error)) from None
    except DATABASE_ERRORS as error:
        raise BotError(f"Handoff can't start: {cause(error)}. See HANDOFF_DATABASE_URL.") from error


@asynccontextmanager
async def open_existing(url: str) -> AsyncIterator[Database | None]:
    """The database for a command that reads a bot's data; None when there is none yet.

    Raises `BotError` when the database fails, also inside the block.
    """
    if problems := driver_problems(url):
        raise BotError(problems[0])
    database = Database(url)
    try:
        yield database if await _is_ready(database) else None
    except DBAPIError as error:
        raise BotError(_unusable(error)) from error
    finally:
        await database.close()


@asynccontextmanager
async def open_for_restore(url: str) -> AsyncIterator[Database]:
    """The database, empty or not, for this process alone where it is SQLite.

    Raises `BotError` when the database fails, also inside the block.
    """
    if problems := driver_problems(url):
        raise BotError(problems[0])
    database = Database(url)
    try:
        await database.reserve()
        yield database
    except DatabaseInUse as error:
        raise BotError(str(error)) from None
    except DATABASE_ERRORS as error:
        raise BotError(_unusable(error)) from error
    finally:
        await database.close()


async def _is_ready(database: Database) -> bool:
    try:
        if not await database.is_made():
            return False
        is_current = await database.is_current()
    except DATABASE_ERRORS as error:
        raise BotError(_unusable(error)) from error
    if not is_current:
        raise BotError(
            "The database has the tables of another release. `handoff serve` brings those of an earlier one "
            "up to date when it starts; for those of a later one use that release."
        )
    return True


def cause(error: BaseException) -> str:
    """The problem in the driver's own words, without class names."""
    driver = getattr(error, "orig", None) or error
    words = str(driver.__cause__ or driver)
    return f"{describe_outage(error) or 'the database refuses'} ({words})"


def _unusable(error: BaseException) -> str:
    words = cause(error)
    return f"{words[0].upper()}{words[1:]}. Look at HANDOFF_DATABASE_URL."
