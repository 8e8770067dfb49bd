"""`handoff orders`: lists the standing orders of all people, the next to run first."""

from __future__ import annotations

import argparse
from datetime import datetime

from bot.settings import Settings


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("orders", help="list the standing orders", description=__doc__)
    parser.add_argument("--play", action="store_true", help="the orders of `handoff play` and `make run`")


async def problems(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    return ()


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.commands.play import playground
    from bot.factories.database import open_existing
    from tasks.orders.store import OrderStore
    from text.excerpt import one_line

    if args.play:
        settings = playground(settings)
    async with open_existing(settings.database_url) as database:
        orders = [] if database is None else await OrderStore(database).all()
        for order in orders:
            next_run = f"{datetime.fromtimestamp(order.next_at):%Y-%m-%d %H:%M}" if order.next_at else "–"
            when = order.when or f"watch: {order.pattern or 'every message'}"
            why = f" ({one_line(order.reason, 200)})" if order.reason else ""
            print(
                f"{order.id}  {order.state.value}{why}  next {next_run}  {when} {order.zone}  "
                f"{order.team}/{order.channel}  {one_line(order.owner_name, 40)}: {one_line(order.title, 80)}"
            )
    if not orders:
        print("There are no standing orders.")
    return 0
