"""Delegation: names a task's workers, runs a few at a time, and has their results looked at a second time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agents import outcomes, second_look
from agents.briefing import request_context
from agents.budget import AgentLimits, Effort, Meter
from agents.conversation import Json, ToolCall
from agents.errors import Parked, ToolFailure
from agents.journal import Inbox, Journal
from agents.report import Facts, Report, report_to_json, total_cost, warning
from agents.tools import ToolOutput
from agents.worker import Brief, Worker
from sandbox.workspace import Workspace

_AFTER_TWO = (
    "A second worker has failed at this. Don't create a third one for it: say plainly what could not be "
    "done and why, or ask with ask_user for what is missing."
)
_ENOUGH = (
    "all workers have failed, again and again, so no further one is created. Say plainly what could not be "
    "done and why, or ask with ask_user for what is missing."
)
_TOO_LITTLE = "none: too little of the task's budget is left for one"
MakeWorker = Callable[[Brief, Journal, Meter], Worker]


@dataclass(frozen=True, slots=True)
class _SecondLook:
    """What a second look found, and what it used; without `text` there was none."""

    text: str = ""
    facts: Facts = field(default_factory=lambda: Facts(cost=0.0))
    ended: Json = field(default_factory=dict)


class Delegation:
    """Has workers work on briefs. After a restart the same call continues with the same workers."""

    def __init__(
        self, make_worker: MakeWorker, *, journal: Journal, inbox: Inbox, workspace: Workspace, meter: Meter,
        limits: AgentLimits,
    ) -> None:  # fmt: skip
        """`journal`, `inbox` and `meter` are the orchestrator's."""
        self._make_worker = make_worker
        self._journal = journal
        self._inbox = inbox
        self._workspace = workspace
        self._meter = meter
        self._limits = limits
        self._at_once = asyncio.Semaphore(limits.at_once)
        self._naming = asyncio.Lock()

    async def delegate(self, call: ToolCall, title: str, text: str, effort: Effort) -> ToolOutput:
        """The report of a new worker with the brief `text`, as the result of `call`.

        Raises `ToolFailure` when no further worker may be created.
        """
        name = await self._name({"call": call.id, "title": title})
        request = request_context(self._journal.entries, await self._workspace.sizes())
        brief = Brief(worker=name, title=title, text=text, request=request)
        async with self._at_once:
            if outcomes.too_many_failures(self._journal.entries, name):
                raise ToolFailure(_ENOUGH)
            journal = await self._journal.for_agent(name)
            worker = self._make_worker(brief, journal, self._meter.child(self._limits.worker(effort)))
            try:
                report, facts = await worker.work()
                look = await self._second_look(call, brief, report, facts, effort)
            except Parked as parked:
                # The other workers of this turn go on; then the task waits with this call still open.
                return ToolOutput(
                    "", parks=(parked.question, parked.options), asked=parked.asked, approval=parked.approval
                )
        has_failed = report.status not in outcomes.GOOD
        advice = _AFTER_TWO if has_failed and outcomes.last_failed(self._journal.entries) else ""
        spent: Json = {
            "tokens": facts.tokens + look.facts.tokens,
            "cost": total_cost([facts.cost, look.facts.cost]),
        }
        ended: Json = {"worker": _ended(brief, report, facts)}
        return ToolOutput(
            report_to_json(
                name,
                report,
                facts,
                brief=brief.text,
                request=brief.request,
                second_look=look.text,
                advice=second_look.advice(look.text) if look.text else advice,
            ),
            spent | ended | ({"second_look": look.ended} if look.ended else {}),
        )

    async def _second_look(
        self, call: ToolCall, first: Brief, report: Report, facts: Facts, effort: Effort
    ) -> _SecondLook:
        """The second look at a report that is done, where the effort is deep or a person asks for it."""
        if report.status != "done" or warning(report, facts, first.text, first.request):
            return _SecondLook()
        looks = [entry.body for entry in outcomes.this_turn(self._journal.entries) if entry.kind == "worker"]
        has_begun = any(body.get("checks") == first.worker for body in looks)
        if not (has_begun or effort == "deep" or await self._is_asked_for()):
            return _SecondLook()
        wanted = self._limits.worker(effort)
        budget = self._meter.share(wanted)
        quick = self._limits.worker("quick")
        is_enough = budget.tokens >= min(quick.tokens, wanted.tokens)
        is_enough = is_enough and budget.seconds >= min(quick.seconds, wanted.seconds)
        if not has_begun and not (is_enough and (budget.usd is None or budget.usd > 0)):
            return _SecondLook(_TOO_LITTLE)
        try:
            title = second_look.title_of(first)
            name = await self._name({"call": call.id, "title": title, "checks": first.worker})
        except ToolFailure as refused:
            return _SecondLook(f"none: {refused}")
        brief = second_look.second_brief(name, first, report, facts.files)
        journal = await self._journal.for_agent(name)
        second, used = await self._make_worker(brief, journal, self._meter.child(budget)).work()
        return _SecondLook(second_look.verdict(second, journal.entries), used, _ended(brief, second, used))

    async def _is_asked_for(self) -> bool:
        unread = [message.text for message in await self._inbox.unread()]
        return second_look.is_asked_for([*second_look.words_of_people(self._journal.entries), *unread])

    async def _name(self, body: Json) -> str:
        """The name of this call's worker: the one from before a restart, or the next number."""
        async with self._naming:
            key = (body["call"], body.get("checks"))
            for entry in outcomes.this_turn(self._journal.entries):
                if entry.kind == "worker" and (entry.body["call"], entry.body.get("checks")) == key:
                    return str(entry.body["worker"])
            before = sum(entry.kind == "worker" for entry in self._journal.entries)
            if before >= self._limits.workers:
                raise ToolFailure(
                    f"this task has used its {self._limits.workers} workers. Answer with what there is."
                )
            name = f"w{before + 1}"
            await self._journal.append("worker", {"worker": name, **body})
            return name


def _ended(brief: Brief, report: Report, facts: Facts) -> Json:
    return {
        "worker": brief.worker,
        "title": brief.title,
        "status": report.status,
        "files": list(facts.files),
    }
