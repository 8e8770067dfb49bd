"""The settings of one process, read once from the environment and `.env`.

An empty variable counts as not set. `bot.checks` finds out whether the settings work.
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
    FilesSettings,
    LimitSettings,
    ModelSettings,
    OrderSettings,
    ProcessSettings,
    SandboxSettings,
    SlackSettings,
    TeamSettings,
    data_folder,
)
from bot.settings.problems import sentence

ENV_FILE = Path(".env")


# In reverse order: pydantic collects the fields of the last base first.
class Settings(
    SandboxSettings, OrderSettings, LimitSettings, FilesSettings, ProcessSettings, TeamSettings,
    ModelSettings, AccessSettings, SlackSettings,
):  # fmt: skip
    """All settings of one process."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, env_file: Path = ENV_FILE) -> Self:
        """Read `environ` (default: the process's), and `env_file` for variables that are not in it.

        Raises `SettingsError` with all problems.
        """
        environ = os.environ if environ is None else environ
        try:
            # It may be a folder: Docker creates one when it mounts a missing file.
            in_file = dotenv_values(stream=StringIO(env_file.read_text("utf-8") if env_file.exists() else ""))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            problem = f"{env_file} can't be read ({why}). Correct or remove it."
            raise SettingsError((problem,), cls(data_dir=data_folder(environ))) from None
        given = _not_empty({**in_file, **environ})
        given, unread = _with_files(given)
        values, misspelt = cls._values(given), (*unread, *_misspelt(given))
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
        """The folder for the threads' files."""
        return self.data_dir / "work"

    @property
    def cache_dir(self) -> Path:
        """The folder for copies of the files in a bucket."""
        return self.data_dir / "cache"

    @property
    def token_keys(self) -> tuple[str, ...]:
        """The keys of `slack_token_key`; the first encrypts."""
        return tuple(self.slack_token_key.get_secret_value().split()) if self.slack_token_key else ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values to redact in the log."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        password = urlsplit(self.database_url).password
        found = [field.get_secret_value() for field in fields if isinstance(field, SecretStr)]
        named: Sequence[str] = ()
        if self.tools_file:
            from agents.tools.tools_file import variables_in  # half the agents' room with it

            named = variables_in(self.tools_file, os.environ)
        return (*found, *self.token_keys, *named, *([password] if password else []))


def variable(name: str) -> str:
    """The environment variable of a field: `port` -> `HANDOFF_PORT`, `docker_host` -> `DOCKER_HOST`."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias) if alias else PREFIX + name.upper()


def _not_empty(given: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value.strip() for name, value in given.items() if value and value.strip()}


def _with_files(given: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The values with those that stand in files, as `VARIABLE_FILE` names them, and a sentence for each
    problem. Docker and Kubernetes mount secrets so."""
    known = set(map(variable, Settings.model_fields))
    values, problems = dict(given), []
    for name, path in given.items():
        base = name.removesuffix("_FILE")
        if name == base or name in known or base not in known:
            continue
        del values[name]
        if base in given:
            problems.append(f"{base} and {name} are both set. Remove one of them.")
            continue
        try:
            values[base] = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            problems.append(f"{name}: {path} can't be read ({why}). Correct the path or its rights.")
    return _not_empty(values), tuple(problems)


def _misspelt(given: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each unknown variable with our prefix, because a misspelt limit has no effect."""
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
