"""Files into a task and out of it: whole, once, in order, with a note if one is missing."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.thread import texts
from bot.thread.answer import OutgoingMessage
from bot.thread.files import FileDownloads
from bot.thread.uploads import ARTIFACTS, ThreadUploads, upload
from bot.wire.client import SlackClient
from bot.wire.content import content_of
from playground.slack import SlackStandIn
from sandbox.files import SandboxFile
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched
from tasks.task import OutputFile, State
from tests.support.patient_model import Patient
from tests.support.scripted_model import Asked, Reply, Say, ScriptedModel, openai_error
from tests.support.stack import ADA, GENERAL, Stack, stack

ASK = "@Handoff look at this"


def _patient() -> Patient:
    patient = Patient()
    patient.go.set()
    return patient


async def _shown(
    slack: SlackStandIn, folder: Path, name: str, data: bytes, said: str = "", **settings: Any
) -> str:
    """The model's note on an attached file; people read `said` in the thread, once."""
    patient = _patient()
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, folder, sandbox_pool=0, **settings) as bot,
    ):
        file = await slack.upload(ADA, name, data)
        ts = await bot.ask(ASK, files=[file])
        await bot.task(ts, State.ANSWERED)
        assert [m.text for m in bot.answers(ts)[:-1]] == ([said] if said else [])
    return patient.heard


def _kept(folder: Path, name: str) -> bytes:
    (found,) = folder.glob(f"work/**/{name}")
    return found.read_bytes()


async def test_any_file_reaches_the_workspace_under_its_own_name(slack: SlackStandIn, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10
    note = await _shown(slack, tmp_path, "Zahlen März.weird", data)

    assert "/work/Zahlen März.weird, 2,560 bytes" in note
    assert _kept(tmp_path, "Zahlen März.weird") == data


GIF = base64.b64decode("R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=")


async def test_pictures_are_shown_to_the_model_and_a_blind_model_is_named(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    async def blind(asked: Asked) -> Reply:
        if "image_url" in json.dumps(asked.body):
            return openai_error(400, "this model does not support image input")
        return Say("Dots, by their names.")

    async with (
        ScriptedModel(blind) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, model="m") as bot,
    ):
        named = [("odd.png", b"no"), *((f"dot{n}.gif", GIF) for n in range(40))]
        files = [await slack.upload(ADA, name, data) for name, data in named]
        ts = await bot.ask("@Handoff what is this?", files=files)
        await bot.task(ts, State.ANSWERED)
        said = bot.answers(ts)[-1].text
    assert "The model m can't see pictures, so it answered without looking at them." in said
    text, label, picture = model.requests[0].messages[-1]["content"]
    assert label["text"] == "/work/dot0.gif:"
    assert picture["image_url"]["url"].startswith("data:image/png;base64,")
    assert text["text"].count("is the same as one above.]") == 8
    assert "[/work/odd.png is not a picture that can be opened.]" in text["text"]
    assert "[31 more of these pictures are not shown." in text["text"]
    assert "[The picture /work/dot0.gif is not shown: you can't see pictures" in model.requests[1].last_user


async def test_a_file_that_is_too_large_is_reported(slack: SlackStandIn, tmp_path: Path) -> None:
    said = "I couldn't read big.bin: it has 2.0 MiB, and the limit is 1 MiB."
    note = await _shown(slack, tmp_path, "big.bin", b"x" * (2 * 1024 * 1024), said, limit_attachment_mb=1)

    assert "big.bin could not be fetched: it has 2.0 MiB, and the limit is 1 MiB" in note


async def test_without_the_scope_the_login_page_is_not_the_file(tmp_path: Path) -> None:
    from playground.slack.credentials import SCOPES

    async with SlackStandIn(scopes=SCOPES - {"files:read"}) as slack:
        said = "I couldn't read sales.csv: Slack asks for a login; the app needs the scope files:read."
        note = await _shown(slack, tmp_path, "sales.csv", b"a,b\n1,2\n", said)

    assert "could not be fetched: Slack asks for a login; the app needs the scope files:read" in note


async def _posted(
    slack: SlackStandIn, folder: Path, made: list[OutputFile], largest: int = 1024, again: bool = False,
    answer: OutgoingMessage | None = None,
) -> Stack:  # fmt: skip
    """Post artifacts into an answered task's thread, as a delivery does."""
    async with (
        ScriptedModel(_patient()) as model,
        stack(slack, model.base_url, folder, sandbox_pool=0) as bot,
    ):
        ts = await bot.ask(ASK)
        task = await bot.task(ts, State.ANSWERED)
        async with aiohttp.ClientSession() as http:
            client = SlackClient(slack.bot_token, slack.api_url, http)
            store = bot.server.engine.store
            for _ in range(2 if again else 1):
                await ThreadUploads(client, http, store, task, largest=largest).post(made, answer)
        return bot


def _names(bot: Stack, ts: str) -> list[str]:
    files = [id_ for message in bot.thread(ts) for id_ in message.files]
    return [bot.slack.state.files[id_].name for id_ in files]


def _root(bot: Stack) -> str:
    return next(m.ts for m in bot.slack.state.messages if m.user == ADA)


@pytest.mark.parametrize(
    "method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info", "none"]
)
@pytest.mark.parametrize("fault", ["lost", "500"])
async def test_artifacts_come_once_and_in_order(
    slack: SlackStandIn, tmp_path: Path, method: str, fault: str
) -> None:
    if fault == "lost":
        slack.lose_reply(method)
    else:
        slack.fail(method, status=500)
    made = [
        OutputFile(path=name, data=SandboxFile.of(name.encode())) for name in ("b.txt", "a.png", "deep/c.csv")
    ]
    bot = await _posted(slack, tmp_path, made, again=True)

    assert _names(bot, _root(bot)) == ["b.txt", "a.png", "c.csv"]


