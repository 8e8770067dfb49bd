"""The settings of one process, read once from the environment and `.env`, and never changed afterwards.

An empty variable counts as not set. Never opens a connection: whether what is set also works is for
`bot.checks`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource

from bot.errors import SettingsError
from bot.settings.group import PREFIX
from bot.settings.groups import (
    AccessSettings,
    LimitSettings,
    ModelSettings,
    ProcessSettings,
    SandboxSettings,
    SlackSettings,
    TeamSettings,
    data_folder,
)
from bot.settings.problems import sentence

ENV_FILE = Path(".env")


# The bases stand in reverse because pydantic collects the fields of the last one first.
class Settings(
    SandboxSettings, LimitSettings, ProcessSettings, TeamSettings, ModelSettings, AccessSettings,
    SlackSettings,
):  # fmt: skip
    """All settings of one process."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, env_file: Path = ENV_FILE) -> Self:
        """Read `environ` (the process's own unless given) and the variables of `env_file` that it lacks.

        Raises `SettingsError` with every problem there is.
        """
        environ = os.environ if environ is None else environ
        try:
            # Docker makes a folder of that name where it is to mount a file that is missing.
            in_file = dotenv_values(stream=StringIO(env_file.read_text("utf-8") if env_file.exists() else ""))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            problem = f"{env_file} can't be read ({why}). Correct or remove it."
            raise SettingsError((problem,), cls(data_dir=data_folder(environ))) from None
        given = _not_empty({**in_file, **environ})
        values, misspelt = cls._values(given), _misspelt(given)
        try:
            settings = cls(**values)
        except ValidationError as error:
            faulty = {str(detail["loc"][0]) for detail in error.errors()}
            usable = cls(**{key: value for key, value in values.items() if key not in faulty})
            raise SettingsError((*_problems(error), *misspelt), usable) from None
        if misspelt:
            raise SettingsError(misspelt, settings)
        return settings

    @classmethod
    def _values(cls, given: Mapping[str, str]) -> dict[str, Any]:
        source = EnvSettingsSource(cls)
        source.env_vars = {name.lower(): value for name, value in given.items()}
        return {"data_dir": data_folder(given), **source()}

    @property
    def work_dir(self) -> Path:
        """The folder of all threads' files."""
        return self.data_dir / "work"

    @property
    def token_keys(self) -> tuple[str, ...]:
        """The keys of `slack_token_key`, the one that encrypts first."""
        return tuple(self.slack_token_key.get_secret_value().split()) if self.slack_token_key else ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must appear nowhere; for the log's redaction only."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        password = urlsplit(self.database_url).password
        found = [field.get_secret_value() for field in fields if isinstance(field, SecretStr)]
        return (*found, *self.token_keys, *([password] if password else []))


def variable(name: str) -> str:
    """The environment variable of a field: `port` -> `HANDOFF_PORT`, `docker_host` -> `DOCKER_HOST`."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias) if alias else PREFIX + name.upper()


def _not_empty(given: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value.strip() for name, value in given.items() if value and value.strip()}


def _misspelt(given: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that begins as ours do and is none: a limit that has no effect must not
    pass unseen."""
    known = [name for name in map(variable, Settings.model_fields) if name.startswith(PREFIX)]
    return tuple(
        f"{name} is not a setting.{_nearest(name.upper(), known)}"
        for name in given
        if name.upper().startswith(PREFIX) and name.upper() not in known
    )


def _nearest(name: str, known: Sequence[str]) -> str:
    # Without the beginning that all share, which would make any two alike.
    found = get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1)
    return (
        f" Did you mean {PREFIX}{found[0]}?" if found else " Remove it; docs/settings.md lists all settings."
    )


def _problems(error: ValidationError) -> tuple[str, ...]:
    names = {str(field.validation_alias or name): name for name, field in Settings.model_fields.items()}
    details = [
        (names[str(detail["loc"][0])], detail)
        for detail in error.errors()
        if detail["type"] != "default_factory_not_called"  # follows from another problem, and is none
    ]
    return tuple(sentence(variable(name), Settings.model_fields[name], detail) for name, detail in details)
