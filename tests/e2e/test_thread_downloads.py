"""Files as they come from Slack, or from where Slack sends a download on."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.thread import texts
from bot.thread.files import FileDownloads
from bot.wire.client import SlackClient
from bot.wire.content import content_of
from playground.slack import SlackStandIn
from sandbox.limits import MIB
from sandbox.workspace import Workspace
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched
from tests.support.http_server import http_server


async def test_a_canvas_is_read_and_a_file_elsewhere_is_not(slack: SlackStandIn) -> None:
    async def serves(request: web.Request) -> web.Response:
        return web.Response(text="<h1>Notes</h1>", content_type="text/html")

    async with aiohttp.ClientSession() as http, http_server(serves) as port:
        address = f"http://127.0.0.1:{port}"
        canvas = {"id": "F2", "title": "Notes", "filetype": "canvas", "url_private_download": f"{address}/c"}
        drive = {"id": "F3", "name": "Plan", "is_external": True, "external_url": "https://docs.e.com/1"}
        refs = content_of({"files": [canvas, drive]}).files
        files = FileDownloads(SlackClient(slack.bot_token, f"{address}/api/", http), http, largest=1024)
        assert [await files.transcript(ref) for ref in refs] == ["", ""]
        assert (await files.fetch(refs[0])).read() == b"<h1>Notes</h1>"
        with pytest.raises(FileNotFetched, match=r"^it isn't stored in Slack but at https://docs.e.com/1$"):
            await files.fetch(refs[1])


VTT = (
    "WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.000\nCall me &amp; hurry.\n\n2\n00:02.000 --> 00:04.000\nTwelve."
)


@pytest.mark.parametrize(
    ("sent", "described", "said"),
    [
        (  # of a long clip Slack sends the beginning, and serves the whole as captions
            {"preview": {"content": "Call me", "has_more": True}},
            [{"status": "complete", "preview": {"content": "Call me", "has_more": True}}],
            "[Slack's transcript of the clip clip.m4a, whole] Call me & hurry. Twelve.",
        ),
        (  # a clip that was just recorded
            {"status": "processing"},
            [{"status": "processing"}, {"status": "complete", "preview": {"content": "a &lt;b&gt;"}}],
            "[Slack's transcript of the clip clip.m4a] a &lt;b&gt;",
        ),
        (
            {"status": "processing"},
            [{"status": "processing"}] * 3,
            "[Slack has no transcript of the clip clip.m4a.]",
        ),
        (
            {"status": "processing"},
            [None],
            "[Slack's transcript of the clip clip.m4a could not be read whole.]",
        ),
        ({"status": "complete", "preview": {"content": "short", "has_more": False}}, [], ""),
    ],
)
async def test_a_clip_is_understood_whole_though_its_transcript_comes_later(
    slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch, sent: Any, described: list[Any], said: str
) -> None:
    monkeypatch.setattr("bot.thread.files.TRANSCRIBING", (0.0, 0.0))
    left = list(described)

    async def serves(request: web.Request) -> web.Response:
        if request.path == "/clip.vtt":
            assert request.headers["Authorization"] == f"Bearer {slack.bot_token}"
            return web.Response(text=VTT, content_type="text/vtt")
        if (clip := left.pop(0)) is None:
            return web.json_response({"ok": False, "error": "file_not_found"})
        file = {"id": "F1", "name": "clip.m4a", "transcription": clip}
        if clip.get("preview", {}).get("has_more"):
            file["vtt"] = f"http://{request.host}/clip.vtt"
        return web.json_response({"ok": True, "file": file})

    async with aiohttp.ClientSession() as http, http_server(serves) as port:
        (ref,) = content_of({"files": [{"id": "F1", "name": "clip.m4a", "transcription": sent}]}).files
        client = SlackClient(slack.bot_token, f"http://127.0.0.1:{port}/api/", http)
        assert await FileDownloads(client, http, largest=1024).transcript(ref) == said
    assert left == []


async def test_only_slack_gets_the_token(slack: SlackStandIn) -> None:
    heard: list[str | None] = []

    async def thief(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.Response(text="a,b")

    async with aiohttp.ClientSession() as http, http_server(thief) as port:
        client = SlackClient(slack.bot_token, "https://slack.com/api/", http)
        files = FileDownloads(client, http, largest=1024)
        ref = FileRef(id="F1", name="a.csv", size=3, source={"url": f"http://127.0.0.1:{port}/a.csv"})
        with pytest.raises(FileNotFetched, match="isn't stored in Slack"):
            await files.fetch(ref)
    assert heard == []


async def test_a_download_sent_to_another_host_is_refused_before_it_is_asked(slack: SlackStandIn) -> None:
    heard: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.Response(text="a,b")

    async with aiohttp.ClientSession() as http, http_server(elsewhere) as port:

        async def slacks(request: web.Request) -> web.Response:
            heard.append(request.headers.get("Authorization"))
            raise web.HTTPFound(f"http://localhost:{port}/a.csv")

        async with http_server(slacks) as here:
            with pytest.raises(FileNotFetched, match=texts.NOT_FROM_SLACK):
                await _fetch(slack, http, here)
    assert heard == [f"Bearer {slack.bot_token}"]


async def test_large_files_that_come_at_once_take_no_memory(slack: SlackStandIn, tmp_path: Path) -> None:
    """Eight attachments of 16 MiB: one of them in memory would be seen."""
    piece = bytes(range(256)) * 1024

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(16 * MIB // len(piece)):
            await response.write(piece)
        return response

    async with aiohttp.ClientSession() as http, http_server(large) as port:
        client = SlackClient(slack.bot_token, f"http://127.0.0.1:{port}/api/", http)
        files = FileDownloads(client, http, largest=16 * MIB)

        async def attach(number: int) -> int:
            source = {"url": f"http://127.0.0.1:{port}/{number}.bin"}
            data = await files.fetch(FileRef(id=f"F{number}", name="a.bin", size=16 * MIB, source=source))
            await Workspace(tmp_path / str(number)).add("a.bin", data)
            return (tmp_path / str(number) / "a.bin").stat().st_size

        tracemalloc.start()
        try:
            sizes = await asyncio.gather(*map(attach, range(8)))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sizes == [16 * MIB] * 8
    print(f"{peak / MIB:.1f} MiB at most")
    assert peak < 24 * MIB


async def test_a_download_sent_in_a_circle_is_reported_in_words(slack: SlackStandIn) -> None:
    async def circle(request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently(request.path)

    async with aiohttp.ClientSession() as http, http_server(circle) as port:
        with pytest.raises(FileNotFetched, match="redirects the download without end"):
            await _fetch(slack, http, port)


async def _fetch(slack: SlackStandIn, http: aiohttp.ClientSession, port: int) -> bytes:
    """A file whose address at Slack is this port's."""
    client = SlackClient(slack.bot_token, slack.api_url, http)
    files = FileDownloads(client, http, largest=1024)
    source = {"url": f"http://127.0.0.1:{port}/a.csv"}
    return (await files.fetch(FileRef(id="F1", name="a.csv", size=3, source=source))).read()
