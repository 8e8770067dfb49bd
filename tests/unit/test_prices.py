"""What a reply costs: the operator's price, the service's own figure, the published price of the endpoint's
provider. Needs no services."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conversation import TokenUsage
from agents.model.prices import Price, Prices
from agents.model.wire.assembler import parse_usage
from tests.support import chat_wire
from tests.support.scripted_model import Raw, ScriptedModel
from tests.support.team import Agent, bodies, endpoint_of

MILLION = TokenUsage(1_000_000, 0)


@pytest.mark.parametrize(
    ("base_url", "model", "is_known"),
    [
        ("https://openrouter.ai/api/v1", "openai/gpt-5.1", True),
        ("https://openrouter.ai/api/v1", "someone/new-model", True),
        ("https://mine.openai.azure.com/openai/v1", "gpt-5.1", True),
        ("https://mine.openai.azure.com/openai/v1", "my-deployment", False),
        ("https://gateway.example/v1", "gpt-5.1", True),
        ("http://localhost:8000/v1", "Qwen/Qwen3-32B", False),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen-max", False),
    ],
)
def test_whether_a_limit_in_usd_can_bind(base_url: str, model: str, is_known: bool) -> None:
    assert Prices(base_url=base_url).knows(model) is is_known
    assert Prices({model: Price(input=1, output=2)}, base_url=base_url).knows(model)


def test_the_endpoint_decides_whose_price_counts() -> None:
    router = Prices(base_url="https://openrouter.ai/api/v1").cost("openai/gpt-5.1", MILLION)
    assert router
    assert Prices(base_url="https://api.openai.com/v1").cost("openai/gpt-5.1", MILLION) is None


def test_a_deployment_is_priced_by_the_name_that_the_service_says() -> None:
    prices = Prices(base_url="https://mine.openai.azure.com/openai/v1")
    assert prices.cost("my-deployment", MILLION) is None
    assert prices.cost("my-deployment", MILLION, "gpt-5.1-2025-11-13") == prices.cost("gpt-5.1", MILLION)


USAGES: dict[str, tuple[dict[str, Any], float | None]] = {
    "OpenRouter": ({"cost": 0.00014}, 0.00014),
    "OpenRouter with a key of one's own": (
        {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, 0.21),
    "Perplexity": ({"cost": {"input_tokens_cost": 0.1, "total_cost": 0.3}}, 0.3),
    "xAI": ({"cost_in_usd_ticks": 37_756_000}, 0.0037756),
    "none": ({}, None), "a word": ({"cost": "much"}, None), "below nothing": ({"cost": -1}, None),
    "no number": ({"cost": float("nan")}, None), "true": ({"cost": True}, None),
}  # fmt: skip


@pytest.mark.parametrize("kind", USAGES)
def test_the_services_own_figure_is_read(kind: str) -> None:
    usage, expected = USAGES[kind]
    found = parse_usage({"prompt_tokens": 3, **usage}, sent="prompt_tokens", said="completion_tokens")
    assert found.cost == (pytest.approx(expected) if expected is not None else None)


async def test_the_services_own_figure_counts_against_the_limit_and_the_operators_before_it() -> None:
    chunk = {"model": "gpt-5.1-2025-11-13", "choices": [
        {"index": 0, "delta": {"content": "Good"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0, "cost": 0.5}}  # fmt: skip
    reply = Raw([chat_wire.frame(chunk), b"data: [DONE]\n\n"])
    theirs, ours = Agent(), Agent(prices=Prices({"m": Price(input=3, output=0)}))
    async with ScriptedModel([reply, reply]) as model, endpoint_of(model, api="chat") as endpoint:
        for agent in (theirs, ours):
            await agent.run(endpoint)
    assert (theirs.meter.usd, ours.meter.usd) == (0.5, 3)
    assert bodies(theirs.journal, "reply")[0]["cost"] == 0.5
