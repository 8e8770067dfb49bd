"""The vendors that want a field of theirs back: DeepSeek its reasoning, Gemini its thought signatures.

Puts the field on turns that call tools and refuses a later request in which it is missing or changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.model_replies import Asked, Call, Turn


class Echo:
    """What was sent with which tool call, by call id."""

    def __init__(self, *, reasoning: bool, signature: bool) -> None:
        self._wants_reasoning = reasoning
        self._wants_signature = signature
        self._reasoning: dict[str, str] = {}
        self._signatures: dict[str, Any] = {}

    def dress(self, turn: Turn, number: int) -> Turn:
        """The turn with the vendor's field on it, if it calls a tool, and with every field remembered."""
        if not turn.calls:
            return turn
        if self._wants_reasoning:
            turn = replace(turn, extra={"reasoning_content": f"Reasoning of turn {number}.", **turn.extra})
            self._reasoning |= {str(call.id): turn.extra["reasoning_content"] for call in turn.calls}
        if self._wants_signature:
            signed = _sign(turn.calls[0], number)
            self._signatures[str(signed.id)] = signed.extra["extra_content"]
            turn = replace(turn, calls=(signed, *turn.calls[1:]))
        return turn

    def violation(self, asked: Asked) -> str | None:
        """The vendor's sentence for a field that did not come back."""
        if asked.api == "responses":
            return self._lost_item(asked)
        for number, message in enumerate(asked.messages):
            calls = message.get("tool_calls") or ()
            for call in calls:
                thought = self._reasoning.get(call["id"])
                if thought is not None and message.get("reasoning_content") != thought:
                    return "The `reasoning_content` in the thinking mode must be passed back to the API."
                signature = self._signatures.get(call["id"])
                if signature is not None and call.get("extra_content") != signature:
                    name = call["function"]["name"]
                    return f"Function call {name!r} in messages[{number}] is missing a thought_signature."
        return None

    def _lost_item(self, asked: Asked) -> str | None:
        seen = {item.get("encrypted_content") for item in asked.messages if item.get("type") == "reasoning"}
        for item in asked.messages:
            thought = self._reasoning.get(str(item.get("call_id")))
            if (
                item.get("type") == "function_call"
                and thought is not None
                and f"sealed:{thought}" not in seen
            ):
                return f"Item {item.get('id')!r} came without its required 'reasoning' item."
        return None


def _sign(call: Call, number: int) -> Call:
    signature = {"google": {"thought_signature": f"signature-{number}"}}
    return replace(call, extra={"extra_content": signature, **call.extra})
