"""A channel with settings of its own, and a change of them while the bot runs. Needs Docker."""

from __future__ import annotations

from pathlib import Path

from bot.intake import texts as intake_texts
from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.stack import ADA, MEI, Stack, stack

HELLO = "@Handoff Execute hello world in Python"


async def models(bot: Stack, ts: str) -> set[str]:
    task = await bot.task(ts, State.ANSWERED)
    events = await bot.server.engine.store.events(task.id)
    return {event["body"]["model"] for event in events if event["kind"] == "reply"}


async def test_a_channel_has_its_own_model_and_people_without_a_restart(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    file = tmp_path / "channels.toml"
    file.write_text("")
    async with stack(slack, demo.base_url, tmp_path, model="usual", channels_file=file) as bot:
        assert await models(bot, await bot.ask(HELLO)) == {"usual"}

        place = f"{slack.team_id}.C0GENERAL"
        file.write_text(f"[{place}]\nmodel = 'special'\nworker_model = 'small'\nallow_users = '{ADA}'\n")
        assert await models(bot, await bot.ask(HELLO)) == {"special", "small"}

        refused = await bot.ask(HELLO, user=MEI)
        await slack.wait_for(lambda _: bot.whispers(MEI))
        await bot.handled()
        assert bot.whispers(MEI) == [intake_texts.PERSON_NOT_ALLOWED]
        assert bot.thread(refused) == []
