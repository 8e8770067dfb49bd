"""Forms with one text field, as Slack's modals (docs.slack.dev/surfaces/modals)."""

from __future__ import annotations

from typing import Any

#: The id of the only field.
FIELD = "text"


def text_form(
    form: str, carried: str, *, title: str, label: str, send: str, close: str, longest: int, text: str = "",
    is_optional: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A form that holds up to `longest` characters, `text` to begin with; `carried` comes back with it."""
    field = {
        "type": "plain_text_input", "action_id": FIELD, "multiline": True, "max_length": longest,
        "focus_on_load": True,
    } | ({"initial_value": text} if text else {})  # fmt: skip
    block = {
        "type": "input", "block_id": FIELD, "optional": is_optional, "element": field, "label": _plain(label),
    }  # fmt: skip
    return {
        "type": "modal", "callback_id": form, "private_metadata": carried, "title": _plain(title),
        "submit": _plain(send), "close": _plain(close), "blocks": [block],
    }  # fmt: skip


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
