"""The figures when something they are read from is away, and what is counted of a model that fails."""

from __future__ import annotations

import pytest

from agents.conversation import UserTurn
from agents.errors import CredentialsRefused
from agents.model.prices import Prices
from agents.model.wire import ModelRequest
from bot.observability.instrumentation import InstrumentedEndpoint
from bot.observability.metrics import Metrics
from tasks.store.queries import TaskCounts
from tasks.task import State
from tests.support.scripted_model import Fault, ScriptedModel


async def test_a_database_that_is_away_leaves_a_gap_and_no_old_figure() -> None:
    answers: list[TaskCounts | Exception] = [
        TaskCounts(by_state={State.QUEUED: 3}, queue_age=7.0, ratings={"bad": 2}),
        ConnectionRefusedError("gone"),
    ]  # fmt: skip

    async def counts() -> TaskCounts:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    metrics = Metrics()
    metrics.counts = counts
    page = (await metrics.page()).decode()
    assert 'handoff_tasks{state="queued"} 3.0' in page
    assert 'handoff_ratings{rating="bad"} 2.0' in page
    page = (await metrics.page()).decode()
    assert "handoff_tasks{" not in page
    assert "handoff_queue_age_seconds NaN" in page
    assert "handoff_model_turns" in page


async def test_a_mistake_of_ours_is_not_taken_for_a_database_that_is_away() -> None:
    async def counts() -> TaskCounts:
        raise KeyError("mistake")

    metrics = Metrics()
    metrics.counts = counts
    with pytest.raises(KeyError):
        await metrics.page()


async def test_a_turn_that_fails_is_counted_by_its_kind() -> None:
    metrics = Metrics()
    async with ScriptedModel([Fault(401)]) as model:
        settings = {"api_key": "k", "base_url": model.base_url, "api": "chat", "tries": 1}
        async with InstrumentedEndpoint(metrics.model, Prices(), **settings) as endpoint:
            with pytest.raises(CredentialsRefused):
                await endpoint.complete(ModelRequest(model="m", instructions="", turns=(UserTurn("hello"),)))
    expected = 'handoff_model_turns_total{model="m",outcome="CredentialsRefused"} 1.0'
    assert expected in (await metrics.page()).decode()
