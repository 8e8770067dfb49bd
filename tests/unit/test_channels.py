"""The file of workspaces and channels: whose value counts, mistakes, and a change while the bot runs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from bot.checks.preflight import channel_problems
from bot.commands import doctor
from bot.errors import InvalidChannelsFile
from bot.settings import Settings
from bot.settings.channels import KNOWN, LOCAL, ChannelSettings
from scripts.steps import ROOT

FILE = """
[T0ACME]
model = "workspace-model"
limit_workers = 5
progress = "quiet"

[T0ACME.C0SALES]
model = "channel-model"
allow_users = "U0ADA"
limit_task_usd = 2
tools = ["crm_lookup"]
"""


def channels(folder: Path, text: str = FILE) -> ChannelSettings:
    file = folder / "channels.toml"
    file.write_text(text)
    return ChannelSettings(Settings(limit_workers_at_once=3), file)


def test_the_nearest_place_counts(tmp_path: Path) -> None:
    there = channels(tmp_path)
    sales, other, elsewhere = (
        there.settings(*place) for place in [("T0ACME", "C0SALES"), ("T0ACME", "C0X"), ("T0OTHER", "C0SALES")]
    )
    assert [at.model for at in (sales, other, elsewhere)] == [
        "channel-model", "workspace-model", Settings().model
    ]  # fmt: skip
    assert (sales.limit_workers, sales.limit_task_usd, sales.allow_users) == (5, 2.0, "U0ADA")
    assert (other.limit_task_usd, other.allow_users) == (None, "")
    assert sales.limit_workers_at_once == 3
    assert there.own("T0ACME", "C0SALES").tools == ["crm_lookup"]
    assert there.own("T0ACME", "C0X").tools is None
    assert there.preference("T0ACME", "C0SALES", "progress") == "quiet"
    assert there.preference("T0OTHER", "C0SALES", "progress") is None


def test_each_value_says_where_it_is_from(tmp_path: Path) -> None:
    there = channels(tmp_path)
    shown = {row.name: row.source for row in there.effective("T0ACME", "C0SALES")}
    assert shown["model"].endswith("channels.toml: T0ACME.C0SALES")
    assert shown["limit_workers"].endswith("channels.toml: T0ACME")
    assert shown["limit_workers_at_once"] == "HANDOFF_LIMIT_WORKERS_AT_ONCE"
    assert shown["allow_stop"] == "default"
    assert set(LOCAL) <= set(shown) <= set(KNOWN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[T0ACME]\nlimit_workers = 0",
            "[T0ACME] limit_workers must be a whole number from 1 to 1000, not 0.",
        ),
        ("[T0ACME.C0X]\nmodle = 'x'", "[T0ACME.C0X] modle is nothing that a workspace or a channel can set."),
        ("[T0ACME]\nopenai_api_key = 'x'", "openai_api_key is nothing that"),
        ("[acme]\nmodel = 'x'", "[acme] is no id of a workspace"),
        ("[T0ACME]\nC0X = 3", "[T0ACME.C0X] must be a table"),
        ("[T0ACME]\nallow_users = '@ada'", "[T0ACME] allow_users must be ids like U0ADA"),
        ("[T0ACME]\nprogress = 'loud'", "[T0ACME] progress must be 'full' or 'quiet', not 'loud'"),
        ("[T0ACME", "can't be read"),
    ],
)
def test_a_mistake_is_a_sentence_and_keeps_serve_from_starting(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidChannelsFile) as refused:
        channels(tmp_path, text)
    (problem,) = refused.value.problems
    assert said in problem
    assert channel_problems(Settings(channels_file=tmp_path / "channels.toml")) == (problem,)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidChannelsFile) as refused:
        channels(tmp_path, "[T0ACME]\nlimit_workers = 0\nx = 1\n[acme]\n")
    assert len(refused.value.problems) == 3


def test_a_change_counts_at_once_and_a_mistake_leaves_what_was(tmp_path: Path) -> None:
    there = channels(tmp_path)
    change(tmp_path, "[T0ACME]\nmodel = 'another'\n")
    assert there.settings("T0ACME", "C0SALES").model == "another"
    change(tmp_path, "[T0ACME]\nmodel = 3\n")
    assert there.settings("T0ACME", "C0SALES").model == "another"
    (tmp_path / "channels.toml").unlink()
    assert there.settings("T0ACME", "C0SALES").model == "another", "a file that is being replaced"
    change(tmp_path, "")
    assert there.settings("T0ACME", "C0SALES").model == Settings().model


def change(folder: Path, text: str) -> None:
    """As editors and configuration tools do: a new file in the place of the old one."""
    new = folder / "new.toml"
    new.write_text(text)
    new.replace(folder / "channels.toml")


async def test_doctor_shows_the_settings_of_a_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    channels(tmp_path)
    (tmp_path / "tools.json").write_text(
        '{"mcpServers": {"crm": {"url": "http://127.0.0.1:1"}}, "allow": {"crm": ["lookup"]}}'
    )
    settings = Settings(channels_file=tmp_path / "channels.toml", tools_file=tmp_path / "tools.json")
    assert await doctor.run(Namespace(channel=("T0ACME", "C0SALES")), settings) == 0
    assert f'model = "channel-model" ({tmp_path}/channels.toml: T0ACME.C0SALES)' in capsys.readouterr().out


def test_the_page_for_operators_names_everything_that_can_be_set() -> None:
    page = (ROOT / "docs" / "operate.md").read_text()
    assert [name for name in KNOWN if f"`{name}`" not in page] == []


def test_a_workspace_and_a_channel_have_retentions_of_their_own(tmp_path: Path) -> None:
    text = "[T0ACME]\nretention_days = 30\n[T0ACME.C0SALES]\nretention_days = 0\n[T0OTHER]\nmodel = 'm'\n"
    assert channels(tmp_path, text).retention() == {("T0ACME",): 30 * 86_400, ("T0ACME", "C0SALES"): 0}
    with pytest.raises(InvalidChannelsFile, match="retention_days must be a number from 0"):
        channels(tmp_path, "[T0ACME]\nretention_days = -1\n")
