"""The Slack client of each workspace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import aiohttp

from bot.wire.client import SlackClient

#: A workspace's bot token; None when the app is not installed there.
TokenOf = Callable[[str], Awaitable[str | None]]
#: The ids of the workspaces that the app is installed in.
Teams = Callable[[], Awaitable[Sequence[str]]]


class Clients:
    """Clients by workspace. They share connections; each has its own workspace's rate limiter."""

    def __init__(
        self, base_url: str, http: aiohttp.ClientSession, token_of: TokenOf, teams: Teams | None = None,
        *, secrets: Sequence[str] = (), bots: Callable[[], int] = lambda: 1,
    ) -> None:  # fmt: skip
        """`secrets`: values that must not be posted anywhere. `bots`: how many processes share each
        workspace's rate limits."""
        self._bots = bots
        self._secrets = secrets
        self._base_url = base_url
        self._http = http
        self.token = token_of
        self._teams = teams
        self._clients: dict[str, SlackClient] = {}

    async def all(self) -> Sequence[SlackClient]:
        """The clients of all workspaces."""
        teams = [""] if self._teams is None else await self._teams()
        return [await self.of(team) for team in teams]

    def refused(self) -> Sequence[str]:
        """Slack's error codes for the tokens that it refused at their last use."""
        return sorted({client.refused for client in self._clients.values() if client.refused})

    async def of(self, team: str) -> SlackClient:
        """The workspace's client. Without a token, its calls fail with `not_authed`."""
        token = await self.token(team) or ""
        known = self._clients.get(team)
        if known is None or known.token != token:
            known = self._clients[team] = SlackClient(
                token, self._base_url, self._http, self._secrets, self._bots
            )
        return known
