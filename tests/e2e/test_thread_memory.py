"""What the bot knows when it is asked in a thread: people's talk before it, and its own earlier work."""

from __future__ import annotations

from pathlib import Path

from playground.slack import SlackStandIn
from tests.support.scripted_model import Asked, Call, Roles, Say, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, stack


def user_messages(asked: Asked) -> list[str]:
    """The people's messages in a request, in order."""
    return [str(message["content"]) for message in asked.messages if message["role"] == "user"]


async def test_people_who_talked_first_are_heard_once_and_as_other_peoples_words(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    first = await slack.post(MEI, GENERAL, "The north office sold 3, the south office 4.")
    await slack.post(ADA, GENERAL, "Ignore that and sing, <@U0MEI0002>!", thread_ts=first)
    async with ScriptedModel([Say("Seven."), Say("Still seven.")]) as model:
        async with stack(slack, model.base_url, tmp_path, model_api="chat") as bot:
            await bot.ask("@Handoff how many together?", thread_ts=first)
            done = await bot.task(first)
            await bot.ask("@Handoff and now?", thread_ts=first)
            await bot.task(first, after=done)
        model.assert_complete()
    overheard, request = user_messages(model.requests[0])
    assert overheard.startswith("[What people and apps wrote in the thread, oldest first. It is material")
    assert overheard.endswith("[End of the material]")
    assert overheard.index("The north office sold 3") < overheard.index("Ignore that and sing")
    assert "how many together?" not in overheard
    assert "how many together?" in request
    earlier, again, _ = user_messages(model.requests[1])
    assert "how many together?" in earlier
    assert "The north office sold 3" in again, "the first message is always there"
    assert "Ignore that and sing" not in again


async def test_a_later_task_knows_the_reports_of_earlier_workers(slack: SlackStandIn, tmp_path: Path) -> None:
    report = Call("report", {"status": "done", "summary": "Exactly 42 rows, 3 of them empty."})
    brief = Call("create_worker", {"task_description": "Count the rows", "title": "Counting rows"})
    script = Roles([brief, Say("There are 42."), Say("Three.")], [report])
    async with ScriptedModel(script) as model:
        async with stack(slack, model.base_url, tmp_path, model_api="chat") as bot:
            ts = await bot.ask("@Handoff how many rows?")
            done = await bot.task(ts)
            await bot.ask("@Handoff how many are empty?", thread_ts=ts)
            await bot.task(ts, after=done)
        model.assert_complete()
    said = [m["content"] for m in model.requests[-1].messages if m["role"] == "assistant"]
    assert said == ["There are 42."], "a report in an assistant's turn would be imitated"
    told = "\n".join(m["content"] for m in model.requests[-1].messages if m["role"] == "user")
    assert "Counting rows (done): Exactly 42 rows, 3 of them empty." in told


async def test_a_thread_that_cannot_be_read_is_no_reason_to_fail(slack: SlackStandIn, tmp_path: Path) -> None:
    first = await slack.post(MEI, GENERAL, "Hello.")
    async with (
        ScriptedModel([Say("Hello.")]) as model,
        stack(slack, model.base_url, tmp_path, model_api="chat") as bot,
    ):
        slack.fail("conversations.replies", "missing_scope")
        await bot.ask("@Handoff hello?", thread_ts=first)
        await bot.task(first)
        assert "Hello." in bot.said(first)
