"""What is said of a task's end, and the names of the files that come with it."""

from __future__ import annotations

from dataclasses import replace

from bot.thread.answer import render
from sandbox.files import SandboxFile
from tasks.message import ThreadAddress
from tasks.task import Outcome, OutputFile, State, Task

TASK = Task(
    id="t1", thread=ThreadAddress("T1", "C1", "1.1"), message_ts="1.1", user="U1", user_name="ada",
    request="write", files=(), state=State.RUNNING, attempt=1, created_at=0.0,
)  # fmt: skip
LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 400 for n in range(40))


def test_a_long_answer_takes_no_name_of_a_file_that_was_made() -> None:
    made = [OutputFile(path=path, data=SandboxFile.of(b"x")) for path in ("answer.md", "answer 2.md")]
    outcome = Outcome(state=State.ANSWERED, text=LONG, files=made)
    telling = render(TASK, outcome)

    assert telling.whole is not None
    assert telling.whole.path == "answer 3.md"
    assert "see answer 3.md" in telling.messages[0].markdown
    alone = render(TASK, replace(outcome, files=())).whole
    assert alone is not None
    assert alone.path == "answer.md"


def test_a_long_answer_tells_what_follows_by_its_headings_and_not_by_comments_in_code() -> None:
    code = "```python\n" + "# load the data\nload()\n" * 2_000 + "```"
    outcome = Outcome(state=State.ANSWERED, text=f"Here it is:\n\n{code}\n\n## How to run it\n\nLike so.")
    (summary,) = render(TASK, outcome).messages
    contents = summary.markdown.partition("**Further on:**\n")[2]
    assert contents.startswith("- How to run it\n\n_The whole answer")
