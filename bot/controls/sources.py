"""The button Sources below an answer: who found each figure, in which run, and the line that has it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from agents.figures import CheckedFigures, FoundFigure, check_figures
from agents.figures.sources import SourceKind
from bot.controls import texts
from bot.controls.clicks import task_of
from bot.controls.replies import ClickReplies
from bot.thread.blocks import SOURCES
from bot.wire.interactions import ClickPayload, parse_interaction
from bot.wire.text import escape
from tasks.engine import TaskEngine
from tasks.store.database import Database
from tasks.store.log import TaskLog

#: Characters of the list, below Slack's 4,000 of a message, and of one line of a source.
_LONGEST, _LONGEST_LINE = 3_500, 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesButton:
    """The button's listener."""

    engine: TaskEngine
    database: Database
    replies: ClickReplies

    def register(self, app: AsyncApp) -> None:
        app.action(SOURCES)(self.pressed)

    async def pressed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (click := parse_interaction(ClickPayload, body)) is None:
            return
        if (task := await task_of(self.engine.store, click, click.pressed.value)) is None:
            return await self.replies.whisper(click, texts.NOT_MY_BUTTON)
        journal = await TaskLog.load(self.database, task.id, task.runner)
        checked = await asyncio.to_thread(check_figures, task.answer, task.request, journal.agents)
        await self.replies.whisper(click, source_list(checked) if checked else texts.SOURCES_GONE)


def source_list(checked: CheckedFigures) -> str:
    """The figures of an answer with their sources, as mrkdwn; what Slack has no room for is counted."""
    lines = [_line(one) for one in checked.found]
    lines += [texts.no_source(escape(text)) for text in checked.unfound]
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > _LONGEST:
            break
        shown.append(line)
    left = len(lines) - len(shown)
    return "\n".join([*shown, *([texts.more_figures(left)] if left else [])])


def _line(one: FoundFigure) -> str:
    source = one.source
    where = {
        SourceKind.RUN: texts.source_run, SourceKind.TOOL: texts.source_tool,
        SourceKind.REPORT: texts.source_report,
    }.get(source.kind, texts.source_read)  # fmt: skip
    quoted = escape(source.line[:_LONGEST_LINE].replace("`", "'"))
    return texts.source(escape(one.text), where(source.number, escape(source.title or source.worker)), quoted)
