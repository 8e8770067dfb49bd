"""Settings for single workspaces and channels, from a TOML file that is read again when it changes.

It has a table for each workspace, and in it one for each channel, by their ids.

    [T0ACME]
    model = "gpt-5.6"
    limit_task_usd = 2.5

    [T0ACME.C0SALES]
    allow_users = "U0ADA U0MEI"
    tools = ["crm_lookup"]

A channel's value overrides its workspace's, which overrides the environment's. A file with a mistake is
refused as a whole, and the previous values stay.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.errors import InvalidChannelsFile
from bot.settings import Settings, variable
from bot.settings.problems import wanted
from tasks.policy import DAY
from tasks.store.preferences import FiguresMode, FollowUpMode, ProgressMode, UsageMode

log = structlog.get_logger(__name__)

#: Settings of the environment that a workspace or a channel may have its own value of.
LOCAL = (
    "model", "worker_model", "limit_task_turns", "limit_task_seconds", "limit_task_tokens", "limit_task_usd",
    "limit_workers", "limit_workers_at_once", "limit_person_daily_tokens",
    "limit_person_daily_usd", "limit_channel_daily_usd", "allow_users", "allow_apps", "allow_guests",
    "allow_slack_connect", "allow_stop", "skills_dir", "sandbox_egress", "retention_days",
)  # fmt: skip


class ChannelOnlySettings(BaseModel):
    """Settings that exist only in this file."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    tools: list[str] | None = None
    """Names of the team's tools that workers may use. Not set: all tools."""
    skills: list[str] | None = None
    """Names of the skills that tasks may use. Not set: all skills."""
    progress: ProgressMode | None = None
    follow_ups: FollowUpMode | None = None
    usage: UsageMode | None = None
    figures: FiguresMode | None = None


def _like(field: FieldInfo) -> Any:
    """The field's type and bounds, or None for "not set here"."""
    bound: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return (bound | None, None)


_Place: Any = create_model(
    "_Place", __base__=ChannelOnlySettings, **{name: _like(Settings.model_fields[name]) for name in LOCAL}
)
_VARIABLE = variable("channels_file")
KNOWN = tuple(_Place.model_fields)
TEAM, CHANNEL = re.compile("[TE][A-Z0-9]{2,}"), re.compile("[CDG][A-Z0-9]{2,}")
Values = Mapping[str, Any]
Places = Mapping[str, Values]
"""The values of each place, by `T0ACME` or `T0ACME.C0SALES`."""


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """A value and its source."""

    name: str
    value: object
    source: str

    def __str__(self) -> str:
        """As the file spells it: `progress = "quiet" (channels.toml: T0ACME)`."""
        shown = "not set" if self.value is None else json.dumps(self.value, ensure_ascii=False)
        return f"{self.name} = {shown} ({self.source})"


