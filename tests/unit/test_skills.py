"""Skills: front matter, checks of a folder, the list in the instructions, `open_skill` and `find_skill`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agents import skills
from agents.conversation import ToolCall
from agents.errors import SkillsRefused, ToolFailure
from agents.journal import Entry
from agents.skills import LONGEST, MOST_FILES, Skill
from agents.tools.skill_tools import LISTED, SkillTools
from bot.checks.preflight import problems_for_serve
from bot.factories.skills import SkillLibrary, skill_names, skill_problems
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from sandbox.errors import FileRefused
from sandbox.workspace import Workspace
from scripts.steps import ROOT
from tasks.message import ThreadAddress
from tests.support.sandboxes import left
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.team import Team, endpoint_of

EXAMPLES = ROOT / "playground" / "skills"
HERE = ThreadAddress("T0ACME", "C0SALES", "1.0")
TEXT = "Follow these steps."


def write(folder: Path, name: str, *, front: str = "", text: str = TEXT) -> Path:
    home = folder / name
    home.mkdir(parents=True)
    front = front or f"name: {name}\ndescription: For {name}\n"
    (home / "SKILL.md").write_text(f"---\n{front}---\n{text}\n")
    return home


def made(count: int, description: str = "Counts things") -> list[Skill]:
    names = [f"skill-{number}" for number in range(count)]
    return [Skill(name=name, description=description, text="", files={}) for name in names]


def problems(folder: Path) -> tuple[str, ...]:
    with pytest.raises(SkillsRefused) as refused:
        skills.load(folder)
    return refused.value.problems


@given(
    name=st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True),
    description=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200).filter(
        str.strip
    ),
    text=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200),
)
def test_what_a_yaml_library_writes_is_read(name: str, description: str, text: str) -> None:
    front = yaml.safe_dump({"name": name, "description": description, "license": "MIT"}, allow_unicode=True)
    found, instructions = skills.parse(f"---\n{front}---\n{text}")
    assert (found.name, found.description) == (name, description.strip())
    assert instructions == text.strip()


@given(st.one_of(st.text(), st.text().map(lambda front: f"---\n{front}\n---\n")))
def test_wild_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert skills.parse(text)[0].name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# No front matter", "must begin with front matter"),
        ("---\nname: a\n", "must begin with front matter"),
        ("---\nname: [\n---\n", "is no YAML"),
        ("---\n" + "[" * 500 + "\n---\n", "is no YAML"),
        ("---\n- a\n---\n", "must have a name and a description"),
        ("---\nname: Big Name\ndescription: x\n---\n", "needs a name of at most 64 lower-case"),
        ("---\nname: a\ndescription: ''\n---\n", "needs a description"),
        ("---\nname: a\ndescription: " + "x" * 1025 + "\n---\n", "needs a description"),
        ("---\nlicense: MIT\n---\n", "needs a description of at most 1,024 characters; needs a name"),
    ],
)
def test_a_wrong_front_matter_says_what_it_needs(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        skills.parse(text)


def test_values_stay_text_and_lines_may_end_as_on_windows() -> None:
    found, text = skills.parse("---\r\nname: 2024\r\ndescription: yes\r\n---\r\nDo it.\r\n")
    assert (found.name, found.description, text) == ("2024", "yes", "Do it.")


def test_a_folder_becomes_skills_with_files(tmp_path: Path) -> None:
    home = write(tmp_path, "audit")
    (home / "scripts").mkdir()
    (home / "scripts" / "run.py").write_text("print(1)")
    (home / ".git").mkdir()
    (home / ".git" / "config").write_text("x")
    (found,) = skills.load(tmp_path)
    assert (found.name, found.description, found.text) == ("audit", "For audit", TEXT)
    assert sorted(found.files) == ["skills/audit/SKILL.md", "skills/audit/scripts/run.py"]
    assert found.files["skills/audit/scripts/run.py"].read() == b"print(1)"


def test_all_problems_of_a_folder_are_reported_at_once(tmp_path: Path) -> None:
    write(tmp_path, "other-name", front="name: audit\ndescription: x\n")
    write(tmp_path, "long", text="x" * LONGEST)
    (tmp_path / "empty").mkdir()
    linked = write(tmp_path, "linked")
    (linked / "secret").symlink_to("/etc/passwd")
    (linked / "folder").symlink_to("/etc")
    many = write(tmp_path, "many")
    for number in range(MOST_FILES):
        (many / f"{number}.txt").touch()
    found = problems(tmp_path)
    for words in (
        "other-name/SKILL.md has the name audit, and its folder has another: other-name",
        "long/SKILL.md has 20,",
        "empty/SKILL.md can't be read (No such file or directory)",
        "linked/secret is a link",
        "linked/folder is a link",
        f"many has {MOST_FILES + 1} files",
    ):
        assert any(words in problem for problem in found), (words, found)
    assert len(found) == 6


def test_a_linked_main_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "SKILL.md").symlink_to(EXAMPLES / "csv-audit" / "SKILL.md")
    assert any("is a link" in problem for problem in problems(tmp_path))


def test_a_missing_or_empty_folder_is_a_problem(tmp_path: Path) -> None:
    assert "has no skill" in problems(tmp_path)[0]
    assert "can't be read" in problems(tmp_path / "nowhere")[0]


async def test_serve_and_doctor_name_them(tmp_path: Path) -> None:
    (tmp_path / "skills" / "empty").mkdir(parents=True)
    file = tmp_path / "channels.toml"
    file.write_text(f'[T0ACME]\nskills_dir = "{EXAMPLES}"\nskills = ["csv-audit", "nothing"]\n')
    settings = Settings(data_dir=tmp_path, port=0, skills_dir=tmp_path / "skills", channels_file=file)
    first, second = skill_problems(settings)
    assert "empty/SKILL.md can't be read" in first
    assert "[T0ACME] skills names 'nothing', which is no skill. The skills are: csv-audit, " in second
    assert {first, second} <= set(await problems_for_serve(settings))
    assert skill_names(Settings(data_dir=tmp_path, skills_dir=EXAMPLES)) == [
        "csv-audit", "slide-deck", "weekly-report"
    ]  # fmt: skip


async def test_each_channel_has_its_own_and_a_change_counts_for_the_next_task(tmp_path: Path) -> None:
    home = write(tmp_path / "skills", "audit")
    write(tmp_path / "skills", "report")
    file = tmp_path / "channels.toml"
    file.write_text('[T0ACME.C0SALES]\nskills = ["audit"]\n')
    settings = Settings(data_dir=tmp_path, skills_dir=tmp_path / "skills", channels_file=file)
    library = SkillLibrary(ChannelSettings(settings, file))
    assert [skill.name for skill in await library.of(HERE)] == ["audit"]
    elsewhere = ThreadAddress("T0ACME", "C0OTHER", "1.0")
    assert [skill.name for skill in await library.of(elsewhere)] == ["audit", "report"]
    main = home / "SKILL.md"
    main.write_text("---\nname: audit\ndescription: Another\n---\n")
    assert [skill.description for skill in await library.of(HERE)] == ["Another"]
    main.write_text("broken")
    assert [skill.description for skill in await library.of(HERE)] == ["Another"]


async def test_a_file_that_changed_since_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    home = write(tmp_path, "audit")
    (found,) = skills.load(tmp_path)
    (home / "SKILL.md").write_text("---\nname: audit\ndescription: Another\n---\n")
    with pytest.raises(FileRefused):
        found.files["skills/audit/SKILL.md"].open()


def test_the_list_has_a_budget_and_beyond_it_one_looks(tmp_path: Path) -> None:
    few, many = (SkillTools(made(count, "x" * 500), Workspace(tmp_path), ()) for count in (3, 40))
    assert [tool.name for tool in few.tools()] == ["open_skill"]
    assert "find_skill" not in few.summary()
    assert [tool.name for tool in many.tools()] == ["open_skill", "find_skill"]
    assert len(many.summary()) < LISTED + 600
    assert "more: look with find_skill." in many.summary()


async def test_skills_are_found_by_their_words(tmp_path: Path) -> None:
    library = SkillTools(skills.load(EXAMPLES), Workspace(tmp_path), ())
    assert (await library.find_skill("make a presentation")).startswith("- slide-deck: ")
    assert "No skill fits. The skills are: csv-audit, " in await library.find_skill("xyzzy")
    with pytest.raises(ToolFailure, match="there is no skill 'nothing'"):
        await library.open_skill("nothing")


async def test_what_was_opened_before_a_restart_is_open_again(tmp_path: Path) -> None:
    found, workspace = skills.load(EXAMPLES), Workspace(tmp_path)
    assert (await workspace.snapshot()).files == {}
    output = await SkillTools(found, workspace, ()).open_skill("csv-audit")
    assert "/work/skills/csv-audit/audit.py" in output.text
    again = Workspace(tmp_path)
    SkillTools(found, again, [Entry("result", {"facts": output.facts, "call": "c"})])
    assert sorted((await again.snapshot()).files) == sorted((await workspace.snapshot()).files)


async def test_its_files_are_read_only_and_no_files_of_the_thread(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    await SkillTools(skills.load(EXAMPLES), workspace, ()).open_skill("csv-audit")
    kept = await left(
        workspace,
        {"skills/csv-audit/audit.py": b"evil", "skills/csv-audit/new.txt": b"x", "skills/own.txt": b"mine"},
        removed=["skills/csv-audit/SKILL.md"],
    )
    assert kept.files == ("skills/own.txt",)
    assert len([note for note in kept.notes if "read-only" in note]) == 3
    assert await workspace.names() == ["skills/own.txt"]
    assert b"Audits CSV files" in await workspace.read("skills/csv-audit/audit.py")


async def test_both_agents_have_them_and_without_any_nothing_is_sent(tmp_path: Path) -> None:
    def script() -> Roles:
        done = Call("report", {"status": "blocked", "summary": "nothing"})
        return Roles([Call("create_worker", {"task_description": "Do it"}), Say("Done.")], [done])

    async with ScriptedModel(script()) as model, endpoint_of(model) as endpoint:
        await Team(skills=skills.load(EXAMPLES)).run(endpoint)
    for asked in model.requests:
        assert "open_skill" in asked.tools
        assert "- csv-audit: Checks CSV files" in str(asked.body)
    async with ScriptedModel(script()) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
    for asked in model.requests:
        assert "skill" not in str(asked.body)


def test_a_tool_call_has_the_name_as_its_argument(tmp_path: Path) -> None:
    (tool, *_) = SkillTools(skills.load(EXAMPLES), Workspace(tmp_path), ()).tools()
    output = asyncio.run(tool.call(ToolCall("c1", "open_skill", '{"name": "slide-deck"}')))
    assert output.facts == {"skill": "slide-deck"}
    assert os.fspath(tmp_path) not in output.text
