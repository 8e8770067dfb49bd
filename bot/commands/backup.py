"""`handoff backup FILE`: saves all tasks and the threads' files in one archive. The bot may keep running.

The archive fits both databases: one made on SQLite can be restored on PostgreSQL. It holds what people wrote,
so only its owner may read it. Settings are not in it: keep `.env` and the files that it names, too. Nor are
files in a bucket (HANDOFF_FILES_URL): the bucket is backed up by itself.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bot.settings import Settings


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("backup", help="save tasks and files in an archive", description=__doc__)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the archive to write, such as handoff.tar.gz"
    )


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.factories.database import open_existing
    from bot.release import version
    from tasks.store import backup

    file: Path = args.file
    async with open_existing(settings.database_url) as database:
        if database is None:
            print("handoff: There is nothing to back up: no task was given yet.", file=sys.stderr)
            return 1
        try:
            made = await backup.save(database, settings.work_dir, file, release=version())
        except FileExistsError:
            print(f"handoff: {file} exists already. Name another file, or remove it.", file=sys.stderr)
            return 1
        except OSError as error:
            print(f"handoff: {file} can't be written: {error.strerror}.", file=sys.stderr)
            return 1
    print(f"Saved {made.tasks} tasks and {made.files} files of threads to {file}.")
    if settings.files_url:
        print(f"Files in {settings.files_url} are not in it: back up that bucket, too.")
    return 0