def _made(*names: str) -> list[OutputFile]:
    return [OutputFile(path=name, data=SandboxFile.of(name.encode())) for name in names]


async def test_ten_files_come_in_one_message(slack: SlackStandIn, tmp_path: Path) -> None:
    bot = await _posted(slack, tmp_path, _made(*(f"{n}.txt" for n in range(10))), again=True)
    (answer, files) = bot.answers(_root(bot))
    assert (answer.files, len(files.files)) == ((), 10)


async def test_one_file_that_slack_refuses_keeps_no_other_back(slack: SlackStandIn, tmp_path: Path) -> None:
    slack.fail("files.completeUploadExternal", "file_not_found", times=2)
    bot = await _posted(slack, tmp_path, _made("a.txt", "b.txt"))
    assert _names(bot, _root(bot)) == ["b.txt"]
    assert bot.answers(_root(bot))[-1].text == "I couldn't post a.txt: Slack answered file_not_found."


ANSWER = OutgoingMessage("end:0", "Done.")


def _inside(bot: Stack) -> list[str]:
    """The names of the pictures inside the answer."""
    answer = next(m for m in bot.answers(_root(bot)) if any(b["type"] == "markdown" for b in m.blocks))
    return [block["alt_text"] for block in answer.blocks if block["type"] == "image"]


@pytest.mark.parametrize("refusals", [0, 1])
async def test_plots_are_inside_the_answer_and_other_files_below(
    slack: SlackStandIn, tmp_path: Path, refusals: int
) -> None:
    slack.fail("chat.update", "invalid_blocks", times=refusals)
    made = _made("w1-figure-1.png", "a.csv", "b.jpg")
    bot = await _posted(slack, tmp_path, made, again=True, answer=ANSWER)
    assert _inside(bot) == ["w1-figure-1.png", "b.jpg"]
    assert _names(bot, _root(bot)) == ["a.csv"]
    assert len(bot.answers(_root(bot))) == 2


async def test_where_slack_draws_no_uploaded_picture_it_is_a_file_again(
    slack: SlackStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.thread.uploads.NOT_READY", (0.0,))
    slack.fail("chat.update", "invalid_blocks", times=2)
    bot = await _posted(slack, tmp_path, _made("plot.png", "a.csv"), again=True, answer=ANSWER)
    assert _inside(bot) == []
    assert _names(bot, _root(bot)) == ["plot.png", "a.csv"]


async def test_what_is_too_large_too_many_or_refused_is_reported_once(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    made = [
        OutputFile(path="<!channel>.bin", data=SandboxFile.of(b"x" * 2000)),
        OutputFile(path="refused.txt", data=SandboxFile.of(b"x")),
    ]
    made += [OutputFile(path=f"{n}.txt", data=SandboxFile.of(b"x")) for n in range(ARTIFACTS)]
    slack.fail("files.getUploadURLExternal", "storage_limit_reached")
    bot = await _posted(slack, tmp_path, made, again=True)

    note = [m.text for m in bot.answers(_root(bot)) if "I post at most" in m.text]
    assert len(note) == 1
    assert "1.bin" not in note[0]
    assert "channel&gt;.bin: it has 0.0 MiB" in note[0]
    assert f"I post at most {ARTIFACTS} files. Not posted: 18.txt, 19.txt" in note[0]
    assert "<!channel>" not in note[0]
    posted = _names(bot, _root(bot))
    assert set(posted) == {*(f"{n}.txt" for n in range(18)), "refused.txt"}
    assert posted[-1] == "refused.txt", "what Slack refused is tried again with the next delivery"


async def test_a_file_of_a_shared_channel_is_asked_for(slack: SlackStandIn) -> None:
    """Slack Connect sends a file without its address."""
    data = b"a,b\n1,2\n"
    file = await slack.upload(ADA, "sales.csv", data)
    await slack.post(ADA, GENERAL, "see", files=[file])
    async with aiohttp.ClientSession() as http:
        client = SlackClient(slack.bot_token, slack.api_url, http)
        files = FileDownloads(client, http, largest=1024)
        ref = FileRef(id=file, name="sales.csv", size=0, source={"access": "check_file_info"})
        assert (await files.fetch(ref)).read() == data


async def test_a_canvas_is_read_and_a_file_elsewhere_is_not(slack: SlackStandIn) -> None:
    async def serves(request: web.Request) -> web.Response:
        return web.Response(text="<h1>Notes</h1>", content_type="text/html")

    async with aiohttp.ClientSession() as http, _server(serves) as port:
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

    async with aiohttp.ClientSession() as http, _server(serves) as port:
        (ref,) = content_of({"files": [{"id": "F1", "name": "clip.m4a", "transcription": sent}]}).files
        client = SlackClient(slack.bot_token, f"http://127.0.0.1:{port}/api/", http)
        assert await FileDownloads(client, http, largest=1024).transcript(ref) == said
    assert left == []


async def test_people_see_no_python_class_names(slack: SlackStandIn, tmp_path: Path) -> None:
    slack.fail("files.completeUploadExternal", status=500, times=4)
    bot = await _posted(slack, tmp_path, [OutputFile(path="a.txt", data=SandboxFile.of(b"x"))])
    assert bot.answers(_root(bot))[-1].text == "I couldn't post a.txt: Slack doesn't take it right now."

    async def breaks_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "9"})
        await response.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return response

    slack.fail("files.info", status=500, times=4)
    async with aiohttp.ClientSession() as http, _server(breaks_off) as port:
        client = SlackClient(slack.bot_token, slack.api_url, http)
        files = FileDownloads(client, http, largest=1024)
        nowhere = FileRef(id="F1", name="a.csv", size=3)
        with pytest.raises(FileNotFetched, match=r"^Slack doesn't say where it is right now$"):
            await files.fetch(nowhere)
        there = FileRef(id="F1", name="a.csv", size=3, source={"url": f"http://127.0.0.1:{port}/a.csv"})
        with pytest.raises(FileNotFetched, match=r"^the download broke off$"):
            await files.fetch(there)


