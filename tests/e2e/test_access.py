"""Who may: guests, strangers and the daily cost. Refusals are private, and nothing else happens."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.intake import texts
from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

ASK = "@Handoff what is the answer?"
DATA = "C0DATA001"
#: With this price a reply of the scripted model costs several USD.
DEAR = {"m": {"input": 1_000_000, "output": 1_000_000}}


async def _refused(bot: Stack, user: str, channel: str = GENERAL) -> str:
    """Asks; returns the reply that only the person sees."""
    before, tasks = len(bot.whispers(user)), len(await bot.server.engine.store.recent())
    ts = await bot.ask(ASK, user=user, channel=channel)
    await bot.slack.wait_for(lambda _: len(bot.whispers(user)) > before)
    assert bot.thread(ts, channel) == []
    assert len(await bot.server.engine.store.recent()) == tasks
    return bot.whispers(user)[-1]


async def _answered(bot: Stack, user: str, channel: str = GENERAL) -> None:
    ts = await bot.ask(ASK, user=user, channel=channel)
    await bot.task(ts, State.ANSWERED, channel=channel)


@pytest.mark.parametrize("allowed", [False, True])
async def test_guests_only_where_they_are_allowed(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, allowed: bool
) -> None:
    slack.state.put_user(replace(slack.state.users[MEI], is_guest=True))
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_guests=allowed) as bot:
        await _answered(bot, ADA)
        if allowed:
            await _answered(bot, MEI)
        else:
            assert await _refused(bot, MEI) == texts.NO_GUESTS


@pytest.mark.parametrize("allowed", [False, True])
async def test_people_of_other_workspaces_only_where_they_are_allowed(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, allowed: bool
) -> None:
    slack.state.put_user(replace(slack.state.users[MEI], team="T0ELSEWHERE"))
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_slack_connect=allowed) as bot:
        if allowed:
            await _answered(bot, MEI)
        else:
            assert await _refused(bot, MEI) == texts.MEMBERS_ONLY


async def test_a_member_of_several_workspaces_of_an_organisation_is_none_of_another(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    both = ("T0ELSEWHERE", slack.state.world.team.id)
    slack.state.put_user(replace(slack.state.users[MEI], team=both[0], organisation=both))
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        await _answered(bot, MEI)


async def test_whom_slack_does_not_describe_may_not(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        slack.fail("users.info", "user_not_found", times=20)
        with capture_logs() as lines:
            assert await _refused(bot, MEI) == texts.PERSON_NOT_DESCRIBED
    failed = {line["log_level"] for line in lines if line["event"] == "user lookup failed"}
    assert failed == {"warning"}


async def test_what_a_person_spends_in_a_day_is_bounded(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(
        slack, model.base_url, tmp_path, sandbox_pool=0, model="m", model_prices=DEAR,
        limit_person_daily_usd=0.5,
    ) as bot:  # fmt: skip
        await _answered(bot, ADA)
        reply = await _refused(bot, ADA, DATA)
        assert re.fullmatch(
            r"You've reached your daily limit \(\$[\d.]+ of \$0.50 in the last 24 hours\)\.", reply
        )
        await _answered(bot, MEI)


async def test_what_a_channel_spends_in_a_day_is_bounded(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(
        slack, model.base_url, tmp_path, sandbox_pool=0, model="m", model_prices=DEAR,
        limit_channel_daily_usd=0.5,
    ) as bot:  # fmt: skip
        await _answered(bot, ADA)
        assert "This channel has reached its daily limit ($" in await _refused(bot, MEI)
        await _answered(bot, MEI, DATA)


async def test_a_model_whose_price_no_one_knows_bounds_nothing(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(
        slack, model.base_url, tmp_path, sandbox_pool=0, model="m", limit_person_daily_usd=0.5
    ) as bot:
        await _answered(bot, ADA)
        await _answered(bot, ADA)


async def test_a_channel_at_its_limit_shows_the_place_in_the_queue(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Patient()
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, limit_channel_tasks=1) as bot,
    ):
        first = await bot.ask(ASK)
        await patient.was_asked()
        second = await bot.ask(ASK, user=MEI)
        await slack.wait_for(lambda _: bot.whispers(MEI))
        assert bot.whispers(MEI) == [texts.queued(1)]
        patient.go.set()
        await bot.task(first, State.ANSWERED)
        await bot.task(second, State.ANSWERED)
