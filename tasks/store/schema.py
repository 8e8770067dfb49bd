"""The tables. They are internal: a migration may change them.

On PostgreSQL they live in the schema `handoff` (see `tasks.store.database`). Times are seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    true,
)

metadata = MetaData()

#: Claimed messages: the row is written before Slack's ack, and its key dedupes deliveries.
message = Table(
    "message",
    metadata,
    Column("team", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("ts", String, primary_key=True),
    Column("task", String, nullable=False),
    Column("at", Float, nullable=False),
)

task = Table(
    "task",
    metadata,
    Column("id", String, primary_key=True),
    Column("team", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("thread_ts", String, nullable=False),
    Column("message_ts", String, nullable=False),
    Column("user", String, nullable=False),
    Column("user_name", String, nullable=False),
    Column("request", Text, nullable=False),
    Column("files", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("answer", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("workers", Integer, nullable=False, default=0),
    Column("tokens", Integer, nullable=False, default=0),
    # In USD; null where the price of a reply is not known.
    Column("cost", Float),
    Column("seconds", Float),
    # The run that began the task last. Entries of any other run are refused. Empty once that run has left the
    # task, so that a name here without a process means that the process died.
    Column("runner", String, nullable=False, default=""),
    # Whether it may enter the queue; until then it waits behind others of its workspace.
    Column("admitted", Boolean, nullable=False, default=False, server_default=false()),
    # When a parked task expires, or its delivery is retried.
    Column("due_at", Float),
    Column("deliveries", Integer, nullable=False, default=0),
    Column("rescues", Integer, nullable=False, default=0),
    Column("deaths", Integer, nullable=False, default=0, server_default="0"),
    Column("quarantined", Boolean, nullable=False, default=False, server_default=false()),
    # The question that the thread shows, or showed last.
    Column("asked", String, nullable=False, default="", server_default=""),
    Index("task_by_thread", "team", "channel", "thread_ts", "created_at"),
    Index("task_by_state", "state", "due_at"),
    Index("task_by_end", "ended_at"),
    Index("task_by_team", "team", "state", "admitted"),
)

#: The append-only log. One stream per agent ("" is the orchestrator): parallel agents share no counter. The
#: key gives the order and fences: a second runner's append conflicts with it.
event = Table(
    "event",
    metadata,
    Column("task", String, primary_key=True),
    Column("agent", String, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("runner", String, nullable=False),
    Column("at", Float, nullable=False),
    # Seconds of work on the task so far; null in rows of versions that did not record it.
    Column("worked", Float),
)

#: Follow-up messages of open tasks. A stop is no message but a state of the task.
inbox = Table(
    "inbox",
    metadata,
    Column("task", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("user_name", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("files", JSON, nullable=False),
    Column("seen", Boolean, nullable=False),
    Column("at", Float, nullable=False),
    # The question that was shown when it was written, which it answers.
    Column("asked", String, nullable=False, default="", server_default=""),
)

#: The outbox: a row is written before its post, its `ts` after.
post = Table(
    "post",
    metadata,
    Column("task", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("ts", String),
    Column("at", Float, nullable=False),
)

#: Approvals of tool calls. `used` is set when a run reads the decision, `woke` when the decision has requeued
#: the task: each happens once.
approval = Table(
    "approval",
    metadata,
    Column("id", String, primary_key=True),
    Column("task", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("question", Text, nullable=False),
    Column("approved", Boolean),
    Column("user", String, nullable=False, default=""),
    Column("used", Boolean, nullable=False, default=False),
    Column("woke", Boolean, nullable=False, default=False),
    Column("at", Float, nullable=False),
    Index("approval_by_task", "task"),
)

#: Notes that people pin to a channel, for every task there.
note = Table(
    "note",
    metadata,
    Column("team", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("user", String, nullable=False),
    Column("user_name", String, nullable=False),
    Column("at", Float, nullable=False),
)

#: Ratings of answers.
verdict = Table(
    "verdict",
    metadata,
    Column("task", String, primary_key=True),
    Column("user", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("at", Float, nullable=False),
)

#: Processes on PostgreSQL. Each holds the advisory lock `number` in the session `pid`; `beat` is its
#: heartbeat.
node = Table(
    "node",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("left", Boolean, nullable=False),
    # Whether it has what tasks need: see `tasks.queue.health`.
    Column("healthy", Boolean, nullable=False, default=True, server_default=true()),
)

#: The key-value store: `place` is the namespace, `name` the key.
kept = Table(
    "kept",
    metadata,
    Column("place", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("at", Float, nullable=False),
)

#: Standing orders. A deleted one is kept, so that every process sees the change.
standing_order = Table(
    "standing_order",
    metadata,
    Column("id", String, primary_key=True),
    Column("team", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("owner_name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("title", String, nullable=False),
    Column("task_text", Text, nullable=False),
    Column("when", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("source", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    # A schedule's next time; null when there is none.
    Column("next_at", Float),
    Column("failures", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Index("order_by_time", "state", "next_at"),
    Index("order_by_owner", "team", "owner"),
    Index("order_by_change", "kind", "changed_at"),
)

#: Runs of standing orders. The key makes each happen once, on however many nodes.
firing = Table(
    "firing",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("occasion", String, primary_key=True),
    Column("at", Float, nullable=False),
    # The lease of the process that starts it: another one may try again when it is old.
    Column("claimed_at", Float, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("ts", String, nullable=False),
    Column("task", String, nullable=False),
    # Empty until it has ended.
    Column("result", String, nullable=False),
    Column("reason", Text, nullable=False),
    Index("firing_by_result", "result", "claimed_at"),
    Index("firing_by_task", "task"),
    Index("firing_by_time", "order_id", "at"),
)

#: Every table with rows of a task.
OF_A_TASK = [table for table in metadata.sorted_tables if "task" in table.c]