async def test_only_slack_gets_the_token(slack: SlackStandIn) -> None:
    heard: list[str | None] = []

    async def thief(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.Response(text="a,b")

    async with aiohttp.ClientSession() as http, _server(thief) as port:
        client = SlackClient(slack.bot_token, "https://slack.com/api/", http)
        files = FileDownloads(client, http, largest=1024)
        ref = FileRef(id="F1", name="a.csv", size=3, source={"url": f"http://127.0.0.1:{port}/a.csv"})
        with pytest.raises(FileNotFetched, match="isn't stored in Slack"):
            await files.fetch(ref)
    assert heard == []


async def test_a_download_sent_to_another_host_goes_there_without_the_token(slack: SlackStandIn) -> None:
    heard: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.Response(text="a,b")

    async with aiohttp.ClientSession() as http, _server(elsewhere) as port:

        async def slacks(request: web.Request) -> web.Response:
            heard.append(request.headers.get("Authorization"))
            raise web.HTTPFound(f"http://localhost:{port}/a.csv")

        async with _server(slacks) as here:
            with pytest.raises(FileNotFetched, match=texts.NOT_FROM_SLACK):
                await _fetch(slack, http, here)
    assert heard == [f"Bearer {slack.bot_token}"]


async def test_a_download_sent_in_a_circle_is_reported_in_words(slack: SlackStandIn) -> None:
    async def circle(request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently(request.path)

    async with aiohttp.ClientSession() as http, _server(circle) as port:
        with pytest.raises(FileNotFetched, match="redirects the download without end"):
            await _fetch(slack, http, port)


async def test_an_upload_that_is_sent_on_is_not_taken_for_done(slack: SlackStandIn) -> None:
    """It would be followed by a GET, whose page says nothing of the bytes."""

    async def sends_on(request: web.Request) -> web.Response:
        if request.path.endswith("files.getUploadURLExternal"):
            address = f"http://{request.host}/upload"
            return web.json_response({"ok": True, "upload_url": address, "file_id": "F1"})
        if request.path == "/upload":
            raise web.HTTPFound("/login")
        return web.Response(text="Sign in")

    async with aiohttp.ClientSession() as http, _server(sends_on) as port:
        client = SlackClient(slack.bot_token, f"http://127.0.0.1:{port}/api/", http)
        with pytest.raises(aiohttp.ClientError, match="status 302"):
            await upload(client, http, "a.txt", b"x")


async def _fetch(slack: SlackStandIn, http: aiohttp.ClientSession, port: int) -> bytes:
    """A file whose address at Slack is this port's."""
    client = SlackClient(slack.bot_token, slack.api_url, http)
    files = FileDownloads(client, http, largest=1024)
    source = {"url": f"http://127.0.0.1:{port}/a.csv"}
    return (await files.fetch(FileRef(id="F1", name="a.csv", size=3, source=source))).read()


@asynccontextmanager
async def _server(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
