"""Several workspaces: installing by OAuth, working in each, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.installations import Installations
from bot.server import Server
from bot.settings import Settings
from playground.slack import SlackStandIn
from tasks.database import Database
from tasks.kept import Kept
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, Stack
from tests.support.switchboard import another_world, switchboard

ASK = "@Handoff what is the answer?"
COOKIE = "slack-app-oauth-state"
KEY = Fernet.generate_key().decode()


@dataclass
class Visit:
    """What came of a person's way through the pages: the status and text of the last one."""

    status: int
    text: str
    state: str = ""


class Office:
    """A bot for two workspaces, each as a stack of its own, and the model behind it."""

    def __init__(self, slack: SlackStandIn, other: SlackStandIn, settings: Settings) -> None:
        self._workspaces = (slack, other)
        self._settings = settings
        self._running = AsyncExitStack()
        self.patient = Patient()
        self.server: Server
        self.first: Stack
        self.second: Stack

    async def start(self) -> None:
        """Start the bot, anew on the same data if it ran."""
        await self.stop()
        self.server = await self._running.enter_async_context(Server(self._settings))
        for workspace in self._workspaces:
            if self._settings.slack_app_token is None:
                await workspace.send_events_to(f"{self.url}/slack/events")
            workspace.installs.redirect_url = f"{self.url}/slack/oauth_redirect"
        self.first, self.second = (Stack(slack, self.server, self._settings) for slack in self._workspaces)

    async def stop(self) -> None:
        await self._running.aclose()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.web.port}"

    async def missing(self) -> list[str]:
        """What the bot says of itself that is not right."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
            return list((await answer.json())["missing"])

    async def install(self, bot: Stack, *, cookie: str | None = None) -> Visit:
        """A person opens the install page, follows its button, and is led back."""
        async with aiohttp.ClientSession() as browser:
            page = f"{self.url}/slack/install?team={bot.slack.team_id}"
            async with browser.get(page) as answer:
                state = answer.cookies[COOKIE].value
                found = re.search(r'href="([^"]+oauth/v2/authorize[^"]+)"', await answer.text())
                assert found
            async with browser.get(html.unescape(found[1]), allow_redirects=False) as asked:
                back = asked.headers["Location"]
            headers = {"Cookie": f"{COOKIE}={state if cookie is None else cookie}"}
            async with browser.get(back, headers=headers) as answer:
                return Visit(answer.status, await answer.text(), state)


@pytest_asyncio.fixture
async def office(slack: SlackStandIn, tmp_path: Path) -> AsyncIterator[Office]:
    async with SlackStandIn(world=another_world()) as other, switchboard([slack, other]) as api:
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


async def test_who_says_no_to_slack_reads_so(office: Office) -> None:
    office.first.slack.installs.allows = False
    visit = await office.install(office.first)

    assert "access_denied" in visit.text
    assert office.first.calls("oauth.v2.access") == []


async def test_slack_away_while_installing_is_told(office: Office) -> None:
    office.first.slack.fail("oauth.v2.access", status=503)
    visit = await office.install(office.first)

    assert visit.status in (401, 502)
    assert "Traceback" not in visit.text
    assert (await office.install(office.first)).status == 200


async def test_a_key_that_is_gone_is_told_to_the_operator(office: Office) -> None:
    await office.install(office.first)
    assert await office.missing() == []
    await office.stop()
    database = Database(f"sqlite:///{office.first.settings.data_dir / 'handoff.db'}")
    await database.open()
    try:
        other = Installations(Kept(database), [Fernet.generate_key().decode()])
        assert await other.token_of(office.first.slack.team_id) is None
        assert office.first.slack.team_id in (await other.problems())[0]
        renewed = Installations(Kept(database), [Fernet.generate_key().decode(), KEY])
        assert await renewed.token_of(office.first.slack.team_id) == office.first.slack.bot_token
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
    await bot.slack.wait_for(lambda _: "pinned note 1" in bot.said(noted))
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
    await bot.slack.wait_for(lambda _: "No notes are pinned" in bot.said(noted))


async def test_a_revoked_token_keeps_the_answer_until_the_app_is_installed_again(office: Office) -> None:
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


async def test_by_socket_mode_what_was_missed_is_found_in_each_workspace(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Patient()
    patient.go.set()
    async with ScriptedModel(patient) as model:
        settings = Settings(
            slack_api_url=slack.api_url,
            slack_client_id=slack.installs.client_id,
            slack_client_secret=SecretStr(slack.installs.client_secret),
            slack_app_token=SecretStr(slack.app_token),
            slack_token_key=SecretStr(KEY),
            openai_base_url=model.base_url,
            data_dir=tmp_path,
            port=0,
            sandbox_pool=0,
        )
        office = Office(slack, slack, settings)
        try:
            await office.start()
            assert (await office.install(office.first)).status == 200
            first = await office.first.ask(ASK)
            await office.first.task(first, State.ANSWERED)
            await office.stop()
            missed = await slack.post(ADA, GENERAL, ASK)
            await office.start()
            await office.first.task(missed, State.ANSWERED)
        finally:
            await office.stop()


async def _gone(bot: Stack) -> None:
    """Wait until the workspace's commands are not answered any more."""
    for _ in range(100):
        heard = len(bot.whispers())
        await bot.slack.slash(ADA, GENERAL, "/handoff", "help")
        await asyncio.sleep(0.1)
        if not any("starts a task" in words for words in bot.whispers()[heard:]):
            return
    raise TimeoutError("the workspace is still served")


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
