"""Pictures on both APIs, what services refuse about them, and what the journal keeps of them."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Picture, UserTurn
from agents.errors import ContextTooLong, ModelError
from agents.journal import Incoming, MemoryJournal
from agents.model.pictures import MAX_PICTURES
from agents.model.prices import Prices
from agents.model.wire.rewrites import alternate_roles
from agents.tools import ToolOutput
from sandbox.workspace import Workspace
from tests.support.scripted_model import (
    Asked,
    Call,
    Fault,
    Reply,
    Say,
    ScriptedModel,
    Turn,
    openai_error,
)
from tests.support.team import Agent, CutJournal, ListInbox, bodies, endpoint_of

PNG = b"\x89PNG\r\n\x1a\n"
BLIND = "can't see pictures with this model"


@dataclass
class Album:
    """Pictures in a workspace, as `agents.model.pictures` keeps them, and a tool that shows one."""

    workspace: Workspace
    seen: list[str] = field(default_factory=list)

    async def picture(self, name: str, content: bytes = b"") -> Picture:
        digest = await self.workspace.keep_picture(PNG + (content or name.encode()))
        return Picture(name, digest, "image/png", 1500, 1000)

    async def opening(self, *names: str, text: str = "Ann: what is this?") -> list[UserTurn]:
        return [UserTurn(text, tuple([await self.picture(name) for name in names]))]

    async def show(self, name: str) -> ToolOutput:
        """Show a picture."""
        picture = await self.picture(name)
        return ToolOutput(f"[The picture {name}]", pictures=(picture,), same_as=picture.digest)

    def agent(self, **options: Any) -> Agent:
        return Agent([self.show], workspace=self.workspace, **options)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(Workspace(tmp_path))


def parts(asked: Asked) -> list[dict[str, Any]]:
    """The parts of all messages that have parts."""
    users = [m["content"] for m in asked.messages if isinstance(m.get("content"), list)]
    return [part for content in users for part in content if part["type"] != "output_text"]


def urls(asked: Asked) -> list[str]:
    """The data URLs of a request's pictures."""
    found = [part["image_url"] for part in parts(asked) if "image_url" in part]
    return [one["url"] if isinstance(one, dict) else one for one in found]


def names(asked: Asked) -> list[str]:
    """The names that the pictures of a request were made from."""
    return [base64.b64decode(url.partition(",")[2]).removeprefix(PNG).decode() for url in urls(asked)]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_pictures_of_the_request_and_of_results_are_shown(album: Album, api: str) -> None:
    script: list[Reply] = [
        Turn(calls=(Call("show", {"name": "b"}), Call("show", {"name": "c"}))),
        Say("Three."),
    ]
    agent = album.agent()
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        assert (await agent.run(endpoint, await album.opening("a"))).text == "Three."
        model.assert_complete()
    first, second = model.requests
    text, picture = ("text", "image_url") if api == "chat" else ("input_text", "input_image")
    assert [part["type"] for part in parts(first)] == [text, text, picture]
    assert [part["text"] for part in parts(first)[:2]] == ["Ann: what is this?", "/work/a:"]
    assert (names(first), sorted(names(second))) == (["a"], ["a", "b", "c"])
    assert urls(first)[0].startswith("data:image/png;base64,")
    # Nothing stands between the results of one turn: the model's rules would have refused it.
    assert sorted(second.results) == ["[The picture b]", "[The picture c]"]
    assert [reply["blind"] for reply in bodies(agent.journal, "reply")] == [False, False]


async def test_a_follow_up_brings_its_pictures(album: Album) -> None:
    inbox = ListInbox(Incoming("m1", "Ann: and this?", (await album.picture("late"),)))
    async with ScriptedModel([Say("Seen.")]) as model, endpoint_of(model) as endpoint:
        await album.agent(inbox=inbox).run(endpoint)
    assert names(model.requests[0]) == ["late"]


async def test_the_newest_ten_are_shown_and_the_others_named(album: Album) -> None:
    opening = [*await album.opening("old", "same"), *await album.opening(*"abcdefghi", "same")]
    async with ScriptedModel([Say("Many.")]) as model, endpoint_of(model) as endpoint:
        await album.agent().run(endpoint, opening)
    [asked] = model.requests
    # A picture that comes twice is shown once.
    assert sorted(names(asked)) == [*"abcdefghi", "same"]
    assert len(names(asked)) == MAX_PICTURES
    assert "[The picture /work/same is the same as one above.]" in json.dumps(asked.body)
    assert (
        "[The picture /work/old is not shown: it is not among the newest, or not kept any more.]"
        in json.dumps(asked.body)
    )


