"""The orchestrator's tools that propose, list and delete standing orders.

A proposal does nothing: its owner starts it with a button (`bot.controls.orders`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from agents.errors import ToolFailure
from agents.orchestrator import AgentDeps
from agents.tools import Function, Tool
from bot.orders import words
from bot.thread.order_run import is_order_run
from bot.tools.channel_access import ChannelAccess
from bot.wire.client import ABSENT, SLACK_ERRORS, SlackClient, error_code, error_text
from bot.wire.clients import Clients
from bot.wire.reader import MessageReader
from bot.wire.users import UserDirectory
from tasks.orders.order import (
    LONGEST_PATTERN,
    LONGEST_TASK,
    LONGEST_TITLE,
    MessageSource,
    Order,
    OrderKind,
    OrderLimits,
)
from tasks.orders.pattern import phrases
from tasks.orders.schedule import ScheduleError, check_schedule
from tasks.orders.store import OrderStore
from tasks.store.key_value import KeyValueStore
from tasks.store.queries import TaskQueries
from tasks.task import Task
from text.excerpt import one_line

audit = structlog.get_logger("audit")

_PROPOSED = (
    "Proposed, not started. Below your words the person sees the times and the cost, and starts it with a "
    "button. Say so in one sentence, and end."
)
_NOT_A_MEMBER = "I am not in that channel. Someone in it can invite me with /invite."
_NO_PATTERN = "The pattern has no words. Leave it out to take every message."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTools:
    """Makes the tools of each task."""

    clients: Clients
    reader: MessageReader
    queries: TaskQueries
    store: OrderStore
    limits: OrderLimits
    clock: Callable[[], float]

    async def given_to(self, task: Task, deps: AgentDeps) -> AgentDeps:
        """A task's dependencies with its tools for orders, or with an order's budget in a run of one."""
        if not await is_order_run(KeyValueStore(self.store.database), task):
            return replace(deps, ordering=await self._of(task))
        budget = replace(deps.limits.task, tokens=min(deps.limits.task.tokens, self.limits.tokens))
        return replace(deps, limits=replace(deps.limits, task=budget))

    async def _of(self, task: Task) -> Sequence[Tool]:
        """None for apps: only a person may press Start."""
        if not self.limits.person or task.user.startswith("B"):
            return ()
        client = await self.clients.of(task.thread.team)
        people = self.reader.people
        access = ChannelAccess(client=client, people=people, task=task, writers=self.queries.writers)
        mine = _TaskOrders(
            client=client, people=people, access=access, store=self.store, limits=self.limits, task=task,
            clock=self.clock,
        )  # fmt: skip
        functions: list[Function] = [mine.create_schedule, mine.create_watch]
        if await self.store.of_owner(task.thread.team, task.user):
            functions += [mine.list_orders, mine.delete_order]
        return [Tool.from_function(function) for function in functions]


@dataclass(frozen=True, slots=True, kw_only=True)
class _TaskOrders:
    client: SlackClient
    people: UserDirectory
    access: ChannelAccess
    store: OrderStore
    limits: OrderLimits
    task: Task
    clock: Callable[[], float]

    async def create_schedule(self, task: str, when: str, timezone: str = "", title: str = "") -> str:
        """Propose a task that runs here at set times, or once later.

        Args:
            task: Complete in itself.
            when: Cron of five fields, or ISO time.
            timezone: By default the person's.
        """
        zone = timezone or (await self.people.person(self.task.thread.team, self.task.user)).zone or "UTC"
        try:
            checked = check_schedule(when, zone, self.clock(), minutes=self.limits.minutes)
        except ScheduleError as error:
            raise ToolFailure(str(error)) from None
        order = self._order(
            OrderKind.SCHEDULE, task, title, self.task.thread.channel, when=checked, zone=zone
        )
        return await self._propose(order)

    async def create_watch(
        self,
        channel: str,
        task: str,
        pattern: str = "",
        title: str = "",
        source: Literal["all", "people", "apps"] = "all",
    ) -> str:
        """Propose a task that runs for a channel's new messages.

        Args:
            pattern: Words or phrases with commas between; one must occur.
        """
        if pattern.strip() and not phrases(pattern):
            raise ToolFailure(_NO_PATTERN)
        if len(pattern) > LONGEST_PATTERN:
            raise ToolFailure(f"The pattern has more than {LONGEST_PATTERN} characters.")
        try:
            place = await self.access.find(channel)
            found = await self.client.conversations_info(channel=place.id)
        except SLACK_ERRORS as error:
            code = error_code(error)
            raise ToolFailure(_NOT_A_MEMBER if code in ABSENT else error_text(error)) from error
        if place.is_direct or not (found.get("channel") or {}).get("is_member", True):
            raise ToolFailure(_NOT_A_MEMBER)
        order = self._order(
            OrderKind.WATCH,
            task,
            title,
            place.id,
            pattern=one_line(pattern, LONGEST_PATTERN),
            source=MessageSource(source),
        )
        return await self._propose(order)

    async def list_orders(self) -> str:
        """List the person's standing orders."""
        mine = await self.store.of_owner(self.task.thread.team, self.task.user)
        return "\n".join(f"{words.line(order)}\n{order.task}" for order in mine) or "None."

    async def delete_order(self, id: str) -> str:
        """Delete one of the person's standing orders, when they ask for it.

        Args:
            id: From list_orders.
        """
        mine = await self.store.of_owner(self.task.thread.team, self.task.user)
        if id not in [order.id for order in mine]:
            raise ToolFailure("The person has no such standing order. list_orders shows them.")
        await self.store.delete(id, self.clock())
        audit.info("order deleted", team=self.task.thread.team, user=self.task.user, order=id)
        return "Deleted."

    def _order(
        self, kind: OrderKind, task: str, title: str, channel: str, *, when: str = "", zone: str = "UTC",
        pattern: str = "", source: MessageSource = MessageSource.ALL,
    ) -> Order:  # fmt: skip
        if not task.strip() or len(task) > LONGEST_TASK:
            raise ToolFailure(f"The task must have 1 to {LONGEST_TASK:,} characters, not {len(task):,}.")
        return Order(
            id="", team=self.task.thread.team, channel=channel, owner=self.task.user,
            owner_name=self.task.user_name, kind=kind, title=one_line(title or task, LONGEST_TITLE),
            task=task.strip(), when=when, zone=zone, pattern=pattern, source=source,
        )  # fmt: skip

    async def _propose(self, order: Order) -> str:
        order = await self.store.propose(order, self.clock())
        text, blocks = words.proposal(order, self.clock(), self.limits)
        thread = self.task.thread
        try:
            await self.client.chat_postMessage(
                channel=thread.channel, thread_ts=thread.ts, text=text, blocks=blocks
            )
        except SLACK_ERRORS as error:
            raise ToolFailure(f"It could not be shown: {error_text(error)}.") from error
        return _PROPOSED
