"""The loop's rules: limits, last words, repetitions, follow-ups, cancelling. Needs no services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from agents.budget import LAST_TURN_SECONDS, AgentLimits, Budget, Meter
from agents.errors import ModelUnavailable, Parked, ToolFailure
from agents.journal import Incoming
from agents.model.prices import Price, Prices
from agents.tools import ToolOutput
from tests.support.scripted_model import (
    Asked,
    Call,
    Fault,
    Hang,
    Reply,
    Say,
    ScriptedModel,
    Turn,
    Usage,
    openai_error,
)
from tests.support.team import Agent, ListInbox, bodies, endpoint_of, kinds


async def echo(word: str) -> str:
    """Say a word."""
    return word


async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return f"waited {seconds}"


async def break_down() -> str:
    """Fail."""
    raise KeyError("secret detail")


async def refuse() -> str:
    """Refuse."""
    raise ToolFailure("there is no such file. Send the name of one that is there.")


async def ask(question: str) -> ToolOutput:
    """Ask."""
    return ToolOutput("", parks=(question, ("yes", "no")))


async def test_calls_of_one_turn_run_at_the_same_time() -> None:
    calls = tuple(Call("wait", {"seconds": 0.4}) for _ in range(8))
    loop = asyncio.get_running_loop()
    async with ScriptedModel([Turn(calls=calls), Say("Done.")]) as model, endpoint_of(model) as endpoint:
        began = loop.time()
        await Agent([wait]).run(endpoint)
        took = loop.time() - began
    assert took < 8 * 0.4
    model.assert_complete()


async def test_a_tools_refusal_is_reported_to_the_model() -> None:
    async with ScriptedModel([Call("refuse"), Say("Sorry.")]) as model, endpoint_of(model) as endpoint:
        await Agent([refuse]).run(endpoint)
    assert model.requests[-1].results == (
        "Error: there is no such file. Send the name of one that is there.",
    )


async def test_a_broken_tool_is_reported_without_its_inner_life() -> None:
    async with ScriptedModel([Call("break_down"), Say("Sorry.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([break_down]).run(endpoint)
    assert ending.text == "Sorry."
    assert "failed inside Handoff" in model.requests[-1].results[0]
    assert "secret" not in model.requests[-1].results[0]


ENDS: list[BaseException] = [
    SystemExit(3), asyncio.CancelledError(), BaseExceptionGroup("both", [SystemExit(3), KeyError("x")]),
]  # fmt: skip


@pytest.mark.parametrize("error", ENDS, ids=repr)
async def test_a_tool_that_wants_to_end_more_than_itself_ends_its_call(error: BaseException) -> None:
    async def leave() -> str:
        """Leave."""
        raise error

    calls = (Call("leave"), Call("echo", {"word": "still here"}))
    async with ScriptedModel([Turn(calls=calls), Say("Sorry.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([leave, echo]).run(endpoint)
    assert ending.text == "Sorry."
    assert "leave failed inside Handoff" in model.requests[-1].results[0]
    assert model.requests[-1].results[1] == "still here"


async def test_wrong_arguments_are_answered_with_the_right_ones() -> None:
    async with (
        ScriptedModel([Call("echo", {"wrod": "a"}), Say("Hm.")]) as model,
        endpoint_of(model) as endpoint,
    ):
        await Agent([echo]).run(endpoint)
    tool_result = model.requests[-1].results[0]
    assert "the argument word is missing" in tool_result
    assert "there is no argument wrod" in tool_result
    assert "Send one JSON object for echo with these arguments: word (required: word)" in tool_result


LIMITS = {
    "turns": (Budget(2, 30, 1_000_000), "the limit of 2 turns is reached"),
    "tokens": (Budget(9, 30, 100), "the limit of 100 tokens is reached"),
    "money": (Budget(9, 30, 1_000_000, usd=0.01), "the limit of 0.01 USD is reached"),
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_at_a_limit_the_agent_hands_back_what_it_has(limit: str) -> None:
    budget, sentence = LIMITS[limit]
    prices = Prices({"m": Price(input=50, output=50)})
    spent = Usage(50, 50)
    script = [
        Turn(calls=(Call("echo", {"word": str(n)}),), usage=spent)
        for n in range(2 if limit != "tokens" else 1)
    ]
    async with ScriptedModel([*script, Say("Half of it.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([echo], budget=budget, prices=prices).run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == ("Half of it.", sentence)
    last = model.requests[-1]
    assert last["tool_choice"] == "none"
    assert sentence in last.last_user


async def test_a_deadline_cuts_a_tool_and_keeps_its_siblings_results() -> None:
    calls = Turn(calls=(Call("wait", {"seconds": 60}), Call("echo", {"word": "kept"})))
    async with ScriptedModel([calls, Say("What there is.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([wait, echo], budget=Budget(9, 1.0, 10**6)).run(endpoint)
        model.assert_complete()
    assert ending.text == "What there is."
    assert ending.reason == "the time limit of 1 seconds is reached"
    kept, cut = model.requests[-1].results
    assert kept == "kept"
    assert "wait was cut" in cut


async def test_a_deadline_cuts_a_model_that_hangs() -> None:
    async with (
        ScriptedModel([Hang(60, after_chunks=2), Say("Nothing yet.")]) as model,
        endpoint_of(model) as endpoint,
    ):
        ending = await Agent([echo], budget=Budget(9, 0.7, 10**6)).run(endpoint)
    assert (ending.text, model.hung_up) == ("Nothing yet.", 1)


async def test_a_limit_without_last_words_is_still_an_ending() -> None:
    async with (
        ScriptedModel([Call("echo", {"word": "a"}), openai_error(400, "no")]) as model,
        endpoint_of(model) as endpoint,
    ):
        ending = await Agent([echo], budget=Budget(1, 30, 10**6)).run(endpoint)
    assert (ending.text, ending.reason) == ("", "the limit of 1 turns is reached")


async def test_calls_in_the_last_words_are_not_run() -> None:
    stubborn = Turn("Here is what I have.", calls=(Call("echo", {"word": "b"}),))
    agent = Agent([echo], budget=Budget(1, 30, 10**6))
    async with (
        ScriptedModel([Call("echo", {"word": "a"}), stubborn]) as model,
        endpoint_of(model) as endpoint,
    ):
        ending = await agent.run(endpoint)
    assert ending.text == "Here is what I have."
    assert len(bodies(agent.journal, "result")) == 1


async def test_the_same_result_is_noted_the_third_time_and_ends_the_work_the_fifth() -> None:
    same = [Call("echo", {"word": "again"}) for _ in range(5)]
    async with ScriptedModel([*same, Say("I was stuck.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([echo]).run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == (
        "I was stuck.",
        "the same call has given the same result five times",
    )
    noted = ["three times" in result for result in model.requests[-1].results]
    assert noted == [False, False, True, False, False]


async def test_equal_calls_at_the_same_time_are_no_repetition() -> None:
    equal = Turn(calls=tuple(Call("echo", {"word": "a"}) for _ in range(6)))
    async with ScriptedModel([equal, Say("Fine.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([echo]).run(endpoint)
    assert (ending.text, ending.reason) == ("Fine.", "")


async def test_a_call_with_changing_results_may_be_repeated() -> None:
    count = iter(range(100))

    async def poll() -> str:
        """Look."""
        return str(next(count))

    async with ScriptedModel([*[Call("poll")] * 8, Say("Ready.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([poll]).run(endpoint)
    assert (ending.text, ending.reason) == ("Ready.", "")


async def test_a_measured_time_in_a_result_does_not_hide_a_repetition() -> None:
    count = iter(range(100))

    async def run() -> ToolOutput:
        """Run."""
        return ToolOutput(f"[ok, {next(count)} s]", same_as="[ok]")

    async with ScriptedModel([*[Call("run")] * 5, Say("Stuck.")]) as model, endpoint_of(model) as endpoint:
        ending = await Agent([run]).run(endpoint)
    assert "five times" in ending.reason


async def test_follow_ups_reach_the_agent_before_its_next_turn_and_once() -> None:
    inbox = ListInbox()

    async def receive() -> str:
        """Have somebody write."""
        inbox.messages.append(Incoming("17.5", "Ann: and in blue"))
        return "ok"

    agent = Agent([receive], inbox=inbox)
    async with (
        ScriptedModel([Call("receive"), Call("receive"), Say("Blue.")]) as model,
        endpoint_of(model) as endpoint,
    ):
        await agent.run(endpoint)
    assert model.requests[1].last_user == "Ann: and in blue"
    assert sum("inbox" in body for body in bodies(agent.journal, "user")) == 1
    assert "17.5" in inbox.marked


async def test_a_follow_up_between_the_halves_of_an_answer_loses_neither() -> None:
    inbox = ListInbox()

    async def answering(asked: Asked) -> Reply:
        if asked.turn == 0:
            inbox.messages.append(Incoming("17.5", "Ann: hurry"))
            return Turn("First half, ", finish="length")
        return Say("second half.")

    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        ending = await Agent([echo], inbox=inbox).run(endpoint)
    assert ending.text == "First half, second half."


async def test_a_question_parks_after_its_siblings_are_done() -> None:
    turn = Turn(calls=(Call("ask", {"question": "Blue?"}), Call("echo", {"word": "a"})))
    agent = Agent([ask, echo])
    async with ScriptedModel([turn]) as model, endpoint_of(model) as endpoint:
        with pytest.raises(Parked) as parked:
            await agent.run(endpoint)
    assert (parked.value.question, parked.value.options) == ("Blue?", ("yes", "no"))
    assert kinds(agent.journal) == ["opening", "reply", "result"]


async def test_cancelling_leaves_nothing_running() -> None:
    left: list[str] = []
    begun = asyncio.Barrier(4)

    async def linger() -> str:
        """Stay."""
        await begun.wait()
        try:
            await asyncio.sleep(60)
        finally:
            left.append("gone")
        return ""

    async with ScriptedModel([Turn(calls=(Call("linger"),) * 3)]) as model, endpoint_of(model) as endpoint:
        running = asyncio.ensure_future(Agent([linger]).run(endpoint))
        await asyncio.wait_for(begun.wait(), 30)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert left == ["gone"] * 3


async def test_tokens_before_a_restart_count_after_it() -> None:
    agent = Agent([echo], budget=Budget(9, 30, 10**6))
    script: Sequence[Reply] = [
        Turn(calls=(Call("echo", {"word": "a"}),), usage=Usage(70, 30)),
        *[Fault(500, "", times=5)],
    ]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        with pytest.raises(ModelUnavailable):
            await agent.run(endpoint)
    async with ScriptedModel([Turn("Hi.", usage=Usage(7, 3))]) as model, endpoint_of(model) as endpoint:
        await agent.run(endpoint)
    assert (agent.meter.turns, agent.meter.tokens) == (2, 110)


async def test_seconds_before_a_restart_count_after_it() -> None:
    agent = Agent([wait], budget=Budget(9, 30, 10**6))
    script: Sequence[Reply] = [Call("wait", {"seconds": 0.3}), *[Fault(500, "", times=5)]]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        with pytest.raises(ModelUnavailable):
            await agent.run(endpoint)
    agent.budget = Budget(9, 0.3, 10**6)
    async with ScriptedModel([Say("Late.")]) as model, endpoint_of(model) as endpoint:
        ending = await agent.run(endpoint)
    assert ending.reason == "the time limit of 0 seconds is reached"


def test_a_child_never_gets_more_than_its_parent_has() -> None:
    parent = Meter(Budget(9, 100, 1_000, usd=1.0))
    child = parent.child(AgentLimits().worker("deep"))
    assert child.deadline < parent.deadline
    child.turn(900, 0.2)
    assert (parent.turns, parent.tokens, parent.usd) == (0, 900, 0.2)
    parent.spend(100, 0.0)
    assert child.exceeded() == "the task's limit of 1,000 tokens is reached"
    other = Meter(Budget(9, 100, 10**6, usd=1.0))
    small = other.child(AgentLimits().worker("quick"))
    other.spend(1, 1.0)
    assert small.exceeded() == "the task's limit of 1.00 USD is reached"


def test_a_child_has_after_a_restart_what_it_would_have_had_without() -> None:
    parent = Meter(Budget(9, 1_800, 10**6))
    parent.add_elapsed(1_500)
    child = parent.child(AgentLimits().worker("deep"))
    child.add_elapsed(500)
    assert child.left == pytest.approx(300 - LAST_TURN_SECONDS, abs=1)
    longer = parent.child(AgentLimits().worker("deep"))
    longer.add_elapsed(800)
    assert longer.left == pytest.approx(100, abs=1), "its own limit stands"


def test_a_child_of_a_parent_without_time_has_none() -> None:
    parent = Meter(Budget(9, 10, 1_000))
    parent.add_elapsed(60)
    assert parent.child(AgentLimits().worker("quick")).exceeded() == "the time limit of 0 seconds is reached"


async def test_what_a_reply_cost_is_in_the_journal() -> None:
    agent = Agent(prices=Prices({"m": Price(input=2.0, output=8.0, cached=0.5)}))
    async with (
        ScriptedModel([Turn("Hi.", usage=Usage(1_000, 100, cached=400))]) as model,
        endpoint_of(model) as endpoint,
    ):
        await agent.run(endpoint)
    reply = bodies(agent.journal, "reply")[0]
    assert reply["cost"] == pytest.approx((600 * 2.0 + 400 * 0.5 + 100 * 8.0) / 1_000_000)
    assert reply["model"] == "m"
    json.dumps(reply)
