"""Reads the skills of each channel by the settings, again when a file of theirs has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from agents import skills
from agents.errors import SkillsRefused
from agents.skills import Skill
from bot.errors import InvalidChannelsFile
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)


class SkillLibrary:
    """All skills of the bot. A folder with a mistake keeps the skills that it had before."""

    def __init__(self, channels: ChannelSettings) -> None:
        self._channels = channels
        self._read: dict[Path, tuple[object, Sequence[Skill]]] = {}

    async def of(self, thread: ThreadAddress) -> Sequence[Skill]:
        """The skills for tasks in a thread's channel, by name."""
        folder = self._channels.settings(thread.team, thread.channel).skills_dir
        if folder is None:
            return ()
        found = await asyncio.to_thread(self._fresh, folder)
        allowed = self._channels.own(thread.team, thread.channel).skills
        return found if allowed is None else [skill for skill in found if skill.name in allowed]

    def _fresh(self, folder: Path) -> Sequence[Skill]:
        before, found = self._read.get(folder, (None, ()))
        if (now := skills.stamp(folder)) != before:
            try:
                found = skills.load(folder)
                log.info("skills read", folder=str(folder), skills=len(found))
            except SkillsRefused as refused:
                log.error("skills refused, the previous ones stay", problems=refused.problems)
            self._read[folder] = now, found
        return found


def skill_problems(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the skills of all channels, a sentence each."""
    try:
        channels = ChannelSettings(settings, settings.channels_file)
    except InvalidChannelsFile:  # reported by the check of that file
        channels = ChannelSettings(settings)
    return tuple(dict.fromkeys(_problems(channels)))


def skill_names(settings: Settings) -> Sequence[str]:
    """The skills of channels without settings of their own. Raises `SkillsRefused`."""
    return [skill.name for skill in skills.load(settings.skills_dir)] if settings.skills_dir else []


def _problems(channels: ChannelSettings) -> Iterator[str]:
    for place in ("", *channels.places):
        team, _, channel = place.partition(".")
        folder, known = channels.settings(team, channel).skills_dir, set[str]()
        try:
            known = {skill.name for skill in skills.load(folder)} if folder else known
        except SkillsRefused as refused:
            yield from refused.problems
            continue
        for name in channels.own(team, channel).skills or ():
            if name not in known:
                there = f"The skills are: {', '.join(sorted(known))}" if known else "There are no skills"
                yield f"[{place}] skills names {name!r}, which is no skill. {there}."
