"""A reverse proxy in front of several Slack stand-ins, as Slack has one URL for all workspaces.

It routes a call by its token, and an installation by its team.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
from aiohttp import web

from playground.slack import SlackStandIn
from playground.slack.world import Team, World, playground_world


def another_world() -> World:
    """A second workspace: other ids of team and bot, the same people and channels."""
    world = playground_world()
    bot = replace(world.bot, id="U0HANDOF2", bot_id="B0HANDOF2")
    channels = [
        replace(channel, members=channel.members - {world.bot.id} | {bot.id}) for channel in world.channels
    ]
    people = [user for user in world.users if not user.is_bot]
    return replace(
        world,
        team=Team("T0SECOND1", "Second", "second"),
        bot=bot,
        users=(*people, bot),
        channels=tuple(channels),
    )


@asynccontextmanager
async def slack_proxy(workspaces: Sequence[SlackStandIn]) -> AsyncIterator[str]:
    """The base of the Web API in front of `workspaces`, which become workspaces of one app."""
    first = workspaces[0]
    for other in workspaces[1:]:
        other.credentials.signing_secret = first.signing_secret
        other.installs.client_id = first.installs.client_id
        other.installs.client_secret = first.installs.client_secret
    async with aiohttp.ClientSession() as session:
        proxy = _SlackProxy(workspaces, session)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
        finally:
            await runner.cleanup()


class _SlackProxy:
    def __init__(self, workspaces: Sequence[SlackStandIn], session: aiohttp.ClientSession) -> None:
        self._workspaces = workspaces
        self._session = session
        self._asked = workspaces[0]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        kept = ("Authorization", "Content-Type")
        headers = {name: value for name, value in request.headers.items() if name in kept}
        async with self._session.request(
            request.method,
            f"{self._workspace(request).url}{request.raw_path}",
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            passed = {
                name: value
                for name, value in answer.headers.items()
                if name in ("Content-Type", "Location", "Retry-After", "x-oauth-scopes")
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=passed)

    def _workspace(self, request: web.Request) -> SlackStandIn:
        """Whose token it is, the app's being the first one's; for a code, who was asked for one last: no two
        are under way at once."""
        if request.path == "/oauth/v2/authorize":
            team = request.query.get("team")
            self._asked = next((w for w in self._workspaces if w.team_id == team), self._asked)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return next((w for w in self._workspaces if token in (w.bot_token, w.app_token)), self._asked)
