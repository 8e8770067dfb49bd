"""The parameters of a PostgreSQL URL, TLS among them, and poolers in front of the server."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url, text

from bot.errors import BotError
from bot.factories.database import open_database
from tasks.store.database import Database
from tests.support.certificates import Authority
from tests.support.function_runner import ended, nothing, running
from tests.support.postgres import Postgres, free_port, postgres
from tests.support.task_harness import message

PGBOUNCER = shutil.which("pgbouncer")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("tls") / "certificates")
    made.issue("server.pem", "server-key.pem")
    Authority(made.folder / "other")
    return made


def readable(folder: Path) -> None:
    """Let the user of the servers into a folder of pytest's."""
    for path in (folder, *folder.parents):
        if path.owner() == Path.home().owner() and "pytest" in str(path):
            path.chmod(0o755)


@pytest.fixture(scope="module")
def tls_server(authority: Authority) -> Iterator[Postgres]:
    """A server that takes connections by TLS only."""
    folder = authority.folder
    readable(folder)
    key = folder / "server-key.pem"
    key.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(key, "postgres")
    files = f"ssl_cert_file={folder / 'server.pem'}", f"ssl_key_file={key}"
    with postgres("ssl=on", *files, "fsync=off") as server:
        hba = server.ask(server.url("postgres"), "SHOW hba_file")
        Path(hba).write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
        server.stop()
        server.start()
        yield server


async def test_tasks_run_by_tls_with_a_verified_certificate(
    tls_server: Postgres, authority: Authority, tmp_path: Path
) -> None:
    """Each of the three drivers' connections takes libpq's parameters."""
    url = tls_server.create()
    url += f"?sslmode=verify-full&sslrootcert={authority.folder / 'ca.pem'}&connect_timeout=9"
    async with running(url, nothing) as engine:
        await ended(engine, (await engine.accept(message("1.0"))).task)
        async with engine._database.read() as connection:
            query = (
                "SELECT application_name, bool_and(ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) "
                "WHERE datname = current_database() GROUP BY 1"
            )
            found = [tuple(row) for row in await connection.execute(text(query))]
    assert found == [("handoff", True)]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("?sslmode=verify-full&sslrootcert={folder}/other/ca.pem", "certificate verify failed"),
        ("?sslmode=disable", "no encryption"),
    ],
)
async def test_a_server_that_is_not_trusted_is_refused_in_words(
    tls_server: Postgres, authority: Authority, parameters: str, words: str
) -> None:
    database = Database(tls_server.url("postgres") + parameters.format(folder=authority.folder))
    with pytest.raises(BotError, match=words):
        await open_database(database)
    await database.close()


@pytest.mark.parametrize("parameters", ["?sslmode=prefer", "?ssl=prefer", "?application_name=ours"])
async def test_the_usual_parameters_are_taken(postgres_url: str, parameters: str) -> None:
    database = Database(postgres_url + parameters)
    async with database.read() as connection:
        name = (await connection.execute(text("SHOW application_name"))).scalar_one()
        path = (await connection.execute(text("SHOW search_path"))).scalar_one()
    await database.close()
    assert (name, path) == ("ours" if "ours" in parameters else "handoff", "handoff")


def pgbouncer_files(folder: Path, server: URL, port: int, mode: str) -> None:
    readable(folder)
    (folder / "users.txt").write_text('"handoff" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder / 'users.txt'}\n"
        f"pool_mode = {mode}\nignore_startup_parameters = extra_float_digits,options\n"
    )


@asynccontextmanager
async def pgbouncer(url: str, folder: Path, mode: str) -> AsyncIterator[str]:
    """The URL of a database behind PgBouncer."""
    assert PGBOUNCER is not None
    server, port = make_url(url), free_port()
    pgbouncer_files(folder, server, port, mode)
    command = [PGBOUNCER, "-q", str(folder / "pgbouncer.ini")]
    command = ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield server.set(port=port).render_as_string(hide_password=False)
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(PGBOUNCER is None, reason="There is no PgBouncer: apt-get install pgbouncer")
async def test_a_pooler_without_sessions_is_refused_with_a_sentence(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    async with pgbouncer(empty_postgres_url, tmp_path, "transaction") as url:
        database = Database(url)
        with pytest.raises(BotError, match=r"PgBouncer in transaction mode.*session mode"):
            await open_database(database)
        await database.close()


@pytest.mark.skipif(PGBOUNCER is None, reason="There is no PgBouncer: apt-get install pgbouncer")
async def test_tasks_run_behind_a_pooler_with_sessions(postgres_url: str, tmp_path: Path) -> None:
    async with pgbouncer(postgres_url, tmp_path, "session") as url, running(url, nothing) as engine:
        await ended(engine, (await engine.accept(message("1.0"))).task)
