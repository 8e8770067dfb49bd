"""Files both ways: the SDK's three-step upload, people's attachments, and downloads that ask for a token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from playground.slack import SlackStandIn
from tests.support.bolt import new_client

GENERAL, ADA = "C0GENERAL", "U0ADA0001"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False) as running:
        yield running


async def fetch(url: str, token: str | None = None) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.read()


async def test_the_sdk_uploads_into_a_thread(slack: SlackStandIn) -> None:
    root = await slack.post(ADA, GENERAL, "@Handoff plot")
    uploads = [
        {"filename": "plot.png", "content": PNG, "title": "A plot", "alt_txt": "a sine"},
        {"filename": "data.csv", "content": b"a,b\n1,2\n"},
    ]
    answer = await new_client(slack).files_upload_v2(
        file_uploads=uploads, channel=GENERAL, thread_ts=root, initial_comment="Here & there"
    )
    message = slack.state.replies(GENERAL, root)[0]
    assert message.text == "Here &amp; there"
    assert [slack.state.files[file].title for file in message.files] == ["A plot", "data.csv"]
    first = answer["files"][0]
    assert (first["mimetype"], first["size"], first["alt_txt"], first["channels"]) == (
        "image/png", len(PNG), "a sine", [GENERAL],
    )  # fmt: skip
    assert await fetch(first["url_private_download"], slack.bot_token) == (200, "image/png", PNG)


async def test_a_download_without_the_token_is_a_page_to_sign_in(slack: SlackStandIn) -> None:
    file = await slack.upload(ADA, "übung 1.csv", b"a\n1\n")
    await slack.post(ADA, GENERAL, "@Handoff look", files=[file])
    info = (await new_client(slack).files_info(file=file))["file"]
    assert await fetch(info["url_private_download"], slack.bot_token) == (200, "text/csv", b"a\n1\n")
    for token in (None, "xoxb-wrong", slack.app_token):
        status, kind, page = await fetch(info["url_private_download"], token)
        assert (status, kind) == (200, "text/html")
        assert b"Sign in" in page


async def test_without_the_scope_files_cannot_be_read() -> None:
    async with SlackStandIn(scopes={"chat:write", "files:write"}) as slack:
        file = await slack.upload(ADA, "a.csv", b"a\n")
        address = f"{slack.url}/files-pri/{slack.team_id}-{file}/download/a.csv"
        assert (await fetch(address, slack.bot_token))[1] == "text/html"
        with pytest.raises(SlackApiError, match="missing_scope"):
            await new_client(slack).files_info(file=file)


async def test_an_upload_that_was_not_finished_is_no_file(slack: SlackStandIn) -> None:
    client = new_client(slack)
    reserved = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    file = {"id": reserved["file_id"], "title": "a"}
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[file], channel_id=GENERAL)
    async with aiohttp.ClientSession() as session:
        await session.post(reserved["upload_url"], data=b"abc")
        assert (await session.post(f"{slack.url}/upload/v1/unknown", data=b"abc")).status == 404
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.files_completeUploadExternal(files=[file], channel_id="C0NOWHERE")
    await client.files_completeUploadExternal(files=[file], channel_id=GENERAL)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[file], channel_id=GENERAL)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.files_getUploadURLExternal(filename="a.txt", length=0)


async def test_a_form_upload_is_taken_as_well(slack: SlackStandIn) -> None:
    reserved = await new_client(slack).files_getUploadURLExternal(filename="a.txt", length=3)
    form = aiohttp.FormData()
    form.add_field("file", b"abc", filename="a.txt")
    async with aiohttp.ClientSession() as session, session.post(reserved["upload_url"], data=form) as answer:
        assert await answer.text() == "OK - 3"
    assert slack.state.files[reserved["file_id"]].data == b"abc"


async def test_a_deleted_file_leaves_its_message(slack: SlackStandIn) -> None:
    client = new_client(slack)
    uploaded = (await client.files_upload_v2(filename="a.txt", content="abc", channel=GENERAL))["file"]["id"]
    await client.files_delete(file=uploaded)
    assert [message.files for message in slack.state.messages] == [()]
    theirs = await slack.upload(ADA, "b.txt", b"b")
    with pytest.raises(SlackApiError, match="cant_delete_file"):
        await client.files_delete(file=theirs)