class ChannelSettings:
    """Settings by place. Without a file, all places have the environment's."""

    def __init__(self, settings: Settings, file: Path | None = None) -> None:
        """Raises `InvalidChannelsFile` when the file can't be used."""
        self._settings = settings
        self._file = file
        self._read_at: object = None
        self._places: Places = {}
        if file is not None:
            self._read_at = _stamp(file)
            self._places = read(file)

    def settings(self, team: str, channel: str) -> Settings:
        """All settings for tasks in this channel."""
        own = {name: value for name, value in self._values(team, channel).items() if name in LOCAL}
        return self._settings.model_copy(update=own) if own else self._settings

    def own(self, team: str, channel: str) -> ChannelOnlySettings:
        """The settings of this channel that exist only in the file."""
        values = self._values(team, channel)
        return ChannelOnlySettings(
            **{name: values[name] for name in ChannelOnlySettings.model_fields if name in values}
        )

    def preference(self, team: str, channel: str, name: str) -> str | None:
        """The operator's default for a choice of `tasks.store.preferences`; None if there is none."""
        word: StrEnum | None = getattr(self.own(team, channel), name.replace("-", "_"))
        return None if word is None else word.value

    def retention(self) -> Mapping[tuple[str, ...], float]:
        """Seconds for which ended tasks are kept, by workspace and channel, where the file says so."""
        kept = {place: values.get("retention_days") for place, values in self._fresh().items()}
        return {tuple(place.split(".")): days * DAY for place, days in kept.items() if days is not None}

    def effective(self, team: str, channel: str) -> Sequence[EffectiveSetting]:
        """All values that can be set for a place, with their sources."""
        places = self._fresh()
        rows = []
        for name in KNOWN:
            where = next((p for p in _inward(team, channel) if name in places.get(p, {})), None)
            if where is not None:
                rows.append(EffectiveSetting(name, places[where][name], f"{self._file}: {where}"))
            elif name in LOCAL:
                is_given = name in self._settings.model_fields_set
                source = variable(name) if is_given else "default"
                rows.append(EffectiveSetting(name, getattr(self._settings, name), source))
        return rows

    def unknown_tools(self, known: Collection[str]) -> Sequence[str]:
        """A sentence for each tool that a place names and that is none of `known`."""
        there = f"The tools are: {', '.join(sorted(known))}" if known else "There are no team tools"
        return [
            f"{self._file}: [{place}] tools names {name!r}, which is no tool of the team's. {there}."
            for place, values in self._fresh().items()
            for name in values.get("tools") or ()
            if name not in known
        ]

    @property
    def places(self) -> Sequence[str]:
        return list(self._fresh())

    def _values(self, team: str, channel: str) -> Values:
        places = self._fresh()
        return {k: v for place in reversed(_inward(team, channel)) for k, v in places.get(place, {}).items()}

    def _fresh(self) -> Places:
        """The file's current values; the previous ones if the file has a mistake."""
        if self._file is None or (stamp := _stamp(self._file)) == self._read_at:
            return self._places
        self._read_at = stamp
        try:
            self._places = read(self._file)
            log.info("channels file read", places=len(self._places))
        except InvalidChannelsFile as refused:
            log.error("channels file refused, the previous values stay", problems=refused.problems)
        return self._places


def read(file: Path) -> Places:
    """The file's places. Raises `InvalidChannelsFile` with a sentence for each mistake."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        problem = f"{_VARIABLE}: {file} can't be read ({why}). Correct it."
        raise InvalidChannelsFile((problem,)) from None
    found: dict[str, Values] = {}
    problems: list[str] = []
    for place, values in _tables(tables, problems):
        try:
            found[place] = _Place(**values).model_dump(exclude_unset=True)
        except ValidationError as error:
            problems += [_sentence(file, place, detail) for detail in error.errors()]
    if problems:
        raise InvalidChannelsFile(tuple(problems))
    return found


def _tables(tables: Values, problems: list[str]) -> Iterator[tuple[str, Values]]:
    for team, table in tables.items():
        if not TEAM.fullmatch(team) or not isinstance(table, dict):
            problems.append(f"{_VARIABLE}: [{team}] is no id of a workspace, such as T0ACME. Correct it.")
            continue
        channels = {name: value for name, value in table.items() if CHANNEL.fullmatch(name)}
        yield team, {name: value for name, value in table.items() if name not in channels}
        for channel, values in channels.items():
            if isinstance(values, dict):
                yield f"{team}.{channel}", values
            else:
                problems.append(f"{_VARIABLE}: [{team}.{channel}] must be a table. Correct it.")


def _sentence(file: Path, place: str, detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    at = f"{file}: [{place}] {name}"
    if name not in KNOWN:
        return f"{at} is nothing that a workspace or a channel can set. Those are: {', '.join(KNOWN)}."
    its_own = detail["msg"].lower().replace("input should", " must")
    must_be = wanted(Settings.model_fields[name], detail) if name in LOCAL else its_own
    return f"{at}{must_be}, not {detail['input']!r}. Correct it, or remove it."


def _inward(team: str, channel: str) -> tuple[str, str]:
    return f"{team}.{channel}", team


def _stamp(file: Path) -> object:
    """A stamp that changes with the file; None if there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
