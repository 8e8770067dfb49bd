"""The actions of the page's websocket protocol (`do`), validated and passed to people and interactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playground.slack.errors import ActionRefused
from playground.slack.interactions import Interactions
from playground.slack.local_bot import LocalBot
from playground.slack.people import People
from playground.slack.slack_commands import SlackCommands
from playground.slack.world import Json


class PageRequest:
    """One request of the page. Reading a missing or wrong field raises ActionRefused with a sentence."""

    def __init__(self, fields: Json) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise ActionRefused(f"The request needs a text `{name}`.")
        return value

    def maybe_text(self, name: str) -> str | None:
        return None if self._fields.get(name) is None else self.text(name)

    def texts(self, name: str) -> list[str]:
        value = self._fields.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ActionRefused(f"The request's `{name}` must be a list of texts.")
        return value

    def object(self, name: str) -> Json:
        value = self._fields.get(name)
        if not isinstance(value, dict):
            raise ActionRefused(f"The request needs an object `{name}`.")
        return value

    def anything(self, name: str) -> Any:
        return self._fields.get(name)


Action = Callable[[PageRequest], Awaitable[Json]]


class PageActions:
    """Every `do` of the protocol, by name."""

    def __init__(
        self,
        people: People,
        interactions: Interactions,
        commands: SlackCommands,
        local_bot: LocalBot | None = None,
    ) -> None:
        self._people = people
        self._commands = commands
        self._interactions = interactions
        self._local_bot = local_bot
        self._actions: dict[str, Action] = {
            "post": self._post,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "unreact": self._unreact,
            "click": self._click,
            "stop": self._stop,
            "home": self._home,
            "messages_tab": self._messages_tab,
            "slash": self._slash,
            "shortcut": self._shortcut,
            "submit": self._submit,
            "close": self._close,
            "kill_bot": self._kill,
        }

    async def do(self, fields: Json) -> Json:
        """Carries out one request and returns the fields of its answer beside `ok`. Raises ActionRefused."""
        act = self._actions.get(str(fields.get("do")))
        if act is None:
            raise ActionRefused(
                f"The page cannot do {fields.get('do')!r}. It can do: {', '.join(self._actions)}."
            )
        return await act(PageRequest(fields))

    async def _post(self, request: PageRequest) -> Json:
        return {
            "ts": self._people.post(
                request.text("user"),
                request.text("channel"),
                request.maybe_text("text") or "",
                thread_ts=request.maybe_text("thread_ts"),
                files=request.texts("files"),
                broadcast=request.anything("broadcast") is True,
            )
        }

    async def _edit(self, request: PageRequest) -> Json:
        self._people.edit(*_place(request), request.text("text"))
        return {}

    async def _delete(self, request: PageRequest) -> Json:
        self._people.delete(*_place(request))
        return {}

    async def _react(self, request: PageRequest) -> Json:
        self._people.react(*_place(request), request.text("name"))
        return {}

    async def _unreact(self, request: PageRequest) -> Json:
        self._people.unreact(*_place(request), request.text("name"))
        return {}

    async def _click(self, request: PageRequest) -> Json:
        await self._interactions.click(
            request.text("user"),
            request.maybe_text("channel"),
            request.maybe_text("ts"),
            action_id=request.text("action_id"),
            block_id=request.maybe_text("block_id"),
            value=request.maybe_text("value"),
            selected=request.anything("selected"),
            view_id=request.maybe_text("view_id"),
        )
        return {}

    async def _stop(self, request: PageRequest) -> Json:
        self._interactions.stop_session(
            request.text("user"), request.text("channel"), request.text("thread_ts")
        )
        return {}

    async def _home(self, request: PageRequest) -> Json:
        self._interactions.open_home(request.text("user"))
        return {}

    async def _messages_tab(self, request: PageRequest) -> Json:
        self._interactions.open_home(request.text("user"), tab="messages")
        return {}

    async def _slash(self, request: PageRequest) -> Json:
        typed = (
            request.text("user"),
            request.text("channel"),
            request.text("command"),
            request.maybe_text("text") or "",
        )
        if notice := self._commands.run(*typed):
            return {"notice": notice}
        await self._interactions.slash(*typed)
        return {}

    async def _shortcut(self, request: PageRequest) -> Json:
        await self._interactions.shortcut(*_place(request), request.text("callback_id"))
        return {}

    async def _submit(self, request: PageRequest) -> Json:
        await self._interactions.submit(
            request.text("user"), request.text("view_id"), request.object("values")
        )
        return {}

    async def _close(self, request: PageRequest) -> Json:
        await self._interactions.close_modal(request.text("user"), request.text("view_id"))
        return {}

    async def _kill(self, request: PageRequest) -> Json:
        if self._local_bot is None:
            raise ActionRefused("The playground did not start this bot, so it can't kill it.")
        self._local_bot.kill()
        return {}

    @property
    def can_kill_bot(self) -> bool:
        return self._local_bot is not None


def _place(request: PageRequest) -> tuple[str, str, str]:
    return request.text("user"), request.text("channel"), request.text("ts")
