"""Settings: valid values, refused values, and that all problems are reported at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, ValidationError, create_model

from bot.errors import SettingsError
from bot.factories.sandbox import sandbox_limits
from bot.settings import Settings, variable
from bot.settings.problems import expectation
from sandbox.limits import SandboxLimits

NO_FILE = Path("/nonexistent/.env")


def load(**environ: str) -> Settings:
    return Settings.load({"HOME": "/home/ada", **environ}, NO_FILE)


def refused(**environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(**environ)
    return caught.value


def test_nothing_set_gives_the_defaults_of_the_contract() -> None:
    settings = load()
    assert settings.host == "127.0.0.1"
    assert settings.port == 8080
    assert settings.model_api == "auto"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.slack_bot_token is None


def test_the_database_is_in_the_data_folder_unless_set(tmp_path: Path) -> None:
    assert load(HANDOFF_DATA_DIR=str(tmp_path)).database_url == f"sqlite:///{tmp_path}/handoff.db"
    url = "postgresql://ada@db/handoff"
    assert load(HANDOFF_DATABASE_URL=url).database_url == url


def test_the_data_folder_follows_xdg(tmp_path: Path) -> None:
    assert load(XDG_DATA_HOME=str(tmp_path)).data_dir == tmp_path / "handoff"
    assert load().data_dir == Path("~/.local/share/handoff").expanduser()


def test_a_home_folder_may_be_written_short() -> None:
    assert load(HANDOFF_DATA_DIR="~/handoff").data_dir == Path.home() / "handoff"


def test_variables_of_other_programs_keep_their_names() -> None:
    settings = load(
        SLACK_BOT_TOKEN="xoxb-1", OPENAI_BASE_URL="http://127.0.0.1:1/v1", DOCKER_HOST="tcp://engine:2375"
    )
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == "xoxb-1"
    assert settings.openai_base_url == "http://127.0.0.1:1/v1"
    assert settings.docker_host == "tcp://engine:2375"


@pytest.mark.parametrize("given", ["http://127.0.0.1:9/api", "http://127.0.0.1:9/api/"])
def test_the_web_api_base_ends_with_a_slash_as_the_client_needs(given: str) -> None:
    assert load(SLACK_API_URL=given).slack_api_url == "http://127.0.0.1:9/api/"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(HANDOFF_PORT="", HANDOFF_MODEL="  ").port == 8080


def test_the_file_gives_what_the_environment_lacks(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HANDOFF_PORT=1111\nHANDOFF_HOST=0.0.0.0\n# HANDOFF_MODEL=no\nUNRELATED=1\n")
    settings = Settings.load({"HANDOFF_PORT": "2222", "HOME": "/home/ada"}, file)
    assert (settings.port, settings.host, settings.model) == (2222, "0.0.0.0", load().model)


def test_a_file_that_cannot_be_read_is_a_problem_with_a_name(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"HANDOFF_MODEL=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env can't be read"):
        Settings.load({"HOME": "/home/ada"}, file)
    with pytest.raises(SettingsError, match=r"can't be read \(Is a directory\)"):
        Settings.load({"HOME": "/home/ada"}, tmp_path)


def test_every_problem_is_reported_at_once_in_the_order_of_the_settings() -> None:
    error = refused(HANDOFF_PORT="70000", OPENAI_BASE_URL="ftp://x", HANDOFF_LOG_FORMAT="xml")
    base, port, form = error.problems
    assert base == (
        "OPENAI_BASE_URL must be a URL like https://api.openai.com/v1, not 'ftp://x'. "
        "Correct it, or remove it."
    )
    assert port == (
        "HANDOFF_PORT must be a whole number from 0 to 65535, not '70000'. "
        "Correct it, or remove it to get the default, 8080."
    )
    assert form == (
        "HANDOFF_LOG_FORMAT must be one of console, json, not 'xml'. "
        "Correct it, or remove it to get the default, 'console'."
    )


def test_what_is_right_beside_a_problem_stays_usable() -> None:
    usable = refused(HANDOFF_PORT="x", HANDOFF_HOST="0.0.0.0").usable
    assert (usable.port, usable.host) == (8080, "0.0.0.0")


def test_a_data_folder_of_no_one_is_one_problem_not_two() -> None:
    (problem,) = refused(HANDOFF_DATA_DIR="~nobody-of-that-name/x").problems
    assert problem.startswith("HANDOFF_DATA_DIR must name")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_API_URL", "slack.com/api"),
        ("SLACK_API_URL", "https://"),
        ("SLACK_API_URL", "https://[::1"),
        ("OPENAI_BASE_URL", "http://host:port/v1"),
        ("OPENAI_BASE_URL", "http://host:99999/v1"),
        ("HANDOFF_DATABASE_URL", "mysql://host/db"),
        ("HANDOFF_DATABASE_URL", "sqlite://"),
        ("HANDOFF_DATABASE_URL", "sqlite:handoff.db"),
        ("DOCKER_HOST", "/var/run/docker.sock"),
    ],
)
def test_a_wrong_url_is_refused_with_an_example(name: str, value: str) -> None:
    (problem,) = refused(**{name: value}).problems
    assert problem.startswith(f"{name} must be a URL like ")
    assert "://" in problem


@pytest.mark.parametrize("value", ["U0ADA U0MEI", "U0ADA,U0MEI", "U0ADA, U0MEI,", " U0ADA\n,W0MEI "])
def test_ids_may_have_commas_between(value: str) -> None:
    assert load(HANDOFF_ALLOW_USERS=value).allow_users.split()[0] == "U0ADA"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANDOFF_ALLOW_USERS", "@ada"),
        ("HANDOFF_ALLOW_USERS", "C0GENERAL"),
        ("HANDOFF_ALLOW_CHANNELS", "#general"),
    ],
)
def test_what_is_no_id_is_refused_and_not_taken_for_no_one(name: str, value: str) -> None:
    (problem,) = refused(**{name: value}).problems
    assert problem.startswith(f"{name} must be ids like ")
    assert value in problem


def test_a_mistake_inside_an_object_is_reported_with_its_place() -> None:
    number, missing = refused(HANDOFF_MODEL_PRICES='{"a": {"input": "x"}}').problems
    assert number.startswith("HANDOFF_MODEL_PRICES: a.input: input should be a valid number")
    assert missing.startswith("HANDOFF_MODEL_PRICES: a.output: field required")
    below, none = refused(HANDOFF_MODEL_PRICES='{"a": {"input": -1, "output": NaN}}').problems
    assert below.startswith("HANDOFF_MODEL_PRICES: a.input: input should be greater than or equal to 0")
    assert none.startswith("HANDOFF_MODEL_PRICES: a.output: input should be a finite number")


def test_models_without_a_name_are_refused() -> None:
    assert load(HANDOFF_MODEL="one, two").model == "one, two"
    (problem,) = refused(HANDOFF_MODEL=" , ").problems
    assert problem.startswith("HANDOFF_MODEL must name a model")


@pytest.mark.parametrize("value", ["INFO", "info", "Info"])
def test_a_level_may_be_written_in_any_case(value: str) -> None:
    assert load(HANDOFF_LOG_LEVEL=value).log_level == "info"


def test_secrets_show_in_no_text_of_the_settings() -> None:
    settings = load(
        SLACK_BOT_TOKEN="xoxb-hidden",
        OPENAI_API_KEY="sk-hidden",
        SLACK_SIGNING_SECRET="hidden-too",
        HANDOFF_DATABASE_URL="postgresql://ada:hidden-also@db/handoff",
    )
    assert "hidden" not in f"{settings!r} {settings}"
    assert set(settings.secrets) == {"xoxb-hidden", "sk-hidden", "hidden-too", "hidden-also"}


def test_a_password_in_a_wrong_url_is_not_reported() -> None:
    assert "hunter2" not in str(refused(HANDOFF_DATABASE_URL="mysql://ada:hunter2@db/handoff"))


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        setattr(load(), "port", 1)  # noqa: B010


def test_a_name_that_is_no_setting_is_refused_in_code() -> None:
    with pytest.raises(ValidationError):
        Settings(prot=1)  # type: ignore[call-arg]


def test_every_field_says_what_it_is_for_and_has_one_variable() -> None:
    fields = Settings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
    assert len({variable(name) for name in fields}) == len(fields)


def test_a_limit_of_a_room_is_the_setting_with_its_bounds_and_its_unit() -> None:
    days, memory = Settings.model_fields["limit_waiting_days"], Settings.model_fields["sandbox_memory_mb"]
    assert (days.default, days.description) == (
        7,
        "Longest wait for a person's answer; then the task expires.",
    )
    assert expectation(days) == "a number above 0 and at most 3650"
    assert expectation(memory) == "a whole number from 64 to 1048576"


def test_every_limit_of_the_sandbox_is_a_setting() -> None:
    settings = Settings(sandbox_memory_mb=128)
    assert sandbox_limits(settings) == SandboxLimits(memory_mb=128)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"ge": 1, "le": 9}, "a whole number from 1 to 9"),
        ({"gt": 0, "le": 9}, "a whole number above 0 and at most 9"),
        ({"ge": 1}, "a whole number at least 1"),
        ({}, "a whole number"),
    ],
)
def test_the_bounds_of_a_number_are_described_in_words(bounds: dict[str, Any], expected: str) -> None:
    made: Any = create_model("Made", number=(int, Field(default=1, **bounds)))
    assert expectation(made.model_fields["number"]) == expected
