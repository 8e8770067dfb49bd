"""What people do with standing orders: Start under a proposal, the buttons in App Home, `/handoff orders`.

Only its owner starts, resumes and runs an order; workspace admins may also pause and delete it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls.replies import ClickReplies
from bot.intake.access import AccessPolicy
from bot.orders import texts, words
from bot.thread.blocks import Block
from bot.wire.interactions import ClickPayload, parse_interaction
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.message import ThreadAddress
from tasks.orders.due import DueOrders
from tasks.orders.order import Order, OrderKind, OrderLimits, OrderState
from tasks.orders.store import OrderStore

audit = structlog.get_logger("audit")

#: What `/handoff orders VERB ID` and the buttons in App Home do.
VERBS = {words.PAUSE: "pause", words.RESUME: "resume", words.RUN: "run", words.DELETE: "delete"}
_BY_ADMINS = ("pause", "delete")
#: Orders that App Home shows: each takes two of its 100 blocks.
_SHOWN = 15

Publish = Callable[[str, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderControls:
    """The listeners of the buttons, and the answers of the command."""

    store: OrderStore
    due: DueOrders
    people: UserDirectory
    access: AccessPolicy
    replies: ClickReplies
    limits: OrderLimits
    clock: Callable[[], float]

    def register(self, app: AsyncApp) -> None:
        app.action(words.START)(self.decided)
        app.action(words.DISCARD)(self.decided)

    async def decided(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is not None:
            await self.replies.whisper(click, await self._decide(click))

    async def _decide(self, click: ClickPayload) -> str:
        """Start or discard a proposal; returns a sentence for the person when there is one to say."""
        order = await self._mine(click.team.id, click.user.id, click.pressed.value)
        if isinstance(order, str):
            return order
        if click.pressed.action_id == words.DISCARD:
            if order.state is not OrderState.PROPOSED or not await self.store.delete(order.id, self.clock()):
                return texts.ORDER_GONE
            await self.replies.settle(click, texts.DISCARDED)
            return ""
        done = await self._activate(order, only=OrderState.PROPOSED)
        if isinstance(done, str):
            return done
        name = escape(await self.people.name(click.team.id, click.user.id))
        await self.replies.settle(click, texts.started(name, words.next_run(done)))
        return ""

    async def command(self, team: str, user: str, arguments: Sequence[str]) -> str:
        """Answer `/handoff orders …`."""
        match arguments:
            case []:
                lines = [words.line(order) for order in await self.store.of_owner(team, user)]
                return "\n".join(lines) or texts.NO_ORDERS
            case [verb, id_] if verb in VERBS.values():
                return await self.change(team, user, verb, id_.strip("`"))
        return texts.ORDER_USAGE

    async def change(self, team: str, user: str, verb: str, id_: str) -> str:
        """Pause, resume, run or delete an order; returns what to say to the person."""
        order = await self._mine(team, user, id_, admins=verb in _BY_ADMINS)
        if isinstance(order, str):
            return order
        if not order.state.is_listed:
            return texts.ORDER_GONE
        audit.info(f"order {verb}", team=team, user=user, order=id_)
        match verb:
            case "pause":
                return texts.PAUSED if await self.store.pause(id_, self.clock()) else texts.ORDER_GONE
            case "delete":
                return texts.DELETED if await self.store.delete(id_, self.clock()) else texts.ORDER_GONE
            case "run":
                return await self._run(order)
        done = await self._activate(order, only=OrderState.PAUSED)
        return done if isinstance(done, str) else words.line(done)

    async def rows(self, team: str, user: str) -> list[Block]:
        """A person's orders in App Home."""
        mine = (await self.store.of_owner(team, user))[:_SHOWN]
        return [block for order in mine for block in words.row(order, await self.store.latest(order.id, 3))]

    async def _run(self, order: Order) -> str:
        can_run = order.state is OrderState.ACTIVE and order.kind is OrderKind.SCHEDULE
        return texts.RUNS if can_run and await self.due.fire_now(order) else texts.NOT_RUNNING

    async def _activate(self, order: Order, *, only: OrderState) -> Order | str:
        """Start or resume it; a sentence when that is not possible."""
        if order.state is not only:
            return texts.ORDER_GONE
        if refusal := await self.access.refusal(ThreadAddress(order.team, order.channel, ""), order.owner):
            return refusal
        mine = await self.store.of_owner(order.team, order.owner)
        if sum(one.state is OrderState.ACTIVE for one in mine) >= self.limits.person:
            return texts.too_many(self.limits.person)
        active = await self.store.activate(order, self.clock())
        if active is None:
            return texts.TIME_PASSED
        await self.due.look_at_watches()
        audit.info("order started", team=order.team, user=order.owner, order=order.id)
        return active

    async def _mine(self, team: str, user: str, id_: str, *, admins: bool = False) -> Order | str:
        """The order, if this person may change it; else a sentence."""
        order = await self.store.find(id_)
        if order is None or order.team != team:
            return texts.ORDER_GONE
        if order.owner == user or (admins and (await self.people.person(team, user, now=True)).is_admin):
            return order
        return texts.ONLY_OWNER
