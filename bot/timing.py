"""How often the parts of the bot look at something, and how long they wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.timing import TaskTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTiming:
    """All in seconds. One value for a process, which `BotServer` gets; tests give shorter ones."""

    tasks: TaskTiming = field(default_factory=TaskTiming)
    ping: float = 10.0
    """Between two pings of a Socket Mode connection, and before another try to open one. A connection that
    stays silent for half as long is dead, and opened again."""
    socket_close: float = 2.0
    """Given to Slack to answer the close of a connection."""
    outage_reminder: float = 600.0
    """Until an outage of Slack that lasts is logged again."""
    connection_check: float = 1.0
    """Between two looks at the connections, for what was missed without one."""
    presence: float = 15.0
    """Between two records of the last moment with a connection."""
    backfill_retry: float = 15.0
    """Until what Slack or the database did not give is read again."""
    backfill_longest: float = 86_400.0
    """How far back is read: an answer to last week's question helps no one."""
    backfill_overlap: float = 10.0
    """How much is read twice, for clocks that differ and events that were under way."""
    event_retry: float = 15.0
    """Until a message that could not be handled is handled again, and at least between two tries."""
    event_life: float = 86_400.0
    """Until it is given up: an answer to yesterday's message helps little."""
    listeners: float = 5.0
    """Given to running listeners at a stop; the next start handles what they leave."""
    user_cache: float = 3600.0
    """How long a person's name is kept: people rename themselves, but rarely."""
    user_lookup: float = 10.0
    """Longest wait for a person's name and rights; without an answer the person is "someone"."""
    progress_stream: float = 0.8
    """Least time between two updates of a plan's stream."""
    progress_edit: float = 3.0
    """Least time between two updates of a plan that is an edited message."""
    line_delay: float = 1.0
    """Until the progress of a single worker is shown: a quick task has only its answer, and several workers
    have a plan."""
    line_life: float = 60.0
    """How long that line may become the answer. After this time people have looked away, and an edit would
    not notify them."""
    sign_of_life: float = 60.0
    """Without news for so long, the plan's title says how long it has been."""
    answer_stream: float = 1.0
    """Least time between two updates of an answer's stream."""
    stream_life: float = 240.0
    """How long one stream is used: Slack ends it about 5 minutes after its start."""
    remark: float = 10.0
    """How long the work waits until a remark is in the thread."""
    decoration: float = 1.0
    """Longest wait for the rate limiter of a call that only decorates a thread; then it is left out."""
    status_line: float = 90.0
    """Until a status line is set again: Slack removes it after 2 minutes."""
    orders: float = 1.0
    """Between two looks at the standing orders that are due."""
    engine: float = 20.0
    """How long a program waits for a Docker Engine that can't be reached: one that starts again is back by
    then, or another process has taken the task over (`TaskTiming.unhealthy`)."""
    order_lease: float = 30.0
    """Until a run of an order that its process has not started is started by another."""
    longest_post_retry: float = 60.0
    """The longest wait between two tries to post: an answer waits for Slack as long as Slack is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTiming:
    """Timeouts of `bot.checks`, all in seconds."""

    check: float = 30.0
    """For one check of the doctor. A first answer of a large model takes several."""
    engine: int = 10
    """For the Docker Engine to answer; a local one needs milliseconds."""
    neighbour: float = 3.0
    """For the process on our port to answer as a Handoff."""


STANDARD = BotTiming()
CHECK_TIMING = CheckTiming()
