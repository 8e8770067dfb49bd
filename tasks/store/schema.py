"""The tables. Ours to change with a migration; nobody outside reads them.

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
)

metadata = MetaData()

#: Messages that were claimed: the row is written before Slack's ack, and its key makes twins one.
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
    # Whose entries are taken: the run that began the task last. An earlier one's meet this and are refused.
    Column("runner", String, nullable=False, default=""),
    # Whether the limits have let it through to the queue; until then it stands in its workspace's line.
    Column("admitted", Boolean, nullable=False, default=False, server_default=false()),
    # When a parked task expires, or one that could not be delivered is tried again.
    Column("due_at", Float),
    Column("deliveries", Integer, nullable=False, default=0),
    Column("rescues", Integer, nullable=False, default=0),
    # The question that the thread shows, or showed last.
    Column("asked", String, nullable=False, default="", server_default=""),
    Index("task_by_thread", "team", "channel", "thread_ts", "created_at"),
    Index("task_by_state", "state", "due_at"),
    Index("task_by_end", "ended_at"),
    Index("task_by_team", "team", "state", "admitted"),
)

#: The append-only log. One stream per agent ("" is the orchestrator): parallel agents share no counter. The
#: key is order and fence at once: a second runner's append meets it and stops.
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
    # Seconds of work on the task until then; null in rows of versions that did not count it.
    Column("worked", Float),
)

#: Messages for a task that had begun already; a stop is not here, it is a state.
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
    # The question that was shown when it was written: it answers that one and no other.
    Column("asked", String, nullable=False, default="", server_default=""),
)

#: What is said in the thread: the intent is written before the post, its `ts` after.
post = Table(
    "post",
    metadata,
    Column("task", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("ts", String),
    Column("at", Float, nullable=False),
)

#: Calls that ask first: what was asked, and what a person decided. `used` is set when the answer is given
#: out, `woke` when it has had the task go on: each happens once.
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

#: What people have pinned to a channel, for the orchestrator to know in every task there.
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

verdict = Table(
    "verdict",
    metadata,
    Column("task", String, primary_key=True),
    Column("user", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("at", Float, nullable=False),
)

#: Processes on PostgreSQL. Each holds the advisory lock `number` in the session `pid` and counts `beat` up.
node = Table(
    "node",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("left", Boolean, nullable=False),
)

#: Small facts by place and name; what a value means is its writer's business.
kept = Table(
    "kept",
    metadata,
    Column("place", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("at", Float, nullable=False),
)
