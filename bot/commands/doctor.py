"""`handoff doctor`: checks everything that can be checked before a first message, and prints all findings."""

from __future__ import annotations

import argparse

from bot.settings import Settings


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="check settings, Slack, the model, Docker and the database",
        description=__doc__,
        epilog="Ends with 0 when all is well and with 1 when a check fails.",
    )
    parser.add_argument(
        "--channel",
        metavar="T…/C…",
        type=_place,
        help="show the settings of one channel instead, and where each is set",
    )


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.checks.doctor import examine
    from bot.observability import logging

    if args.channel:
        return _show(args.channel, settings)
    if "log_level" not in settings.model_fields_set:
        # An error is shown once, as a finding.
        logging.configure_logging(settings.model_copy(update={"log_level": "error"}))
    findings = await examine(settings, args.settings_problems)
    print("\n".join(str(finding) for finding in findings))
    return 0 if all(finding.ok for finding in findings) else 1


def _place(given: str) -> tuple[str, str]:
    from bot.settings.channels import CHANNEL, TEAM

    team, _, channel = given.partition("/")
    if not (TEAM.fullmatch(team) and CHANNEL.fullmatch(channel)):
        raise argparse.ArgumentTypeError(f"it must be ids like T0ACME/C0SALES, not {given!r}")
    return team, channel


def _show(place: tuple[str, str], settings: Settings) -> int:
    from bot.checks.preflight import channel_problems
    from bot.settings.channels import ChannelSettings

    team, channel = place
    if problems := channel_problems(settings):
        print("\n".join(f"✗ {problem}" for problem in problems))
        return 1
    print("\n".join(map(str, ChannelSettings(settings, settings.channels_file).effective(team, channel))))
    return 0
