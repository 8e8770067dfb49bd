"""People's actions on messages: post, attach, edit, delete, react.

The page and the tests call the same code. Raises ActionRefused for what Slack's client would not allow.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from playground.slack.errors import ActionRefused
from playground.slack.events import Events
from playground.slack.files import File, guess_mimetype
from playground.slack.messages import SlackPost
from playground.slack.mrkdwn import as_typed
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Json

MAX_TYPED = 40_000
"""Characters. Slack turns a longer message into a file."""


class People:
    """Each method is one action of one person. The bot handles the events later."""

    def __init__(self, state: WorkspaceState, events: Events) -> None:
        self._state = state
        self._events = events

    def post(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[str] = (),
        attachments: Sequence[Json] = (),
        broadcast: bool = False,
    ) -> str:
        """Posts a typed message and returns its `ts`. `thread_ts` may be any message of the thread, and
        `attachments` what a client adds: forwarded messages, pasted tables."""
        self._check_writable(user, channel)
        if not text.strip() and not files and not attachments:
            raise ActionRefused("There is nothing to send: write a text or attach a file.")
        if len(text) > MAX_TYPED:
            raise ActionRefused(f"The message is longer than {MAX_TYPED:,} characters: attach it as a file.")
        for file in files:
            if file not in self._state.files:
                raise ActionRefused(f"There is no file {file}: upload it first.")
        root = self.message(channel, thread_ts).root if thread_ts else None
        message = SlackPost(
            channel,
            self._state.new_ts(),
            user,
            as_typed(text, self._state),
            thread_ts=root,
            files=tuple(files),
            attachments=tuple(attachments),
            subtype="file_share" if files else "thread_broadcast" if broadcast and root else None,
            broadcast=bool(broadcast and root),
            client_msg_id=str(uuid.uuid4()),
        )
        self._state.put_message(message)
        self._events.posted(message)
        return message.ts

    def post_as_app(
        self,
        name: str,
        channel: str,
        text: str = "",
        *,
        blocks: Sequence[Json] = (),
        attachments: Sequence[Json] = (),
        thread_ts: str | None = None,
    ) -> str:
        """Posts a message of another app's incoming webhook and returns its `ts`."""
        message = SlackPost(
            channel,
            self._state.new_ts(),
            "",
            text,
            thread_ts=thread_ts,
            blocks=tuple(blocks),
            attachments=tuple(attachments),
            subtype="bot_message",
            bot_id="B0WEBHOOK",
            username=name,
        )
        self._state.put_message(message)
        self._events.posted(message)
        return message.ts

    def upload(self, user: str, name: str, data: bytes, mimetype: str | None = None) -> str:
        """Stores a person's file and returns its id, for `post`."""
        self.person(user)
        file_id = f"F{secrets.token_hex(5).upper()}"
        self._state.put_file(
            File(file_id, name, name, user, mimetype or guess_mimetype(name), int(time.time()), data)
        )
        return file_id

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        before = self._own(user, channel, ts)
        if not text.strip() and not before.files:
            raise ActionRefused("The message would be empty: delete it instead.")
        after = replace(
            before, text=as_typed(text, self._state), edited_by=user, edited_ts=self._state.new_ts()
        )
        self._state.put_message(after)
        self._events.changed(before, after)

    def delete(self, user: str, channel: str, ts: str) -> None:
        message = self._own(user, channel, ts)
        self._state.remove_message(message)
        self._events.deleted(message)

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """Adds a reaction. A second identical one is no error."""
        self._check_writable(user, channel)
        message = self.message(channel, ts)
        if not message.reacted(name, user):
            self._state.put_message(message.with_reaction(name, user))
            self._events.reacted(message, name, user)

    def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        self._check_writable(user, channel)
        message = self.message(channel, ts)
        if message.reacted(name, user):
            self._state.put_message(message.without_reaction(name, user))
            self._events.reacted(message, name, user, added=False)

    def message(self, channel: str, ts: str) -> SlackPost:
        message = self._state.message(channel, ts)
        if message is None:
            raise ActionRefused("That message no longer exists.")
        return message

    def person(self, user: str) -> None:
        known = self._state.users.get(user)
        if known is None or known.is_bot:
            raise ActionRefused(f"There is no person {user} in this playground.")

    def place(self, user: str, channel: str) -> Channel:
        """A channel that the person is in. Raises ActionRefused for any other."""
        self.person(user)
        found = self._state.channels.get(channel)
        if found is None or user not in found.members:
            raise ActionRefused(f"{self._state.users[user].real_name} is not in a channel {channel}.")
        return found

    def _check_writable(self, user: str, channel: str) -> None:
        if (found := self.place(user, channel)).archived:
            raise ActionRefused(f"#{found.name} is archived: nothing can be written there.")

    def _own(self, user: str, channel: str, ts: str) -> SlackPost:
        self._check_writable(user, channel)
        message = self.message(channel, ts)
        if message.user != user:
            raise ActionRefused("Only the person who wrote a message can change it.")
        return message
