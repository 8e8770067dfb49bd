"""`handoff serve`: runs the bot until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse

from bot.settings import Settings


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    subparsers.add_parser("serve", help="run the bot", description=__doc__)


async def problems(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    from bot.checks import tokens
    from bot.checks.preflight import problems_for_serve

    return await problems_for_serve(settings) or await tokens.refused(settings)


async def run(args: argparse.Namespace, settings: Settings) -> int:
    import structlog

    from bot.factories.model import unbound_usd_limits
    from bot.server import BotServer
    from bot.settings.channels import ChannelSettings

    log = structlog.get_logger(__name__)
    for why in unbound_usd_limits(ChannelSettings(settings, settings.channels_file)):
        log.warning("limit without effect", why=why)
    async with BotServer(settings) as server:
        ports = {"port": server.web.port, "health_port": server.web.health_port}
        log.info("ready", host=settings.host, **ports)
        await server.engine.ended()
    return 1
