"""`handoff restore FILE`: puts back what `handoff backup` saved. Stop the bot first.

Tasks that were under way go on when the bot starts. An archive of an earlier release is brought up to date.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.settings import Settings


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("restore", help="put a backup back", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="an archive that `handoff backup` wrote")
    parser.add_argument("--overwrite", action="store_true", help="replace the tasks and files there are")


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.errors import BotError
    from bot.factories.database import open_for_restore
    from tasks.errors import BackupRefused
    from tasks.store import backup

    async with open_for_restore(settings.database_url) as database:
        try:
            found = await backup.restore(database, settings.work_dir, args.file, overwrite=args.overwrite)
        except BackupRefused as refused:
            raise BotError(str(refused)) from None
        except OSError as error:
            if error.filename is None:
                raise  # the database's connection
            raise BotError(f"{error.filename} can't be written: {error.strerror}.") from error
    print(f"Restored {found.tasks} tasks and {found.files} files of threads. Start the bot: handoff serve")
    return 0
