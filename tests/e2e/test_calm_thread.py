"""How much a task says in its thread: messages and words, with the demo model and real containers."""

from __future__ import annotations

from pathlib import Path

from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.stack import ADA, GENERAL, Stack, stack, words_of

TEN_FILES = """@Handoff run this:
```python
for number in range(10):
    open(f"part{number}.txt", "w").write(str(number))
print("ten files")
```"""


def count(bot: Stack, ts: str) -> tuple[int, int]:
    """Messages and words of the bot in a thread."""
    messages = bot.thread(ts)
    return len(messages), sum(len(words_of(message).split()) for message in messages)


async def test_a_task_says_little_and_the_demo_offers_what_it_can(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask("@Handoff Execute hello world in Python")
        await bot.task(ts, State.ANSWERED)
        messages, words = count(bot, ts)
        assert (messages <= 2, words <= 40) == (True, True), (messages, words)

        ts = await bot.ask(TEN_FILES)
        await bot.task(ts, State.ANSWERED)
        messages, words = count(bot, ts)
        assert (messages <= 3, words <= 80) == (True, True), (messages, words)
        assert sum(len(message.files) for message in bot.thread(ts)) == 10

        ts = await bot.ask("@Handoff make me a PowerPoint")
        asked = await bot.task(ts, State.WAITING)
        (question,) = bot.answers(ts)
        (row,) = [block for block in question.blocks if block["type"] == "actions"]
        offered = [button["text"]["text"] for button in row["elements"]]
        assert "Count the Fridays in 2026" in offered
        chosen = row["elements"][offered.index("Count the Fridays in 2026")]
        await slack.click(ADA, GENERAL, question.ts, chosen["action_id"])
        await bot.task(ts, State.ANSWERED)
        assert "2026 has 52 Fridays" in bot.said(ts), asked.id
