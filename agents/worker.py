"""A worker: one brief, one journal, Python in throwaway containers, one report.

It has no `create_worker`, so delegation is one level deep.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace

import structlog

from agents import tracing
from agents.budget import Meter
from agents.charts import ChartTool
from agents.conversation import ToolCall, UserTurn, reply_from_json
from agents.errors import FatalModelError, ModelError, Parked, ToolFailure
from agents.events import (
    WAITING_FOR_MODEL,
    Emit,
    WorkerEnded,
    WorkerStarted,
)
from agents.journal import EmptyInbox, Journal
from agents.loop import AgentLoop, LoopResult
from agents.model.endpoint import Endpoint
from agents.model.pictures import Pictures
from agents.model.prices import Prices
from agents.model.wire import text_calls
from agents.model.wire.assembler import new_id
from agents.observer import Observer
from agents.programs import Programs
from agents.prompts import prompt
from agents.report import (
    NO_RESULT,
    Facts,
    Report,
    ReportStatus,
    has_evidence,
    objection,
    printed,
    refusal,
    report_from_json,
)
from agents.role import Role
from agents.skills import Skill
from agents.tools import Tool, ToolOutput
from agents.tools.approvals import ApprovalGate, ApprovalStore
from agents.tools.host_approval import HostApproval
from agents.tools.skill_tools import SkillTools
from agents.tools.team_tools import TeamTool, worker_tools
from agents.tools.tool_search import ToolSearch
from agents.tools.web_page import PageReader
from agents.worker_steps import WorkerSteps
from sandbox.egress.broker import TaskEgress
from sandbox.job import Queue
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A worker's assignment."""

    worker: str
    """`w1`, `w2` … within the task."""
    title: str
    text: str
    request: str = ""
    """The person's request, which follows the brief in the worker's first turn."""

    @property
    def opening(self) -> str:
        return "\n\n".join(filter(None, [self.text, self.request]))


