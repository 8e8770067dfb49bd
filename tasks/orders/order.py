"""A standing order, its states, and one firing of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

#: Characters of an order's task, title and pattern.
LONGEST_TASK, LONGEST_TITLE, LONGEST_PATTERN = 4_000, 80, 200


class OrderKind(StrEnum):
    SCHEDULE = "schedule"  # fires at set times
    WATCH = "watch"  # fires for messages in its channel


class OrderState(StrEnum):
    """Only an active order fires."""

    PROPOSED = "proposed"  # shown to its owner, who has not started it
    ACTIVE = "active"
    PAUSED = "paused"  # by a person, or with the sentence in `reason`
    ENDED = "ended"  # ran once, as it should
    DELETED = "deleted"  # deleted by a person

    @property
    def is_listed(self) -> bool:
        """Whether people see it among their orders."""
        return self in (OrderState.ACTIVE, OrderState.PAUSED)


class MessageSource(StrEnum):
    """Whose messages a watch takes."""

    ALL = "all"
    PEOPLE = "people"
    APPS = "apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A task that a person wants done again and again, or once later."""

    id: str
    team: str
    channel: str
    owner: str
    owner_name: str
    kind: OrderKind
    title: str
    task: str
    when: str = ""
    """A schedule's cron expression of five fields, or its one time in ISO form."""
    zone: str = "UTC"
    pattern: str = ""
    """A watch's words: see `tasks.orders.pattern`. Empty: every message."""
    source: MessageSource = MessageSource.ALL
    state: OrderState = OrderState.PROPOSED
    reason: str = ""
    """Why it is paused; empty when its owner paused it."""
    next_at: float | None = None
    """A schedule's next time, in seconds since 1970; None when there is none."""
    failures: int = 0
    """How many of its latest runs failed, one after the other."""
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One run of an order. The key (order, occasion) is unique, so that it happens once on all nodes."""

    order: str
    occasion: str
    """A schedule's time in whole seconds since 1970, or the `ts` of the message that a watch took."""
    at: float
    """When it was claimed."""
    missed: int = 0
    """Runs before it that were due while nothing ran."""
    ts: str = ""
    """The first message of its thread, once it is posted."""
    task: str = ""
    """Its task, once that is accepted."""
    result: str = ""
    """How it ended; empty while it has not."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimits:
    """What standing orders may take."""

    person: Annotated[int, Field(ge=0, le=10_000)] = 20
    """Active standing orders of one person. 0: none; the model is then not offered their tools, some 200
    tokens of each request."""
    minutes: Annotated[int, Field(ge=1, le=1440)] = 5
    """Least minutes between two runs of a schedule."""
    hourly: Annotated[int, Field(ge=1, le=1000)] = 20
    """Runs that one watch may start in an hour; further messages are left alone."""
    cooldown: Annotated[float, Field(ge=0, le=86_400)] = 10.0
    """Least seconds between two runs of a watch; messages in between are left alone."""
    tokens: Annotated[int, Field(ge=1000, le=1_000_000_000)] = 500_000
    """Tokens that one run of a standing order may use."""
    daily_tokens: Annotated[int, Field(ge=1000, le=1_000_000_000)] = 2_000_000
    """Tokens that all runs of one standing order may use in 24 hours; further runs are left out."""


#: Failed runs in a row that pause an order.
FAILURES = 3
#: What a run answers that has nothing to report; it is not posted.
NOTHING = "Nothing to report."
#: How the words begin that a run adds to its order's task, for the agents.
RUN_NOTE = "This is a run of the standing order"
#: The key in a task's namespace with the id of its order.
ORDER_KEY = "order"


def is_silent(answer: str) -> bool:
    """Whether a run has nothing to report."""
    return answer.strip().strip('*_`"').rstrip(".!").casefold() == NOTHING.rstrip(".").casefold()


def words_for_people(request: str) -> str:
    """A task's request without what a run adds for the agents."""
    return request.partition(f"\n\n[{RUN_NOTE}")[0]
