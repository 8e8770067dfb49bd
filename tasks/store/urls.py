"""What a database URL means: SQLite's files, and the URL that libpq reads."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL


def sqlite_file(url: URL) -> Path:
    return Path(url.database or "handoff.db")


def queue_file(url: URL) -> Path:
    """DBOS's own SQLite file, beside ours. A start makes it again where it is missing."""
    return Path(str(sqlite_file(url)).removesuffix(".db") + "-engine.db")


def libpq_url(url: URL) -> URL:
    """A PostgreSQL URL for libpq, with our name where it has none."""
    query = {"application_name": "handoff", **url.query}
    if "ssl" in query:  # SQLAlchemy's own name for it
        query.setdefault("sslmode", query.pop("ssl"))
    return url.set(drivername="postgresql", query=query)
