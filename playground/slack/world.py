"""Team, people and channels, and the small workspace that a playground starts with. No messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["channel", "private", "im"]


@dataclass(frozen=True, slots=True)
class Team:
    id: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    real_name: str
    color: str
    """Six hexadecimal digits without the hash sign, as in Slack."""
    tz: str = "UTC"
    is_admin: bool = False
    is_guest: bool = False
    bot_id: str | None = None
    status: str = ""
    team: str = ""
    """The person's own workspace if they are here through a shared channel; empty otherwise."""
    organisation: tuple[str, ...] = ()
    """Every workspace of an Enterprise organisation that the person is a member of."""

    @property
    def is_bot(self) -> bool:
        return self.bot_id is not None


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    name: str
    kind: Kind = "channel"
    members: frozenset[str] = frozenset()
    topic: str = ""
    creator: str = ""
    created: int = 1_600_000_000
    archived: bool = False
    external: bool = False
    """Whether it is shared with another company (Slack Connect)."""

    @property
    def is_im(self) -> bool:
        return self.kind == "im"


@dataclass(frozen=True, slots=True)
class World:
    """What exists before the first message. `bot` is the app's own user and one of `users`."""

    team: Team
    app_id: str
    bot: User
    users: tuple[User, ...]
    channels: tuple[Channel, ...]


def playground_world() -> World:
    """Three people in two channels, each with a direct message to the bot."""
    bot = User("U0HANDOFF", "handoff", "Handoff", "2f6f5e", bot_id="B0HANDOFF")
    people = (
        User("U0ADA0001", "ada", "Ada Okafor", "c2410c", tz="Africa/Lagos", is_admin=True),
        User("U0MEI0002", "mei", "Mei Tanaka", "1d4ed8", tz="Asia/Tokyo"),
        User("U0DIEGO03", "diego", "Diego Quispe", "7e22ce", tz="America/Lima"),
    )
    everyone = frozenset(user.id for user in (*people, bot))
    channels = (
        Channel(
            "C0GENERAL",
            "general",
            members=everyone,
            topic="Where the work is handed off",
            creator=people[0].id,
        ),
        Channel(
            "C0DATA001", "data", members=everyone, topic="Tables, plots and questions", creator=people[1].id
        ),
        *(direct_message(person, bot) for person in people),
    )
    return World(Team("T0PLAYGND", "Playground", "playground"), "A0HANDOFF", bot, (*people, bot), channels)


def direct_message(person: User, bot: User) -> Channel:
    """The direct message channel of a person and the bot. Its id follows from the person's."""
    return Channel(f"D{person.id[1:]}", bot.name, "im", frozenset({person.id, bot.id}), creator=person.id)
