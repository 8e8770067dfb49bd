"""What is looked at before a start: every problem a sentence with its fix, and all of them at once."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.checks import preflight
from bot.commands import play
from bot.errors import SettingsError
from bot.settings import Settings
from bot.timing import CheckTiming

KEY = base64.urlsafe_b64encode(bytes(32)).decode()


def settings(folder: Path, **given: object) -> Settings:
    known: dict[str, object] = {"data_dir": folder, "port": 0, **given}
    return Settings(**known)  # type: ignore[arg-type]


async def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broken = settings(file / "data", port=port, docker_host="tcp://127.0.0.1:1")
        problems = await preflight.problems_for_serve(broken)
    begins = [problem.split()[0].rstrip(":") for problem in problems]
    assert begins == [
        "SLACK_BOT_TOKEN",
        "Neither",
        "OPENAI_API_KEY",
        "HANDOFF_DATA_DIR",
        "HANDOFF_PORT",
        "Docker",
    ]
    assert all(problem.endswith(".") for problem in problems)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("xapp-1", "SLACK_BOT_TOKEN must begin with xoxb- but holds an app-level token."),
        ("xoxp-1", "SLACK_BOT_TOKEN must begin with xoxb- but holds a user token."),
        ("secret-value", "SLACK_BOT_TOKEN must begin with xoxb-."),
    ],
)
def test_a_token_in_the_wrong_place_is_named_but_not_shown(tmp_path: Path, token: str, expected: str) -> None:
    tokens = {"slack_bot_token": SecretStr(token), "slack_app_token": SecretStr("xapp-1")}
    (problem,) = preflight.slack_problems(settings(tmp_path, **tokens))
    assert problem.startswith(expected)
    assert token not in problem


def test_a_stand_in_may_hand_out_tokens_of_any_shape(tmp_path: Path) -> None:
    tokens = {"slack_bot_token": SecretStr("anything"), "slack_app_token": SecretStr("at-all")}
    given = settings(tmp_path, slack_api_url="http://127.0.0.1:9/api/", **tokens)
    assert preflight.slack_problems(given) == ()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://10.0.0.1/v1", False),
        ("http://localhost.example.com/v1", False),
        (None, False),
    ],
)
def test_a_model_on_this_machine_needs_no_key(tmp_path: Path, url: str | None, here: bool) -> None:
    assert preflight.is_loopback(url) is here
    assert (preflight.model_problems(settings(tmp_path, openai_base_url=url)) == ()) is here


def test_the_folder_of_the_database_is_looked_at_too(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    given = settings(tmp_path / "data", database_url=f"sqlite:///{file}/sub/handoff.db")
    (problem,) = preflight.machine_problems(given)
    assert problem.startswith("HANDOFF_DATABASE_URL: the folder")


def test_a_missing_data_folder_is_made(tmp_path: Path) -> None:
    assert preflight.machine_problems(settings(tmp_path / "a" / "b")) == ()
    assert (tmp_path / "a" / "b").is_dir()


def test_an_address_of_another_machine_is_reported() -> None:
    assert "HANDOFF_HOST" in preflight.port_in_use("no-such-host.invalid", 0)
    assert "HANDOFF_HOST" in preflight.port_in_use("127..1", 0)


async def test_an_engine_that_never_answers_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        given = settings(tmp_path, docker_host=address)
        problems = await preflight.engine_problems(given, CheckTiming(engine=1))
    assert "Docker can't be reached" in problems[0]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKER_HOST", "tcp://127.0.0.1:99999"),
        ("DOCKER_HOST", "carrier-pigeon"),
        ("DOCKER_CERT_PATH", "/nowhere"),
    ],
)
async def test_an_address_that_is_none_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The settings refuse such a variable as well, and then the engine's own reader meets it."""
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv(variable, value)
    (problem,) = await preflight.engine_problems(settings(tmp_path))
    assert problem.startswith("Docker can't be reached")


def several(folder: Path, **changes: object) -> Settings:
    """An app for several workspaces."""
    given: dict[str, object] = {
        "slack_client_id": "1.2",
        "slack_client_secret": SecretStr("client-secret"),
        "slack_signing_secret": SecretStr("signing-secret"),
        "slack_token_key": SecretStr(KEY),
        **changes,
    }
    return settings(folder, **{name: value for name, value in given.items() if value is not None})


def test_an_app_for_several_workspaces_needs_no_bot_token(tmp_path: Path) -> None:
    assert preflight.slack_problems(several(tmp_path)) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slack_client_secret": None}, "SLACK_CLIENT_SECRET is not set"),
        ({"slack_token_key": None}, "HANDOFF_SLACK_TOKEN_KEY is not set"),
        ({"slack_bot_token": SecretStr("xoxb-1")}, "SLACK_BOT_TOKEN and SLACK_CLIENT_ID are both set"),
        ({"slack_signing_secret": None}, "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set"),
    ],
)
def test_what_an_app_for_several_workspaces_lacks_is_reported(
    tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    (problem,) = preflight.slack_problems(several(tmp_path, **changes))

    assert problem.startswith(expected)
    assert problem.endswith((".", "tr +/ -_"))


@pytest.mark.parametrize("key", ["short", f"{KEY} short", "not base64 at all", KEY[:-4]])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.load({"HANDOFF_SLACK_TOKEN_KEY": key}, env_file=Path("/nonexistent/.env"))

    (problem,) = refusal.value.problems
    assert problem.startswith("HANDOFF_SLACK_TOKEN_KEY must hold keys of 32 bytes in URL-safe base64")
    assert key not in problem


def test_two_keys_are_two_secrets(tmp_path: Path) -> None:
    other = base64.urlsafe_b64encode(bytes(range(32))).decode()
    found = several(tmp_path, slack_token_key=SecretStr(f"{KEY} {other}"))

    assert found.token_keys == (KEY, other)
    assert {KEY, other} <= set(found.secrets)


def test_the_playground_takes_the_next_free_port_unless_one_was_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        given = Settings(port=port)
        given.model_fields_set.discard("port")  # as the default one is not set
        assert port < play._on_a_free_port(given).port < port + 100
        chosen = Settings(host="127.0.0.1", port=port)
        assert play._on_a_free_port(chosen).port == port
