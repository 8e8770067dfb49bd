"""App Home: a person's running and recent tasks, what they used, and how things are set.

Slack shows what was published last, so it is published each time somebody opens it and after each Stop in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.intake.listeners import suggest_prompts
from bot.intake.stopper import TaskStopper
from bot.observability.timeline import render_timeline
from bot.settings import Settings
from bot.thread.answer import Block, button, context_block, duration
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.interactions import ClickPayload, parse_interaction
from bot.wire.permalinks import Permalinks
from bot.wire.text import escape, one_plain_line
from tasks.engine import TaskEngine
from tasks.store.queries import TaskQueries, UsageTotals
from tasks.task import State, Task

log = structlog.get_logger(__name__)

STOP = "handoff_home_stop"
RECENT = 10
#: Characters of a bar and lines of the picture: a code block of the Home holds so much without wrapping.
PICTURE_WIDTH, PICTURE_LINES = 24, 20
#: Characters of a section (docs.slack.dev, section block), less what stands around the picture.
PICTURE_LONGEST = 2_900
_WORDS = {
    State.QUEUED: ":hourglass_flowing_sand: queued",
    State.WAITING: ":speech_balloon: waiting for an answer",
    State.ANSWERED: ":white_check_mark: answered",
    State.STOPPED: ":octagonal_sign: stopped",
    State.FAILED: ":warning: failed",
    State.EXPIRED: ":zzz: nobody answered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContent:
    """What App Home shows: tasks with the links to their threads, tokens used and USD spent."""

    running: Sequence[tuple[Task, str]]
    recent: Sequence[tuple[Task, str]]
    tokens_day: int
    tokens_week: int
    cost_day: float
    cost_week: float
    notice: str = ""
    """What came of a press, in mrkdwn."""
    picture: Sequence[str] = ()
    """The newest task's work as lines of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppHome:
    """Publishes it, and takes its Stop buttons."""

    engine: TaskEngine
    queries: TaskQueries
    usage: UsageTotals
    clients: Clients
    links: Permalinks
    stopper: TaskStopper
    settings: Settings

    def register(self, app: AsyncApp) -> None:
        app.event("app_home_opened")(self.opened)
        app.action(STOP)(self.stop_pressed)

    async def opened(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """The Home tab is published again; the messages tab gets its suggested prompts."""
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

    async def _publish(self, team: str, user: str, notice: str = "") -> None:
        now = time.time()
        mine = await self.queries.tasks(team=team, user=user, limit=50)
        linked = [(task, await self.links.to(task.thread)) for task in mine]
        shown = HomeContent(
            running=[pair for pair in linked if not pair[0].state.is_over],
            recent=[pair for pair in linked if pair[0].state.is_over][:RECENT],
            tokens_day=await self.usage.tokens(since=now - 86_400, team=team, user=user),
            cost_day=await self.usage.cost(since=now - 86_400, team=team, user=user),
            cost_week=await self.usage.cost(since=now - 7 * 86_400, team=team, user=user),
            tokens_week=await self.usage.tokens(since=now - 7 * 86_400, team=team, user=user),
            notice=notice,
            picture=await self._picture(mine[0]) if mine else (),
        )
        try:
            client = await self.clients.of(team)
            await client.views_publish(user_id=user, view=view(shown, self.settings))
        except SLACK_ERRORS as error:
            log.info("home not published", user=user, why=error_text(error))

    async def _picture(self, newest: Task) -> Sequence[str]:
        return render_timeline(newest, await self.engine.store.events(newest.id), width=PICTURE_WIDTH)


def view(shown: HomeContent, settings: Settings) -> dict[str, Any]:
    """App Home as Slack's blocks."""
    blocks: list[Block] = [_header("Running")]
    if shown.notice:
        blocks.append(_section(shown.notice))
    blocks += [_row(task, link, stoppable=True) for task, link in shown.running]
    if not shown.running:
        blocks.append(
            _section("Nothing is running. Mention me in a channel, or write to me under *Messages*.")
        )
    if shown.picture:
        blocks.append(_section(f"*The newest one, agent by agent*\n```{_drawn(shown.picture)}```"))
    blocks += [{"type": "divider"}, _header("Recent")]
    blocks += [_row(task, link) for task, link in shown.recent] or [
        _section("No task of yours has ended yet.")
    ]
    blocks += [{"type": "divider"}, _header("Usage and settings")]
    blocks.append(
        _section(
            f"Tokens: *{shown.tokens_day:,}* in the last 24 hours, *{shown.tokens_week:,}* in 7 days.\n"
            f"Cost: *${shown.cost_day:.2f}* and *${shown.cost_week:.2f}*, as far as prices are known."
        )
    )
    blocks.append(context_block(_settings(settings)))
    return {"type": "home", "blocks": blocks}


def _drawn(picture: Sequence[str]) -> str:
    """As many whole lines as fit, once they are escaped."""
    lines = [escape(line).replace("`", "'") for line in picture[:PICTURE_LINES]]
    while len("\n".join(lines)) > PICTURE_LONGEST:
        lines.pop()
    return "\n".join(lines)


def _settings(settings: Settings) -> str:
    daily = settings.limit_person_daily_tokens
    return " · ".join(
        [
            f"Model: {escape(str(settings.model))}",
            f"tokens of one task: {settings.limit_task_tokens:,}",
            f"tokens a day: {daily:,}" if daily else "no daily limit",
            "a channel's settings: `/handoff set`",
        ]
    )


def _row(task: Task, link: str, *, stoppable: bool = False) -> Block:
    title = escape(one_plain_line(task.request)[:150]) or "a file"
    state = _WORDS.get(task.state, ":gear: at work")
    took = f" · {duration(task.seconds)}" if task.seconds is not None else ""
    block = _section(f"<{link}|{title}>\n{state}{took}")
    if stoppable:
        block["accessory"] = button("Stop", STOP, task.id, style="danger")
    return block


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}
