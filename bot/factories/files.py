"""The threads' files from the settings: the data folder, or a bucket with copies in the data folder."""

from __future__ import annotations

from bot.errors import BotError, CheckFailed
from bot.factories.sandbox import sandbox_limits
from bot.settings import Settings
from sandbox.errors import FileRefused
from sandbox.limits import MIB
from tasks.errors import FilesUnavailable, FolderNotShared
from tasks.files.bucket import Bucket, BucketAddress
from tasks.files.cache import FileCache
from tasks.files.shared_mark import check_shared_bucket, check_shared_folder
from tasks.files.thread_buckets import ThreadBuckets
from tasks.files.thread_files import ThreadFolders
from tasks.store.database import Database
from tasks.timing import STANDARD, TaskTiming


def files_problems(settings: Settings) -> tuple[str, ...]:
    """A sentence when the bucket's key is incomplete."""
    if settings.files_url and (settings.files_access_key is None) != (settings.files_secret_key is None):
        return ("Of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY one is not set. Set both, or remove both.",)
    return ()


def make_thread_files(
    settings: Settings, database: Database, *, patience: float = 0.0, timing: TaskTiming = STANDARD
) -> ThreadFolders | ThreadBuckets:
    """Enter one with a bucket before threads are opened. `patience` is for the database, in seconds."""
    limits = sandbox_limits(settings)
    folders = ThreadFolders(settings.work_dir, limits)
    if settings.files_url is None:
        return folders
    cache = FileCache(settings.cache_dir, settings.files_cache_mb * MIB)
    bucket = make_bucket(settings, settings.files_url, timing)
    return ThreadBuckets(database, bucket, cache, folders, limits, patience=patience)


async def check_shared_files(
    database: Database, settings: Settings, files: ThreadFolders | ThreadBuckets
) -> None:
    """Raises `BotError` when the bucket does not work, or several bots have different folders or buckets."""
    try:
        if isinstance(files, ThreadBuckets):
            await check_shared_bucket(database, files.bucket)
        else:
            await check_shared_folder(database, settings.data_dir)
    except FolderNotShared as error:
        raise BotError(str(error)) from None
    except (FileRefused, FilesUnavailable) as error:
        raise BotError(f"Handoff can't start: {str(error).rstrip('.')}.") from error


async def check_bucket(settings: Settings, url: str) -> str:
    """Write, read and delete in the bucket; what it found, in words. Raises `CheckFailed`."""
    try:
        await make_bucket(settings, url, STANDARD).check()
    except (FileRefused, FilesUnavailable) as error:
        raise CheckFailed(f"{str(error).rstrip('.')}. Look at HANDOFF_FILES_URL.") from error
    return f"{url} can be written, read and deleted in."


def make_bucket(settings: Settings, url: str, timing: TaskTiming) -> Bucket:
    keys = [
        "" if key is None else key.get_secret_value()
        for key in (settings.files_access_key, settings.files_secret_key)
    ]
    address = BucketAddress(
        url=url,
        endpoint=settings.files_endpoint or "",
        region=settings.files_region or "us-east-1",
        access_key=keys[0],
        secret_key=keys[1],
    )
    return Bucket(address, timing)
