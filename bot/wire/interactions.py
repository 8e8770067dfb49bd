"""Interactivity payloads as typed models (docs.slack.dev/reference/interaction-payloads)."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import pydantic
import structlog

log = structlog.get_logger(__name__)

_Id = Annotated[str, pydantic.StringConstraints(min_length=1, max_length=64)]
T = TypeVar("T", bound=pydantic.BaseModel)


class SlackReference(pydantic.BaseModel):
    """A user, a channel or a workspace."""

    id: _Id


class ButtonAction(pydantic.BaseModel):
    """The clicked button."""

    action_id: str
    value: str = ""


class ClickedMessage(pydantic.BaseModel):
    """The message with the button, or the one that a shortcut was used on."""

    ts: _Id
    text: str = ""
    thread_ts: _Id | None = None
    blocks: list[dict[str, Any]] = []


class ClickPayload(pydantic.BaseModel):
    """A click on a button in a message, or in App Home, which has no `channel` and `message`."""

    user: SlackReference
    team: SlackReference
    actions: list[ButtonAction] = pydantic.Field(min_length=1)
    channel: SlackReference | None = None
    message: ClickedMessage | None = None
    trigger_id: str = ""
    """Opens a form, for 3 seconds."""

    @property
    def pressed(self) -> ButtonAction:
        return self.actions[0]


class ShortcutPayload(pydantic.BaseModel):
    """A message shortcut."""

    user: SlackReference
    team: SlackReference
    channel: SlackReference
    message: ClickedMessage


class Form(pydantic.BaseModel):
    """A modal with what a person entered: `state` by block and action."""

    private_metadata: str = ""
    state: dict[str, Any] = {}

    def value(self, field: str) -> str:
        """The text of a field whose block and action have the same id; empty when nothing was entered."""
        entered: Any = self.state.get("values")
        for key in (field, field, "value"):
            entered = entered.get(key) if isinstance(entered, dict) else None
        return entered if isinstance(entered, str) else ""


class SubmittedForm(pydantic.BaseModel):
    """A modal that was sent."""

    user: SlackReference
    team: SlackReference
    view: Form


class CommandPayload(pydantic.BaseModel):
    """A slash command."""

    team_id: _Id
    channel_id: _Id
    user_id: _Id
    text: str = ""
    trigger_id: _Id


def parse_interaction(shape: type[T], payload: object) -> T | None:
    """The parsed payload; None, and a line in the log, for a malformed one."""
    try:
        return shape.model_validate(payload)
    except pydantic.ValidationError as error:
        problem = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        log.warning("payload not understood, acked and dropped", kind=shape.__name__, problem=problem)
        return None
