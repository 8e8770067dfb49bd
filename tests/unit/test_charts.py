"""Simple charts: what a worker may show, which of them the answer has, and what Slack takes of that."""

from __future__ import annotations

import json

import pytest
from slack_sdk.errors import SlackApiError

from agents.charts import Chart, ChartTool, charts
from agents.conversation import Json, ToolCall
from agents.errors import ToolFailure
from agents.journal import MemoryJournal
from agents.tools import Tool, ToolOutput
from bot.thread.answer import render
from bot.wire.block_text import block_text
from bot.wire.native_blocks import data_table, data_visualization, in_older_form, refused_by
from playground.slack.blocks import check_blocks
from playground.slack.errors import Refused
from tasks.message import ThreadAddress
from tasks.task import Outcome, State, Task

TASK = Task(
    id="t1", thread=ThreadAddress("T1", "C1", "1.1"), message_ts="1.1", user="U1", user_name="ada",
    request="plot", files=(), state=State.RUNNING, attempt=1, created_at=0.0,
)  # fmt: skip
SALES = "month,2025,2026\nJan,3,4.5\nFeb,-1,0\n"
CHART = Chart("line", "Sales, EUR", ("Jan", "Feb"), (("2025", (3.0, -1.0)), ("2026", (4.5, 0.0))))
PIE = Chart("pie", "Fruit", ("apples", "pears"), (("count", (3.0, 5.0)),))


async def show(kind: str, title: str, data: str, *, saved: str = "w1/plot.png") -> ToolOutput:
    journal = MemoryJournal()
    await journal.append("result", {"facts": {"run": {"status": "ok", "files": [saved]}}})
    arguments = json.dumps({"kind": kind, "title": title, "data": data})
    tool = Tool.from_function(ChartTool(journal).show_chart)
    return await tool.call(ToolCall("c1", "show_chart", arguments))


def rows(count: int, *numbers: str) -> str:
    head = ",".join(["label", *(f"s{n}" for n in range(len(numbers)))])
    return "\n".join([head, *(",".join([f"l{n}", *numbers]) for n in range(count))])


async def shown(*ended: tuple[str, str, Json]) -> tuple[Chart, ...]:
    """The charts of workers: name, status, and the facts of one result as a database returns them."""
    journal = MemoryJournal()
    for name, status, facts in ended:
        await (await journal.for_agent(name)).append("result", {"facts": json.loads(json.dumps(facts))})
        await journal.append("result", {"facts": {"worker": {"worker": name, "status": status}}})
    return charts(journal.agents)


async def test_a_chart_keeps_the_order_and_the_numbers_of_its_rows() -> None:
    output = await show("line", " Sales, EUR ", SALES)
    assert await shown(("w1", "done", output.facts)) == (CHART,)


