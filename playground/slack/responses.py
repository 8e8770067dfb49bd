"""Response URLs: the bot's answers to an interaction or a command without a token.

A URL takes five answers within thirty minutes, as in Slack.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, replace

from aiohttp import web

from playground.slack.blocks import check_blocks
from playground.slack.errors import Refused
from playground.slack.limits import posted_text
from playground.slack.messages import SlackPost
from playground.slack.shapes import Shapes
from playground.slack.state import WorkspaceState
from playground.slack.world import Json

USES = 5
LIFETIME = 1800.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Issued:
    user: str
    channel: str
    message: SlackPost | None
    until: float
    uses: int = 0


class Responses:
    """Issues response URLs and handles what is posted to them."""

    def __init__(self, state: WorkspaceState, shapes: Shapes) -> None:
        self._state = state
        self._shapes = shapes
        self._issued: dict[str, _Issued] = {}

    def new_url(self, user: str, channel: str, message: SlackPost | None) -> str:
        key = secrets.token_urlsafe(16)
        self._issued[key] = _Issued(user, channel, message, time.monotonic() + LIFETIME)
        return f"{self._shapes.base_url}/response/{key}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        issued = self._issued.get(key)
        if issued is None or time.monotonic() > issued.until:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if issued.uses >= USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        try:
            answer = json.loads(await request.read())
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        try:
            self.respond(f"/{key}", answer)
        except Refused as refusal:
            return web.json_response({"ok": False, "error": refusal.error}, status=400)
        return web.Response(text="ok")

    def respond(self, url: str, answer: Json) -> None:
        """Shows an answer: only to the person unless it says `in_channel`, or in place of the message.

        Raises Refused for blocks that Slack refuses.
        """
        key = url.rpartition("/")[2]
        issued = self._issued[key]
        self._issued[key] = replace(issued, uses=issued.uses + 1)
        original = issued.message and self._state.message(issued.channel, issued.message.ts)
        if answer.get("delete_original"):
            if original:
                self._state.remove_message(original)
        elif answer.get("replace_original") and original:
            text, blocks = _content(answer)
            self._state.put_message(replace(original, text=text, blocks=blocks, markdown=None))
        elif answer.get("text") or answer.get("blocks"):
            self._show(issued, answer)

    def _show(self, issued: _Issued, answer: Json) -> None:
        bot = self._state.world.bot
        text, blocks = _content(answer)
        named = answer.get("thread_ts")
        thread = named if isinstance(named, str) else issued.message and issued.message.thread_ts
        message = SlackPost(
            issued.channel,
            self._state.new_ts(),
            bot.id,
            text,
            thread_ts=thread or None,
            blocks=blocks,
            bot_id=bot.bot_id,
        )
        if answer.get("response_type") == "in_channel":
            self._state.put_message(message)
        else:
            self._state.show_ephemeral(issued.user, message)


def _content(answer: Json) -> tuple[str, tuple[Json, ...]]:
    return posted_text(str(answer.get("text") or "")), check_blocks(answer.get("blocks"))
