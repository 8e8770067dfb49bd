"""Calls that ask first, through the whole bot: an MCP server's tool, a question with buttons, a click.

Needs no container: the tool runs at the server, and the worker runs no code.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bot.controls import texts
from bot.intake import texts as intake_texts
from playground.slack import SlackStandIn
from playground.slack.errors import ActionRefused
from playground.slack.messages import SlackPost
from tasks.task import State
from tests.support.model_scripts import Answering
from tests.support.scripted_model import Asked, Call, Reply, Roles, Say, ScriptedModel, Turn
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack
from tests.support.tool_server import serve_http, tool_server

ASK = "@Handoff write hello into the journal"
APPROVE, DENY = "handoff_approve", "handoff_deny"


def script() -> Roles:
    return Roles(
        [Call("create_worker", {"task_description": "Write hello"}), Say("Finished.")],
        [
            Call("things_write", {"line": "hello"}),
            Call("report", {"status": "done", "summary": "See the journal."}),
        ],
    )


class Office:
    """A bot with a tool that asks first; `journal` is what the tool has done."""

    def __init__(self, slack: SlackStandIn, model: ScriptedModel, folder: Path) -> None:
        self._slack, self.model, self._folder = slack, model, folder

    @property
    def journal(self) -> str:
        path = self._folder / "journal"
        return path.read_text() if path.exists() else ""

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[Stack]:
        file = self._folder / "tools.json"
        async with serve_http(tool_server(self._folder / "journal"), token="a") as url:
            server = {"url": url, "headers": {"Authorization": "Bearer a"}}
            tools = {"mcpServers": {"things": server}, "allow": {"things": ["write"]}}
            file.write_text(json.dumps({**tools, "ask_first": ["things_write"]}))
            async with stack(
                self._slack, self.model.base_url, self._folder, sandbox_pool=0, tools_file=file
            ) as bot:
                yield bot

    def worker_was_told(self) -> str:
        return str([asked for asked in self.model.requests if asked.is_worker][-1].results[-1])


def two_at_once() -> Answering:
    """Two workers that each want to write a line of their own, and have to ask first."""

    def line(asked: Asked) -> str:
        return "north" if "north" in asked.brief else "south"

    async def answering(asked: Asked) -> Reply:
        if asked.is_worker:
            write = Call("things_write", {"line": line(asked)})
            return write if asked.turn == 0 else Call("report", {"status": "done", "summary": "Went on."})
        both = (Call("create_worker", {"task_description": f"Write {side}"}) for side in ("north", "south"))
        return Turn(calls=tuple(both)) if asked.turn == 0 else Say("Finished.")

    return answering


@pytest_asyncio.fixture
async def office(slack: SlackStandIn, tmp_path: Path) -> AsyncIterator[Office]:
    async with ScriptedModel(script()) as model:
        yield Office(slack, model, tmp_path)


async def asked(bot: Stack, user: str = ADA) -> tuple[str, SlackPost]:
    """The thread of a task that waits, and the message with its question."""
    ts = await bot.ask(ASK, user=user)
    await bot.task(ts, State.WAITING)
    question = bot.answers(ts)[-1]
    assert '" wants to run **things_write**:' in str(question.blocks)
    assert '"line": "hello"' in str(question.blocks)
    return ts, question


async def test_the_call_runs_when_who_asked_approves_and_only_once(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
        assert office.journal == ""
        value = value_of(question, APPROVE)

        await bot.slack.click(ADA, GENERAL, question.ts, APPROVE)
        await bot.task(ts, State.ANSWERED)
        assert office.journal == "hello\n"
        office.model.assert_complete()
        after = bot.slack.state.message(GENERAL, question.ts)
        assert after is not None
        assert "*Approved by Ada Okafor*" in str(after.blocks)
        assert after.blocks[0] == question.blocks[0]
        assert APPROVE not in str(after.blocks)
        with pytest.raises(ActionRefused):  # the buttons are gone for people, and forged they do nothing
            await bot.slack.click(ADA, GENERAL, question.ts, APPROVE, value)
    assert office.journal == "hello\n"


async def test_only_the_asker_and_admins_decide(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
        await bot.slack.click(MEI, GENERAL, question.ts, APPROVE)
        await bot.slack.wait_for(lambda _: bool(bot.whispers(MEI)))
        assert "or a workspace admin can decide this" in bot.whispers(MEI)[0]
        assert (await bot.task(ts, State.WAITING)).attempt == 1
        assert office.journal == ""


async def test_an_admin_decides_what_another_person_asked_for(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot, MEI)
        await bot.slack.click(ADA, GENERAL, question.ts, APPROVE)
        await bot.task(ts, State.ANSWERED)
    assert office.journal == "hello\n"


async def test_a_denied_call_is_not_run_and_the_worker_goes_on(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
        await bot.slack.click(ADA, GENERAL, question.ts, DENY)
        await bot.task(ts, State.ANSWERED)
        assert "a person denied this call" in office.worker_was_told()
    assert office.journal == ""


async def test_a_reply_in_place_of_a_press_leaves_the_question_open(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
        await bot.ask("yes, fine by me", thread_ts=ts)
        await bot.slack.wait_for(lambda _: bool(bot.whispers(ADA)))
        assert bot.whispers(ADA) == [intake_texts.PRESS_A_BUTTON]
        after = bot.slack.state.message(GENERAL, question.ts)
        assert after is not None
        assert after.blocks == question.blocks
        assert (await bot.task(ts, State.WAITING)).attempt == 1
        assert office.journal == ""

        await bot.slack.click(ADA, GENERAL, question.ts, APPROVE)
        await bot.task(ts, State.ANSWERED)
        assert "yes, fine by me" in str(office.model.requests[-1].body), "it is read after the decision"
    assert office.journal == "hello\n"


async def test_a_second_click_says_who_has_decided_and_a_double_click_says_nothing(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot, MEI)
        bot.slack.fail("chat.update", "message_not_found", times=8)  # the buttons stay
        for _ in range(2):
            await bot.slack.click(MEI, GENERAL, question.ts, APPROVE)
        await bot.task(ts, State.ANSWERED)
        await bot.slack.click(ADA, GENERAL, question.ts, DENY)
        await bot.slack.wait_for(lambda _: bool(bot.whispers(ADA)))
        assert bot.whispers(ADA) == [texts.already_decided("Mei Tanaka", approved=True)]
        assert bot.whispers(MEI) == []
    assert office.journal == "hello\n"


async def test_a_question_is_answered_after_a_restart(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
    async with office.bot() as bot:
        assert (await bot.task(ts, State.WAITING)).attempt == 1
        await bot.slack.click(ADA, GENERAL, question.ts, APPROVE)
        await bot.task(ts, State.ANSWERED)
        office.model.assert_complete()
    assert office.journal == "hello\n"


@pytest.mark.parametrize("forged", ["digest", "id", "task", "junk"])
async def test_an_answer_to_something_else_is_none_to_this(office: Office, forged: str) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
        value = json.loads(value_of(question, APPROVE))
        id_, _, digest = value["approval"].partition(":")
        wrong = {
            "digest": value | {"approval": f"{id_}:{'0' * len(digest)}"},
            "id": value | {"approval": f"{'0' * len(id_)}:{digest}"},
            "task": value | {"task": "tnowhere"},
            "junk": "yes",
        }[forged]
        await bot.slack.click(ADA, GENERAL, question.ts, APPROVE, json.dumps(wrong))
        await bot.slack.wait_for(lambda _: bool(bot.whispers(ADA)))
        assert bot.whispers(ADA)[0] in (texts.QUESTION_CLOSED, texts.NOT_MY_BUTTON)
        assert (await bot.task(ts, State.WAITING)).attempt == 1
    assert office.journal == ""


async def test_a_stopped_task_takes_no_decision(office: Office) -> None:
    async with office.bot() as bot:
        ts, question = await asked(bot)
        bot.slack.fail("chat.update", "message_not_found", times=8)  # the buttons stay
        await bot.ask("stop", thread_ts=ts)
        await bot.task(ts, State.STOPPED)
        await bot.slack.click(ADA, GENERAL, question.ts, APPROVE)
        await bot.slack.wait_for(lambda _: bool(bot.whispers(ADA)))
    assert office.journal == ""


async def test_a_reply_to_one_question_is_no_answer_to_one_that_was_never_shown(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    async with ScriptedModel(two_at_once()) as model:
        office = Office(slack, model, tmp_path)
        async with office.bot() as bot:
            ts = await bot.ask(ASK)
            first = await bot.task(ts, State.WAITING)
            assert '"line": "north"' in str(bot.answers(ts)[-1].blocks)
            await bot.ask("not that one, please", thread_ts=ts)
            await slack.wait_for(lambda _: bool(bot.whispers(ADA)))
            await slack.click(ADA, GENERAL, bot.answers(ts)[-1].ts, DENY)
            await slack.wait_for(lambda _: '"line": "south"' in str(bot.answers(ts)[-1].blocks))
            north, south = bot.answers(ts)
            assert "*Denied by Ada Okafor*" in str(slack.state.message(GENERAL, north.ts))
            assert (await bot.task(ts, State.WAITING)).id == first.id

            await slack.click(ADA, GENERAL, south.ts, APPROVE)
            await bot.task(ts, State.ANSWERED)
            assert "*Approved by Ada Okafor*" in str(slack.state.message(GENERAL, south.ts))
            shown = [one.results[-1] for one in model.requests if one.is_worker and one.results]
            assert ["a person denied this call" in words for words in shown].count(True) == 1
            assert "not that one, please" in str(model.requests[-1].body), "the orchestrator reads it too"
    assert office.journal == "south\n"


async def test_a_question_in_words_comes_before_an_approval_and_each_has_its_own_answer(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    may_ask, began = asyncio.Event(), asyncio.Event()

    async def answering(asked: Asked) -> Reply:
        if asked.is_worker:
            began.set()
            await may_ask.wait()
            report = Call("report", {"status": "done", "summary": "Went on."})
            return Call("things_write", {"line": "hello"}) if asked.turn == 0 else report
        worker = Call("create_worker", {"task_description": "Write hello"})
        both = Turn(calls=(worker, Call("ask_user", {"question": "Which colour?"})))
        return both if asked.turn == 0 else Say("Finished.")

    async with ScriptedModel(answering) as model:
        office = Office(slack, model, tmp_path)
        async with office.bot() as bot:
            ts = await bot.ask(ASK)
            await began.wait()
            await bot.ask("in capital letters, if you can", thread_ts=ts)
            await slack.wait_for(lambda _: len(bot.calls("reactions.add")) == 2)
            may_ask.set()
            await slack.wait_for(lambda _: "Which colour?" in bot.said(ts))
            assert (await bot.task(ts, State.WAITING)).attempt == 1
            await bot.ask("blue", thread_ts=ts)
            await slack.wait_for(lambda _: APPROVE in str(bot.answers(ts)[-1].blocks))
            await slack.click(ADA, GENERAL, bot.answers(ts)[-1].ts, APPROVE)
            await bot.task(ts, State.ANSWERED)
            assert "Ada Okafor: blue" in model.requests[-1].results
            assert model.requests[-1].last_user == "Ada Okafor: in capital letters, if you can"
    assert office.journal == "hello\n"


async def test_what_steers_the_work_before_a_question_is_no_answer_to_it(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    may_ask = asyncio.Event()
    writing = two_at_once()

    async def answering(asked: Asked) -> Reply | None:
        if asked.is_worker and asked.turn == 0:
            await may_ask.wait()
        return await writing(asked)

    async with ScriptedModel(answering) as model:
        office = Office(slack, model, tmp_path)
        async with office.bot() as bot:
            ts = await bot.ask(ASK)
            await bot.task(ts, State.RUNNING)
            await bot.ask("in capital letters, if you can", thread_ts=ts)
            await slack.wait_for(lambda _: len(bot.calls("reactions.add")) == 2)
            may_ask.set()
            for _ in ("north", "south"):
                await bot.task(ts, State.WAITING)
                seen = len(bot.answers(ts))
                await slack.click(ADA, GENERAL, bot.answers(ts)[-1].ts, APPROVE)
                await slack.wait_for(partial(_has_more, bot, ts, seen))
            await bot.task(ts, State.ANSWERED)
    assert sorted(office.journal.split()) == ["north", "south"]


def _has_more(bot: Stack, ts: str, seen: int, _: object) -> bool:
    return len(bot.answers(ts)) > seen


def value_of(question: SlackPost, action: str) -> str:
    elements = [e for block in question.blocks for e in block.get("elements", ())]
    return str(next(e["value"] for e in elements if e.get("action_id") == action))
