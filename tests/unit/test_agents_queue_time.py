"""Waiting for a place at the model, which is not a worker's time. Needs no services."""

from __future__ import annotations

import asyncio
import json

import pytest

from agents.budget import AgentLimits, Budget, Meter
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel, Turn
from tests.support.team import Team, endpoint_of


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_waiting_for_a_place_at_the_model_is_not_a_workers_time(api: str) -> None:
    """Five workers that have less time than the queue takes, and one place at the model."""
    briefs = tuple(Call("create_worker", {"task_description": f"Part {n}"}) for n in range(5))

    async def answering(asked: Asked) -> Reply:
        if asked.is_orchestrator:
            return Say("All.") if asked.results else Turn(calls=briefs)
        await asyncio.sleep(0.2)
        return Call("report", {"status": "done", "summary": "Part of it."})

    team = Team(limits=AgentLimits(normal_seconds=0.6))
    async with ScriptedModel(answering) as model, endpoint_of(model, api=api, at_once=1) as endpoint:
        await team.run(endpoint)
    assert model.most_at_once == 1
    assert [json.loads(result)["status"] for result in model.requests[-1].results] == ["done"] * 5


@pytest.mark.parametrize("is_worker", [True, False])
async def test_a_wait_ends_with_the_tasks_time(is_worker: bool) -> None:
    task = Meter(Budget(seconds=0.5))
    meter = task.child(Budget(seconds=0.05)) if is_worker else task

    async def wait_for_ever() -> None:
        async with meter.timeout():
            with meter.wait():
                await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        await wait_for_ever()
    assert (meter.seconds < 0.05) is is_worker, "the task's own wait counts"


def test_seconds_of_each_effort_are_settings() -> None:
    limits = AgentLimits(quick_seconds=11, normal_seconds=12, deep_seconds=13)
    assert [limits.worker(effort).seconds for effort in ("quick", "normal", "deep")] == [11, 12, 13]
