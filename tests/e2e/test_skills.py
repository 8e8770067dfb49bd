"""A skill through Slack: an agent opens it, and a program finds its files. Needs Docker."""

from __future__ import annotations

from pathlib import Path

from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from scripts.steps import ROOT
from tasks.task import State
from tests.support.stack import ADA, stack

SALES = b"day,amount\n2026-01-01,10\n2026-01-02,10\n2026-01-02,10\n2026-01-03,\n"


async def test_a_skill_is_opened_and_its_script_runs_on_the_persons_file(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    folder = ROOT / "playground" / "skills"
    async with stack(slack, demo.base_url, tmp_path, skills_dir=folder) as bot:
        file = await slack.upload(ADA, "sales.csv", SALES)
        ts = await bot.ask("@Handoff audit this table", files=[file])
        task = await bot.task(ts, State.ANSWERED)
        events = await bot.server.engine.store.events(task.id)
    bodies = [str(event["body"]) for event in events]
    assert any("/work/skills/csv-audit/audit.py" in body for body in bodies), "what open_skill gives"
    runs = [body for body in bodies if "exit code 0" in body]
    assert any("duplicate" in run.lower() for run in runs), "what the script of the skill prints"
    assert "audit.py" not in [shared.name for shared in slack.state.files.values()]
