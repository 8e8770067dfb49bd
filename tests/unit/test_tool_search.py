"""`find_tool`: a worker of a team with many tools is sent those that it needs."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conversation import ToolCall
from agents.tools import Tool
from agents.tools.team_tools import SENT_WHOLE, WORKER_TOOLS, TeamTool, tools_summary
from agents.tools.tool_search import ToolSearch, signature
from tests.support.scripted_model import Call, Reply, Roles, Say, ScriptedModel
from tests.support.team import CutJournal, Team, endpoint_of

FIND = Call("find_tool", {"query": "look up an invoice"})
INVOICE = Call("crm_invoice_17", {"id": "7"})
END = Call("report", {"status": "done", "summary": "ok"})
OWN = WORKER_TOOLS


def tools(count: int) -> list[TeamTool]:
    """Tools that each say their own name."""
    return [tool(f"crm_{'invoice' if n == 17 else 'thing'}_{n}") for n in range(count)]


def tool(name: str, *, ask_first: bool = False) -> TeamTool:
    async def run(arguments: dict[str, Any]) -> str:
        return f"{name} was called with {arguments}"

    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    return TeamTool(Tool.from_schema(name, f"Opens {name}.", schema, run), ask_first=ask_first)


def script(*calls: Reply, brief: str = "Look") -> Roles:
    return Roles([Call("create_worker", {"task_description": brief}), Say("Finished.")], [*calls, END])


def sent_to_worker(model: ScriptedModel) -> list[tuple[str, ...]]:
    return [asked.tools for asked in model.requests if asked.is_worker]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_found_tools_are_sent_from_the_next_turn_on(api: str) -> None:
    team = Team(toolbox=lambda: tools(60))
    async with ScriptedModel(script(FIND, INVOICE)) as model, endpoint_of(model, api=api) as endpoint:
        await team.run(endpoint)
        model.assert_complete()
    assert sent_to_worker(model) == [(*OWN, "find_tool"), *[(*OWN, "find_tool", "crm_invoice_17")] * 2]
    answer, called = [asked for asked in model.requests if asked.is_worker][-1].results[-2:]
    assert "- crm_invoice_17(id: str): Opens crm_invoice_17." in str(answer)
    assert "crm_invoice_17 was called with {'id': '7'}" in str(called)


async def test_a_few_are_sent_whole() -> None:
    few = tools(SENT_WHOLE)
    async with ScriptedModel(script()) as model, endpoint_of(model) as endpoint:
        await Team(toolbox=lambda: few).run(endpoint)
    assert sent_to_worker(model) == [(*OWN, *(one.tool.name for one in few))]


async def test_what_the_brief_names_is_sent_at_once() -> None:
    asked = script(INVOICE, brief="Read invoice 7 with crm_invoice_17, then stop.")
    async with ScriptedModel(asked) as model, endpoint_of(model) as endpoint:
        await Team(toolbox=lambda: tools(60)).run(endpoint)
        model.assert_complete()
    assert set(sent_to_worker(model)) == {(*OWN, "find_tool", "crm_invoice_17")}


async def test_after_a_restart_what_was_found_is_still_sent() -> None:
    before = CutJournal(5)
    async with ScriptedModel(script(FIND, INVOICE)) as model, endpoint_of(model) as endpoint:
        with pytest.raises(BaseExceptionGroup) as died:
            await Team(journal=before, toolbox=lambda: tools(60)).run(endpoint)
        assert died.group_contains(CutJournal.Died)
    rest = Roles([Say("Finished.")], [INVOICE, END])
    async with ScriptedModel(rest) as model, endpoint_of(model) as endpoint:
        await Team(journal=before.survived(), toolbox=lambda: tools(60)).run(endpoint)
        model.assert_complete()
    assert sent_to_worker(model) == [(*OWN, "find_tool", "crm_invoice_17")] * 2


async def test_the_search_names_what_there_is() -> None:
    many = [*tools(40), tool("crm_invoiceDelete", ask_first=True)]
    search = ToolSearch(many, "")
    (found,) = search.search()
    assert "crm_thing_3" in found.description
    output = await found.call(ToolCall("c", "find_tool", '{"query": "delete an Invoice"}'))
    assert output.facts == {"offers": ["crm_invoiceDelete", "crm_invoice_17"]}
    assert "crm_invoiceDelete(id: str) (a person has to allow each call): " in output.text
    nothing = await found.call(ToolCall("c", "find_tool", '{"query": "xyzzy"}'))
    assert (nothing.text[:14], nothing.facts) == ("No tool fits. ", {})


def test_the_orchestrator_reads_less_of_each_of_many() -> None:
    assert len(tools_summary(tools(120))) < 120 * 60


def test_a_signature_is_short() -> None:
    async def look_up(word: str, times: int = 1, languages: list[str] | None = None) -> str:
        raise AssertionError(word, times, languages)

    assert signature(Tool.from_function(look_up)) == (
        "look_up(word: str, times: int = 1, languages: Any = None)"
    )
