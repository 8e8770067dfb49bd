"""Permalinks to threads and messages, built from the workspace's URL, which is fetched once."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import structlog

from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.entities import TS
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)


_PATH = re.compile(r"/archives/([CGD][A-Z0-9]+)/p(\d{10,})/?")


def parse_permalink(link: str) -> tuple[str, str] | None:
    """The channel and the `ts` of the thread that a permalink leads to; None for another address."""
    try:
        parts = urlsplit(link.strip().strip("<>").partition("|")[0])
    except ValueError:
        return None
    if (found := _PATH.fullmatch(parts.path)) is None:
        return None
    root = parse_qs(parts.query).get("thread_ts", [""])[0]
    return found[1], root if TS.fullmatch(root) else f"{found[2][:-6]}.{found[2][-6:]}"


class Permalinks:
    """Permalinks to threads in one or more workspaces."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._homes: dict[str, str] = {}

    async def to(self, thread: ThreadAddress) -> str:
        """The permalink of the thread's first message."""
        home = await self._home(thread.team)
        return f"{home}/archives/{thread.channel}/p{thread.ts.replace('.', '')}"

    async def to_reply(self, thread: ThreadAddress, ts: str) -> str:
        """The permalink of a message in a thread."""
        link = await self.to(ThreadAddress(thread.team, thread.channel, ts))
        return link if ts == thread.ts else f"{link}?thread_ts={thread.ts}&cid={thread.channel}"

    async def _home(self, team: str) -> str:
        if team not in self._homes:
            try:
                client = await self._clients.of(team)
                self._homes[team] = str((await client.auth_test())["url"]).rstrip("/")
            except SLACK_ERRORS as error:
                log.info("workspace URL unknown", why=error_text(error))
                return "https://slack.com"
        return self._homes[team]
