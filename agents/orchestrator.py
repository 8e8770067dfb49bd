"""The orchestrator: it plans, creates workers in parallel, judges their reports and writes the answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

import pydantic

from agents import outcomes, tracing
from agents.briefing import FILES, brief_text
from agents.budget import AgentLimits, Effort, Meter
from agents.conversation import Json, ModelReply, ToolCall, Turn
from agents.delegation import Delegation
from agents.errors import ToolFailure
from agents.events import WAITING_FOR_MODEL, AnswerText, Emit, Notice, PlanChanged, PlanStep
from agents.figures import correction
from agents.journal import Inbox, Journal
from agents.loop import AgentLoop, LoopResult
from agents.model.endpoint import Endpoint
from agents.model.pictures import Pictures
from agents.model.prices import Prices
from agents.model.wire import text_calls
from agents.model.wire.assembler import new_id
from agents.observer import Observer
from agents.programs import RESULT_LIMIT
from agents.prompts import prompt
from agents.report import calls_for_code, requests_in
from agents.role import Role
from agents.skills import Skill
from agents.tools import Tool, ToolOutput
from agents.tools.approvals import ApprovalStore, DenyAll
from agents.tools.skill_tools import SkillTools
from agents.tools.team_tools import Toolbox, material, no_tools, tools_summary
from agents.tools.text_files import read_text
from agents.tools.web_page import network_summary
from agents.worker import Brief, Worker
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import EgressPolicy
from sandbox.job import Queue
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from text.excerpt import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDeps:
    """The dependencies of a process's agents."""

    endpoint: Endpoint
    sandbox: Sandbox
    model: str
    worker_model: str
    """Both may name several models with commas: the later ones are fallbacks."""
    prices: Prices = field(default_factory=Prices)
    limits: AgentLimits = field(default_factory=AgentLimits)
    toolbox: Toolbox = no_tools
    """The team's own tools, for workers."""
    reading: Sequence[Tool] = ()
    """The orchestrator's tools to read what others have written elsewhere; their output is material."""
    noting: Sequence[Tool] = ()
    """The orchestrator's tool that proposes notes."""
    skills: Sequence[Skill] = ()
    """For orchestrator and workers."""
    ordering: Sequence[Tool] = ()
    """The orchestrator's tools for standing orders."""
    checks_figures: bool = False
    """Whether figures without a source go back to the orchestrator, once for each task."""
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    """What programs may reach on the network."""


#: The brief of a worker in place of one that only repeats the prompt.
_AS_ASKED = "Do what the request below asks for, with Python."


class Step(pydantic.BaseModel, extra="forbid", frozen=True):
    """One step of the plan."""

    text: str
    status: Literal["pending", "in_progress", "complete", "error"] = "pending"


def plan_changed(steps: Sequence[Step]) -> PlanChanged:
    """The event for a plan: its first 40 steps, a line each."""
    return PlanChanged(tuple(PlanStep(one_line(step.text, 250), step.status) for step in steps[:40]))


