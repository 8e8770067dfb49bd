"""Room in the window: old results are left out, then turns are summed up, and no call loses its result."""

from __future__ import annotations

import json

import pytest

from agents import compaction
from agents.conversation import ModelReply as Said
from agents.conversation import TokenUsage, ToolCall, ToolResult, Turn, UserTurn
from agents.errors import ContextTooLong
from agents.journal import MemoryJournal
from agents.model.prices import Prices
from agents.tools import ToolOutput
from agents.transcript import Transcript
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel, openai_error
from tests.support.scripted_model import Turn as Several
from tests.support.team import Agent, CutJournal, bodies, endpoint_of, kinds

TOO_LONG = openai_error(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded")


async def load(part: int) -> str:
    """Load a part."""
    return f"part {part}: " + "data " * 400


def size(asked: Asked) -> int:
    return len(json.dumps(asked.body)) // 4


async def test_old_results_are_left_out_before_the_window_is_full() -> None:
    window = 6_000
    agent = Agent([load], prices=Prices(window=window))
    script: list[Reply] = [*[Call("load", {"part": n}) for n in range(14)], Say("All loaded.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        ending = await agent.run(endpoint)
        model.assert_complete()
    assert ending.text == "All loaded."
    assert max(map(size, model.requests)) < window
    last = model.requests[-1].results
    assert len(last) == 14
    assert last[0].startswith("[A result of 2,008 characters was left out")
    assert last[-1].startswith("part 13: data")
    assert "context" in kinds(agent.journal)


async def test_when_leaving_out_is_not_enough_the_work_is_summed_up() -> None:
    window = 4_000

    async def answering(asked: Asked) -> Reply:
        if not asked.tools:
            assert "CALL note:" in asked.last_user
            return Say("Noted so far: everything up to here.")
        return (
            Say("Finished.")
            if len(bodies(agent.journal, "reply")) == 30
            else Call("note", {"text": "x" * 900})
        )

    async def note(text: str) -> str:
        """Note."""
        return f"noted {len(bodies(agent.journal, 'reply'))}"

    agent = Agent([note], prices=Prices(window=window))
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        ending = await agent.run(endpoint)
    assert (ending.text, model.problems) == ("Finished.", [])
    assert max(map(size, model.requests)) < window
    users = [m["content"] for m in model.requests[-1].messages if m["role"] == "user"]
    assert users[0] == "Ann: please"
    assert users[1].endswith("Noted so far: everything up to here.")
    assert agent.meter.turns == 31


@pytest.mark.parametrize("fact", ["worker", "inbox"])
async def test_what_no_call_would_bring_again_is_summed_up_and_not_left_out(fact: str) -> None:
    async def hear(part: int) -> ToolOutput:
        """Hear a worker's report, or a person's answer."""
        return ToolOutput(f"part {part}: " + "words " * 300, {fact: {"status": "done"}})

    async def answering(asked: Asked) -> Reply:
        if not asked.tools:
            assert "RESULT: part 0: words words" in asked.last_user
            return Say("All that was said.")
        replies = len(bodies(agent.journal, "reply"))
        return Say("All heard.") if replies == 14 else Call("hear", {"part": replies})

    agent = Agent([hear], prices=Prices(window=6_000))
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        assert (await agent.run(endpoint)).text == "All heard."
    assert model.problems == []
    assert "was left out" not in str([asked.body for asked in model.requests])
    assert any("All that was said." in str(asked.body) for asked in model.requests)


async def test_a_refusal_for_length_makes_room_and_goes_on() -> None:
    calls = [Call("load", {"part": n}) for n in range(6)]
    agent = Agent([load])
    async with ScriptedModel([*calls, TOO_LONG, Say("Still here.")]) as model, endpoint_of(model) as endpoint:
        ending = await agent.run(endpoint)
        model.assert_complete()
    assert ending.text == "Still here."
    assert size(model.requests[-1]) < size(model.requests[-2])


async def test_a_request_that_alone_is_too_long_is_said_to_be() -> None:
    async with ScriptedModel([TOO_LONG]) as model, endpoint_of(model) as endpoint:
        with pytest.raises(ContextTooLong):
            await Agent([load]).run(endpoint)
    assert len(model.requests) == 1


async def test_a_continued_journal_shows_the_model_the_same_as_before() -> None:
    agent = Agent([load], prices=Prices(window=6_000))
    script: list[Reply] = [*[Call("load", {"part": n}) for n in range(12)], Say("Done.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await agent.run(endpoint)
    for cut in range(len(agent.journal.entries)):
        journal = MemoryJournal()
        journal._entries[""] = list(agent.journal.entries[:cut])
        turns = Transcript(journal).turns
        calls = {call.id for turn in turns if isinstance(turn, Said) for call in turn.calls}
        assert {turn.call_id for turn in turns if isinstance(turn, ToolResult)} <= calls


async def test_a_run_that_made_room_is_continued_from_every_cut() -> None:
    """With so little room that results are left out and turns summed up."""

    async def answering(asked: Asked) -> Reply:
        if not asked.tools:
            return Say("What was loaded until now.")
        replies = sum(entry.kind == "reply" for entry in journal.entries)
        return Say("All loaded.") if replies >= 10 else Call("load", {"part": replies})

    prices = Prices(window=4_500)
    journal: MemoryJournal = MemoryJournal()
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        await Agent([load], journal=journal, prices=prices).run(endpoint)
    whole = kinds(journal)
    assert {"summary" in body for body in bodies(journal, "context")} == {True, False}
    for cut in range(len(whole)):
        journal = CutJournal(cut)
        async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
            with pytest.raises(BaseException):  # noqa: B017, PT011 (a group may hold the death)
                await Agent([load], journal=journal, prices=prices).run(endpoint)
            journal = journal.survived()
            ending = await Agent([load], journal=journal, prices=prices).run(endpoint)
        assert ending.text == "All loaded.", f"cut after {cut} entries"
        assert kinds(journal).count("reply") == whole.count("reply")
        assert model.problems == []


@pytest.mark.parametrize("results", range(1, 9))
async def test_a_boundary_never_parts_calls_from_results(results: int) -> None:
    calls = tuple(ToolCall(f"c{n}", "load", "{}") for n in range(results))
    turns: list[Turn] = [UserTurn("Go")]
    for _ in range(3):
        turns += [Said(calls=calls), *(ToolResult(call.id, "x" * 4000) for call in calls)]
    before = compaction._boundary(turns)
    assert not isinstance(turns[before], ToolResult)


def test_the_size_is_what_the_endpoint_counted_and_a_guess_at_the_rest() -> None:
    turns: list[Turn] = [
        UserTurn("x" * 4000),
        Said(text="hm", usage=TokenUsage(900, 100)),
        UserTurn("y" * 400),
    ]
    assert compaction.estimate_tokens(turns) == 1_100
    assert compaction.estimate_tokens(turns[:1]) == 1_000


async def test_a_summary_that_is_too_long_to_ask_for_is_asked_for_in_less() -> None:
    """As where text takes more tokens than we guess, or the window is smaller than we were told."""

    async def answering(asked: Asked) -> Reply:
        if size(asked) > (4_500 if asked.tools else 2_000):
            return TOO_LONG
        if not asked.tools:
            return Say("All that was noted.")
        return (
            Say("Done.") if len(bodies(agent.journal, "reply")) == 25 else Call("note", {"text": "x" * 900})
        )

    async def note(text: str) -> str:
        """Note."""
        return f"noted {len(bodies(agent.journal, 'reply'))}"

    agent = Agent([note], prices=Prices(window=128_000))
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        assert (await agent.run(endpoint)).text == "Done."
    assert model.problems == []


@pytest.mark.parametrize("announced", [8_000, 128_000])
async def test_results_of_one_turn_that_are_more_than_the_window_are_cut(announced: int) -> None:
    """The reports of eight workers, say; whether the service refuses or we know the window."""

    async def hear(part: int) -> ToolOutput:
        """Hear a report."""
        return ToolOutput(f"part {part} begins {'words ' * 1000} and ends", {"worker": {"status": "done"}})

    async def answering(asked: Asked) -> Reply:
        if size(asked) > 8_000:
            return TOO_LONG
        many = Several(calls=tuple(Call("hear", {"part": n}) for n in range(8)))
        return Say("All heard.") if asked.results else many

    agent = Agent([hear], prices=Prices(window=announced))
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        assert (await agent.run(endpoint)).text == "All heard."
    assert all(f"part {n} begins" in model.requests[-1].results[n] for n in range(8))
    assert all(result.endswith("and ends") for result in model.requests[-1].results)
    assert len(model.requests) == (2 if announced == 8_000 else 3)


def test_a_long_turn_among_short_ones_is_reported_whole_where_it_fits() -> None:
    turns: list[Turn] = [*[UserTurn("short")] * 50, UserTurn("long " * 2_000)]
    assert compaction._as_text(turns, 16_000).text.count("long") == 2_000
    assert len(compaction._as_text(turns, 4_000).text) < 4_000 + 600
