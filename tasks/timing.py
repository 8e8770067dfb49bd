"""The engine's periods and timeouts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTiming:
    """All in seconds. One value per process; tests pass shorter ones."""

    watch: float = 1.0
    """Between two polls of the running tasks' states, for changes whose notification was lost."""
    poll: float = 1.0
    """Between two polls of the queue for what found no room where it came. A poll costs about 4 ms of CPU."""
    library_poll: float = 1.0
    """Between two polls of DBOS for notifications, which we do not use; its shutdown waits for one."""
    maintenance: float = 10.0
    """Between two rounds of maintenance."""
    maintenance_retry: float = 1.0
    """Before a round of maintenance that failed is tried again; until then the process is not ready."""
    cleanup: float = 3600.0
    """Between two deletions of old rows."""
    placements: float = 86_400.0
    """How long DBOS's rows are kept after their tasks ended."""
    first_retry: float = 15.0
    """Before the first retry of a delivery; doubled for each further one."""
    longest_retry: float = 3600.0
    """The longest wait before a retry of a delivery."""
    delivery: float = 600.0
    """Timeout of a delivery, its files included; then it counts as failed."""
    heartbeat: float = 0.5
    """Between two heartbeats of a node, and between two checks of its peers."""
    grace: float = 2.5
    """How long a node's lock must be free before it counts as dead: time to reconnect."""
    silence: float = 3.5
    """Longest pause between heartbeats; a node that holds its lock without them hangs."""
    health: float = 2.0
    """Between two checks of what tasks need, such as the engine of the sandboxes."""
    unhealthy: float = 8.0
    """How long the check must fail before the tasks are handed on, which interrupts them."""
    node_answer: float = 5.0
    """Timeout of a node's queries."""
    last_words: float = 30.0
    """Given to running tasks at shutdown to finish their posts. With twice `farewell` it must stay below the
    minute after which a service manager kills the process (docs/deploy.md)."""
    farewell: float = 5.0
    """Given to DBOS at shutdown, twice, to write its own rows."""
    standstill: float = 5.0
    """Longest pause inside a transaction; then PostgreSQL ends it and frees its locks."""
    pool: float = 600.0
    """Timeout for a pooled connection; SQLAlchemy's 30 seconds fail in a burst of some hundred tasks."""
    connect: float = 5.0
    """Timeout of a connect to PostgreSQL, for a network that drops packets."""
    idle_ping: float = 5.0
    """How long a pooled connection may be idle before it is pinged at its next use."""
    statement: float = 60.0
    """Timeout of one statement."""
    goodbye: float = 3.0
    """Given to PostgreSQL at shutdown to close all connections."""
    check: float = 2.0
    """Timeout of a health check of the database."""
    quiet: float = 900.0
    """Without a word since our last reply for so long, a person counts as gone from a thread."""
    probation: float = 60.0
    """Between two tasks that a process resumes although one more death would quarantine them."""
    bucket_silence: float = 20.0
    """Longest pause while a bucket sends or takes an object; then the request is tried again."""
    bucket_request: float = 300.0
    """Timeout of one request to a bucket, which moves 8 MiB at most on the way there."""
    bucket_retry: float = 60.0
    """How long a request to a bucket is tried again; then the task waits for the bucket."""
    bucket_gone: float = 3600.0
    """How long tasks wait for a bucket; then they fail."""
    first_database_retry: float = 0.1
    """Before the first retry of a transaction; doubled for each further one."""
    longest_database_retry: float = 2.0
    """The longest wait before a retry of a transaction."""


STANDARD = TaskTiming()
