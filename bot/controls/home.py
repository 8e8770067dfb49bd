"""App Home: a person's running and recent tasks, their usage, and the settings.

Slack keeps showing the last published view, so each opening and each Stop in it publishes another.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.controls import home_notes, texts
from bot.controls.home_notes import HomeNotes
from bot.controls.orders import VERBS, OrderControls
from bot.intake.listeners import suggest_prompts
from bot.intake.stopper import TaskStopper
from bot.observability.timeline import render_timeline
from bot.orders import texts as order_texts
from bot.settings import Settings
from bot.thread import texts as thread_texts
from bot.thread.answer import duration
from bot.thread.blocks import Block, button, context_block, section_block
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.interactions import ClickPayload, SubmittedForm, parse_interaction
from bot.wire.permalinks import Permalinks
from bot.wire.text import escape, one_plain_line
from tasks.engine import TaskEngine
from tasks.orders.order import words_for_people
from tasks.store.queries import TaskQueries, UsageTotals
from tasks.task import State, Task

log = structlog.get_logger(__name__)
STOP = "handoff_home_stop"
#: Tasks of each kind that are shown: Home holds 100 blocks.
RUNNING, RECENT = 20, 10
#: Characters of a bar and lines of the timeline: a code block of the Home holds so much without wrapping.
TIMELINE_WIDTH, TIMELINE_LINES = 24, 20
#: Characters of a section (docs.slack.dev, section block), less the heading above the timeline.
TIMELINE_LONGEST = 2_900
_WORDS = {
    State.QUEUED: texts.HOME_QUEUED,
    State.WAITING: texts.HOME_WAITING,
    State.ANSWERED: texts.HOME_ANSWERED,
    State.STOPPED: texts.HOME_STOPPED,
    State.FAILED: texts.HOME_FAILED,
    State.EXPIRED: texts.HOME_EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContent:
    """What App Home shows: tasks with the links to their threads, tokens and USD used."""

    running: Sequence[tuple[Task, str]]
    recent: Sequence[tuple[Task, str]]
    tokens_day: int
    tokens_week: int
    cost_day: float
    cost_week: float
    notice: str = ""
    """The answer to a press, in mrkdwn."""
    orders: Sequence[Block] = ()
    """The person's standing orders."""
    timeline: Sequence[str] = ()
    """The newest task's work as lines of text."""
    notes: Sequence[Block] = ()
    """The person's own notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppHome:
    """Publishes it, and handles its Stop buttons."""

    engine: TaskEngine
    queries: TaskQueries
    usage: UsageTotals
    clients: Clients
    links: Permalinks
    stopper: TaskStopper
    settings: Settings
    notes: HomeNotes
    orders: OrderControls

    def register(self, app: AsyncApp) -> None:
        app.event("app_home_opened")(self.opened)
        app.action(STOP)(self.stop_pressed)
        app.action(home_notes.EDIT)(self.note_pressed)
        app.action(home_notes.DELETE)(self.note_pressed)
        app.view(home_notes.FORM)(self.note_edited)
        for action in VERBS:
            app.action(action)(self.order_pressed)

    async def opened(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Publish the Home tab, or suggest prompts in the messages tab."""
        match body.get("team_id"), event:
            case str(team), {"tab": "home", "user": str(user)}:
                await self._publish(team, user)
            case str(team), {"tab": "messages", "channel": str(channel)}:
                await suggest_prompts(self.clients, team, channel)

    async def stop_pressed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is None:
            return
        task = await self.engine.store.task(click.pressed.value)
        mine = task if task is not None and task.thread.team == click.team.id else None
        words = await self.stopper.stop(mine, click.user.id)
        await self._publish(click.team.id, click.user.id, words)

    async def note_pressed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is None:
            return
        if click.pressed.action_id == home_notes.EDIT:
            return await self.notes.edit(click)
        await self.notes.delete(click)
        await self._publish(click.team.id, click.user.id)

    async def note_edited(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (form := parse_interaction(SubmittedForm, body)) is not None:
            await self._publish(form.team.id, form.user.id, await self.notes.edited(form))

    async def order_pressed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is None:
            return
        team, user, verb = click.team.id, click.user.id, VERBS[click.pressed.action_id]
        await self._publish(team, user, await self.orders.change(team, user, verb, click.pressed.value))

    async def _publish(self, team: str, user: str, notice: str = "") -> None:
        now = time.time()
        mine = await self.queries.tasks(team=team, user=user, limit=50)
        linked = [(task, await self.links.to(task.thread)) for task in mine]
        shown = HomeContent(
            running=[pair for pair in linked if not pair[0].state.is_over][:RUNNING],
            recent=[pair for pair in linked if pair[0].state.is_over][:RECENT],
            tokens_day=await self.usage.tokens(since=now - 86_400, team=team, user=user),
            cost_day=await self.usage.cost(since=now - 86_400, team=team, user=user),
            cost_week=await self.usage.cost(since=now - 7 * 86_400, team=team, user=user),
            tokens_week=await self.usage.tokens(since=now - 7 * 86_400, team=team, user=user),
            notice=notice,
            notes=await self.notes.rows(team, user),
            orders=await self.orders.rows(team, user),
            timeline=await self._timeline(mine[0]) if mine else (),
        )
        try:
            client = await self.clients.of(team)
            await client.views_publish(user_id=user, view=view(shown, self.settings))
        except SLACK_ERRORS as error:
            log.info("home not published", user=user, why=error_text(error))

    async def _timeline(self, newest: Task) -> Sequence[str]:
        return render_timeline(newest, await self.engine.store.events(newest.id), width=TIMELINE_WIDTH)


def view(shown: HomeContent, settings: Settings) -> dict[str, Any]:
    """App Home as Slack's blocks."""
    blocks: list[Block] = [_header(texts.HOME_RUNNING)]
    if shown.notice:
        blocks.append(section_block(shown.notice))
    running = [_row(task, link, stoppable=True) for task, link in shown.running]
    blocks += running or [section_block(texts.HOME_NOTHING_RUNNING)]
    if shown.timeline:
        blocks.append(section_block(f"{texts.HOME_TIMELINE}\n```{_clipped(shown.timeline)}```"))
    if shown.orders:
        blocks += [{"type": "divider"}, _header(order_texts.HOME_ORDERS), *shown.orders]
    blocks += [{"type": "divider"}, _header(texts.HOME_RECENT)]
    blocks += [_row(task, link) for task, link in shown.recent] or [section_block(texts.HOME_NO_TASKS)]
    if shown.notes:
        hint = context_block(texts.HOME_NOTES_HINT)
        blocks += [{"type": "divider"}, _header(texts.HOME_NOTES), *shown.notes, hint]
    blocks += [{"type": "divider"}, _header(texts.HOME_USAGE)]
    blocks.append(section_block(f"{texts.home_tokens(shown.tokens_day, shown.tokens_week)}\n{_cost(shown)}"))
    model, daily = escape(str(settings.model)), settings.limit_person_daily_tokens or 0
    blocks.append(context_block(texts.home_settings(model, settings.limit_task_tokens, daily)))
    return {"type": "home", "blocks": blocks}


def _cost(shown: HomeContent) -> str:
    if shown.tokens_week and not shown.cost_week:
        return texts.COST_UNKNOWN
    return texts.home_cost(shown.cost_day, shown.cost_week)


def _clipped(timeline: Sequence[str]) -> str:
    """As many whole lines as fit, once they are escaped."""
    lines = [escape(line).replace("`", "'") for line in timeline[:TIMELINE_LINES]]
    while len("\n".join(lines)) > TIMELINE_LONGEST:
        lines.pop()
    return "\n".join(lines)


def _row(task: Task, link: str, *, stoppable: bool = False) -> Block:
    title = escape(one_plain_line(words_for_people(task.request))[:150]) or texts.A_FILE
    state = _WORDS.get(task.state, texts.HOME_AT_WORK)
    took = f" · {duration(task.seconds)}" if task.seconds is not None else ""
    block = section_block(f"<{link}|{title}>\n{state}{took}")
    if stoppable:
        block["accessory"] = button(thread_texts.STOP, STOP, task.id, style="danger")
    return block


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}
