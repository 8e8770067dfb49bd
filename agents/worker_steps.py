"""What a worker is doing now, in one line for people."""

from __future__ import annotations

from agents.conversation import ModelReply
from agents.events import Emit, WorkerStep
from text.excerpt import one_line


class WorkerSteps:
    """Emits one worker's steps."""

    def __init__(self, worker: str, emit: Emit) -> None:
        self._worker = worker
        self._emit = emit
        self._doing = ""

    def show(self, text: str) -> None:
        """Show a step, until the next one."""
        self._doing = text
        self.interrupt(text)

    def interrupt(self, text: str) -> None:
        """Show what holds the step up; see `resume`."""
        self._emit(WorkerStep(self._worker, one_line(text, 250)))

    def resume(self) -> None:
        """Show the step that was interrupted."""
        self.interrupt(self._doing)

    def show_reply(self, reply: ModelReply) -> None:
        """Show what a reply of the model does."""
        for call in reply.calls:
            if call.name == "execute_python_code":
                self.show(reply.text or reply.commentary or "Running Python")
            elif call.name == "view_image":
                self.show("Looking at a picture")
            elif call.name == "show_chart":
                self.show("Making a chart")
            elif call.name == "report":
                self.show("Writing the report")
            else:
                self.show(f"Calling {call.name}")

    def show_output(self, output: str) -> None:
        """Show the last line that a program has printed."""
        if last := output.strip().rpartition("\n")[2].strip():
            self.show(f"Running Python: {last}")
