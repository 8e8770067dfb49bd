"""Access rules: who may give tasks, where, how many in a day, and who may stop them.

A refusal is a sentence in mrkdwn for the person. A person whom Slack does not describe is refused, unless
guests and members of other workspaces are allowed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog

from bot.intake import texts
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.message import ThreadAddress
from tasks.store.queries import UsageTotals
from tasks.task import Task

log = structlog.get_logger(__name__)

DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """Applies the operator's rules."""

    channels: ChannelSettings
    people: UserDirectory
    usage: UsageTotals

    async def refusal(self, thread: ThreadAddress, user: str) -> str:
        """Why this person may not give a task here; empty when they may."""
        rules = self._rules(thread)
        if rules.allow_channels and thread.channel not in rules.allow_channels.split():
            return texts.CHANNEL_NOT_ALLOWED
        if user.startswith("B"):
            if rules.allow_apps != "all" and user not in rules.allow_apps.split():
                log.info("message of an app ignored, not in HANDOFF_ALLOW_APPS", app=user)
                return texts.APP_NOT_ALLOWED
        elif rules.allow_users and user not in rules.allow_users.split():
            return texts.PERSON_NOT_ALLOWED
        return (
            await self._membership_refusal(thread, user)
            or await self._token_refusal(thread, user)
            or await self._cost_refusal(thread, user)
        )

    async def can_check(self, thread: ThreadAddress, user: str) -> bool:
        """False while Slack can't be asked about a person and the rules depend on its answer."""
        if self._takes_anyone(thread, user):
            return True
        return not (await self.people.person(thread.team, user)).may_be_known_later

    async def may_stop(self, task: Task, user: str) -> bool:
        """True for the requester and for admins; with HANDOFF_ALLOW_STOP=thread for everyone there."""
        if user == task.user or self._rules(task.thread).allow_stop == "thread":
            return True
        return (await self.people.person(task.thread.team, user)).is_admin

    async def decision_refusal(self, task: Task, user: str) -> str:
        """Why this person may not decide on a call that asks first; empty when they may. The requester and
        workspace admins may, as Slack describes them now and if they may give tasks here at all."""
        person = await self.people.person(task.thread.team, user, now=True)
        if user != task.user and not person.is_admin:
            return texts.only_requester_can_decide(escape(task.user_name))
        return await self.refusal(task.thread, user)

    def _rules(self, thread: ThreadAddress) -> Settings:
        return self.channels.settings(thread.team, thread.channel)

    def _takes_anyone(self, thread: ThreadAddress, user: str) -> bool:
        """An app counts as allowed: a person who may has installed it."""
        rules = self._rules(thread)
        return user.startswith("B") or (rules.allow_guests and rules.allow_slack_connect)

    async def _membership_refusal(self, thread: ThreadAddress, user: str) -> str:
        if self._takes_anyone(thread, user):
            return ""
        rules, person = self._rules(thread), await self.people.person(thread.team, user)
        if not rules.allow_slack_connect and person.team not in ("", thread.team):
            return texts.MEMBERS_ONLY
        if not person.is_known:
            return texts.PERSON_UNKNOWN if person.may_be_known_later else texts.PERSON_NOT_DESCRIBED
        return texts.NO_GUESTS if person.is_guest and not rules.allow_guests else ""

    async def _token_refusal(self, thread: ThreadAddress, user: str) -> str:
        limit = self._rules(thread).limit_person_daily_tokens
        if not limit:
            return ""
        used = await self.usage.tokens(since=time.time() - DAY, team=thread.team, user=user)
        return texts.over_token_limit(used, limit) if used >= limit else ""

    async def _cost_refusal(self, thread: ThreadAddress, user: str) -> str:
        rules, since = self._rules(thread), time.time() - DAY
        if (limit := rules.limit_person_daily_usd) is not None:
            used = await self.usage.cost(since=since, team=thread.team, user=user)
            if used >= limit:
                return texts.over_cost_limit(used, limit)
        if (limit := rules.limit_channel_daily_usd) is not None:
            used = await self.usage.cost(since=since, team=thread.team, channel=thread.channel)
            if used >= limit:
                return texts.over_channel_cost_limit(used, limit)
        return ""
