"""What an operator sees of a running bot: figures, readiness, lines of the log. Needs Docker."""

from __future__ import annotations

import asyncio
import json
import re
from io import StringIO
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.observability import logging
from bot.settings import Settings
from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from scripts.steps import ROOT
from tasks.task import State
from tests.support.logs import configure_plain_log
from tests.support.stack import Stack, stack

THREE = "@Handoff three independent parts:\n1. compute the first 10 primes\n2. compute 12 * 7\n3. simulate pi"
PRICES = {"gpt-5.6": {"input": 2.0, "output": 10.0}}


async def page(bot: Stack) -> dict[str, float]:
    """The figures by name and labels, as a scrape gets them."""
    address = f"http://127.0.0.1:{bot.server.web.port}/metrics"
    async with aiohttp.ClientSession() as http, http.get(address) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        text = await response.text()
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def marked(bot: Stack) -> None:
    """Returns when 👀 is being removed: by then the reply to the call that added ✅ is counted."""
    await bot.slack.wait_for(lambda _: bot.calls("reactions.remove"))


async def test_the_figures_tell_what_a_task_took(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path, model_prices=PRICES) as bot:
        before = await page(bot)
        assert before["handoff_tasks answered"] == 0
        task = await bot.task(await bot.ask(THREE), State.ANSWERED)
        await marked(bot)
        figures = await page(bot)

        events = await bot.server.engine.store.events(task.id)
        replies = [event["body"] for event in events if event["kind"] == "reply"]
        assert figures["handoff_tasks answered"] == 1
        assert figures["handoff_tasks queued"] == 0
        assert figures["handoff_queue_age_seconds"] == 0
        assert figures["handoff_model_turns_total gpt-5.6 answered"] == len(replies)
        spent = {k: sum(reply["usage"][k] for reply in replies) for k in ("input", "output")}
        assert figures["handoff_model_tokens_total input gpt-5.6"] == spent["input"] > 0
        assert figures["handoff_model_tokens_total output gpt-5.6"] == spent["output"] > 0
        cost = (spent["input"] * 2 + spent["output"] * 10) / 1e6
        assert abs(figures["handoff_model_cost_usd_total gpt-5.6"] - cost) < 1e-9
        assert figures["handoff_sandbox_runs_total ok"] == 3
        assert figures["handoff_sandbox_run_seconds_count"] == 3
        assert figures["handoff_sandbox_wait_seconds_count"] == 3
        assert figures["handoff_first_sign_seconds_count"] == 1
        assert figures["handoff_slack_calls_total reactions.add 200"] == len(bot.calls("reactions.add")) > 0
        # The answer is a post or the end of a stream, by how fast the model is.
        posts = len(bot.calls("chat.postMessage"))
        assert figures.get("handoff_slack_calls_total chat.postMessage 200", 0) == posts
        assert {name for name in figures if "socket_age" in name} == {
            f"handoff_slack_socket_age_seconds {number}" for number in range(2)
        }
        assert figures["handoff_ready"] == 1


async def test_a_refusal_for_the_rate_is_counted(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        slack.fail("reactions.add", "ratelimited", status=429, retry_after=0)
        await bot.task(await bot.ask("@Handoff Execute hello world in Python"), State.ANSWERED)
        await marked(bot)
        figures = await page(bot)
        assert figures["handoff_slack_rate_limited_total reactions.add"] == 1
        assert figures["handoff_slack_calls_total reactions.add 429"] == 1
        # The refused mark is tried again.
        assert figures["handoff_slack_calls_total reactions.add 200"] == len(bot.calls("reactions.add")) - 1


async def test_readiness_names_what_is_down_and_forgets_it_when_it_is_back(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    socket = tmp_path / "docker.sock"
    socket.symlink_to("/var/run/docker.sock")
    async with stack(slack, demo.base_url, tmp_path, docker_host=f"unix://{socket}") as bot:
        assert await ready(bot) == (200, [])
        socket.unlink()
        status, missing = await turned(bot, 503)
        assert status == 503
        (words,) = missing
        assert "Docker can't be reached" in words
        assert (await page(bot))["handoff_ready"] == 0
        socket.symlink_to("/var/run/docker.sock")
        assert await turned(bot, 200) == (200, [])


async def test_readiness_names_an_image_that_is_not_there(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    none = "handoff-sandbox:none"
    async with stack(slack, demo.base_url, tmp_path, sandbox_image=none, sandbox_pool=0) as bot:
        status, missing = await ready(bot)
        assert status == 503
        assert missing == [f"Docker has no image {none}. Build it with: handoff sandbox build"]


async def test_readiness_by_http_names_a_slack_that_is_out_of_reach(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    slack.fail("api.test", None, status=502, times=1000)
    async with stack(slack, demo.base_url, tmp_path, socket_mode=False) as bot:
        status, (words,) = await ready(bot)
        assert status == 503
        assert words.startswith(f"Slack can't be reached at {slack.api_url}")
        slack.clear_faults()
        assert await turned(bot, 200) == (200, [])


async def ready(bot: Stack) -> tuple[int, list[str]]:
    address = f"http://127.0.0.1:{bot.server.web.port}/readyz"
    async with aiohttp.ClientSession() as http, http.get(address) as response:
        return response.status, (await response.json())["missing"]


async def turned(bot: Stack, status: int) -> tuple[int, list[str]]:
    """What is said once the status is this one; the last word after half a minute."""
    for _ in range(150):
        if (found := await ready(bot))[0] == status:
            break
        await asyncio.sleep(0.2)
    return found


async def test_lines_of_the_log_carry_task_worker_and_turn(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    stream = StringIO()
    logging.configure_logging(Settings(log_format="json"), stream)
    try:
        async with stack(slack, demo.base_url, tmp_path) as bot:
            task = await bot.task(await bot.ask(THREE), State.ANSWERED)
    finally:
        configure_plain_log()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    turns = [line for line in lines if line["event"] == "model turn"]
    assert {line["task"] for line in turns} == {task.id}
    assert {line.get("worker") for line in turns} == {None, "w1", "w2", "w3"}
    for worker in (None, "w1", "w2", "w3"):
        numbers = [line["turn"] for line in turns if line.get("worker") == worker]
        assert numbers == list(range(1, len(numbers) + 1)) != []


def test_the_dashboard_asks_for_nothing_that_is_not_there() -> None:
    from bot.observability.metrics import Metrics

    dashboard = json.loads((ROOT / "deploy" / "grafana.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    named = {name for query in asked for name in re.findall(r"\b(?:handoff|process)_[a-z_]+", query)}
    assert named <= Metrics().names
    figures = {re.sub("_(bucket|sum|count)$", "", name) for name in Metrics().names}
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in named}
    assert {name for name in figures if name.startswith("handoff_")} <= shown, "every figure has its place"
