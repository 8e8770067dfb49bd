"""The dashboard and the alerts of deploy/ on a real Prometheus that scrapes a real bot.

Each query of the dashboard has its data, in its unit; no alert is raised for a bot that is well.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.observability.metrics import Metrics
from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from scripts.prometheus import program
from scripts.steps import ROOT
from tasks.task import State
from tests.support.prometheus import JOB, Prometheus, prometheus
from tests.support.stack import Stack, stack

PROMETHEUS = program()
PRICES = {"gpt-5.6": {"input": 2.0, "output": 10.0}}
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana.json").read_text())
ALERTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text())["groups"][0][
    "rules"
]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
#: Grafana's units of a query by the end of the figure's name, after Prometheus' conventions.
UNITS = {"seconds": "s", "usd": "currencyUSD", "bytes": "bytes"}

needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None,
    reason="There is no Prometheus: python -m scripts.prometheus fetches one on Debian and Ubuntu as root",
)


def asked(expression: str) -> str:
    """A query as Grafana sends it."""
    return expression.replace("$job", JOB).replace("$__rate_interval", "30s")


@needs_prometheus
async def test_each_panel_shows_what_a_bot_at_work_reports(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path, unused_tcp_port: int
) -> None:
    assert PROMETHEUS is not None
    async with stack(slack, demo.base_url, tmp_path, model_prices=PRICES, sandbox_pool=2) as bot:
        target = f"127.0.0.1:{bot.server.web.port}"
        async with prometheus(PROMETHEUS, target, unused_tcp_port) as watching:
            # A figure's first value is no rise, so everything happens twice.
            for _ in range(2):
                await work(bot, watching)
            silent = await silent_after_a_while(watching)
            names = await watching.query(asked(label_query()))
            alarmed = [rule["alert"] for rule in ALERTS if await watching.query(rule["expr"])]
    assert silent == []
    assert alarmed == [], "a bot that is well alarms nobody"
    assert [series["metric"]["job"] for series in names] == [JOB], "the job can be chosen"


async def work(bot: Stack, watching: Prometheus) -> None:
    bot.slack.fail("reactions.add", "ratelimited", status=429, retry_after=1)
    await bot.task(await bot.ask("@Handoff Execute hello world in Python"), State.ANSWERED)
    await watching.scraped()


async def silent_after_a_while(watching: Prometheus) -> list[str]:
    """The queries that still give nothing some seconds after the work: a refused sign is made again later."""
    for _ in range(20):
        silent = [
            f"{panel['title']}: {target['expr']}"
            for panel in PANELS
            for target in panel["targets"]
            if not await shown(watching, target)
        ]
        if not silent:
            break
        await watching.scraped()
    return silent


async def shown(watching: Prometheus, target: dict[str, Any]) -> bool:
    """Whether a query gives numbers, and every series of it a name of its own."""
    found = await watching.query(asked(target["expr"]))
    labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
    names = [tuple(series["metric"][label] for label in labels) for series in found]
    numbers = [float(series["value"][1]) for series in found]
    assert len(set(names)) == len(names), f"series of one name: {target['expr']}"
    return any(map(math.isfinite, numbers))


def label_query() -> str:
    (job,) = [one for one in DASHBOARD["templating"]["list"] if one["name"] == "job"]
    found = re.fullmatch(r"label_values\((\w+), job\)", job["query"])
    assert found is not None
    return found[1]


@needs_prometheus
async def test_the_page_of_figures_keeps_to_the_rules_of_prometheus(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    checker = program("promtool")
    assert checker is not None
    async with stack(slack, demo.base_url, tmp_path, model_prices=PRICES) as bot:
        await bot.task(await bot.ask("@Handoff Execute hello world in Python"), State.ANSWERED)
        address = f"http://127.0.0.1:{bot.server.web.port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(address) as response:
            page = await response.read()
    check = await asyncio.create_subprocess_exec(
        checker, "check", "metrics",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await check.communicate(page)
    assert (check.returncode, said.decode()) == (0, "")


@needs_prometheus
def test_prometheus_takes_the_alerts() -> None:
    check = [str(program("promtool")), "check", "rules", str(ROOT / "deploy" / "alerts.yaml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_figures_that_are_there(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"\bhandoff_\w+", rule["expr"]))
    assert named
    assert named <= Metrics().names
    page = (ROOT / "docs" / "operate.md").read_text()
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in named} <= set(
        re.findall(r"handoff_\w+", page)
    )


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_has_the_unit_of_all_its_queries(panel: dict[str, Any]) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    assert {unit_of(target["expr"]) for target in panel["targets"]} == {unit}


def unit_of(expression: str) -> str:
    (name, *_) = re.findall(r"\b(?:handoff|process)_\w+", expression)
    if name.endswith("_count") or ("_bucket" in name and "histogram_quantile" not in expression):
        return "short"
    if name == "process_cpu_seconds_total":
        return "short"  # seconds a second: cores
    base = re.sub(r"_(total|bucket|sum)$", "", name)
    if base.endswith("_bytes") and "rate(" in expression:
        return "Bps"
    return UNITS.get(base.rpartition("_")[2], "short")
