"""What the integration tests share: the real Docker Engine behind a sandbox, and both real databases."""

from __future__ import annotations

from tests.support.databases import database, database_url, postgres_server, postgres_url
from tests.support.sandboxes import run_code, sandbox, sandbox_image

__all__ = [
    "database",
    "database_url",
    "postgres_server",
    "postgres_url",
    "run_code",
    "sandbox",
    "sandbox_image",
]
