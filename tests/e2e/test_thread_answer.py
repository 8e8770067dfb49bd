"""The answer: streamed as it is written, once and whole, whatever Slack does in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.model_replies import Reply
from tests.support.scripted_model import Call, Say, ScriptedModel, Turn
from tests.support.stack import ADA, GENERAL, Stack, stack, words_of
from tests.support.timing import BOT_TIMING

ASK = "@Handoff what is the answer?"
SENTENCE = "This is a sentence of an answer that takes a while to be written. "
LONG = "\n\n".join(f"Paragraph {n}. " + SENTENCE * 3 for n in range(8)).strip()
TIMING = replace(BOT_TIMING, answer_stream=0.1)
TABLE = "| name | count |\n|---|---|\n| apples | 3 |\n| pears | 5 |"


@asynccontextmanager
async def _bot(
    slack: SlackStandIn, folder: Path, replies: Sequence[Reply], *, slowly: bool = True
) -> AsyncIterator[Stack]:
    """A bot whose model writes about 1,000 characters a second, or all at once."""
    pace = {"chunk_delay": 0.02, "piece": 20} if slowly else {"piece": 4000}
    async with (
        ScriptedModel(replies, **pace) as model,
        stack(slack, model.base_url, folder, sandbox_pool=0, timing=TIMING) as bot,
    ):
        yield bot


def _streamed(bot: Stack) -> str:
    """What was appended to streams, plans left out."""
    chunks = [chunk for call in bot.calls("chat.appendStream") for chunk in call.get("chunks", ())]
    return "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")


async def test_a_long_answer_grows_while_it_is_written(slack: SlackStandIn, tmp_path: Path) -> None:
    async with _bot(slack, tmp_path, [Say(LONG + " \n")]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        (answer,) = bot.answers(ts)
        assert words_of(answer) == LONG
        assert bot.calls("chat.update") == []
        assert len(_streamed(bot)) > 300
        assert len(bot.calls("chat.appendStream")) >= 2
        assert answer.stream is not None
        assert answer.stream.state == "done"
        assert [block["type"] for block in answer.blocks] == ["context", "context_actions"]
        assert answer.blocks[0]["elements"][0]["text"].endswith(" s")
        assert slack.state.sessions[GENERAL, ts].status == "active"


async def test_a_short_answer_is_posted_whole(slack: SlackStandIn, tmp_path: Path) -> None:
    async with _bot(slack, tmp_path, [Say("42.")]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert bot.said(ts) == "42."
        assert bot.calls("chat.startStream") == []


async def test_a_remark_before_a_tool_call_is_not_the_answer(slack: SlackStandIn, tmp_path: Path) -> None:
    plan = Call("plan", {"steps": [{"text": "Think"}]})
    replies: list[Reply] = [Turn(SENTENCE * 8, (plan,)), Say("It is 42.")]
    async with _bot(slack, tmp_path, replies) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert bot.said(ts) == "It is 42."
        assert SENTENCE.strip() not in str([words_of(m) for m in bot.thread(ts)])


async def test_a_table_is_drawn_as_a_table(slack: SlackStandIn, tmp_path: Path) -> None:
    text = SENTENCE * 6 + "\n\n" + TABLE + "\n\nThat is all."
    async with _bot(slack, tmp_path, [Say(text)]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        (answer,) = bot.answers(ts)
        assert TABLE not in (answer.markdown or "")
        assert any(block["type"] == "markdown" and TABLE in block["text"] for block in answer.blocks)


async def test_an_answer_of_two_messages_is_split_between_paragraphs(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    text = "\n\n".join(f"Paragraph {n}. " + SENTENCE for n in range(60)).strip()
    async with _bot(slack, tmp_path, [Say(text)], slowly=False) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        answers = bot.answers(ts)
        assert len(answers) == 2
        assert "\n\n".join(words_of(a).strip() for a in answers).split() == text.split()
        assert words_of(answers[1]).startswith("Paragraph")
        assert [block["type"] for block in answers[1].blocks][-1] == "context_actions"


async def test_a_very_long_answer_comes_as_a_file_with_its_beginning(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    text = "\n\n".join(f"## Part {n}\n\n" + SENTENCE * 8 for n in range(80)).strip()
    async with _bot(slack, tmp_path, [Say(text)], slowly=False) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        said, shared = bot.answers(ts)
        assert "Part 0" in words_of(said)
        assert "answer.md" in words_of(said)
        assert len(words_of(said)) < 4000
        (file,) = (slack.state.files[id_] for id_ in shared.files)
        assert file.data.decode() == text


async def test_a_stream_that_became_a_summary_leaves_no_one_working(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    text = "\n\n".join(f"## Part {n}\n\n" + SENTENCE * 8 for n in range(80)).strip()
    async with (
        ScriptedModel([Say(text)], chunk_delay=0.05, piece=2_000) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot,
    ):
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert "Part 0" in _streamed(bot)
        assert "answer.md" in words_of(bot.answers(ts)[0])
        assert slack.state.sessions[GENERAL, ts].status == "active"


async def test_what_a_stopped_process_had_written_gives_way_to_the_answer(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    async with ScriptedModel([Say(LONG), Say(LONG)], chunk_delay=0.02, piece=20) as model:
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=TIMING) as bot:
            ts = await bot.ask(ASK)
            await slack.wait_for(lambda _: "sentence" in bot.said(ts))
        (half,) = bot.answers(ts)
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=TIMING) as bot:
            await bot.task(ts, State.ANSWERED)
            (answer,) = bot.answers(ts)
            assert words_of(answer) == LONG
            assert answer.ts != half.ts
            assert answer.stream is not None
            assert answer.stream.state == "done"


@pytest.mark.parametrize("slowly", [True, False])
async def test_nothing_in_an_answer_pings(slack: SlackStandIn, tmp_path: Path, slowly: bool) -> None:
    text = SENTENCE * 6 + "Ask <@U0MEI0002>, <!channel> or @everyone in <#C0DATA001>." + SENTENCE * 3
    async with _bot(slack, tmp_path, [Say(text)], slowly=slowly) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        said = bot.said(ts)
        assert "everyone" in said
        assert not any(loud in said for loud in ("<@U0MEI0002>", "<!channel>", "@everyone"))
        assert "<#C0DATA001>" in said, "a link to a channel notifies no one"
        assert not any("<!channel>" in str(call.arguments) for call in slack.calls)


@pytest.mark.parametrize(
    "method", ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.postMessage", "chat.update"]
)
async def test_one_fault_neither_loses_nor_doubles_the_answer(
    slack: SlackStandIn, tmp_path: Path, method: str
) -> None:
    faults: Mapping[str, Callable[[], None]] = {
        "reply lost": lambda: slack.lose_reply(method),
        "status 500": lambda: slack.fail(method, status=500),
        "ratelimited": lambda: slack.fail(method, "ratelimited", status=429, retry_after=0),
        "internal_error": lambda: slack.fail(method, "internal_error"),
    }
    cases = [(fault, text) for fault in faults for text in (LONG, "42.")]
    async with (
        ScriptedModel([Say(text) for _, text in cases], chunk_delay=0.02, piece=60) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=TIMING) as bot,
    ):
        for fault, text in cases:
            faults[fault]()
            ts = await bot.ask(ASK)
            await bot.task(ts, State.ANSWERED)

            assert [words_of(answer) for answer in bot.answers(ts)] == [text], fault
            assert slack.state.sessions[GENERAL, ts].status == "active", fault
            slack.clear_faults()


async def test_an_answer_waits_until_slack_is_back(slack: SlackStandIn, tmp_path: Path) -> None:
    slack.fail("chat.postMessage", status=503, times=2)
    slack.lose_reply("chat.postMessage")
    async with _bot(slack, tmp_path, [Say("42.")]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert bot.said(ts) == "42."


async def test_a_stream_that_slack_ended_becomes_the_answer(tmp_path: Path) -> None:
    async with SlackStandIn(stream_lifetime=0.3) as slack, _bot(slack, tmp_path, [Say(LONG)]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        (answer,) = bot.answers(ts)
        assert words_of(answer) == LONG
        assert answer.stream is None, "no broken message is left"
        assert slack.state.sessions[GENERAL, ts].status == "active", "nor a sign that it works on"


async def test_slack_without_streams_and_sessions_gets_plain_messages(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    for method in ("chat.startStream", "agents.sessions.setStatus"):
        slack.fail(method, "unknown_method", times=50)
    plan = Call("plan", {"steps": [{"text": "Think"}, {"text": "Check"}]})
    async with _bot(slack, tmp_path, [plan, Say(LONG)]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        (progress,) = [m for m in bot.thread(ts) if "plan" in {block["type"] for block in m.blocks}]
        (answer,) = bot.answers(ts)
        assert progress.text.startswith("Done · ")
        assert "● Think" in progress.text
        assert words_of(answer) == LONG
        assert any(call["status"] for call in bot.calls("assistant.threads.setStatus"))


async def test_what_slack_refuses_to_draw_is_sent_plain(slack: SlackStandIn, tmp_path: Path) -> None:
    slack.fail("chat.postMessage", "invalid_blocks")
    async with _bot(slack, tmp_path, [Say("42 & <more>")]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        (answer,) = bot.answers(ts)
        assert answer.text == "42 &amp; &lt;more&gt;"


async def test_a_bot_that_was_removed_answers_when_it_is_back(slack: SlackStandIn, tmp_path: Path) -> None:
    async with _bot(slack, tmp_path, [Say(LONG)]) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.calls("chat.startStream"))
        slack.memberships.remove(GENERAL, slack.bot_user_id)
        task = await bot.task(ts, State.DELIVERING)
        calls = len(slack.calls)
        await asyncio.sleep(0.5)
        assert len(slack.calls) == calls, "it waits and does not try on and on"

        slack.memberships.invite(GENERAL, slack.bot_user_id)
        assert (await bot.task(ts)).id == task.id
        assert [words_of(answer) for answer in bot.answers(ts)] == [LONG]


_REVOKED = "Slack refuses the bot's token (token_revoked): install the app again and set SLACK_BOT_TOKEN"


async def _token_problems(bot: Stack) -> list[str]:
    return [words for words in await bot.server.readiness.missing() if "token" in words]


async def test_an_archived_channel_gets_the_answer_when_it_is_unarchived(
    slack: SlackStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Call("plan", {"steps": [{"text": "Think"}, {"text": "Check"}]})
    async with _bot(slack, tmp_path, [plan, Say(LONG)]) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.plans(ts))
        slack.memberships.archive(GENERAL)
        task = await bot.task(ts, State.DELIVERING)
        calls = len(slack.calls)
        await asyncio.sleep(0.5)
        assert len(slack.calls) == calls, "it waits and does not try on and on"
        assert "The channel is archived. Unarchive it, and the answer follows." in capsys.readouterr().out

        slack.memberships.unarchive(GENERAL, ADA)
        assert (await bot.task(ts)).id == task.id
        assert [words_of(answer) for answer in bot.answers(ts)] == [LONG]
        (shown,) = [m for m in bot.thread(ts) if "plan" in {block["type"] for block in m.blocks}]
        assert shown.stream is None
        assert shown.blocks[0]["title"].startswith("Done · ")


async def test_a_revoked_token_keeps_the_answer_until_one_works(slack: SlackStandIn, tmp_path: Path) -> None:
    async with _bot(slack, tmp_path, [Say(LONG)]) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.RUNNING)
        slack.installs.revoke()
        await bot.task(ts, State.DELIVERING)
        calls = len(slack.calls)
        await asyncio.sleep(0.5)
        assert len(slack.calls) == calls, "it waits and does not try on and on"
        assert await _token_problems(bot) == [_REVOKED]
    slack.credentials.current_bot_token()
    async with _bot(slack, tmp_path, []) as bot:
        await bot.task(ts, State.ANSWERED)
        assert [words_of(answer) for answer in bot.answers(ts)] == [LONG]
        assert await _token_problems(bot) == []


async def test_a_token_that_is_revoked_while_nothing_runs_is_reported(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    async with _bot(slack, tmp_path, []) as bot:
        slack.installs.revoke()
        await slack.wait_for(lambda _: bot.calls("auth.test"))
        async with asyncio.timeout(60):
            while await _token_problems(bot) != [_REVOKED]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("is_refused", [False, True])
async def test_a_long_table_is_slacks_own_where_slack_takes_it(
    slack: SlackStandIn, tmp_path: Path, is_refused: bool
) -> None:
    if is_refused:
        slack.refuse_blocks("data_table")
    long = "\n".join([TABLE, *(f"| kind {n} | {n} |" for n in range(20))])
    answers = [Say(f"First:\n\n{long}"), Say(LONG + f"\n\n{long}\n\nThat is all.")]
    async with _bot(slack, tmp_path, answers) as bot:
        for text in (ASK, "@Handoff and streamed?"):
            ts = await bot.ask(text)
            await bot.task(ts, State.ANSWERED)
            (answer, files) = bot.answers(ts)
            assert [slack.state.files[file].name for file in files.files] == ["table.csv"]
            kinds = [block["type"] for block in answer.blocks]
            assert ("data_table" in kinds) is not is_refused
            if is_refused:
                assert "| kind 19 | 19 |" in words_of(answer)
        refused = [call for call in slack.calls if call.error == "invalid_blocks"]
        assert len(refused) == is_refused, "learnt from one refusal"