@dataclass(frozen=True)
class Blind:
    """A service whose model can't see, and how it says so."""

    name: str
    refusal: Fault
    api: str = "chat"

    def __str__(self) -> str:
        return self.name


SERIALIZED = "Failed to deserialize the JSON body into the target type: messages[1]: unknown variant "
BLIND_SERVICES = [
    Blind("OpenAI", openai_error(400, "Invalid content type. image_url is only supported by certain "
        "models.")),
    Blind("OpenAI's Responses", openai_error(400, "Invalid value: 'input_image'. Supported values are: "
        "'input_text'."), api="responses"),
    Blind("DeepSeek", openai_error(400, f"{SERIALIZED}`image_url`, expected `text`")),
    Blind("OpenRouter", openai_error(404, "No endpoints found that support image input")),
    Blind("Ollama", openai_error(400, "this model does not support image input")),
    Blind("vLLM", openai_error(400, "qwen3-8b is not a multimodal model")),
    Blind("vLLM's limit", openai_error(400, "At most 0 image(s) may be provided in one prompt.")),
    Blind("llama.cpp", openai_error(500, "image input is not supported - hint: if this is unexpected, you "
        "may need to provide the mmproj")),
    Blind("Groq", openai_error(400, "'messages.1' : for 'role:user' the following must be satisfied[("
        "'messages.1.content' : value must be a string) OR messages[1].content must be a string]")),
    Blind("DashScope", openai_error(400, "<400> InternalError.Algo.InvalidParameter: The provided messages "
        "input is invalid. The error info is [Unexpected item type in content.]")),
    Blind("a pydantic server", Fault(422, {"detail": [{"type": "string_type", "loc": ["body", "messages", 1,
        "content", "str"], "msg": "Input should be a valid string"}]})),
    Blind("a gateway", openai_error(415, "Unsupported media: image/png")),
]  # fmt: skip


@pytest.mark.parametrize("service", BLIND_SERVICES, ids=str)
async def test_a_model_that_cant_see_is_asked_without_pictures_from_then_on(
    album: Album, service: Blind
) -> None:
    async def answering(asked: Asked) -> Reply:
        return service.refusal if urls(asked) else Say("I can't see it.")

    first, second = album.agent(), album.agent()
    async with ScriptedModel(answering) as model, endpoint_of(model, api=service.api) as endpoint:
        assert (await first.run(endpoint, await album.opening("a"))).text == "I can't see it."
        await second.run(endpoint, await album.opening("b"))
    assert [len(urls(asked)) for asked in model.requests] == [1, 0, 0]
    assert BLIND in model.requests[1].last_user
    # A string: text models of some services take no list of parts.
    assert all(isinstance(m["content"], str) for m in model.requests[1].messages if m["role"] == "user")
    for agent in (first, second):
        assert [reply["blind"] for reply in bodies(agent.journal, "reply")] == [True]


async def test_what_one_model_cant_see_is_shown_to_another(album: Album) -> None:
    async def answering(asked: Asked) -> Reply:
        return BLIND_SERVICES[0].refusal if asked["model"] == "text" and urls(asked) else Say("Yes.")

    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        await album.agent(model="text").run(endpoint, await album.opening("a"))
        await album.agent(model="eyes").run(endpoint, await album.opening("a"))
    assert [len(urls(asked)) for asked in model.requests] == [1, 0, 1]


async def test_a_server_that_takes_one_picture_gets_the_newest(album: Album) -> None:
    async def answering(asked: Asked) -> Reply:
        refusal = openai_error(400, "At most 1 image(s) may be provided in one request.")
        return refusal if len(urls(asked)) > 1 else Say("One.")

    agent = album.agent()
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        await agent.run(endpoint, await album.opening("a", "b", "c"))
    assert [names(asked) for asked in model.requests] == [["a", "b", "c"], ["c"]]
    assert [reply["blind"] for reply in bodies(agent.journal, "reply")] == [False]


