"""The demo model's use of the example skills: which one fits a request, and the programs that follow it."""

from __future__ import annotations

import re

from playground.demo_model.conversation import Conversation, Reply, ToolUse
from playground.demo_model.program import Program, Prompt, code, files_named

OPEN = "open_skill"
#: Words of a request that the skill is for.
_FITS = {
    "csv-audit": r"audit|csv[- ]audit",
    "weekly-report": r"weekly (?:report|numbers|summary)|week over week",
    "slide-deck": r"slides?|slide deck|deck|presentation",
}
_NAMED = re.compile(rf"Use the skill ({'|'.join(_FITS)}): ")


def reply(conversation: Conversation, request: str) -> Reply | None:
    """Opens the skill that fits, once; None where there is none."""
    name = fitting(request)
    if not name or OPEN not in conversation.tools or conversation.calls(OPEN):
        return None
    return Reply(f"The skill {name} fits.", (ToolUse(OPEN, {"name": name}),))


def with_skill(conversation: Conversation, request: str) -> str:
    """The request with the name of the skill that was opened for it."""
    opened = [call for call in conversation.calls(OPEN) if (call.result or "").startswith("[Skill ")]
    return f"Use the skill {opened[-1].arguments['name']}: {' '.join(request.split())}" if opened else request


def fitting(request: str) -> str:
    """The name of the skill that fits a request; empty when none does."""
    return next((name for name, words in _FITS.items() if Prompt(request).says(words)), "")


def programs(prompt: Prompt) -> tuple[Program, ...]:
    """The skill's script on the file that the brief names, or on data that the program makes up."""
    if not (named := _NAMED.search(prompt.text)):
        return ()
    files = [name for name in files_named(prompt.text) if name.endswith((".csv", ".md"))]
    match named[1]:
        case "csv-audit":
            return (Program("Auditing the table", code(_SALES + _AUDIT, file=files[0] if files else "")),)
        case "weekly-report":
            return (Program("Adding up the weeks", code(_SALES + _WEEKLY, file=files[0] if files else "")),)
    return (Program("Making the slides", code(_DECK, request=prompt.text[named.end() :])),)


_SALES = """
    import runpy, sys
    from pathlib import Path

    path = $file
    if not path:
        path = "sample.csv"
        rows = [f"2026-0{1 + n // 28}-{1 + n % 28:02},{100 + n % 9}" for n in range(84)]
        rows += [rows[-1], "2026-03-02,", "2026-03-03,9000", "2026-03-04,none"]
        Path(path).write_text("\\n".join(["date,amount", *rows]))
        print("No file was named, so this uses sample.csv, which it made up.")
"""
_AUDIT = """
    sys.argv = ["audit.py", path]
    _ = runpy.run_path("/work/skills/csv-audit/audit.py", run_name="__main__")
"""
_WEEKLY = """
    import pandas as pd

    table = pd.read_csv(path)
    numbers = table.apply(pd.to_numeric, errors="coerce").notna().mean()
    words = [name for name in table if not numbers[name]]
    dates = [name for name in words if pd.to_datetime(table[name], errors="coerce").notna().mean() > 0.5]
    amounts = [name for name in table if numbers[name] > 0.5]
    if not (dates and amounts):
        sys.exit(f"{path} has no column of dates beside one of amounts.")
    sys.argv = ["weekly.py", path, dates[0], amounts[0]]
    _ = runpy.run_path("/work/skills/weekly-report/weekly.py", run_name="__main__")
"""
_DECK = """
    import runpy, sys
    from pathlib import Path

    request = $request
    Path("outline.md").write_text(
        f"# {request.strip().capitalize()}\\nMade by the demo model\\n\\n"
        "## A skill is a folder\\n- SKILL.md says when and how\\n- Scripts do the work\\n\\n"
        "## A real model would write these slides\\n- This one only shows the way\\n"
    )
    sys.argv = ["deck.py", "outline.md", "slides.pptx"]
    _ = runpy.run_path("/work/skills/slide-deck/deck.py", run_name="__main__")
"""
