"""Files into a task and out of it: whole, once, in order, with a note if one is missing."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.thread.answer import OutgoingMessage
from bot.thread.files import FileDownloads
from bot.thread.uploads import ARTIFACTS, ThreadUploads, upload
from bot.wire.client import SlackClient
from playground.slack import SlackStandIn
from sandbox.files import SandboxFile
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched
from tasks.task import OutputFile, State
from tests.support.http_server import http_server
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
    async with aiohttp.ClientSession() as http, http_server(breaks_off) as port:
        client = SlackClient(slack.bot_token, slack.api_url, http)
        files = FileDownloads(client, http, largest=1024)
        nowhere = FileRef(id="F1", name="a.csv", size=3)
        with pytest.raises(FileNotFetched, match=r"^Slack doesn't say where it is right now$"):
            await files.fetch(nowhere)
        there = FileRef(id="F1", name="a.csv", size=3, source={"url": f"http://127.0.0.1:{port}/a.csv"})
        with pytest.raises(FileNotFetched, match=r"^the download broke off$"):
            await files.fetch(there)


async def test_an_upload_that_is_sent_on_is_not_taken_for_done(slack: SlackStandIn) -> None:
    """It would be followed by a GET, whose page says nothing of the bytes."""

    async def sends_on(request: web.Request) -> web.Response:
        if request.path.endswith("files.getUploadURLExternal"):
            address = f"http://{request.host}/upload"
            return web.json_response({"ok": True, "upload_url": address, "file_id": "F1"})
        if request.path == "/upload":
            raise web.HTTPFound("/login")
        return web.Response(text="Sign in")

    async with aiohttp.ClientSession() as http, http_server(sends_on) as port:
        client = SlackClient(slack.bot_token, f"http://127.0.0.1:{port}/api/", http)
        with pytest.raises(aiohttp.ClientError, match="status 302"):
            await upload(client, http, "a.txt", b"x")
