"""Messages, their reactions and their streams, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from playground.slack.world import Json

StreamState = Literal["streaming", "done", "stopped", "broken"]
DisplayMode = Literal["timeline", "plan", "dense"]
ContentForm = Literal["", "text", "chunks"]
RowStatus = Literal["pending", "in_progress", "complete", "error"]
ROW_STATUSES = get_args(RowStatus)


@dataclass(frozen=True, slots=True)
class Reaction:
    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One task card of a stream."""

    id: str
    title: str
    status: RowStatus
    details: str = ""
    output: str = ""
    sources: tuple[Json, ...] = ()

    def updated(self, update: TaskCard) -> TaskCard:
        """The card after a chunk with its id.

        Title and status are replaced; details, output and sources are appended. Undocumented, but several
        apps that streamed the same text again saw it.
        """
        return TaskCard(
            self.id,
            update.title,
            update.status,
            self.details + update.details,
            self.output + update.output,
            (*self.sources, *update.sources),
        )


@dataclass(frozen=True, slots=True)
class Stream:
    """The live part of a streamed message.

    `broken` is a stream that exceeded its lifetime: it takes neither an append nor a stop, and only
    `chat.update` repairs the message. `form` is the kind of its first content; later content must be of the
    same kind.
    """

    state: StreamState = "streaming"
    mode: DisplayMode = "timeline"
    title: str = ""
    rows: tuple[TaskCard, ...] = ()
    form: ContentForm = ""

    def with_row(self, row: TaskCard) -> Stream:
        """The stream with this row added, or the row with its id updated."""
        if all(row.id != known.id for known in self.rows):
            return replace(self, rows=(*self.rows, row))
        rows = tuple(known.updated(row) if row.id == known.id else known for known in self.rows)
        return replace(self, rows=rows)


@dataclass(frozen=True, slots=True)
class SlackPost:
    """One message of a channel. `thread_ts` is the root's `ts` for a reply, and None for other messages."""

    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str | None = None
    markdown: str | None = None
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    files: tuple[str, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    subtype: str | None = None
    edited_by: str | None = None
    edited_ts: str | None = None
    broadcast: bool = False
    bot_id: str | None = None
    username: str | None = None
    metadata: Json | None = None
    stream: Stream | None = None
    client_msg_id: str | None = None

    @property
    def root(self) -> str:
        """The `ts` of the thread that this message starts or is in."""
        return self.thread_ts or self.ts

    def reacted(self, name: str, user: str) -> bool:
        return any(user in reaction.users for reaction in self.reactions if reaction.name == name)

    def with_reaction(self, name: str, user: str) -> SlackPost:
        """The message with one more reaction. Names keep the order of their first use."""
        if all(reaction.name != name for reaction in self.reactions):
            return replace(self, reactions=(*self.reactions, Reaction(name, (user,))))
        return replace(
            self,
            reactions=tuple(
                Reaction(name, (*reaction.users, user)) if reaction.name == name else reaction
                for reaction in self.reactions
            ),
        )

    def without_reaction(self, name: str, user: str) -> SlackPost:
        left = (
            Reaction(reaction.name, tuple(who for who in reaction.users if who != user))
            if reaction.name == name
            else reaction
            for reaction in self.reactions
        )
        return replace(self, reactions=tuple(reaction for reaction in left if reaction.users))
