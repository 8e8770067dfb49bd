"""Who may give tasks, where, how many in a day, and who may stop them.

Answers with a sentence in mrkdwn for the person who may not. Fails closed: somebody whom Slack does not
describe may not, unless guests and strangers may.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from bot.wire.text import escape
from bot.wire.users import UserDirectory
from tasks.message import ThreadAddress
from tasks.store.queries import UsageTotals
from tasks.task import Task

DAY = 86_400
_DEAR = "{whose} have cost {used:.2f} USD in the last 24 hours, and {most:.2f} are the limit. Try later."


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """The operator's rules, applied."""

    channels: ChannelSettings
    people: UserDirectory
    usage: UsageTotals

    async def refusal(self, thread: ThreadAddress, user: str) -> str:
        """Why this person may not give a task here; empty when they may."""
        rules = self._rules(thread)
        if rules.allow_channels and thread.channel not in rules.allow_channels.split():
            return "I don't take tasks in this channel."
        if rules.allow_users and user not in rules.allow_users.split():
            return "You are not among the people I take tasks from here. Ask whoever runs me."
        return await self._stranger(thread, user) or await self._spent(thread, user)

    async def may_stop(self, task: Task, user: str) -> bool:
        """The person who asked, an admin, and with HANDOFF_ALLOW_STOP=thread everybody in the thread."""
        if user == task.user or self._rules(task.thread).allow_stop == "thread":
            return True
        return (await self.people.person(task.thread.team, user)).is_admin

    async def decision_refusal(self, task: Task, user: str) -> str:
        """Why this person may not decide on a call that asks first; empty when they may: who asked for the
        task, and admins of the workspace, as Slack tells now and if they may give tasks here at all."""
        person = await self.people.person(task.thread.team, user, now=True)
        if user != task.user and not person.is_admin:
            return f"Only {escape(task.user_name)}, who asked, or an admin of the workspace can decide this."
        return await self.refusal(task.thread, user)

    def _rules(self, thread: ThreadAddress) -> Settings:
        return self.channels.settings(thread.team, thread.channel)

    async def _stranger(self, thread: ThreadAddress, user: str) -> str:
        rules = self._rules(thread)
        if user.startswith("B") or (rules.allow_guests and rules.allow_slack_connect):
            return ""  # an app is no person; it was installed by somebody who may
        person = await self.people.person(thread.team, user)
        if not rules.allow_slack_connect and person.team not in ("", thread.team):
            return "I take tasks from members of this workspace only, and you are from another one."
        if not person.is_known:
            return (
                "Slack did not tell me who you are, so I can't take this. Please write it again in a moment."
            )
        if not rules.allow_guests and person.is_guest:
            return "I take no tasks from guests of this workspace."
        return ""

    async def _spent(self, thread: ThreadAddress, user: str) -> str:
        return await self._tokens_spent(thread, user) or await self._money_spent(thread, user)

    async def _tokens_spent(self, thread: ThreadAddress, user: str) -> str:
        most = self._rules(thread).limit_person_daily_tokens
        if not most:
            return ""
        used = await self.usage.tokens(since=time.time() - DAY, team=thread.team, user=user)
        if used < most:
            return ""
        return f"You have used {used:,} tokens in the last 24 hours, and {most:,} are the limit. Try later."

    async def _money_spent(self, thread: ThreadAddress, user: str) -> str:
        rules, since = self._rules(thread), time.time() - DAY
        if (most := rules.limit_person_daily_usd) is not None:
            used = await self.usage.cost(since=since, team=thread.team, user=user)
            if used >= most:
                return _DEAR.format(whose="Your tasks", used=used, most=most)
        if (most := rules.limit_channel_daily_usd) is not None:
            used = await self.usage.cost(since=since, team=thread.team, channel=thread.channel)
            if used >= most:
                return _DEAR.format(whose="This channel's tasks", used=used, most=most)
        return ""
