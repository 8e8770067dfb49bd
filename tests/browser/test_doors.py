"""The bot's other doors as a person uses them on the page: Home, command, shortcut and suggested prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from playground.slack import SlackStandIn
from tasks.task import State
from tests.browser.people import ADAS_DM, channel, thread, thread_box, write
from tests.support.patient_model import Patient
from tests.support.scripted_model import Call, ScriptedModel
from tests.support.stack import MEI, Stack, stack

pytestmark = pytest.mark.timeout(120)


@pytest_asyncio.fixture(loop_scope="session")
async def patient() -> Patient:
    return Patient()


@pytest_asyncio.fixture(loop_scope="session")
async def running(slack: SlackStandIn, patient: Patient, tmp_path: Path) -> AsyncIterator[Stack]:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot,
    ):
        yield bot
        patient.go.set()


async def test_the_home_shows_what_runs_and_its_stop_stops_it(
    page: Page, running: Stack, patient: Patient
) -> None:
    ts = await running.ask("@Handoff count the apples")
    await running.task(ts, State.RUNNING)
    await page.goto(f"{running.slack.url}#/{ADAS_DM}")
    await page.get_by_role("tab", name="Home").click()
    home = page.locator(".home")
    await expect(home.get_by_role("link", name="count the apples")).to_be_visible()
    await expect(home.get_by_role("paragraph").filter(has_text="running")).to_be_visible()
    await home.get_by_role("button", name="Stop").click()
    await running.task(ts, State.STOPPED)
    await page.get_by_role("tab", name="Messages").click()
    await page.get_by_role("tab", name="Home").click()

    await expect(home.get_by_role("paragraph").filter(has_text="stopped")).to_be_visible()
    await expect(home.get_by_role("button", name="Stop")).to_have_count(0)


async def test_the_command_shows_starts_and_lists(page: Page, running: Stack, patient: Patient) -> None:
    patient.go.set()
    await write(page, "/handoff help")
    await expect(page.get_by_text("starts a task in this channel")).to_be_visible()
    await write(page, "/handoff count the pears")
    posted = channel(page).filter(has_text="Task from").filter(has_text="count the pears")
    await expect(posted).to_be_visible()
    await posted.get_by_role("button", name="1 reply").click()
    await expect(page.locator(".thread").get_by_text("Done.")).to_be_visible()
    await write(page, "/handoff runs")

    await expect(page.get_by_role("link", name="count the pears")).to_be_visible()


async def test_a_message_is_handed_off_from_its_menu(page: Page, running: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await running.ask("the build is red since noon", user=MEI)
    message = channel(page).filter(has_text="the build is red")
    await message.hover()
    await message.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Hand off this message").click()
    task = await running.task(ts, State.ANSWERED)

    assert task.request == "the build is red since noon"
    await message.get_by_role("button", name="2 replies").click()
    await expect(thread(page).get_by_text("Handed off by")).to_be_visible()
    await expect(thread(page).get_by_text("Done.")).to_be_visible()


async def test_a_channel_that_is_archived_gets_its_answer_when_it_is_open_again(
    page: Page, running: Stack, patient: Patient
) -> None:
    ts = await running.ask("@Handoff count the plums")
    await patient.was_asked()
    await write(page, "/archive")
    await expect(page.get_by_text("#general is archived.")).to_be_visible()
    patient.go.set()
    await running.task(ts, State.DELIVERING)
    await write(page, "/unarchive")
    await running.task(ts, State.ANSWERED)
    await channel(page).filter(has_text="count the plums").get_by_role("button", name="1 reply").click()

    await expect(page.locator(".thread").get_by_text("Done.")).to_be_visible()


async def test_a_question_loses_its_buttons_when_words_answer_it(
    page: Page, running: Stack, patient: Patient
) -> None:
    patient.replies.append(Call("ask_user", {"question": "Which ones?", "options": ["All", "The blue"]}))
    patient.go.set()
    ts = await running.ask("@Handoff count the plums")
    await running.task(ts, State.WAITING)
    await channel(page).filter(has_text="count the plums").get_by_role("button", name="1 reply").click()
    await expect(thread(page).get_by_role("button", name="The blue")).to_be_visible()
    await thread_box(page).fill("the ripe ones")
    await thread_box(page).press("Enter")
    await running.task(ts, State.ANSWERED)

    await expect(thread(page).get_by_text("answered:")).to_be_visible()
    await expect(thread(page).get_by_role("button", name="The blue")).to_have_count(0)
