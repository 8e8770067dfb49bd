"""The example skills in the real sandbox: each script makes what its SKILL.md says. Needs Docker."""

from __future__ import annotations

from pathlib import Path

from agents import skills
from agents.tools.skill_tools import SkillTools
from playground.demo_model import programs
from sandbox.job import Job, Run
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from scripts.steps import ROOT

SALES = "date,amount\n2026-01-05,10\n2026-01-06,20\n2026-01-12,45\n2026-01-12,45\n2026-01-20,none\n"
START = "import runpy, sys\nsys.argv = {argv}\n_ = runpy.run_path('/work/skills/{path}', None, '__main__')\n"


async def run(sandbox: Sandbox, folder: Path, skill: str, code: str) -> tuple[Run, dict[str, bytes]]:
    workspace = Workspace(folder)
    await SkillTools(skills.load(ROOT / "playground" / "skills"), workspace, ()).open_skill(skill)
    if not await workspace.names():
        await workspace.add("sales.csv", SALES.encode())
    before = await workspace.snapshot()
    ended = await sandbox.run(Job(code=code, files=before.files))
    assert (ended.exit_code, ended.stderr) == (0, ""), ended.stderr
    return ended, {name: file.read() for name, file in ended.files.items()}


async def test_csv_audit(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    code = START.format(argv=["audit.py", "sales.csv"], path="csv-audit/audit.py")
    ended, files = await run(shared_sandbox, tmp_path, "csv-audit", code)
    assert "1 duplicate rows" in ended.stdout
    assert "amount: 1 of 5 values are no numbers, such as 'none'" in ended.stdout
    assert list(files) == ["audit.md"]


async def test_weekly_report(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    argv = ["weekly.py", "sales.csv", "date", "amount"]
    code = START.format(argv=argv, path="weekly-report/weekly.py")
    ended, files = await run(shared_sandbox, tmp_path, "weekly-report", code)
    assert "1 rows without a date or an amount are left out" in ended.stdout
    assert files["weekly.csv"].decode() == (
        "week_from,total,change_percent\n2026-01-05,30.0,\n2026-01-12,90.0,200.0\n"
    )
    assert files["weekly.png"].startswith(b"\x89PNG")


async def test_slide_deck_and_its_files_can_not_be_changed_for_the_next_program(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    outline = "# Sales\\nJanuary\\n\\n## Sales grew\\n- one\\n- two\\n"
    code = f"from pathlib import Path\nPath('outline.md').write_text('{outline}')\n"
    code += START.format(argv=["deck.py", "outline.md", "out.pptx"], path="slide-deck/deck.py")
    code += "try:\n    Path('skills/slide-deck/deck.py').write_text('evil')\n"
    code += "except PermissionError as error:\n    print(error.strerror)\n"
    code += "Path('skills/slide-deck/deck.py').unlink()\n"
    code += "Path('skills/slide-deck/deck.py').write_text('evil')\n"
    code += "from pptx import Presentation\n"
    code += "print([s.shapes.title.text for s in Presentation('out.pptx').slides])\n"
    ended, files = await run(shared_sandbox, tmp_path, "slide-deck", code)
    assert "Sales grew: 2 bullets, 0 pictures" in ended.stdout
    assert "['Sales', 'Sales grew']" in ended.stdout
    assert "Permission denied" in ended.stdout
    assert files["out.pptx"].startswith(b"PK")
    workspace = Workspace(tmp_path)
    await SkillTools(skills.load(ROOT / "playground" / "skills"), workspace, ()).open_skill("slide-deck")
    kept = await workspace.keep(ended, await workspace.snapshot(), "w1")
    assert "skills/slide-deck/deck.py" not in kept.files
    assert any("read-only" in note for note in kept.notes)
    later, _ = await run(
        shared_sandbox, tmp_path, "slide-deck", "print(open('skills/slide-deck/deck.py').read()[:60])"
    )
    assert later.stdout.startswith('"""Makes slides from an outline')


async def test_the_demo_model_follows_each(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    for skill, request, made in (
        ("csv-audit", "audit my table", "audit.md"),
        ("weekly-report", "weekly report please", "weekly.png"),
        ("slide-deck", "slides about skills", "slides.pptx"),
    ):
        (program,) = programs.choose(f"Use the skill {skill}: {request}")
        ended, files = await run(shared_sandbox, tmp_path / skill, skill, program.code)
        assert made in files
        assert "__name__" not in ended.stdout  # the script's variables are no output
