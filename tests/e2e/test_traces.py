"""A task of the whole bot in a collector, and its trace in the log and in `handoff tasks ID`."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from agents.tracing import trace_id
from bot.commands import tasks
from playground.slack import SlackStandIn
from tests.support.otlp import OtlpCollector
from tests.support.scripted_model import Say, ScriptedModel
from tests.support.stack import stack


async def test_a_task_is_found_by_its_trace(
    slack: SlackStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with OtlpCollector() as collector, ScriptedModel([Say("42")]) as model:
        async with stack(
            slack, model.base_url, tmp_path, sandbox_pool=0, trace_endpoint=collector.endpoint
        ) as bot:
            task = await bot.task(await bot.ask("@Handoff what is the answer?"))
            settings = bot.settings
        (root,) = [span for span in collector.spans if not span.parent]
    trace = trace_id(task.id)
    assert (root.trace, root.attributes["handoff.task.id"]) == (trace, task.id)
    lines = [line for line in capsys.readouterr().out.splitlines() if f"trace_id={trace}" in line]
    assert any("model turn" in line for line in lines)
    assert any("run ended" in line for line in lines)
    parser = argparse.ArgumentParser()
    tasks.register(parser.add_subparsers())
    assert await tasks.run(parser.parse_args(["tasks", task.id]), settings) == 0
    assert f"trace {trace}" in capsys.readouterr().out
