"""An order in words and blocks: when it runs, what it may cost, its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cronsim import CronSim

from bot.orders import texts
from bot.thread.blocks import Block, actions_block, button, context_block, section_block
from bot.wire.text import escape, one_plain_line
from tasks.orders.order import Firing, MessageSource, Order, OrderKind, OrderLimits, OrderState
from tasks.orders.schedule import find_zone, is_once, next_times

#: Action ids of the buttons.
START, DISCARD = "handoff_order_start", "handoff_order_discard"
PAUSE, RESUME = "handoff_order_pause", "handoff_order_resume"
RUN, DELETE = "handoff_order_run", "handoff_order_delete"
#: Next runs that a proposal shows.
_SHOWN = 3


def times(order: Order) -> str:
    """When it runs, in its zone."""
    if order.kind is OrderKind.WATCH:
        wanted = texts.with_words(escape(order.pattern)) if order.pattern else texts.EVERY_MESSAGE
        whose = "" if order.source is MessageSource.ALL else texts.of_source(order.source.value)
        return texts.on_messages(wanted, whose)
    if is_once(order.when):
        return texts.ONCE
    said = CronSim(order.when, datetime.now(find_zone(order.zone))).explain()
    return f"{said} ({order.zone})"


def moment(seconds: float, zone: str) -> str:
    return moments([seconds], zone)


def moments(seconds: Sequence[float], zone: str) -> str:
    """Several times, with their zone once."""
    said = (f"{datetime.fromtimestamp(one, find_zone(zone)):%a %Y-%m-%d %H:%M}" for one in seconds)
    return f"{', '.join(said)} {zone}"


def next_run(order: Order) -> str:
    return moment(order.next_at, order.zone) if order.next_at is not None else ""


def proposal(order: Order, now: float, limits: OrderLimits) -> tuple[str, list[Block]]:
    """The message under which the owner starts an order: its text and blocks."""
    quoted = "\n".join(f"> {line}" for line in escape(order.task).splitlines())
    head = texts.proposal(escape(order.title), times(order), f"<#{order.channel}>", quoted)
    if order.kind is OrderKind.SCHEDULE:
        following = next_times(order.when, order.zone, now, _SHOWN)
        facts = texts.next_runs(moments(following, order.zone))
    else:
        facts = texts.at_most(limits.hourly)
    buttons = [
        button(texts.START, START, order.id, style="primary"), button(texts.DISCARD, DISCARD, order.id),
    ]  # fmt: skip
    blocks: list[Block] = [
        section_block(head[:2_900]),
        context_block(f"{facts}\n{texts.cost(limits.tokens, limits.daily_tokens)}"),
        actions_block(*buttons),
    ]  # fmt: skip
    return head[:2_900], blocks


def line(order: Order) -> str:
    """One line of a list."""
    return texts.order_line(order.id, escape(one_plain_line(order.title)), times(order), _state(order))


def row(order: Order, last: Sequence[Firing]) -> list[Block]:
    """An order in App Home, with its buttons."""
    done = [one for one in last if one.result]
    result = texts.last_result(done[0].result, moment(done[0].at, order.zone)) if done else ""
    is_active = order.state is OrderState.ACTIVE
    switch = button(texts.PAUSE, PAUSE, order.id) if is_active else button(texts.RESUME, RESUME, order.id)
    can_run = is_active and order.kind is OrderKind.SCHEDULE
    run = [button(texts.RUN_NOW, RUN, order.id)] if can_run else []
    buttons = [switch, *run, button(texts.DELETE, DELETE, order.id, style="danger")]
    title = f"*{escape(one_plain_line(order.title))}*"
    state = _state(order)
    words = "\n".join(filter(None, [title, times(order), state[:1].upper() + state[1:], result]))
    return [section_block(words[:2_900]), actions_block(*buttons)]


def _state(order: Order) -> str:
    if order.state is OrderState.PAUSED:
        return texts.state_paused(escape(order.reason))
    return texts.next_runs(run) if (run := next_run(order)) else ""
