"""`handoff play`: Handoff without a workspace and without a key.

Starts a local Slack stand-in with a page, the bot on it, and a scripted demo model; with OPENAI_API_KEY (or
OPENAI_BASE_URL) set, the real model instead. The page listens on HANDOFF_HOST and HANDOFF_PORT.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import signal
import sys
from contextlib import AsyncExitStack
from importlib import resources
from typing import TYPE_CHECKING, Any

from bot.settings import Settings

if TYPE_CHECKING:
    from playground.slack.server import SlackStandIn


#: The exit code after Ctrl-C, which is how people end it.
INTERRUPTED = 0
#: Ports to try from the default one on.
_PORTS = 100


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("play", help="try it on this machine, without Slack", description=__doc__)
    parser.add_argument("--bot", action="store_true", help=argparse.SUPPRESS)


async def problems(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    from bot.checks.preflight import engine_problems, machine_problems

    if args.bot:
        return ()
    return (*machine_problems(_on_a_free_port(settings)), *await engine_problems(settings))


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.commands.bot_process import BotProcess, run_bot
    from bot.factories.sandbox import ready_image
    from playground.demo_model import MODEL, DemoModel
    from playground.slack.page_json import Model
    from playground.slack.server import SlackStandIn

    if args.bot:
        return await run_bot(settings)
    chosen, settings = settings.port, _on_a_free_port(settings)
    if settings.port != chosen:
        _print(f"Port {chosen} is in use, so the page is on another one. HANDOFF_PORT chooses it.")
    await ready_image(settings, lambda progress: _print(str(progress)))
    is_real = settings.openai_api_key is not None or settings.openai_base_url is not None
    folder = playground(settings).data_dir
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        changes: dict[str, Any] = {}
        if not is_real:
            demo = await stack.enter_async_context(DemoModel())
            changes = {"openai_base_url": demo.base_url, "model": MODEL, "worker_model": None}
        bot = BotProcess()
        slack = SlackStandIn(
            host=settings.host,
            port=settings.port,
            model=Model(settings.model if is_real else MODEL, scripted=not is_real),
            saved_in=folder / "slack.db",
            local_bot=bot,
        )
        await stack.enter_async_context(slack)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(bot.run(changes | _on(settings, slack)))
            announced = group.create_task(_announce(slack))
            code = await running
            announced.cancel()
    return code


async def _announce(slack: SlackStandIn) -> None:
    """Print the page's address when the bot is connected."""
    await slack.wait_for(lambda _: slack.connections, timeout=math.inf)
    _print(f"Open {slack.url} and write: @Handoff Execute hello world in Python")
    _print(_how_to_stop())


def playground(settings: Settings) -> Settings:
    """The same settings, with the playground's own data folder and database."""
    folder = settings.data_dir / "playground"
    return settings.model_copy(
        update={"data_dir": folder, "database_url": f"sqlite:///{folder / 'handoff.db'}"}
    )


def _on_a_free_port(settings: Settings) -> Settings:
    """Move to the next free port where the default one is in use; one that was chosen stays."""
    from bot.checks.preflight import port_in_use

    if "port" in settings.model_fields_set or not port_in_use(settings.host, settings.port):
        return settings
    after = range(settings.port + 1, settings.port + _PORTS)
    free = next((port for port in after if not port_in_use(settings.host, port)), 0)
    return settings.model_copy(update={"port": free})


def _on(settings: Settings, slack: SlackStandIn) -> dict[str, Any]:
    """The changes to the settings that put the bot on the stand-in for Slack."""
    here = playground(settings)
    examples = resources.files("playground") / "skills"
    return {
        "skills_dir": str(settings.skills_dir or examples),
        "data_dir": str(here.data_dir),
        "database_url": here.database_url,
        "slack_api_url": slack.api_url,
        "slack_bot_token": slack.bot_token,
        "slack_app_token": slack.app_token,
        "slack_client_id": None,
        "host": "127.0.0.1",
        "port": 0,
    }


def _how_to_stop() -> str:
    """A shell starts background jobs with SIGINT ignored, and that is left as it is."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return f"`kill {os.getpid()}` stops it."
    return "Ctrl-C stops it."


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