class Worker:
    """Carries out one brief; a new instance continues from the journal."""

    def __init__(
        self, brief: Brief, *, model: str, endpoint: Endpoint, sandbox: Sandbox, workspace: Workspace,
        journal: Journal, meter: Meter, emit: Emit, prices: Prices, team_tools: Sequence[TeamTool],
        approvals: ApprovalStore, pictures: Pictures, egress: TaskEgress, queue: Queue = (),
        skills: Sequence[Skill] = (),
    ) -> None:  # fmt: skip
        """`queue`: the person and the task, which take turns where sandboxes are short."""
        self._brief = brief
        self._pictures = pictures
        self._workspace = workspace
        self._journal = journal
        self._meter = meter
        self._emit = emit
        self._steps = WorkerSteps(brief.worker, emit)
        approval = ApprovalGate(brief.title, journal, approvals)
        self._programs = Programs(
            brief.worker,
            sandbox,
            workspace,
            egress=egress,
            meter=meter,
            steps=self._steps,
            queue=queue,
            team_tools=team_tools,
        )
        report = Tool.from_function(self.report).wrap(self._checked)
        skill_tools = SkillTools(skills, workspace, journal.entries)
        shown = [Tool.from_function(self.view_image), Tool.from_function(ChartTool(journal).show_chart)]
        tools = [self._programs.tool(), *shown, report, *skill_tools.tools()]
        pages = [TeamTool(Tool.from_function(PageReader(egress).fetch_page))] if egress.policy.allow else []
        self._hosts = HostApproval(egress, approval)
        tools += self._hosts.tools()
        search = ToolSearch(team_tools, brief.opening)
        tools += search.search()
        tools += worker_tools([*pages, *search.tools], approval, self._programs.cut, self._keep_attached)
        self.tools: Sequence[Tool] = tools
        """The tools as the model gets them, the team's among them, also those that it has to find first."""
        self._loop = AgentLoop(
            Role(
                name="worker",
                model=model,
                instructions=prompt("worker") + skill_tools.summary(),
                tools=tools,
                objection=lambda text: self._objection(Report(status="done", summary=text)),
                instead=self._program_in,
            ),
            endpoint=endpoint,
            journal=journal,
            inbox=EmptyInbox(),
            meter=meter,
            prices=prices,
            pictures=pictures,
            watcher=Observer(
                on_reply=self._steps.show_reply,
                on_retry=lambda why, wait: self._steps.show(f"Waiting {wait:.0f} s: {why}"),
                on_wait=lambda waits: (
                    self._steps.interrupt(WAITING_FOR_MODEL) if waits else self._steps.resume()
                ),
            ),
        )

    async def work(self) -> tuple[Report, Facts]:
        """Work to a report. Raises only `FatalModelError`, `Parked` and `Superseded`."""
        self._emit(WorkerStarted(self._brief.worker, self._brief.title))
        if not self._journal.entries:  # a worker of the thread's last task may have had the same name
            await self._workspace.keep_variables(self._brief.worker, b"")
        await self._hosts.restore()
        try:
            name = self._brief.worker
            with structlog.contextvars.bound_contextvars(worker=name), tracing.agent("worker", name):
                report = await self._reported(await self._loop.run([UserTurn(self._brief.opening)]))
        except FatalModelError:
            raise
        except Parked:
            self._steps.show("Waiting for approval of a call")
            raise
        except ModelError as error:
            report = Report(status="failed", summary=str(error))
        # Small models, which write calls as text, report what they never tried.
        has_run = has_evidence(self._journal.entries) or not self._loop.has_text_calls
        if report.status == "done" and (self._objection(report) or not has_run):
            report = replace(report, status="partial")
        report = replace(report, summary=await self._programs.cut(report.summary, "report"))
        self._emit(WorkerEnded(self._brief.worker, report.status, report.summary))
        return report, Facts.measured(self._journal.entries, seconds=self._meter.seconds)

    async def view_image(self, path: str) -> ToolOutput:
        """See a picture in /work: an attached one, or a plot that your code has saved.

        Args:
            path: A path in /work: PNG, JPEG, GIF, WebP, BMP or TIFF.
        """
        return await self._pictures.view(path)

    async def report(
        self,
        status: ReportStatus,
        summary: str,
        evidence: str = "",
        files: Sequence[str] = (),
        open_points: str = "",
    ) -> ToolOutput:
        """Hand in your result and end your work. Call this exactly once, last.

        Args:
            status: done: the brief is met and checked. partial: some of it is. blocked: something you can't
                get is missing. failed: you tried and it does not work.
        """
        report = Report(
            status=status, summary=summary, evidence=evidence, files=tuple(files), open_points=open_points
        )
        return ToolOutput(summary, {"report": asdict(report)}, ends=True)

    async def _checked(self, call: ToolCall, run: Callable[[], Awaitable[ToolOutput]]) -> ToolOutput:
        output = await run()
        report = report_from_json(output.facts["report"])
        if why := refusal(report, self._brief.text, self._brief.request, self._journal.entries):
            raise ToolFailure(why)
        return output

    def _program_in(self, text: str) -> Sequence[ToolCall]:
        """The run of the program in a text, where its call can't be read, or the text claims a run that never
        was: small models write the program, and what it might print."""
        is_lost = text_calls.are_lost(text, [tool.name for tool in self.tools])
        is_claimed = self._objection(Report(status="done", summary=text))
        code = text_calls.program_in(text) if is_lost or is_claimed else ""
        return [ToolCall(new_id(), "execute_python_code", json.dumps({"code": code}))] if code else ()

    def _objection(self, report: Report) -> str:
        return objection(report, self._brief.text, self._brief.request, self._journal.entries)

    async def _reported(self, ending: LoopResult) -> Report:
        """The report that was called, or the last text as one.

        Ollama ignores `tool_choice`, so the last turn at a limit may bring a call there, which is not run.
        """
        for entry in reversed(self._journal.entries):
            if entry.kind == "result" and "report" in entry.body["facts"]:
                return report_from_json(entry.body["facts"]["report"])
        if not ending.reason:
            return Report(status="done", summary=ending.text)
        stopped = f"Stopped: {ending.reason}."
        if report := await self._report_not_run():
            status = "partial" if report.status == "done" else report.status
            return replace(report, status=status, open_points=f"{report.open_points} {stopped}".strip())
        output = printed(self._journal.entries)
        is_of_use = has_evidence(self._journal.entries) or not self._loop.has_text_calls
        status = "partial" if (ending.text or output) and is_of_use else "failed"
        summary = ending.text or output or NO_RESULT
        # Small models, which write calls as text, describe the program and leave out what it printed.
        evidence = output if ending.text and self._loop.has_text_calls else ""
        return Report(status=status, summary=summary, evidence=evidence, open_points=stopped)

    async def _report_not_run(self) -> Report | None:
        """The report that the newest reply calls and that was not run."""
        newest = next((e.body for e in reversed(self._journal.entries) if e.kind == "reply"), None)
        for call in reply_from_json(newest).calls if newest else ():
            if call.name == "report":
                try:
                    return report_from_json(
                        (await Tool.from_function(self.report).call(call)).facts["report"]
                    )
                except ToolFailure:
                    return None
        return None

    async def _keep_attached(self, output: ToolOutput) -> ToolOutput:
        return await self._pictures.keep_attached(output, self._brief.worker)
