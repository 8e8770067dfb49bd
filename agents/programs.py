"""A worker's Python programs: the tool that runs them, and their results as the model reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property

from agents.budget import Meter
from agents.conversation import Json
from agents.events import WAITING_FOR_CONTAINER
from agents.tools import Tool, ToolOutput
from agents.tools.code_tools import FILE, HOST, CodeTools
from agents.tools.python_tool import sandbox_facts
from agents.tools.team_tools import TeamTool
from agents.worker_steps import WorkerSteps
from sandbox import Job, Run
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import EgressRequest
from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.job import Queue
from sandbox.sandbox import Sandbox
from sandbox.snapshot import Kept
from sandbox.workspace import Workspace
from text.excerpt import excerpt

#: Characters of one tool result that go into the conversation.
RESULT_LIMIT = 8_000
_NO_VARIABLES = "there are no variables from earlier calls"
_VARIABLES = "variables, functions and imports of earlier calls are there, unless a note said otherwise"
_NO_NETWORK = "There is no network"
_NETWORK = "By HTTP and HTTPS programs reach these hosts and no others: {}"
#: A line that a carriage return has overwritten: all but the last state of a progress bar.
_REDRAWN = re.compile(r"[^\r\n]*\r+(?=[^\r\n])")
_NOTHING = "stdout: (nothing was printed)"
#: Of a worker's time, what its last program leaves for output and files to be kept before the call is cut.
_HAND_BACK_SECONDS = 5
#: Characters of a run's list of files, and of its notes: a hundred names may have 200 characters each.
_LONG_LISTS = 4_000
#: Refused requests that the model reads of.
_REFUSALS = 3


class Programs:
    """Runs the programs of one worker. `queue`: the person and the task, which take turns for sandboxes."""

    def __init__(
        self, worker: str, sandbox: Sandbox, workspace: Workspace, *, egress: TaskEgress, meter: Meter,
        steps: WorkerSteps, queue: Queue, team_tools: Sequence[TeamTool] = (),
    ) -> None:  # fmt: skip
        self._code_tools = CodeTools(team_tools)
        self._worker = worker
        self._sandbox = sandbox
        self._workspace = workspace
        self._egress = egress
        self._meter = meter
        self._steps = steps
        self._queue = queue

    def tool(self) -> Tool:
        """`execute_python_code`, described for this sandbox and what it reaches."""
        tool = Tool.from_function(self.execute_python_code)
        text = f"{tool.description}\n{sandbox_facts(self._sandbox)}"
        if about := self._code_tools.description:
            text += f"\n{about}"
        if self._sandbox.carries_variables:
            text = text.replace(_NO_VARIABLES, _VARIABLES)
        if self._egress.policy.allow:
            text = text.replace(_NO_NETWORK, _NETWORK.format(self._egress.policy.allow))
        return replace(tool, description=text)

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
        files = dict(before.files)
        if self._code_tools.description and len(files) < self._sandbox.limits.input_count:
            files.setdefault(FILE, self._module)
        job = Job(
            code=code,
            timeout=timeout,
            queue=self._queue,
            files=files,
            folders=before.folders,
            state=await self._variables(),
            prefix=f"{self._worker}-",
        )
        run, requests = await self._run(job)
        kept = await self._workspace.keep(run, before, self._worker)
        if run.state is not None:
            notes = await self._workspace.keep_variables(self._worker, run.state)
            kept = replace(kept, notes=(*notes, *kept.notes))
        measured = {"status": run.status.value, "seconds": round(run.seconds, 2), "files": list(kept.files)}
        facts: Json = {"run": measured}
        if calls := self._code_tools.calls:
            facts["tool_calls"] = calls
        if requests:
            facts["requests"] = [asdict(one) for one in requests]
        text = "\n".join([await self._render(run, kept), *_refusals(requests)])
        status = f"[{run.status}{'' if run.exit_code is None else f', exit code {run.exit_code}'}"
        return ToolOutput(f"{status}, {run.seconds:.2f} s]\n{text}", facts, same_as=f"{status}]\n{text}")

    @cached_property
    def _module(self) -> SandboxFile:
        return SandboxFile.of(self._code_tools.module())

    async def cut(self, text: str, name: str, whole: bytes | None = None) -> str:
        """Long output as head and tail, with all of it in a file that code can read."""
        if len(text) <= RESULT_LIMIT:
            return text
        try:
            data = whole or text.encode()
            path = await self._workspace.add(f"{self._worker}-{name}.txt", data, self._worker)
        except FileRefused as refused:
            return f"{excerpt(text, RESULT_LIMIT)}\n[The whole output could not be kept: {refused}]"
        return f"{excerpt(text, RESULT_LIMIT)}\n[All of it: /work/{path}]"

    async def _run(self, job: Job) -> tuple[Run, Sequence[EgressRequest]]:
        """Run a program, with time out for the wait for a container."""
        waits = not self._sandbox.idle
        if waits:
            self._steps.interrupt(WAITING_FOR_CONTAINER)
        requests: list[EgressRequest] = []
        self._code_tools.calls = []
        local = {HOST: self._code_tools.answer} if self._code_tools.description else {}
        with self._meter.pause() as resume:

            def time_left() -> float:
                if waits:
                    self._steps.resume()
                resume()
                return self._meter.left - _HAND_BACK_SECONDS

            async with self._egress.open(requests.append, local) as serve:
                run = await self._sandbox.run(
                    job, on_output=self._steps.show_output, on_container=time_left, on_connection=serve
                )
        return run, requests

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
        return await self.cut(text, stream, whole)

    async def _variables(self) -> bytes | None:
        """The variables of this worker's earlier calls; None where they are not carried."""
        if not self._sandbox.carries_variables:
            return None
        return await self._workspace.variables(self._worker)


def _refusals(requests: Sequence[EgressRequest]) -> list[str]:
    """Why requests were refused, which programs often do not print; the most frequent reasons first."""
    reasons = Counter(one.refusal for one in requests if one.refusal)
    return [f"refused request: {reason}" for reason, _ in reasons.most_common(_REFUSALS)]
