"""The model service's own web search: asked for, learnt where it is refused, cited and counted."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conversation import TokenUsage
from agents.model.prices import Price, Prices
from agents.model.wire.web_search import SEARCH_USD, WebSearch, sources, web_search
from tests.support.scripted_model import Asked, Call, Fault, Reply, Say, ScriptedModel, Turn
from tests.support.team import Agent, bodies, endpoint_of

ANSWER = "pandas 3.1 is the newest."
OPENAI, OPENROUTER, DASHSCOPE = (
    "https://api.openai.com/v1", "https://openrouter.ai/api/v1",
    "https://dashscope.aliyuncs.com/compatible-mode/v1",
)  # fmt: skip


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


def searching(base_url: str) -> WebSearch:
    found = web_search(base_url)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("base_url", "api", "tools", "fields"),
    [
        (OPENAI, "responses", ("look", "web_search"), {}),
        (OPENAI, "chat", ("look",), {}),
        (OPENROUTER, "chat", ("look", "openrouter:web_search"), {}),
        (OPENROUTER, "responses", ("look", "openrouter:web_search"), {}),
        (DASHSCOPE, "chat", ("look",), {"enable_search": True}),
    ],
)
async def test_each_service_is_asked_in_its_own_way(
    base_url: str, api: str, tools: tuple[str, ...], fields: dict[str, Any]
) -> None:
    async with (
        ScriptedModel([Say(ANSWER)]) as model,
        endpoint_of(model, api=api, search=searching(base_url)) as endpoint,
    ):
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        assert endpoint.learned("m") == []
    asked = model.requests[0]
    assert asked.tools == tools
    assert {name: asked.body.get(name) for name in ("enable_search",)} == {"enable_search": None} | fields


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000/v1", "https://openrouter.ai.example.com/v1"])
def test_other_services_are_not_asked(base_url: str) -> None:
    assert web_search(base_url) is None


REFUSALS = {
    "OpenAI": (OPENAI, "responses", "Hosted tool 'web_search' is not supported with gpt-4.1-nano."),
    "OpenRouter": (
        OPENROUTER,
        "chat",
        "Invalid value: 'openrouter:web_search'. Supported values are: 'function'.",
    ),
    "DashScope": (DASHSCOPE, "chat", "The model does not support enable_search."),
    "in words of its own": (OPENAI, "responses", "This tool can't be used by your organization."),
}


@pytest.mark.parametrize("service", REFUSALS)
async def test_a_model_that_refuses_the_search_is_asked_without_it_from_then_on(service: str) -> None:
    base_url, api, words = REFUSALS[service]

    async def answering(asked: Asked) -> Reply:
        searches = "enable_search" in asked.body or len(asked.tools) > 1
        if searches and asked["model"] == "plain":
            return Fault(400, {"error": {"message": words, "type": "invalid_request_error"}})
        return Say(ANSWER) if asked.results else Call("look", {"word": "a"})

    async with (
        ScriptedModel(answering) as model,
        endpoint_of(model, api=api, search=searching(base_url)) as endpoint,
    ):
        assert (await Agent([look], model="plain").run(endpoint)).text == ANSWER
        assert endpoint.learned("plain") == ["without web search"]
        assert (await Agent([look], model="other").run(endpoint)).text == ANSWER
        assert endpoint.learned("other") == []
    assert len(model.requests) == 5


CITED = {"url": "https://pypi.org/project/pandas", "title": "pandas [PyPI]"}
IN_TEXT = {"url": "https://example.com/a", "title": "A"}
SEARCHES = tuple(
    {"type": "web_search_call", "id": f"ws_{number}", "status": "completed", "action": {"type": kind}}
    for number, kind in enumerate(["search", "open_page", "search"])
)


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_sources_are_in_the_answer_once_and_searches_in_its_cost(api: str) -> None:
    text = f"{ANSWER} ([a](https://example.com/a))"
    cited = [CITED, IN_TEXT, CITED]
    annotations = [
        {"type": "url_citation", "url_citation": one} if api == "chat" else {"type": "url_citation", **one}
        for one in cited
    ]
    reply = Turn(text, extra={"annotations": annotations}, ran=SEARCHES)
    agent = Agent([look], prices=Prices({"m": Price(input=0, output=0)}))
    async with (
        ScriptedModel([reply]) as model,
        endpoint_of(model, api=api, search=searching(OPENROUTER)) as endpoint,
    ):
        ended = await agent.run(endpoint)
    assert ended.text == f"{text}\n\nSources: [pandas (PyPI)](https://pypi.org/project/pandas)"
    assert agent.meter.usd == pytest.approx(2 * SEARCH_USD if api == "responses" else 0.0)
    assert len(bodies(agent.journal, "reply")) == 1


def test_what_a_service_says_a_reply_cost_includes_its_searches() -> None:
    assert Prices().cost("m", TokenUsage(1, 1, cost=0.5, fees=SEARCH_USD)) == 0.5


@pytest.mark.parametrize(
    "annotations",
    [[None], [{}], [{"url_citation": None}], [{"url_citation": {"url": 7}}], [{"url": "javascript:alert(1)"}],
     [{"type": "file_citation", "file_id": "f"}]],
)  # fmt: skip
def test_annotations_that_are_no_sources_are_left_out(annotations: list[Any]) -> None:
    assert sources(annotations, "") == ""
