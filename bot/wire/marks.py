"""The emoji that the bot puts on people's messages: 👀 when it takes one, then what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import structlog

from bot.wire.client import SLACK_ERRORS, error_text, is_transient
from bot.wire.clients import Clients
from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore

log = structlog.get_logger(__name__)

EYES, READ, QUESTION, DONE, WARNING = "eyes", "writing_hand", "question", "white_check_mark", "warning"
#: The share of a burst of reactions that other marks leave to 👀.
_LEFT_TO_EYES = 0.5
#: The mark of a stopped task.
NOTHING = ""
#: The namespace of the marks that are not final: the wanted one, then those that may still be shown.
_NAMESPACE = "marks"
#: Slack's errors for an app that may not react anywhere, and for a reaction that is as wanted.
_FORBIDDEN = {"missing_scope", "not_allowed_token_type"}
_SETTLED = {"already_reacted", "no_reaction"}


class MessageMarks:
    """One emoji on each message. Slack's refusal is logged and raises nothing.

    Inside `running`, a mark is replaced in the background, since Slack takes 20 removals a minute. The next
    process replaces what this one does not.
    """

    def __init__(self, clients: Clients, kept: KeyValueStore) -> None:
        self._clients = clients
        self._kept = kept
        self._changes: dict[str, list[str]] = {}
        self._changed: asyncio.Queue[str] = asyncio.Queue()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._forbidden: set[str] = set()
        """Tokens of apps that may not react."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        for key, names in (await self._kept.all(_NAMESPACE)).items():
            if len(names) > 1:
                self._change(key, names)
        async with asyncio.TaskGroup() as group:
            settling = group.create_task(self._settle_changes())
            try:
                yield
            finally:
                settling.cancel()

    async def show_eyes(self, thread: ThreadAddress, ts: str) -> bool:
        """Add 👀 to a message; answers whether Slack took it. Does nothing when another mark is to come."""
        key = _key(thread, ts)
        async with self._lock(key):
            if key in self._changes:
                return False
            try:
                return await self._react(key, "reactions.add", EYES)
            except SLACK_ERRORS as fault:
                log.info("eyes not shown", message=key, why=error_text(fault))
                return False

    async def replace(self, thread: ThreadAddress, ts: str, name: str) -> None:
        """Have a message show `name` soon, and nothing else of the bot."""
        key = _key(thread, ts)
        shown = self._changes.get(key) or await self._kept.get(_NAMESPACE, key) or [EYES]
        names = [name, *(other for other in shown if other not in (name, NOTHING))]
        self._change(key, names)
        await self._kept.put(_NAMESPACE, key, names)

    async def reopen(self, thread: ThreadAddress, ts: str) -> None:
        """Show 👀 again in place of ❓, if that is there: the question was answered."""
        if await self._kept.get(_NAMESPACE, _key(thread, ts)):
            await self.replace(thread, ts, EYES)

    def _change(self, key: str, names: list[str]) -> None:
        self._changes[key] = names
        self._changed.put_nowait(key)

    async def _settle_changes(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._settle(await self._changed.get()))

    async def _settle(self, key: str) -> None:
        async with self._lock(key):
            while (names := self._changes.get(key)) is not None:
                try:
                    await self._show(key, names)
                    # Only a question's mark is replaced again.
                    await self._kept.put(_NAMESPACE, key, names[:1] if names[0] == QUESTION else None)
                except SLACK_ERRORS as fault:
                    log.info("mark not replaced, left to the next start", message=key, why=error_text(fault))
                except Exception:
                    log.exception("mark not replaced, left to the next start", message=key)
                if self._changes[key] is names:
                    del self._changes[key]

    async def _show(self, key: str, names: list[str]) -> None:
        wanted, *others = names
        if wanted:
            await self._react(key, "reactions.add", wanted)
        for name in others:
            await self._react(key, "reactions.remove", name)

    async def _react(self, key: str, method: str, name: str) -> bool:
        """Answers whether Slack took it. Raises what the client raises where another try may help."""
        team, channel, ts = key.split("/")
        client = await self._clients.of(team)
        if client.token in self._forbidden:
            return False
        # Who asks sees 👀 at once, also where many tasks come; what became of one may wait.
        keeping = 0.0 if name == EYES else _LEFT_TO_EYES
        try:
            await client.limiter.acquire(method, channel, keeping=keeping)
            await client.call_now(method, json={"channel": channel, "timestamp": ts, "name": name})
        except SLACK_ERRORS as fault:
            why = error_text(fault)
            if is_transient(fault):
                raise
            if why in _FORBIDDEN:
                self._forbidden.add(client.token or "")
            if why not in _SETTLED:
                log.info("reaction refused", method=method, message=key, why=why)
            return False
        return True

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())


def _key(thread: ThreadAddress, ts: str) -> str:
    return f"{thread.team}/{thread.channel}/{ts}"
