"""People's use of the app's controls: buttons, Stop, App Home, slash commands, shortcuts and modals.

Waits for the bot's acknowledgement where Slack's client does, and shows its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from playground.slack.deliveries import Deliveries
from playground.slack.errors import ActionRefused, Refused
from playground.slack.events import Events
from playground.slack.interaction_shapes import InteractionShapes, action_json, elements
from playground.slack.messages import SlackPost
from playground.slack.people import People
from playground.slack.responses import Responses
from playground.slack.shapes import Shapes
from playground.slack.state import WorkspaceState
from playground.slack.triggers import Triggers
from playground.slack.world import Json


class Interactions:
    """Each method is one action of one person.

    The async ones raise NotAnswered if the bot does not answer.
    """

    def __init__(
        self,
        state: WorkspaceState,
        shapes: Shapes,
        interaction_shapes: InteractionShapes,
        people: People,
        events: Events,
        deliveries: Deliveries,
        responses: Responses,
        triggers: Triggers,
    ) -> None:
        self._state = state
        self._shapes = shapes
        self._interaction_shapes = interaction_shapes
        self._people = people
        self._events = events
        self._deliveries = deliveries
        self._responses = responses
        self._triggers = triggers

    async def click(
        self,
        user: str,
        channel: str | None,
        ts: str | None,
        *,
        action_id: str,
        block_id: str | None = None,
        value: str | None = None,
        selected: Any = None,
        view_id: str | None = None,
    ) -> None:
        """Clicks an element of a message or chooses from it.

        Without `ts`, the element is in the person's modal or App Home.
        """
        self._people.person(user)
        payload = self._interaction_shapes.base("block_actions", user, self._triggers.new(user))
        if channel is not None and ts is not None:
            message, is_ephemeral = self._shown(user, channel, ts)
            blocks = self._shapes.message(message).get("blocks", [])
            payload |= self._in_message(user, message, is_ephemeral=is_ephemeral)
        else:
            view = self._view(user, view_id)
            blocks = view["blocks"]
            payload |= {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        found = [
            (block, element)
            for block, element in elements(blocks)
            if element["action_id"] == action_id and block_id in (None, block.get("block_id"))
        ]
        if not found:
            raise ActionRefused(f"There is nothing named {action_id} to click.")
        payload["actions"] = [action_json(*found[0], value, selected, self._state.new_ts())]
        await self._deliveries.deliver_once("interactive", payload)

    def stop_session(self, user: str, channel: str, thread_ts: str) -> None:
        """Clicks Slack's own Stop: the thread's running streams end, and the bot gets an event."""
        self._people.person(user)
        session = self._state.sessions.get((channel, thread_ts))
        if session is None or session.status != "processing" or not session.can_stop:
            raise ActionRefused("Nothing is running in this thread.")
        streaming = [
            message
            for message in self._state.replies(channel, thread_ts)
            if message.stream is not None and message.stream.state == "streaming"
        ]
        for message in streaming:
            assert message.stream is not None
            self._state.put_message(replace(message, stream=replace(message.stream, state="stopped")))
        self._events.session_stopped(channel, thread_ts, user, [message.ts for message in streaming])

    def open_home(self, user: str, *, tab: str = "home") -> None:
        self._people.person(user)
        self._events.home_opened(user, tab)

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> None:
        """Types a slash command. Threads have none, as in Slack."""
        place = self._people.place(user, channel)
        url = self._responses.new_url(user, place.id, None)
        answer = await self._deliveries.deliver_once(
            "slash_commands",
            self._interaction_shapes.command(
                user,
                place,
                f"/{command.lstrip('/')}",
                text,
                self._triggers.new(user),
                url,
            ),
        )
        if answer:
            self._show_answer(url, answer)

    async def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> None:
        """Chooses a message shortcut from a message's menu."""
        place, message = self._people.place(user, channel), self._people.message(channel, ts)
        payload = self._interaction_shapes.base("message_action", user, self._triggers.new(user))
        await self._deliveries.deliver_once(
            "interactive",
            payload
            | {
                "callback_id": callback_id,
                "channel": self._interaction_shapes.place(place),
                "message_ts": message.ts,
                "message": self._shapes.message(message),
                "action_ts": self._state.new_ts(),
                "response_url": self._responses.new_url(user, channel, message),
            },
        )

    async def submit(self, user: str, view_id: str, values: Json) -> None:
        """Submits a modal. `values` is by block and action: Slack's own objects or bare values."""
        view = self._view(user, view_id)
        payload = self._interaction_shapes.base("view_submission", user, self._triggers.new(user))
        filled = view | {"state": {"values": _state_values(view, values)}}
        answer = await self._deliveries.deliver_once(
            "interactive", payload | {"view": filled, "response_urls": []}
        )
        match answer.get("response_action"):
            case "errors":
                errors: Mapping[str, str] = answer.get("errors", {})
                raise ActionRefused(" ".join(errors.values()) or "The bot refused what was entered.")
            case "update" | "push":
                self._state.put_modal(user, view | dict(answer.get("view", {})))
            case _:
                self._state.put_modal(user, None)

    async def close_modal(self, user: str, view_id: str) -> None:
        view = self._view(user, view_id)
        self._state.put_modal(user, None)
        if view.get("notify_on_close"):
            payload = self._interaction_shapes.base("view_closed", user, self._triggers.new(user))
            await self._deliveries.deliver_once("interactive", payload | {"view": view, "is_cleared": False})

    def _show_answer(self, url: str, answer: Json) -> None:
        try:
            self._responses.respond(url, answer)
        except Refused as refusal:
            raise ActionRefused(f"The bot's answer cannot be shown: {refusal}.") from refusal

    def _shown(self, user: str, channel: str, ts: str) -> tuple[SlackPost, bool]:
        for shown in self._state.ephemerals:
            if shown.user == user and (shown.message.channel, shown.message.ts) == (channel, ts):
                return shown.message, True
        self._people.place(user, channel)
        return self._people.message(channel, ts), False

    def _in_message(self, user: str, message: SlackPost, *, is_ephemeral: bool) -> Json:
        place = self._state.channels[message.channel]
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": is_ephemeral,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload: Json = {
            "container": container,
            "channel": self._interaction_shapes.place(place),
            "state": {"values": {}},
            "response_url": self._responses.new_url(user, message.channel, message),
        }
        return payload if is_ephemeral else payload | {"message": self._shapes.message(message)}

    def _view(self, user: str, view_id: str | None) -> Json:
        open_views = [self._state.modals.get(user), self._state.homes.get(user)]
        for view in open_views:
            if view is not None and view_id in (None, view["id"]):
                return view
        raise ActionRefused("That view is no longer open.")


def _state_values(view: Json, values: Json) -> Json:
    kinds = {
        (block.get("block_id"), element["action_id"]): element.get("type", "plain_text_input")
        for block, element in elements(view["blocks"])
    }

    def entry(block_id: str, action_id: str, value: Any) -> Json:
        if isinstance(value, dict):
            return value
        return {"type": kinds.get((block_id, action_id), "plain_text_input"), "value": value}

    return {
        block_id: {action_id: entry(block_id, action_id, value) for action_id, value in actions.items()}
        for block_id, actions in values.items()
        if isinstance(actions, dict)
    }
