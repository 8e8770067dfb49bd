"""A worker: one brief, one journal, Python in throwaway containers, one report.

It has no `create_worker`, so delegation is one level deep.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace

import structlog

from agents import tracing
from agents.budget import Meter
from agents.conversation import ToolCall, UserTurn, reply_from_json
from agents.errors import FatalModelError, ModelError, Parked, ToolFailure
from agents.events import (
    WAITING_FOR_CONTAINER,
    WAITING_FOR_MODEL,
    Emit,
    WorkerEnded,
    WorkerStarted,
)
from agents.journal import EmptyInbox, Journal
from agents.loop import AgentLoop, LoopResult, Observer, Role
from agents.model.endpoint import Endpoint
from agents.model.pictures import Pictures
from agents.model.prices import Prices
from agents.prompts import prompt
from agents.report import Facts, Report, ReportStatus, objection, refusal, report_from_json
from agents.skills import Skill
from agents.tools import Tool, ToolOutput
from agents.tools.approvals import ApprovalGate, ApprovalStore
from agents.tools.python_tool import sandbox_facts
from agents.tools.skill_tools import SkillTools
from agents.tools.team_tools import TeamTool, worker_tools
from agents.worker_steps import WorkerSteps
from sandbox import Job, Run
from sandbox.errors import FileRefused
from sandbox.job import Queue
from sandbox.sandbox import Sandbox
from sandbox.snapshot import Kept
from sandbox.workspace import Workspace
from text.excerpt import excerpt

#: Characters of one tool result that go into the conversation.
RESULT_LIMIT = 8_000
_NO_VARIABLES = "there are no variables from earlier calls"
_VARIABLES = "variables, functions and imports of earlier calls are there, unless a note said otherwise"
#: A line that a carriage return has overwritten: all but the last state of a progress bar.
_REDRAWN = re.compile(r"[^\r\n]*\r+(?=[^\r\n])")
_NOTHING = "stdout: (nothing was printed)"
#: Of a worker's time, what its last program leaves for output and files to be kept before the call is cut.
_HAND_BACK_SECONDS = 5
#: Characters of a run's list of files, and of its notes: a hundred names may have 200 characters each.
_LONG_LISTS = 4_000


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
        approvals: ApprovalStore, pictures: Pictures, queue: Queue = (), skills: Sequence[Skill] = (),
    ) -> None:  # fmt: skip
        """`queue`: the person and the task, which take turns where sandboxes are short."""
        self._brief = brief
        self._sandbox = sandbox
        self._queue = queue
        self._pictures = pictures
        self._workspace = workspace
        self._journal = journal
        self._meter = meter
        self._emit = emit
        self._steps = WorkerSteps(brief.worker, emit)
        approval = ApprovalGate(brief.title, journal, approvals)
        python = Tool.from_function(self.execute_python_code)
        python = replace(python, description=f"{python.description}\n{sandbox_facts(sandbox)}")
        if sandbox.carries_variables:
            python = replace(python, description=python.description.replace(_NO_VARIABLES, _VARIABLES))
        report = Tool.from_function(self.report).wrap(self._checked)
        skill_tools = SkillTools(skills, workspace, journal.entries)
        tools = [python, Tool.from_function(self.view_image), report, *skill_tools.tools()]
        tools += worker_tools(team_tools, approval, self._cut, self._keep_attached)
        self.tools: Sequence[Tool] = tools
        """The tools as the model gets them, the team's among them."""
        self._loop = AgentLoop(
            Role(
                name="worker",
                model=model,
                instructions=prompt("worker") + skill_tools.summary(),
                tools=tools,
                objection=lambda text: self._objection(Report(status="done", summary=text)),
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
        if report.status == "done" and self._objection(report):
            report = replace(report, status="partial")
        report = replace(report, summary=await self._cut(report.summary, "report"))
        self._emit(WorkerEnded(self._brief.worker, report.status, report.summary))
        return report, Facts.measured(self._journal.entries, seconds=self._meter.seconds)

    async def execute_python_code(self, code: str, timeout: float | None = None) -> ToolOutput:
        """Run a Python program in a fresh container and return its exit status and what it printed.

        The working directory is /work: attached files and files of earlier calls are there, and files you
        write there are kept. There is no network, and there are no variables from earlier calls. Figures that
        are shown or left open come back as PNG files.

        Args:
            code: The whole program.
            timeout: Seconds that the program may run; more than the limit counts as the limit.
        """
        before = await self._workspace.snapshot()
        job = Job(
            code=code,
            timeout=timeout,
            queue=self._queue,
            files=before.files,
            folders=before.folders,
            state=await self._variables(),
            prefix=f"{self._brief.worker}-",
        )
        waits = not self._sandbox.idle
        if waits:
            self._steps.interrupt(WAITING_FOR_CONTAINER)
        with self._meter.pause() as resume:

            def time_left() -> float:
                if waits:
                    self._steps.resume()
                resume()
                return self._meter.left - _HAND_BACK_SECONDS

            run = await self._sandbox.run(job, on_output=self._steps.show_output, on_container=time_left)
        kept = await self._workspace.keep(run, before, self._brief.worker)
        if run.state is not None:
            notes = await self._workspace.keep_variables(self._brief.worker, run.state)
            kept = replace(kept, notes=(*notes, *kept.notes))
        facts = {"status": run.status.value, "seconds": round(run.seconds, 2), "files": list(kept.files)}
        text = await self._render(run, kept)
        status = f"[{run.status}{'' if run.exit_code is None else f', exit code {run.exit_code}'}"
        return ToolOutput(
            f"{status}, {run.seconds:.2f} s]\n{text}", {"run": facts}, same_as=f"{status}]\n{text}"
        )

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
            summary: The result itself, complete and short.
            evidence: The run, output or file that shows it.
            files: Paths in /work of the files made for people.
            open_points: What is uncertain or left open.
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
        summary = ending.text or "The work was cut before there was a result."
        status = "partial" if ending.text else "failed"
        return Report(status=status, summary=summary, open_points=stopped)

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

    async def _render(self, run: Run, kept: Kept) -> str:
        """A run's output, files and notes, as the model reads them."""
        parts = [run.sentence]
        parts += [f"stdout:\n{await self._output(run, 'stdout')}" if run.stdout else _NOTHING]
        parts += [f"stderr:\n{await self._output(run, 'stderr')}"] if run.stderr else []
        files = ", ".join(f"/work/{path}" for path in kept.files)
        parts += [excerpt(f"files: {files}", _LONG_LISTS)] if files else []
        parts += [excerpt("\n".join(notes), _LONG_LISTS) for notes in (run.notes, kept.notes)]
        return "\n".join(filter(None, parts))

    async def _output(self, run: Run, stream: str) -> str:
        whole = run.whole_output.get(stream)
        text = getattr(run, stream) if whole is None else whole.decode("utf-8", "replace")
        text = _REDRAWN.sub("", text)
        return await self._cut(text, stream, whole)

    async def _cut(self, text: str, name: str, whole: bytes | None = None) -> str:
        """Long output as head and tail, with all of it in a file that code can read."""
        if len(text) <= RESULT_LIMIT:
            return text
        try:
            worker = self._brief.worker
            path = await self._workspace.add(f"{worker}-{name}.txt", whole or text.encode(), worker)
        except FileRefused as refused:
            return f"{excerpt(text, RESULT_LIMIT)}\n[The whole output could not be kept: {refused}]"
        return f"{excerpt(text, RESULT_LIMIT)}\n[All of it: /work/{path}]"

    async def _keep_attached(self, output: ToolOutput) -> ToolOutput:
        return await self._pictures.keep_attached(output, self._brief.worker)

    async def _variables(self) -> bytes | None:
        """The variables of this worker's earlier calls; None where they are not carried."""
        if not self._sandbox.carries_variables:
            return None
        return await self._workspace.variables(self._brief.worker)