@pytest.mark.parametrize("words", ["Could not process image", "Bad request, code 3051"])
async def test_one_refused_picture_does_not_make_a_model_blind(album: Album, words: str) -> None:
    async def answering(asked: Asked) -> Reply:
        return openai_error(400, words) if "odd" in names(asked) else Say("Well.")

    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        for name in ("a", "odd", "b"):
            await album.agent().run(endpoint, await album.opening(name))
    assert [names(asked) for asked in model.requests] == [["a"], ["odd"], [], ["b"]]


async def test_a_refusal_that_is_not_about_pictures_stays_one(album: Album) -> None:
    async with (
        ScriptedModel([openai_error(400, "Bad request")] * 2) as model,
        endpoint_of(model) as endpoint,
    ):
        with pytest.raises(ModelError, match="refused the request"):
            await album.agent().run(endpoint, await album.opening("a"))


async def test_the_journal_keeps_a_reference_and_a_restart_shows_the_same(album: Album) -> None:
    big = await album.picture("big", b"x" * 3_000_000)
    opening = [UserTurn("Ann: look", (big,))]
    script: Sequence[Reply] = [Call("show", {"name": "b"}), Say("Seen.")]
    journal = CutJournal(3)
    async with ScriptedModel(script, sends_usage=False) as model, endpoint_of(model) as endpoint:
        with pytest.raises(CutJournal.Died):
            await album.agent(journal=journal).run(endpoint, opening)
        survived = journal.survived()
        assert len(json.dumps([entry.body for entry in survived.entries])) < 3_000
        script_again = ScriptedModel([Say("Seen.")])
        async with script_again as again, endpoint_of(again) as other:
            await album.agent(journal=survived).run(other, ())
    assert urls(script_again.requests[0]) == urls(model.requests[1])
    assert len(urls(script_again.requests[0])) == 2


async def test_a_picture_whose_content_is_gone_is_named(album: Album, tmp_path: Path) -> None:
    opening = await album.opening("a")
    await asyncio.to_thread(shutil.rmtree, tmp_path)
    async with ScriptedModel([Say("Gone.")]) as model, endpoint_of(model) as endpoint:
        await album.agent().run(endpoint, opening)
    assert model.requests[0].last_user.startswith("Ann: what is this?\n[The picture /work/a is not shown")


async def test_old_pictures_are_the_first_to_go(album: Album) -> None:
    """Each picture counts 2,000 tokens of the window."""
    script: list[Reply] = [*[Call("show", {"name": f"p{n}"}) for n in range(9)], Say("All seen.")]
    agent = album.agent(prices=Prices(window=16_000))
    async with ScriptedModel(script, sends_usage=False) as model, endpoint_of(model) as endpoint:
        ending = await agent.run(endpoint, await album.opening("first"))
        model.assert_complete()
    assert ending.text == "All seen."
    assert [entry.get("drops_pictures") for entry in bodies(agent.journal, "context")] == [True, True]
    assert max(len(urls(asked)) for asked in model.requests) < 7
    assert names(model.requests[-1])[-1] == "p8"
    assert "[The picture /work/first was left out here to save room." in json.dumps(model.requests[-1].body)


async def test_a_request_that_is_too_large_is_sent_without_pictures(album: Album) -> None:
    async def answering(asked: Asked) -> Reply:
        return Fault(413, "Request Entity Too Large") if urls(asked) else Say("Small.")

    agent = album.agent()
    async with ScriptedModel(answering) as model, endpoint_of(model) as endpoint:
        assert (await agent.run(endpoint, await album.opening("a"))).text == "Small."
    async with ScriptedModel([Fault(413, "")] * 2) as model, endpoint_of(model) as endpoint:
        with pytest.raises(ContextTooLong):
            await album.agent(journal=MemoryJournal()).run(endpoint, await album.opening("a"))


def test_messages_with_parts_are_joined_where_roles_alternate() -> None:
    text, picture = {"type": "text", "text": "b"}, {"type": "image_url", "image_url": {"url": "data:,"}}
    joined = alternate_roles([{"role": "user", "content": "a"}, {"role": "user", "content": [text, picture]}])
    assert joined == [{"role": "user", "content": [{"type": "text", "text": "a"}, text, picture]}]
