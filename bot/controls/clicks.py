"""What a click on a button is about: the value that the button carries, and its task."""

from __future__ import annotations

from typing import Any, TypeVar

import pydantic
import structlog
from slack_bolt.async_app import AsyncAck

from bot.wire.interactions import ClickPayload, parse_interaction
from tasks.store.tasks import TaskStore
from tasks.task import Task

log = structlog.get_logger(__name__)
Value = TypeVar("Value", bound=pydantic.BaseModel)


async def click_below_message(ack: AsyncAck, body: dict[str, Any]) -> ClickPayload | None:
    """Acknowledge a click; None for one that is not on a message of a channel."""
    await ack()
    click = parse_interaction(ClickPayload, body)
    return None if click is None or click.message is None or click.channel is None else click


def button_value(kind: type[Value], click: ClickPayload) -> Value | None:
    """The button's value; None, with a line in the log, when it is of another form."""
    try:
        return kind.model_validate_json(click.pressed.value)
    except pydantic.ValidationError as error:
        log.warning("button not understood", problem=str(error))
        return None


async def task_of(store: TaskStore, click: ClickPayload, id_: str) -> Task | None:
    """A button's task, if it is of this workspace and of the channel where the button was pressed."""
    task = await store.task(id_)
    if task is None or task.thread.team != click.team.id:
        return None
    return task if click.channel is None or click.channel.id == task.thread.channel else None
