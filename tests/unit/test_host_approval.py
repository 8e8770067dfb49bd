"""Hosts that a person has to allow once in a thread, before programs reach them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.errors import Parked
from agents.journal import MemoryJournal
from agents.tools.approvals import Question, Verdict
from sandbox.egress.allow_list import AllowList
from sandbox.egress.broker import TaskEgress
from sandbox.egress.connector import check_address, check_host
from sandbox.egress.policy import EgressPolicy
from sandbox.errors import EgressRefused
from tests.support.scripted_model import Call, Reply, Roles, Say, ScriptedModel
from tests.support.team import Team, endpoint_of

ALLOW = replace(
    AllowList.parse("api.example.com:8443, *.example.com, 10.0.0.5"),
    asks=frozenset({"api.example.com", "10.0.0.5"}),
)
ASK = Call("ask_for_host", {"host": "API.example.com."})


class Desk:
    """The questions and answers of one thread."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.verdict = Verdict.OPEN

    async def record(self, question: Question) -> None:
        self.questions.append(question)

    async def consume(self, id_: str, digest: str) -> Verdict:
        assert (id_, digest) == (self.questions[-1].id, self.questions[-1].digest)
        return self.verdict

    async def was_allowed(self, digest: str) -> bool:
        return self.verdict is Verdict.APPROVED and digest in [one.digest for one in self.questions]


def team(desk: Desk | None, journal: MemoryJournal | None = None, allow: AllowList = ALLOW) -> Team:
    journal = journal or MemoryJournal()
    return Team(journal=journal, egress=EgressPolicy(allow), approvals=desk)


def script(*calls: Reply) -> Roles:
    brief = Call("create_worker", {"task_description": "Ask the API", "title": "Ask"})
    return Roles([brief, Say("Finished.")], [*calls, Call("report", {"status": "done", "summary": "ok"})])


def read_by_worker(model: ScriptedModel) -> str:
    return str([asked for asked in model.requests if asked.is_worker][-1].results[-1])


@pytest.mark.parametrize("port", [80, 443, 8443])
def test_such_a_host_is_refused_on_each_port_until_it_is_allowed(port: int) -> None:
    with pytest.raises(EgressRefused, match=r"A person has to allow api\.example\.com first, once"):
        check_host(ALLOW, "API.example.com.", port)
    assert check_host(ALLOW, "status.example.com", 443)
    egress = TaskEgress(EgressPolicy(ALLOW))
    egress.grant("api.example.com")
    assert check_host(egress.policy.allow, "api.example.com", port)
    with pytest.raises(EgressRefused, match=r"A person has to allow 10\.0\.0\.5"):
        check_host(egress.policy.allow, "10.0.0.5", 80)


def test_nor_does_another_name_lead_to_its_address() -> None:
    with pytest.raises(EgressRefused):
        check_address(ALLOW, "10.0.0.5", 80)
    check_address(replace(ALLOW, asks=frozenset()), "10.0.0.5", 80)


async def test_the_question_waits_and_counts_for_the_thread() -> None:
    desk, journal = Desk(), MemoryJournal()
    async with ScriptedModel(script(ASK)) as model, endpoint_of(model) as endpoint:
        for _ in range(2):  # a restart asks no second time
            with pytest.raises(Parked) as parked:
                await team(desk, journal).run(endpoint)
        words = '"Ask" wants the programs of this thread to reach **api.example.com**.'
        assert parked.value.question == words
        assert parked.value.options == ("Approve", "Deny")
        (question,) = desk.questions
        assert parked.value.approval == f"{question.id}:{question.digest}"
        desk.verdict = Verdict.APPROVED
        await team(desk, journal).run(endpoint)
        model.assert_complete()
    assert "api.example.com can be reached now." in read_by_worker(model)
    async with ScriptedModel(script(ASK)) as model, endpoint_of(model) as endpoint:
        await team(desk).run(endpoint)  # the thread's next task
    assert "api.example.com can be reached now." in read_by_worker(model)
    assert len(desk.questions) == 1


async def test_after_a_no_it_stays_closed() -> None:
    desk, journal = Desk(), MemoryJournal()
    async with ScriptedModel(script(ASK)) as model, endpoint_of(model) as endpoint:
        with pytest.raises(Parked):
            await team(desk, journal).run(endpoint)
        desk.verdict = Verdict.DENIED
        await team(desk, journal).run(endpoint)
    assert "a person denied this call" in read_by_worker(model)


HOSTS = ["example.com", "nowhere.example", "https://api.example.com/", "", "é" * 300]


@pytest.mark.parametrize("host", HOSTS)
async def test_what_no_entry_names_is_not_asked_for(host: str) -> None:
    calls = script(Call("ask_for_host", {"host": host}))
    async with ScriptedModel(calls) as model, endpoint_of(model) as endpoint:
        await team(Desk()).run(endpoint)
    assert "Error: " in read_by_worker(model)


async def test_the_tool_is_sent_only_where_a_host_asks() -> None:
    async with ScriptedModel(script()) as model, endpoint_of(model) as endpoint:
        await team(None, allow=replace(ALLOW, asks=frozenset())).run(endpoint)
    assert all("ask_for_host" not in asked.tools for asked in model.requests)
