"""Interactivity payloads read once, at the edge (docs.slack.dev/reference/interaction-payloads).

Wrong shapes end here, in a line for the log. Never acts on them.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import pydantic
import structlog

log = structlog.get_logger(__name__)

_Id = Annotated[str, pydantic.StringConstraints(min_length=1, max_length=64)]
T = TypeVar("T", bound=pydantic.BaseModel)


class Named(pydantic.BaseModel):
    """A user, a channel or a workspace."""

    id: _Id


class Action(pydantic.BaseModel):
    """What was pressed."""

    action_id: str
    value: str = ""


class Said(pydantic.BaseModel):
    """The message it was pressed on."""

    ts: _Id
    text: str = ""
    thread_ts: _Id | None = None
    blocks: list[dict[str, Any]] = []


class Click(pydantic.BaseModel):
    """A press on a button: in a message, or without `channel` and `message` in App Home."""

    user: Named
    team: Named
    actions: list[Action] = pydantic.Field(min_length=1)
    channel: Named | None = None
    message: Said | None = None

    @property
    def pressed(self) -> Action:
        return self.actions[0]


class Shortcut(pydantic.BaseModel):
    """A message shortcut."""

    user: Named
    team: Named
    channel: Named
    message: Said


class Command(pydantic.BaseModel):
    """A slash command."""

    team_id: _Id
    channel_id: _Id
    user_id: _Id
    text: str = ""
    trigger_id: _Id


def read(shape: type[T], payload: object) -> T | None:
    """The payload in its shape, or None when it is not shaped so."""
    try:
        return shape.model_validate(payload)
    except pydantic.ValidationError as error:
        problem = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        log.warning("payload not understood, acked and dropped", kind=shape.__name__, problem=problem)
        return None