@pytest.mark.parametrize(
    ("kind", "title", "data", "wrong"),
    [
        ("line", "", SALES, "the title needs 1 to 50 characters"),
        ("line", "x" * 51, SALES, "the title needs 1 to 50 characters"),
        ("line", "A", "", "needs 1 to 6 columns of numbers"),
        ("line", "A", "month,2025", "of the kind line needs 1 to 20 rows below the head"),
        ("bar", "A", rows(21, "1"), "of the kind bar needs 1 to 20 rows"),
        ("area", "A", rows(2, *"1234567"), "of the kind area needs 1 to 6 columns"),
        ("pie", "A", rows(7, "1"), "of the kind pie needs 1 to 6 rows"),
        ("pie", "A", rows(2, "1", "2"), "of the kind pie needs 1 to 1 columns"),
        ("pie", "A", rows(2, "0"), "the parts of a pie are above zero"),
        ("line", "A", "m,a\n" + "x" * 21 + ",1", "needs 1 to 20 characters"),
        ("line", "A", "m,a\n ,1", "the name '' needs 1 to 20 characters"),
        ("line", "A", "m,a\nx,1\nx,2", "a name or a label occurs twice"),
        ("line", "A", "m,a,b\nx,1", "the row of 'x' needs 2 numbers, as the head has"),
        ("line", "A", "m,a\nx,many", "'many' is not a number"),
        ("line", "A", "m,a\nx,nan", "'nan' is not a number"),
    ],
)
async def test_a_wrong_chart_is_refused_with_a_sentence(kind: str, title: str, data: str, wrong: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await show(kind, title, data)
    assert wrong in str(caught.value)


async def test_a_chart_needs_a_saved_plot_which_stands_where_slack_refuses_it() -> None:
    with pytest.raises(ToolFailure, match="no run of yours has saved a picture yet"):
        await show("line", "Sales", SALES, saved="sales.csv")


async def test_two_charts_of_good_work_are_shown_and_the_newest_of_a_title() -> None:
    facts = [(await show("bar", title, rows(1, number))).facts for title, number in ("A1", "B2", "A3", "C4")]
    found = await shown(
        ("w1", "failed", facts[3]), ("w2", "done", facts[0]), ("w3", "partial", facts[1]),
        ("w4", "done", facts[2]), ("w5", "done", facts[3]),
    )  # fmt: skip
    assert [(one.title, one.series[0][1]) for one in found] == [("A", (3.0,)), ("B", (2.0,))]


@pytest.mark.parametrize("kind", ["line", "bar", "area", "pie"])
async def test_slack_takes_the_largest_chart_that_the_tool_takes(kind: str) -> None:
    data = rows(6, "1") if kind == "pie" else rows(20, *"123456")
    (chart,) = await shown(("w1", "done", (await show(kind, "x" * 50, data)).facts))
    check_blocks([data_visualization(chart)] * 2)
    with pytest.raises(Refused):
        check_blocks([data_visualization(chart)] * 3)


def test_an_answer_has_the_charts_above_its_footer_and_a_question_has_none() -> None:
    outcome = Outcome(state=State.ANSWERED, text="Look.", charts=(CHART, PIE))
    (message,) = render(TASK, outcome).messages
    text, line, pie, *footer = message.blocks
    assert (text["text"], [one["type"] for one in footer]) == ("Look.", ["context", "context_actions"])
    assert line["title"] == "Sales, EUR"
    assert line["chart"]["axis_config"] == {"categories": ["Jan", "Feb"]}
    assert line["chart"]["series"][1]["data"] == [
        {"label": "Jan", "value": 4.5},
        {"label": "Feb", "value": 0.0},
    ]
    assert pie["chart"] == {
        "type": "pie",
        "segments": [{"label": "apples", "value": 3.0}, {"label": "pears", "value": 5.0}],
    }
    assert message.text == "Look."
    asked = render(TASK, Outcome(state=State.WAITING, text="Which?", charts=(CHART,)))
    assert "data_visualization" not in {block["type"] for block in asked.messages[0].blocks}


def _refusal(*messages: str) -> SlackApiError:
    answer = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": list(messages)}}
    return SlackApiError("refused", answer)  # type: ignore[no-untyped-call]


def test_a_refused_chart_is_left_out_and_a_table_beside_it_stays() -> None:
    table = data_table([["Name"], ["a"]])
    arguments = {"json": {"blocks": [table, data_visualization(CHART)]}}
    refused = refused_by(arguments, _refusal("[ERROR] unsupported type [json-pointer:/blocks/1/type]"))
    assert refused == {"data_visualization"}
    assert in_older_form(arguments, refused)["json"]["blocks"] == [table]


def test_a_picture_that_is_not_ready_says_nothing_about_charts() -> None:
    arguments = {"json": {"blocks": [data_visualization(CHART), {"type": "image"}]}}
    assert refused_by(arguments, _refusal()) == set()
    arguments["json"]["blocks"].pop()
    assert refused_by(arguments, _refusal()) == {"data_visualization"}


def test_a_chart_in_a_thread_is_read_by_its_title() -> None:
    assert block_text(data_visualization(CHART)) == "[Chart: Sales, EUR]"
