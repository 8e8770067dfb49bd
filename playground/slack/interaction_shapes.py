"""Interactions and commands in Slack's JSON: clicks, submitted modals, slash commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playground.slack.shapes import Shapes
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Json

_SELECTED = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block, feedback buttons and inputs included."""
    for block in blocks:
        candidates = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def action_json(block: Json, element: Json, value: str | None, selected: Any, now: str) -> Json:
    """One entry of `actions`: the element and, for a choice, the chosen option."""
    kind = element.get("type", "button")
    action: Json = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block.get("block_id", ""),
        "action_ts": now,
    }
    if kind in ("button", "workflow_button", "icon_button"):
        action["text"] = element.get("text", {"type": "plain_text", "text": ""})
        chosen = value if value is not None else element.get("value")
        return action | ({"value": chosen} if chosen is not None else {})
    if kind == "feedback_buttons":
        return action | _feedback(element, value)
    if kind in _SELECTED:
        return action | {_SELECTED[kind]: selected if selected is not None else value}
    if kind in ("static_select", "radio_buttons", "overflow", "external_select"):
        return action | {"selected_option": _option(element, selected if selected is not None else value)}
    if kind in ("checkboxes", "multi_static_select"):
        several = selected if isinstance(selected, list) else [selected]
        found = (_option(element, one) for one in several)
        return action | {"selected_options": [option for option in found if option is not None]}
    return action | {"value": value if value is not None else selected}


def _feedback(element: Json, value: str | None) -> Json:
    pressed: Json = next(
        (
            button
            for button in (element.get("positive_button"), element.get("negative_button"))
            if button and button.get("value") == value
        ),
        {},
    )
    return {"value": value, "text": pressed.get("text", {"type": "plain_text", "text": ""})}


def _option(element: Json, chosen: Any) -> Json | None:
    """The chosen option, given whole or by its value."""
    value = chosen.get("value") if isinstance(chosen, dict) else chosen
    grouped = [option for group in element.get("option_groups", ()) for option in group.get("options", ())]
    options = [*element.get("options", ()), *grouped]
    return next((option for option in options if option.get("value") == value), None)


class InteractionShapes:
    """The outer payloads. `token` is Slack's old verification token, which signatures have replaced."""

    def __init__(self, state: WorkspaceState, shapes: Shapes, token: str) -> None:
        self._state = state
        self._shapes = shapes
        self._token = token

    def base(self, kind: str, user: str, trigger_id: str) -> Json:
        world, person = self._state.world, self._state.users[user]
        return {
            "type": kind,
            "token": self._token,
            "team": {"id": world.team.id, "domain": world.team.domain},
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": world.team.id},
            "api_app_id": world.app_id,
            "trigger_id": trigger_id,
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def place(self, channel: Channel) -> Json:
        return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}

    def command(
        self, user: str, channel: Channel, command: str, text: str, trigger_id: str, url: str
    ) -> Json:
        world = self._state.world
        return {
            "token": self._token,
            "team_id": world.team.id,
            "team_domain": world.team.domain,
            "channel_id": channel.id,
            "channel_name": self.place(channel)["name"],
            "user_id": user,
            "user_name": self._state.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": world.app_id,
            "is_enterprise_install": "false",
            "response_url": url,
            "trigger_id": trigger_id,
        }
