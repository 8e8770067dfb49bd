"""Where lines go, what they carry, and that no secret is among it."""

from __future__ import annotations

import json
import logging as standard
import re
import warnings
from io import StringIO
from typing import Literal

import pytest
import structlog
from pydantic import SecretStr

from bot.observability import logging
from bot.settings import Settings
from bot.settings.redaction import REDACTED

SECRET = 'pass"wörd/1234'
pytestmark = pytest.mark.usefixtures("restored_logging")


def logs(form: Literal["console", "json"] = "json", level: Literal["debug", "info"] = "info") -> StringIO:
    stream = StringIO()
    settings = Settings(
        log_format=form,
        log_level=level,
        openai_api_key=SecretStr(SECRET),
        slack_client_secret=SecretStr("p@ss wörd/9"),
        slack_signing_secret=SecretStr("short"),
        database_url="postgresql://ada:hunter2hunter2@db/handoff?sslmode=require",
    )
    logging.configure_logging(settings, stream)
    return stream


def test_ours_and_others_lines_are_json_with_the_ids_of_the_task() -> None:
    stream = logs()
    structlog.contextvars.bind_contextvars(task="T1", worker="w2", turn=3)
    structlog.get_logger("bot.intake.intake").info("claimed", ts="1.1")
    standard.getLogger("someone").warning("took %d ms", 7)
    ours, others = (json.loads(line) for line in stream.getvalue().splitlines())
    assert ours.items() >= {"event": "claimed", "ts": "1.1", "task": "T1", "worker": "w2", "turn": 3}.items()
    assert others.items() >= {"event": "took 7 ms", "task": "T1", "level": "warning"}.items()


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123-456-abcDEF",
        "xoxp-1-2-3",
        "xapp-1-A1-2-abc",
        "sk-proj-abcdefghijklmnop_qrst",
        "Bearer abc.def",
        "wss://host/link/?ticket=abc-123&app_id=A1",
        "postgresql://eve:another-secret@db/x",
        "https://hooks.slack.com/commands/T1/2/abc",
        SECRET,
        "hunter2hunter2",
        "p@ss wörd/9",
        "bearer abcdef012345",
        "Basic Y2xpZW50OnNlY3JldA==",
        "https://host/v1?api_key=abcdef0123&x=1",
        "postgresql://db/x?user=a&password=abcdef01234",
        "https://files.slack.com/upload/v1/ABCdef123",
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(form: Literal["console", "json"], secret: str) -> None:
    stream = logs(form)
    plain = re.sub("(?i)^(bearer|basic) ", "", secret)
    structlog.get_logger("bot").info(f"got {secret}", header=secret, nested={"deep": [secret]})
    standard.getLogger("slack_bolt").error("failed with %s", secret)
    try:
        raise RuntimeError(f"while using {secret}")
    except RuntimeError:
        standard.getLogger("dbos").exception("workflow failed")
    text = stream.getvalue()
    hidden = [plain, *re.findall(r"(?:ticket|key|password)=([^&]+)", plain)]
    assert REDACTED in text
    assert [part for part in hidden if part in text or json.dumps(part)[1:-1] in text] == []


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_secret_is_taken_out_of_json_in_an_errors_text(form: Literal["console", "json"]) -> None:
    stream = logs(form)
    body = json.dumps({"headers": {"key": SECRET, "other": "p@ss wörd/9"}})
    try:
        raise RuntimeError(repr(body))
    except RuntimeError:
        structlog.get_logger("bot").exception(
            "refused", body=body, shown=repr(SECRET), coded="p%40ss%20w%C3%B6rd%2F9"
        )
    assert not re.search(r"1234|wörd|rd/9|%2F9|u00f6rd", stream.getvalue())


def test_a_password_that_stands_coded_in_a_url_is_taken_out_as_it_is() -> None:
    stream = StringIO()
    logging.configure_logging(Settings(database_url="postgresql://ada:p%40ss%2Fword9@db/handoff"), stream)
    standard.getLogger("asyncpg").error("no entry for ada with p@ss/word9, coded p%40ss%2Fword9")
    assert "word9" not in stream.getvalue()


def test_pythons_own_warnings_are_lines_too() -> None:
    stream = logs()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        standard.captureWarnings(capture=True)
        warnings.warn("old ways, xoxb-1-2", DeprecationWarning, stacklevel=1)
        standard.captureWarnings(capture=False)
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert line["logger"] == "py.warnings"
    assert "old ways, [redacted]" in line["event"]


@pytest.mark.parametrize(
    "harmless",
    [
        "task-1234567890123456789",
        "scikit-learn sk-learn",
        "short",
        "a bearer of it",
        "a basic one",
        "the secret is",
    ],
)
def test_harmless_words_are_not_redacted(harmless: str) -> None:
    stream = logs()
    structlog.get_logger("bot").info(harmless)
    assert json.loads(stream.getvalue())["event"] == harmless


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_local_variable(form: Literal["console", "json"]) -> None:
    stream = logs(form)
    message_of_a_person = "call me at home"
    try:
        raise ValueError(len(message_of_a_person))
    except ValueError:
        structlog.get_logger("bot").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "call me" not in stream.getvalue()


def test_requests_of_libraries_are_reported_at_debug_only() -> None:
    quiet = logs(level="info")
    standard.getLogger("slack_bolt").info("request")
    assert quiet.getvalue() == ""
    loud = logs(level="debug")
    standard.getLogger("slack_bolt").info("request")
    assert "request" in loud.getvalue()


def test_a_warning_of_what_is_meant_is_reported_at_debug_only() -> None:
    words = "Asyncio task cancelled for workflow or step <function run>"
    quiet, dbos = logs(), standard.getLogger("dbos")
    dbos.warning(words)
    dbos.warning("Asyncio is slow")
    assert [json.loads(line)["event"] for line in quiet.getvalue().splitlines()] == ["Asyncio is slow"]
    loud = logs(level="debug")
    dbos.warning(words)
    assert words in loud.getvalue()


def test_what_dbos_warns_of_again_and_again_is_reported_once_and_errors_each_time() -> None:
    stream, dbos = logs(), standard.getLogger("dbos")
    for number in range(3):
        kind = "Exception encountered in queue thread for tasks: (psycopg.OperationalError)"
        dbos.warning(f"{kind} the database is away, for the {number}th time")
        dbos.warning("Exception listing queues: it is away")
        dbos.error("a workflow failed")
        standard.getLogger("someone").warning("it is slow")
    plain = [json.loads(line)["event"][:20] for line in stream.getvalue().splitlines()]
    counts = {words: plain.count(words) for words in plain}
    assert counts == {
        "Exception encountere": 1, "Exception listing qu": 1, "a workflow failed": 3, "it is slow": 3
    }  # fmt: skip


def test_the_engine_adds_no_handler_of_its_own() -> None:
    from dbos._logger import init_logger

    logs()
    init_logger()
    assert len(standard.getLogger("dbos").handlers) == 1
