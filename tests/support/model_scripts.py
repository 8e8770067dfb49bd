"""Chooses the scripted reply for a request: in order, by agent, or by a test's function."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tests.support.model_replies import Asked, Fault, Reply

Answering = Callable[[Asked], Awaitable[Reply | None]]


class Script(Protocol):
    async def next(self, asked: Asked) -> Reply | None:
        """The reply to this request, or None if the script has none for it."""

    def left(self) -> list[str]:
        """The replies that were not requested, one line each."""


class InOrder:
    """The replies one after the other, for all agents. A fault with `times=3` answers three requests."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        self._replies = deque(single for reply in replies for single in _repeated(reply))

    async def next(self, asked: Asked) -> Reply | None:
        return self._replies.popleft() if self._replies else None

    def left(self) -> list[str]:
        return [repr(reply) for reply in self._replies]


class Roles:
    """Replies by who asks, as workers run at the same time and in no order.

    `workers` maps words of a worker's brief to that worker's replies; when several fit, the longest decides.
    A plain sequence is for all workers together, in the order they ask.
    """

    def __init__(
        self, orchestrator: Sequence[Reply], workers: Mapping[str, Sequence[Reply]] | Sequence[Reply] = ()
    ) -> None:
        named = workers if isinstance(workers, Mapping) else {"": workers}
        self._orchestrator = InOrder(orchestrator)
        self._workers = {words: InOrder(replies) for words, replies in named.items()}

    async def next(self, asked: Asked) -> Reply | None:
        if not asked.is_worker:
            return await self._orchestrator.next(asked)
        fitting = [words for words in self._workers if words in asked.brief]
        return await self._workers[max(fitting, key=len)].next(asked) if fitting else None

    def left(self) -> list[str]:
        workers = [f"worker {words!r}: {line}" for words, one in self._workers.items() for line in one.left()]
        return [*(f"orchestrator: {line}" for line in self._orchestrator.left()), *workers]


class ByFunction:
    """Whatever an async function answers; None means the request was not expected."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def next(self, asked: Asked) -> Reply | None:
        return await self._answering(asked)

    def left(self) -> list[str]:
        return []


def script_of(replies: Sequence[Reply] | Answering | Script) -> Script:
    if isinstance(replies, Sequence):
        return InOrder(replies)
    return ByFunction(replies) if callable(replies) else replies


def _repeated(reply: Reply) -> Iterable[Reply]:
    return [replace(reply, times=1)] * reply.times if isinstance(reply, Fault) else [reply]
