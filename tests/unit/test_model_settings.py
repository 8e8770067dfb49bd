"""What the settings say about the model reaches the wire, the prices and the budgets."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conversation import TokenUsage, UserTurn
from agents.model.prices import Price
from agents.model.wire import ModelRequest
from bot.errors import SettingsError
from bot.factories.model import agent_deps, make_endpoint
from bot.settings import Settings
from sandbox.sandbox import Sandbox
from tests.support.scripted_model import Hang, Say, ScriptedModel, openai_error


def load(**variables: str) -> Settings:
    return Settings.load(variables)


async def test_the_settings_reach_the_wire() -> None:
    down = openai_error(404, "The model `a` does not exist", "model_not_found")
    async with ScriptedModel([Hang(600), down, Say("Here.")]) as model:
        settings = load(
            OPENAI_BASE_URL=model.base_url, HANDOFF_MODEL="a, b", HANDOFF_MODEL_MAX_OUTPUT="99",
            HANDOFF_MODEL_IDLE_SECONDS="1",
            HANDOFF_MODEL_BODY='{"temperature": 0.2}',
        )  # fmt: skip
        async with make_endpoint(settings) as endpoint:
            reply = await endpoint.complete(
                ModelRequest(model=settings.model, instructions="Be brief.", turns=[UserTurn("Go")])
            )
    assert reply.model == "b"
    last = model.requests[-1]
    assert (last["model"], last["max_tokens"], last["temperature"]) == ("b", 99, 0.2)


async def test_the_settings_reach_prices_and_budgets() -> None:
    settings = load(
        HANDOFF_MODEL="mine", HANDOFF_MODEL_PRICES='{"mine": {"input": 2, "output": 8}}',
        HANDOFF_MODEL_WINDOW="9000", HANDOFF_LIMIT_TASK_USD="1.5",
    )  # fmt: skip
    async with make_endpoint(settings) as endpoint:
        means = agent_deps(settings, endpoint, Sandbox())
    assert settings.model_prices == {"mine": Price(input=2, output=8)}
    assert means.prices.cost("mine", TokenUsage(1_000_000, 0)) == 2.0
    assert means.prices.window("mine") == 9000
    assert means.limits.task.usd == 1.5


WRONG: dict[str, tuple[str, str]] = {
    "not JSON": ("HANDOFF_MODEL_PRICES", "{"),
    "no object": ("HANDOFF_MODEL_PRICES", "[]"),
    "no price": ("HANDOFF_MODEL_PRICES", '{"mine": 3}'),
    "no number": ("HANDOFF_MODEL_PRICES", '{"mine": {"input": "cheap", "output": 8}}'),
    "a list": ("HANDOFF_MODEL_BODY", '["temperature"]'),
    "free": ("HANDOFF_LIMIT_TASK_USD", "0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_one_sentence_that_names_its_variable(case: str) -> None:
    variable, value = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        load(**{variable: value})
    problems: Any = caught.value.problems
    assert problems[0].startswith(variable)
