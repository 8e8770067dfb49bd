"""What an operator's commands say on the real command line when something is wrong, and what survives.

Needs PostgreSQL's programs; `serve` also looks for Docker before it starts.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from playground.slack import SlackStandIn
from tasks.store.database import Database
from tests.integration.test_keeping import foundation, upgrade
from tests.support.command import start_command
from tests.support.databases import opened
from tests.support.postgres import Postgres

CLOSED = "http://127.0.0.1:1"
SERVE = {
    "SLACK_BOT_TOKEN": "xoxb-not-a-real-one", "SLACK_APP_TOKEN": "xapp-not-a-real-one",
    "SLACK_API_URL": f"{CLOSED}/api/", "OPENAI_BASE_URL": f"{CLOSED}/v1", "HANDOFF_PORT": "0",
}  # fmt: skip
COMMANDS = [("tasks",), ("purge", "--user", "U1", "--yes"), ("backup", "x.tar.gz"), ("serve",)]


async def handoff(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """A real `handoff`: its exit code, stdout and stderr."""
    process = await start_command(
        *words, environment={"HANDOFF_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin", **environment}
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def broken(kind: str, folder: Path, server: Postgres) -> str:
    """The URL of a database that can't be used."""
    match kind:
        case "away":
            return "postgresql://ada:hunter2hunter2@127.0.0.1:1/handoff"
        case "refuses the user":
            return server.create().replace("handoff@", "stranger:hunter2hunter2@")
        case "none":
            (folder / "handoff.db").write_bytes(b"not a database " * 100)
    return f"sqlite:///{folder / 'handoff.db'}"


@pytest.mark.parametrize("kind", ["away", "refuses the user", "none"])
async def test_a_database_that_cannot_be_used_is_one_sentence_for_each_command(
    kind: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    url = await broken(kind, tmp_path, postgres_server)
    ends = [handoff(tmp_path, *words, HANDOFF_DATABASE_URL=url, **SERVE) for words in COMMANDS]
    for code, out, errors in await asyncio.gather(*ends):
        sentence = errors.splitlines()[-1]
        assert (code, out) == (1, ""), errors
        assert re.fullmatch(r"handoff: .+ HANDOFF_DATABASE_URL\.", sentence), errors
        assert not re.search(r"Traceback|hunter2|asyncpg|sqlalche|Error", errors), errors


async def test_tables_of_an_earlier_release_are_reported_and_a_start_brings_them_up(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    old = Database(url)
    await upgrade(old, "0001")
    async with old.write() as connection:
        for statement in (*foundation("answered"), "UPDATE task SET ended_at = 2.0"):
            await connection.exec_driver_sql(statement)
    await old.close()

    commands = [("tasks",), ("purge", "told", "--yes"), ("doctor",)]
    *refused, looked_at = await asyncio.gather(*(handoff(tmp_path, *w) for w in commands))
    for code, out, errors in refused:
        assert (code, out) == (1, "")
        assert re.fullmatch(r"handoff: .+ another release\. `handoff serve` brings .+\.\n", errors)
    assert "opens; its tables are of another release" in looked_at[1]

    async with opened(url):
        pass  # as a start does it
    looked_at, listed, one = await asyncio.gather(
        *(handoff(tmp_path, *words) for words in [("doctor",), ("tasks",), ("tasks", "told")])
    )
    assert " opens.\n" in looked_at[1]
    assert "an old request" in listed[1]
    assert "asked by Ada in C1" in one[1]
    assert "Deleted 1 tasks" in (await handoff(tmp_path, "purge", "told", "--yes"))[1]


async def test_tables_of_a_later_release_are_left_alone(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url) as database, database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'from_the_future'")
    code, _, errors = await handoff(tmp_path, "serve", HANDOFF_DATABASE_URL=database_url, **SERVE)
    assert code == 1
    assert errors.splitlines()[-1].startswith("handoff: A later release has migrated the database")
    assert "Traceback" not in errors


async def test_a_task_that_is_not_there_is_reported_and_prints_no_json(tmp_path: Path) -> None:
    code, out, errors = await handoff(tmp_path, "tasks", "none", "--json")
    assert (code, out) == (1, "")
    assert errors.startswith("There are no tasks yet")


@pytest.mark.parametrize(
    ("check", "told_by_serve"),
    [
        ("Slack bot", "SLACK_BOT_TOKEN can't be used: it was revoked. Copy it again from the app's pages."),
        (
            "Slack events",
            "SLACK_APP_TOKEN can't be used: it was revoked. Generate one with the scope connections:write, "
            "under App-Level Tokens.",
        ),
    ],
)
async def test_a_token_that_slack_refuses_ends_the_start_with_2(
    tmp_path: Path, check: str, told_by_serve: str
) -> None:
    async with SlackStandIn() as slack:
        slack.credentials.revoke(slack.bot_token if check == "Slack bot" else slack.app_token)
        mine = {
            "SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
        }  # fmt: skip
        (code, _, errors), (found, findings, log) = await asyncio.gather(
            *(handoff(tmp_path, command, **{**SERVE, **mine}) for command in ("serve", "doctor"))
        )
        for token in (slack.bot_token, slack.app_token):
            assert token not in errors + findings
    assert (code, found, log) == (2, 1, ""), "the doctor's findings are all it says"
    assert f"✗ {check}: {told_by_serve}" in findings
    assert errors == f"handoff: {told_by_serve}\n"


async def test_a_start_waits_for_slack_with_one_sentence_and_ends_at_once_without_it(tmp_path: Path) -> None:
    process = await start_command(
        "serve", environment={"HANDOFF_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", **SERVE}
    )
    async with asyncio.timeout(60):
        while b"Slack can't be reached at 127.0.0.1:1 (" not in (line := await process.stderr.readline()):
            assert line, "it ended"
        process.terminate()
        rest = (await process.communicate())[1].decode()
    assert process.returncode == 0
    assert not re.search(r"error|Unclosed|Traceback", rest), rest
