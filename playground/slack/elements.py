"""Validates the elements inside blocks: texts, buttons, menus, and their action ids."""

from __future__ import annotations

import secrets
from typing import Any

from playground.slack.errors import Refused
from playground.slack.world import Json

_CHOICES = frozenset({"static_select", "multi_static_select", "radio_buttons", "checkboxes", "overflow"})
# fmt: off
_OTHERS = frozenset({
    "channels_select", "conversations_select", "datepicker", "datetimepicker", "email_text_input",
    "external_select", "file_input", "multi_channels_select", "multi_conversations_select",
    "multi_external_select", "multi_users_select", "number_input", "plain_text_input", "rich_text_input",
    "timepicker", "url_text_input", "users_select", "workflow_button",
})
# fmt: on


def invalid(problem: str, pointer: str) -> Refused:
    """The refusal of a block, with the place of the problem."""
    return Refused("invalid_blocks", f"[ERROR] {problem} [json-pointer:{pointer}]")


def check_text(value: Any, at: str, *, most: int, plain: bool = False) -> None:
    """A text object of at most `most` characters. Raises Refused."""
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(value, dict) or value.get("type") not in kinds:
        raise invalid(f"must be a text object of type {' or '.join(kinds)}", at)
    text = value.get("text")
    if not isinstance(text, str) or not text:
        raise invalid("must be more than 0 characters", f"{at}/text")
    if len(text) > most:
        raise invalid(f"must be less than {most + 1} characters", f"{at}/text")


def check_element(element: Any, at: str) -> Json:
    """An element with its missing action id filled in. Raises Refused."""
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        raise invalid("must be an object with a type", at)
    kind = element["type"]
    if kind == "image":
        return element
    if kind == "button":
        _check_button(element, at)
    elif kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            _check_feedback(element.get(name), f"{at}/{name}")
    elif kind == "icon_button":
        check_text(element.get("text"), f"{at}/text", most=75, plain=True)
    elif kind in _CHOICES:
        _check_choice(element, at)
    elif kind not in _OTHERS:
        raise invalid(f"unsupported type: {kind}", f"{at}/type")
    return element | {"action_id": _action_id(element, at)}


def _check_button(button: Json, at: str) -> None:
    check_text(button.get("text"), f"{at}/text", most=75, plain=True)
    _check_length(button, "value", at, 2000)
    _check_length(button, "url", at, 3000)
    if button.get("style", "primary") not in ("primary", "danger"):
        raise invalid("must be one of primary, danger", f"{at}/style")


def _check_feedback(button: Any, at: str) -> None:
    if not isinstance(button, dict):
        raise invalid("must be an object", at)
    check_text(button.get("text"), f"{at}/text", most=75, plain=True)
    if not isinstance(button.get("value"), str):
        raise invalid("missing required field: value", at)
    _check_length(button, "value", at, 2000)


def _check_choice(element: Json, at: str) -> None:
    options = element.get("options")
    if options is None:
        options = _grouped(element.get("option_groups"), at)
    if not isinstance(options, list) or not 1 <= len(options) <= 100:
        raise invalid("must have between 1 and 100 options", f"{at}/options")
    for place, option in enumerate(options):
        if not isinstance(option, dict):
            raise invalid("must be an object", f"{at}/options/{place}")
        check_text(option.get("text"), f"{at}/options/{place}/text", most=75)
        _check_length(option, "value", f"{at}/options/{place}", 150)


def _grouped(groups: Any, at: str) -> list[Any]:
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise invalid("missing required field: options", at)
    found = [group.get("options") for group in groups]
    return [option for options in found if isinstance(options, list) for option in options]


def _check_length(element: Json, name: str, at: str, most: int) -> None:
    value = element.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise invalid(f"must be a string of less than {most + 1} characters", f"{at}/{name}")


def _action_id(element: Json, at: str) -> str:
    action_id = element.get("action_id") or secrets.token_urlsafe(4)
    if not isinstance(action_id, str) or len(action_id) > 255:
        raise invalid("must be a string of less than 256 characters", f"{at}/action_id")
    return action_id
