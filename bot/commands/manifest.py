"""`handoff manifest`: prints the Slack app's manifest as JSON, to paste when the app is made."""

from __future__ import annotations

import argparse
import json

from bot.settings import Settings
from bot.wire.manifest import create_link, manifest, public_origin


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("manifest", help="print the Slack app's manifest", description=__doc__)
    parser.add_argument(
        "--url",
        metavar="https://HOST",
        type=_origin,
        help="public address for HTTP mode; without it the manifest is for Socket Mode",
    )
    parser.add_argument(
        "--link", action="store_true", help="print a link that makes the app, in place of the manifest"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    made = manifest(args.url)
    print(create_link(made) if args.link else json.dumps(made, indent=2, ensure_ascii=False))
    return 0


def _origin(url: str) -> str:
    try:
        return public_origin(url)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