class Orchestrator:
    """Works on one task from its opening to an answer; a new instance continues from the journal."""

    def __init__(
        self, deps: AgentDeps, *, workspace: Workspace, journal: Journal, inbox: Inbox, emit: Emit,
        approvals: ApprovalStore | None = None, queue: Queue = (),
    ) -> None:  # fmt: skip
        """`queue`: the person and the task, which take turns where sandboxes are short."""
        self._deps = deps
        self._workspace = workspace
        self._journal = journal
        self._inbox = inbox
        self._emit = emit
        self._approvals = approvals or DenyAll()
        self._queue = queue
        self._meter = Meter(deps.limits.task)
        self._pictures = Pictures(deps.sandbox, workspace, queue)
        bodies = (entry.body for entries in journal.agents.values() for entry in entries)
        self._egress = TaskEgress(deps.egress, requests_in(bodies))
        self._delegation = Delegation(
            self._make_worker,
            journal=journal,
            inbox=inbox,
            workspace=workspace,
            meter=self._meter,
            limits=deps.limits,
        )
        skills = SkillTools(deps.skills, workspace, journal.entries)
        functions = (self.ask_user, self.plan, self.read_file, self.view_image)
        tools = [replace(Tool.from_function(self.create_worker), instead=self._brief_as_asked)]
        tools += [Tool.from_function(function) for function in functions]
        tools += [*skills.tools(), *map(material, deps.reading), *deps.noting, *deps.ordering]
        about = (tools_summary(deps.toolbox()), skills.summary(), network_summary(deps.egress.allow))
        names = [tool.name for tool in tools]
        self._loop = AgentLoop(
            Role(
                name="orchestrator",
                model=deps.model,
                instructions=prompt("orchestrator") + "".join(about),
                tools=tools,
                objection=self._unfound_figures,
                instead=lambda text: self._worker_as_asked() if text_calls.are_lost(text, names) else (),
            ),
            endpoint=deps.endpoint,
            journal=journal,
            inbox=inbox,
            meter=self._meter,
            prices=deps.prices,
            pictures=self._pictures,
            watcher=Observer(
                on_reply=self._emit_text,
                on_retry=lambda why, wait: emit(Notice(f"Waiting {wait:.0f} s: {why}")),
                on_wait=lambda waits: emit(Notice(WAITING_FOR_MODEL if waits else "")),
                on_follow_up=lambda _: emit(Notice("Reading your message")),
                on_text=self._emit_draft,
            ),
        )

    async def answer(self, opening: Sequence[Turn]) -> LoopResult:
        """Work to an answer. Raises `Parked` to wait for a person, and `ModelError`."""
        with tracing.agent("orchestrator", "orchestrator"):
            result = await self._loop.run(opening)
        if result.text.strip():
            return result
        return replace(result, text=outcomes.as_answer(self._journal.entries))

    async def create_worker(
        self,
        call: ToolCall,
        task_description: str,
        title: str = "",
        deliverable: str = "",
        boundaries: str = "",
        effort: Effort = "normal",
    ) -> ToolOutput:
        """Create a worker for one part of the task and wait for its report.

        Workers created in the same turn work at the same time. The result is one line of JSON with the
        worker's report and what the system measured.

        Args:
            task_description: The whole brief: objective, all facts and paths needed, how to check it.
            effort: quick for one step, normal for most work, deep for long analyses.
        """
        text = brief_text(task_description, deliverable, boundaries)
        return await self._delegation.delegate(call, one_line(title or task_description, 80), text, effort)

    async def ask_user(self, call: ToolCall, question: str, options: Sequence[str] = ()) -> ToolOutput:
        """Ask the person who gave the task, and wait for the answer however long it takes.

        Args:
            question: One question that can be answered in a sentence.
            options: Up to five short answers to choose from; another answer stays possible.
        """
        wait = ToolOutput("", parks=(question, tuple(options[:5])), asked=uuid.uuid4().hex)
        asked = next(
            (entry.body for entry in outcomes.this_turn(self._journal.entries) if entry.kind == "asked"), None
        )
        if asked and asked["call"] != call.id:
            raise ToolFailure("this turn has asked a question already. Ask the next one when it is answered.")
        if not asked:
            if await self._inbox.unread():
                # A message from before the question would be taken for its answer.
                raise ToolFailure(
                    "the person has just written. Read that first, and ask if it is still open."
                )
            body = {"call": call.id, "question": question, "id": wait.asked}
            await self._journal.append("asked", body)
            return wait
        id_ = asked.get("id", "")  # earlier releases took each message for an answer
        answers = await self._inbox.answers(id_)
        if not answers:
            return replace(wait, asked=id_)
        # They are marked as read before the next turn, after this result is in the journal.
        return ToolOutput(
            "\n".join(answer.text for answer in answers),
            {"inbox": [answer.id for answer in answers]},
            pictures=tuple(chain.from_iterable(answer.pictures for answer in answers)),
        )

    async def plan(self, steps: Sequence[Step]) -> str:
        """Show the people in the thread what will be done; call again to change it.

        Args:
            steps: The whole plan, in order.
        """
        self._emit(plan_changed(steps))
        return "The plan is shown."

    async def read_file(self, path: str, offset: int = 0, limit: int = 8000) -> str:
        """Read a text file in /work: an attached file, or one that a worker made.

        Args:
            path: A path in /work.
            offset: Characters to skip.
            limit: Characters to return, at most 8000.
        """
        return await read_text(self._workspace, path, offset, min(limit, RESULT_LIMIT))

    async def view_image(self, path: str) -> ToolOutput:
        """See a picture in /work: an attached one, or a plot that a worker made.

        Args:
            path: A path in /work: PNG, JPEG, GIF, WebP, BMP or TIFF.
        """
        return await self._pictures.view(path)

    def _worker_as_asked(self) -> Sequence[ToolCall]:
        """The call of a worker with the request, where that calls for code and no worker has worked yet."""
        brief = self._brief_as_asked()
        return [ToolCall(new_id(), "create_worker", json.dumps(brief))] if brief else []

    def _brief_as_asked(self) -> Json:
        """A brief in place of one that only repeats the prompt: a worker reads the request too. Empty where
        the request doesn't call for code, or a worker has had it: then words are the answer."""
        if any("worker" in entry.body.get("facts", ()) for entry in self._journal.entries):
            return {}
        turns = next((entry.body["turns"] for entry in self._journal.entries if entry.kind == "opening"), ())
        text = turns[-1]["text"] if turns else ""
        request = text.split("\n\n[")[0]
        if not calls_for_code(request) and FILES not in text:
            return {}
        about = {"task_description": _AS_ASKED, "title": one_line(request, 80)}
        return about | {"deliverable": "", "boundaries": ""}

    def _make_worker(self, brief: Brief, journal: Journal, meter: Meter) -> Worker:
        return Worker(
            brief,
            model=self._deps.worker_model,
            endpoint=self._deps.endpoint,
            sandbox=self._deps.sandbox,
            workspace=self._workspace,
            journal=journal,
            meter=meter,
            emit=self._emit,
            prices=self._deps.prices,
            team_tools=self._deps.toolbox(),
            approvals=self._approvals,
            queue=self._queue,
            pictures=self._pictures,
            skills=self._deps.skills,
            egress=self._egress,
        )

    def _unfound_figures(self, text: str) -> str:
        return correction(text, self._journal.agents) if self._deps.checks_figures else ""

    def _emit_text(self, reply: ModelReply) -> None:
        progress = reply.commentary or (reply.text if reply.calls else "")
        if progress.strip():
            self._emit(Notice(one_line(progress, 250)))

    def _emit_draft(self, text: str) -> None:
        if not text_calls.may_begin(text):
            self._emit(AnswerText(text))
