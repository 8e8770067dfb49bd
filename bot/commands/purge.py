"""`handoff purge`: deletes ended tasks with all their rows and files, for good.

Without --yes it prints what it would delete. Running tasks stay. Files of a thread go with its last task.
What Handoff posted in Slack stays there, under Slack's own retention.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING

from bot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.task import Task

DAY = 86_400.0
_SHOWN = 20


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("purge", help="delete old tasks for good", description=__doc__)
    parser.add_argument("id", nargs="*", help="tasks by their ids")
    parser.add_argument(
        "--older-than", type=_days, metavar="DAYS", help="that ended so many days ago or more"
    )
    parser.add_argument("--user", default="", metavar="U…", help="that this person asked for")
    parser.add_argument("--channel", default="", metavar="C…", help="of this channel")
    parser.add_argument("--yes", action="store_true", help="delete them")


def _days(given: str) -> float:
    try:
        days = float(given)
    except ValueError:
        days = math.nan
    if not 0 <= days < math.inf:
        raise argparse.ArgumentTypeError(f"it must be a number of days from 0, not {given!r}")
    return days


async def problems(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    if args.id or args.older_than is not None or args.user or args.channel:
        return ()
    return ("purge deletes nothing by itself: give ids, --older-than DAYS, --user or --channel.",)


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.errors import BotError
    from bot.factories.database import open_existing
    from bot.factories.files import make_thread_files
    from sandbox.errors import FileRefused
    from tasks.errors import FilesUnavailable
    from tasks.files.removal import Removal
    from tasks.store.notes import ChannelNotes

    async with open_existing(settings.database_url) as database:
        if database is None:
            print("There are no tasks yet.")
            return 0
        removal = Removal(database, make_thread_files(settings, database))
        before = None if args.older_than is None else time.time() - args.older_than * DAY
        found = await removal.find(ids=args.id, before=before, user=args.user, channel=args.channel)
        if not args.yes:
            _print_plan(found)
            return 0
        await removal.tasks([task.id for task in found])
        try:
            threads = (
                await removal.files_of([task.thread for task in found]) + await removal.delete_unused_files()
            )
        except (FilesUnavailable, FileRefused) as error:
            why = str(error).rstrip(".")
            raise BotError(
                f"Deleted {len(found)} tasks, but not all files of their threads: {why}. A running bot "
                "deletes the rest within an hour of the bucket's return."
            ) from error
        print(f"Deleted {len(found)} tasks and the files of {threads} threads.")
        if (args.user or args.channel) and not args.id:
            notes = await ChannelNotes(database).purge(user=args.user, channel=args.channel, before=before)
            print(f"Deleted {notes} notes.")
        return 0


def _print_plan(found: Sequence[Task]) -> None:
    from text.excerpt import one_line

    for task in found[:_SHOWN]:
        print(f"{task.id}  {task.state.value:9}  {one_line(f'{task.user_name}: {task.request}', 80)}")
    if len(found) > _SHOWN:
        print(f"… and {len(found) - _SHOWN} more")
    print(f"{len(found)} tasks would be deleted. Add --yes to delete them.")
