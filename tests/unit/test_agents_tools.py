"""What the model is shown of each tool, word for word: a change of it is a diff of a snapshot.

After a wanted change: `python -m tests.unit.test_agents_tools` writes the snapshots.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from agents.charts import ChartTool
from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.orchestrator import Orchestrator
from agents.programs import Programs
from agents.tools import Tool
from agents.tools.host_approval import HostApproval
from agents.tools.skill_tools import SkillTools
from agents.tools.tool_search import ToolSearch
from agents.tools.web_page import PageReader
from agents.worker import Worker
from bot.tools.remembering import Remembering
from bot.tools.slack_reading import SlackReading

SNAPSHOTS = Path(__file__).parent / "snapshots"
OURS: dict[str, list[Any]] = {
    "orchestrator": [
        Orchestrator.create_worker, Orchestrator.ask_user, Orchestrator.plan, Orchestrator.read_file,
        Orchestrator.view_image,
    ],
    "worker": [
        Programs.execute_python_code, Worker.view_image, ChartTool.show_chart, Worker.report,
    ],
    "web": [PageReader.fetch_page],
    "skills": [SkillTools.open_skill, SkillTools.find_skill],
    "hosts": [HostApproval.ask_for_host],
    "search": [ToolSearch.find_tool],
    "memory": [Remembering.remember],
    "slack": [SlackReading.read_channel, SlackReading.read_thread, SlackReading.search_messages],
}  # fmt: skip


def shown(role: str) -> str:
    # A bound method shows no `self`; the instance itself is never touched.
    tools = [Tool.from_function(function.__get__(object())) for function in OURS[role]]
    spelled = [
        {"name": tool.name, "description": tool.description, "parameters": tool.schema} for tool in tools
    ]
    return json.dumps(spelled, indent=1) + "\n"


@pytest.mark.parametrize("role", OURS)
def test_the_tools_are_shown_as_written_down(role: str) -> None:
    assert shown(role) == (SNAPSHOTS / f"{role}.json").read_text()


#: Arguments that the prompts describe. Small models copy a description as the value.
SAID_BY_PROMPTS = {"title", "deliverable", "boundaries", "summary", "evidence", "files", "open_points"}


@pytest.mark.parametrize("role", OURS)
def test_every_schema_is_closed_and_plain(role: str) -> None:
    for tool in json.loads(shown(role)):
        assert tool["parameters"]["additionalProperties"] is False
        assert tool["description"]
        properties = tool["parameters"].get("properties", {})
        assert {name for name, p in properties.items() if not p.get("description")} <= SAID_BY_PROMPTS
        assert "$ref" not in json.dumps(tool)


def test_the_seeds_calls_need_no_more_than_the_seed_gave() -> None:
    required = {t["name"]: t["parameters"].get("required") for role in OURS for t in json.loads(shown(role))}
    assert required["create_worker"] == ["task_description"]
    assert required["execute_python_code"] == ["code"]


async def sample(
    call: ToolCall, word: str, count: int = 1, tone: Literal["dry", "warm"] = "dry", tags: Sequence[str] = ()
) -> str:
    """Say something.

    Args:
        word: What to say.
    """
    return f"{call.id}:{word}:{count}:{tone}:{','.join(tags)}"


async def test_a_function_gets_checked_values_and_the_call_itself() -> None:
    arguments = {"word": "hi", "count": 2, "tone": "warm", "tags": ["a", "b"]}
    output = await Tool.from_function(sample).call(ToolCall("c1", "sample", json.dumps(arguments)))
    assert output.text == "c1:hi:2:warm:a,b"


WRONG: list[tuple[str, str]] = [
    ('{"word": "hi"', "not valid JSON"),
    ("[]", "object"),
    ("{}", "the argument word is missing"),
    ('{"word": "hi", "call": 1}', "there is no argument call"),
    ('{"word": "hi", "tone": "cold"}', "'dry' or 'warm'"),
    ('{"word": "hi", "count": "many"}', "the argument count is wrong"),
    ('{"word": null}', "the argument word is wrong"),
]


@pytest.mark.parametrize(("arguments", "complaint"), WRONG)
async def test_wrong_arguments_are_reported_and_nothing_runs(arguments: str, complaint: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await Tool.from_function(sample).call(ToolCall("c1", "sample", arguments))
    assert complaint in str(caught.value)
    assert "Nothing was run. Send one JSON object for sample" in str(caught.value)


def write() -> None:
    SNAPSHOTS.mkdir(exist_ok=True)
    for role in OURS:
        (SNAPSHOTS / f"{role}.json").write_text(shown(role))


if __name__ == "__main__":
    write()
