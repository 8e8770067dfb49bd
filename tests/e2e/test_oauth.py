"""Several workspaces: installing by OAuth, working in each, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.install.store import InstallationStore, OAuthStates
from bot.settings import Settings
from playground.slack import SlackStandIn
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore
from tasks.task import State
from tests.support.installation import COOKIE, Office
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.slack_proxy import another_world, slack_proxy
from tests.support.stack import ADA, GENERAL, Stack
from tests.support.timing import BOT_TIMING, TASK_TIMING

ASK = "@Handoff what is the answer?"
_NO_TOKENS: list[Any] = [None, 7, [], {}, {"bot": []}, {"oauth": ["U1"]}, "bot"]
_NO_TEAMS: list[Any] = [None, 7, {}, [], "T0NOWHERE"]
KEY = Fernet.generate_key().decode()


@pytest_asyncio.fixture
async def office(slack: SlackStandIn, tmp_path: Path) -> AsyncIterator[Office]:
    async with SlackStandIn(world=another_world()) as other, slack_proxy([slack, other]) as api:
        settings = Settings(
            slack_api_url=api,
            slack_client_id=slack.installs.client_id,
            slack_client_secret=SecretStr(slack.installs.client_secret),
            slack_signing_secret=SecretStr(slack.signing_secret),
            slack_token_key=SecretStr(KEY),
            data_dir=tmp_path,
            port=0,
            sandbox_pool=0,
        )
        patient = Patient()
        patient.go.set()
        async with ScriptedModel(patient) as model:
            office = Office(slack, other, settings.model_copy(update={"openai_base_url": model.base_url}))
            office.patient = patient
            await office.start()
            try:
                yield office
            finally:
                await office.stop()


async def test_two_workspaces_install_and_each_gets_its_own_answer(office: Office) -> None:
    first, second = await office.install(office.first), await office.install(office.second)
    assert (first.status, second.status) == (200, 200)
    for bot in (office.first, office.second):
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)
        assert bot.said(ts) == "Done."
        assert [m.user for m in bot.answers(ts)] == [bot.slack.bot_user_id]

    assert {task.thread.team for task in await office.server.engine.store.recent()} == {
        office.first.slack.team_id,
        office.second.slack.team_id,
    }


async def test_a_workspace_that_has_not_installed_gets_nothing(office: Office) -> None:
    await office.install(office.first)
    await office.second.ask(ASK)
    ts = await office.first.ask(ASK)
    await office.first.task(ts, State.ANSWERED)

    assert [task.thread.team for task in await office.server.engine.store.recent()] == [
        office.first.slack.team_id
    ]


async def test_tokens_outlive_a_restart_and_lie_in_no_file_as_they_are(
    office: Office, tmp_path: Path
) -> None:
    await office.install(office.first)
    await office.start()
    ts = await office.first.ask(ASK)
    await office.first.task(ts, State.ANSWERED)

    token = office.first.slack.bot_token.encode()
    written = _bytes_below(tmp_path)
    assert any(office.first.slack.team_id.encode() in data for data in written.values())
    assert [name for name, data in written.items() if token in data] == []


async def test_another_browser_or_a_made_up_state_installs_nothing(office: Office) -> None:
    made_up = secrets.token_urlsafe(20)
    elsewhere = await office.install(office.first, cookie=made_up)
    assert elsewhere.status == 400
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(
            f"{office.first.slack.installs.redirect_url}?code=x&state={made_up}",
            headers={"Cookie": f"{COOKIE}={made_up}"},
        ) as answer,
    ):
        assert answer.status == 401
    assert office.first.calls("oauth.v2.access") == []


@pytest.mark.parametrize("state", ["", "gAAAAA", "é", "=" * 5000])
async def test_a_state_of_any_form_is_refused(state: str) -> None:
    assert not await OAuthStates([KEY]).async_consume(state)


async def test_who_says_no_to_slack_reads_so(office: Office) -> None:
    office.first.slack.installs.allows = False
    visit = await office.install(office.first)

    assert "access_denied" in visit.text
    assert office.first.calls("oauth.v2.access") == []


async def test_slack_away_while_installing_is_reported(office: Office) -> None:
    office.first.slack.fail("oauth.v2.access", status=503)
    visit = await office.install(office.first)

    assert visit.status in (401, 502)
    assert "Traceback" not in visit.text
    assert (await office.install(office.first)).status == 200


async def test_a_key_that_is_gone_is_reported_to_the_operator(office: Office) -> None:
    await office.install(office.first)
    assert await office.missing() == []
    await office.stop()
    database = Database(f"sqlite:///{office.first.settings.data_dir / 'handoff.db'}")
    await database.open()
    try:
        other = InstallationStore(KeyValueStore(database), [Fernet.generate_key().decode()])
        assert await other.token(office.first.slack.team_id) is None
        assert office.first.slack.team_id in (await other.problems())[0]
        renewed = InstallationStore(KeyValueStore(database), [Fernet.generate_key().decode(), KEY])
        assert await renewed.token(office.first.slack.team_id) == office.first.slack.bot_token
    finally:
        await database.close()


@pytest.mark.parametrize("order", ["revoked first", "uninstalled first"])
async def test_removing_the_app_ends_its_tasks_and_forgets_its_token_and_settings(
    office: Office, order: str
) -> None:
    bot = office.first
    bot.slack.installs.revoked_first = order == "revoked first"
    await office.install(bot)
    await office.install(office.second)
    await bot.slack.slash(ADA, GENERAL, "/handoff", "set progress quiet")
    await bot.slack.wait_for(lambda _: "`progress` is *quiet*" in "".join(bot.whispers()))
    noted = await bot.ask("@Handoff !note add The year ends in March")
    await bot.slack.wait_for(lambda _: "added note 1" in bot.said(noted))
    office.patient.go.clear()
    ts = await bot.ask(ASK)
    await office.patient.was_asked()
    token = bot.slack.bot_token
    bot.slack.installs.uninstall()
    await bot.task(ts, State.STOPPED, State.STOPPING, State.DELIVERING)
    await _gone(bot)
    office.patient.go.set()

    other = await office.second.ask(ASK)
    await office.second.task(other, State.ANSWERED)
    await office.install(bot)
    assert bot.slack.bot_token != token
    await bot.slack.slash(ADA, GENERAL, "/handoff", "set")
    await bot.slack.wait_for(lambda _: "`progress` is *full*" in "".join(bot.whispers()))
    noted = await bot.ask("@Handoff !note")
    await bot.slack.wait_for(lambda _: "This channel has no notes" in bot.said(noted))


async def test_a_revoked_token_keeps_the_answer_until_the_app_is_installed_again(
    office: Office,
) -> None:
    office.timing = replace(BOT_TIMING, tasks=replace(TASK_TIMING, first_retry=600.0))
    await office.start()
    bot = office.first
    await office.install(bot)
    office.patient.go.clear()
    ts = await bot.ask(ASK)
    await office.patient.was_asked()
    bot.slack.installs.revoke()
    await _gone(bot)
    office.patient.go.set()
    task = await bot.task(ts, State.DELIVERING)
    assert bot.said(ts) == ""
    await office.install(bot)
    await bot.task(ts, State.ANSWERED)

    assert bot.said(ts) == "Done."
    assert task.deliveries == 1


async def test_wrong_news_of_a_removal_is_taken_and_removes_nothing(office: Office) -> None:
    bot = office.first
    await office.install(bot)
    body = {"type": "event_callback", "team_id": bot.slack.team_id, "event_id": "Ev1"}
    for wrong in _NO_TOKENS:
        await bot.slack.deliver("events_api", body | {"event": {"type": "tokens_revoked", "tokens": wrong}})
    for team in _NO_TEAMS:
        for event in ({"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}):
            await bot.slack.deliver("events_api", body | {"team_id": team, "event": event})
    for event in ({"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}):
        late = {"event_time": 1_600_000_000, "event": event}  # sent late, about an earlier installation
        await bot.slack.deliver("events_api", body | late)
    ts = await bot.ask(ASK)
    await bot.task(ts, State.ANSWERED)


async def test_by_socket_mode_what_was_missed_is_found_in_each_workspace(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Patient()
    patient.go.set()
    async with (
        SlackStandIn(world=another_world()) as other,
        slack_proxy([slack, other]) as api,
        ScriptedModel(patient) as model,
    ):
        settings = Settings(
            slack_api_url=api,
            slack_client_id=slack.installs.client_id,
            slack_client_secret=SecretStr(slack.installs.client_secret),
            slack_app_token=SecretStr(slack.app_token),
            slack_token_key=SecretStr(KEY),
            openai_base_url=model.base_url,
            data_dir=tmp_path,
            port=0,
            sandbox_pool=0,
        )
        office = Office(slack, other, settings)
        try:
            await office.start()
            for bot in (office.first, office.second):
                assert (await office.install(bot)).status == 200
            heard = await office.first.ask(ASK)
            await office.first.task(heard, State.ANSWERED)
            await office.stop()
            missed = [await workspace.post(ADA, GENERAL, ASK) for workspace in (slack, other)]
            direct = await other.post(ADA, "D0ADA0001", "what is the answer?")
            for _ in range(2):  # what was found is not found again
                read = len(other.calls)
                await office.start()
                await _caught_up(other, read)
                for bot, ts in zip((office.first, office.second), missed, strict=True):
                    await bot.task(ts, State.ANSWERED)
                    assert bot.said(ts) == "Done."
                await office.second.task(direct, State.ANSWERED, channel="D0ADA0001")
                assert len(await office.server.engine.store.recent()) == 4
        finally:
            await office.stop()


async def _caught_up(slack: SlackStandIn, after: int) -> None:
    """Wait until three channels have been read since so many calls."""
    await slack.wait_for(
        lambda _: sum(call.method == "conversations.history" for call in slack.calls[after:]) >= 3
    )


async def _gone(bot: Stack) -> None:
    """Wait until the workspace's commands are not answered any more."""
    for _ in range(300):
        heard = len(bot.whispers())
        await bot.slack.slash(ADA, GENERAL, "/handoff", "help")
        await asyncio.sleep(0.1)
        if not any("starts a task" in words for words in bot.whispers()[heard:]):
            return
    raise TimeoutError("the workspace is still served")


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
