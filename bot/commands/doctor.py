"""`handoff doctor`: makes every check that can be made before a first message and tells all it found."""

from __future__ import annotations

import argparse

from bot.settings import Settings


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    subparsers.add_parser(
        "doctor",
        help="check settings, Slack, the model, Docker and the database",
        description=__doc__,
        epilog="Ends with 0 when all is well and with 1 when something is to be mended.",
    )


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.doctor import examine

    findings = await examine(settings, args.settings_problems)
    print("\n".join(str(finding) for finding in findings))
    return 0 if all(finding.ok for finding in findings) else 1
