"""How often the parts of the engine look at something, and how long they wait for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTiming:
    """All in seconds. One value for a process; tests give shorter ones."""

    watch: float = 1.0
    """Between two looks at the running tasks, for changes whose notification was lost."""
    poll: float = 0.2
    """Between two polls of the queue. Each costs about 4 ms of CPU; people wait seconds for a model."""
    library_poll: float = 1.0
    """Between two looks of DBOS at its notifications, which nobody sends: its end waits for the next one."""
    maintenance: float = 10.0
    """Between two rounds of maintenance."""
    cleanup: float = 3600.0
    """Between two deletions of old rows."""
    placements: float = 86_400.0
    """How long DBOS's own rows outlive what they placed."""
    first_retry: float = 15.0
    """Before another try to deliver an end; doubled for each further one."""
    longest_retry: float = 3600.0
    """The longest wait before another try to deliver an end."""
    delivery: float = 600.0
    """Longest delivery of an end, its files included; then it counts as a try that failed."""
    heartbeat: float = 0.5
    """Between two heartbeats of a node, and between two looks at its peers."""
    grace: float = 2.5
    """How long a node's lock must have been free: a node that lost its connection takes it again before."""
    silence: float = 3.5
    """Longest pause between heartbeats; a node that still holds its lock after it hangs."""
    node_answer: float = 5.0
    """Longest answer of the database to a node."""
    last_words: float = 30.0
    """Given to tasks at the end of the process for what they are posting. With twice `farewell` it must stay
    below the minute after which a process is killed by what started it (docs/deploy.md)."""
    farewell: float = 5.0
    """Given to DBOS, twice, to write its own rows at the end of the process."""
    standstill: float = 5.0
    """Longest pause of a process inside a transaction; then PostgreSQL frees what it holds."""
    pool: float = 600.0
    """Longest wait of a burst for a connection; SQLAlchemy's 30 seconds fail under a few hundred tasks."""
    connect: float = 5.0
    """Longest connection to PostgreSQL: a network that swallows packets is noticed."""
    statement: float = 60.0
    """Longest single statement."""
    goodbye: float = 3.0
    """Given to PostgreSQL to answer the close of all connections."""
    check: float = 2.0
    """Longest health check of the database."""
    quiet: float = 900.0
    """Without a word since our last reply for so long, a person counts as gone from a thread."""
    first_database_retry: float = 0.1
    """Before the second try of a transaction; doubled for each further one."""
    longest_database_retry: float = 2.0
    """The longest wait before another try of a transaction."""


STANDARD = TaskTiming()
