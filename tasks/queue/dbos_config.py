"""How DBOS is configured: its database, its threads, its serializer."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy
from dbos import DBOSConfig, Serializer

from tasks.store.database import QUEUE_SCHEMA, set_pragmas
from tasks.store.urls import libpq_url, queue_file
from tasks.timing import TaskTiming

#: Bounds DBOS's executor, which replaces the loop's own and would grow to hundreds of threads.
THREADS = 16
#: DBOS's connections to PostgreSQL, beside those of `tasks.store.database`.
CONNECTIONS = 5
#: libpq's settings (seconds; tcp_user_timeout in milliseconds) to notice a connection whose packets are
#: dropped, as after a failover of the server's address. Without them it would hang for the kernel's 15
#: minutes (tcp_retries2).
_KEEPALIVES = {
    "connect_timeout": 5, "tcp_user_timeout": 10_000,
    "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
}  # fmt: skip


def dbos_config(url: sqlalchemy.URL, node: str, timing: TaskTiming) -> DBOSConfig:
    """For the database at `url`, and this process as `node`."""
    config = DBOSConfig(
        name="handoff",
        # With the default, a hash of the code, a deploy would strand the workflows of the one before.
        application_version="1",
        executor_id=node,
        max_executor_threads=THREADS,
        serializer=_Json(),
        log_level="WARNING",
        run_migrations=True,
        # For messages between workflows, which we do not use.
        use_listen_notify=False,
        sys_db_idle_transaction_timeout_sec=timing.standstill,
        notification_listener_polling_interval_sec=timing.library_poll,
    )
    if url.get_backend_name() == "sqlite":
        config["system_database_engine"] = _sqlite(url)
    else:
        config["dbos_system_schema"] = QUEUE_SCHEMA
        config["system_database_url"] = libpq_url(url).render_as_string(hide_password=False)
        config["sys_db_pool_size"] = CONNECTIONS
        # DBOS retries the errors of a connection that broke, so that a ping before each use only costs time.
        config["db_engine_kwargs"] = {"connect_args": _KEEPALIVES, "pool_pre_ping": False}
    return config


class _Json(Serializer):
    """Readable rows; DBOS's own serializer pickles."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


def _sqlite(url: sqlalchemy.URL) -> sqlalchemy.Engine:
    """A separate file with WAL and two connections; DBOS's default has neither and is slow."""
    engine = sqlalchemy.create_engine(
        url.set(drivername="sqlite", database=str(queue_file(url))), pool_size=2, max_overflow=0
    )
    set_pragmas(engine)
    return engine
