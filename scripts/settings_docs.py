"""Writes `.env.example` and `docs/settings.md` from the settings class.

A unit test checks that they are current.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from bot.settings import Settings, variable
from bot.settings.groups import GROUPS
from bot.settings.problems import expectation
from scripts.steps import ROOT

HEADER = "Made from bot/settings/groups.py by `make format`; change it there."


def main() -> None:
    (ROOT / ".env.example").write_text(env_example())
    (ROOT / "docs" / "settings.md").write_text(settings_page())


def env_example() -> str:
    lines = [f"# {HEADER} Copy this file to .env and fill in what you need."]
    for group in GROUPS:
        lines += ["", f"# --- {group.__doc__}"]
        for name, field in _own(group):
            lines += ["", *(f"# {line}" for line in _meaning(field)), f"#{variable(name)}={_default(field)}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        f"<!-- {HEADER} -->",
        "Handoff reads these once, when it starts, from the environment and from `.env` in the current",
        "folder; the environment wins. An empty variable counts as not set. All errors are reported at",
        "once, and the command exits with code 2. `handoff doctor` tests the settings.",
    ]
    for group in GROUPS:
        lines += [
            "",
            f"## {group.__doc__}",
            "",
            "| variable | meaning | default | allowed |",
            "|---|---|---|---|",
        ]
        lines += [_row(name, field) for name, field in _own(group)]
    return "\n".join(lines) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    default = f"`{_default(field)}`" if _default(field) else "–"
    return f"| `{variable(name)}` | {' '.join(_meaning(field))} | {default} | {expectation(field)} |"


def _own(group: type) -> Iterator[tuple[str, FieldInfo]]:
    return ((name, Settings.model_fields[name]) for name in group.__annotations__ if name != "model_config")


def _meaning(field: FieldInfo) -> list[str]:
    return [line.strip() for line in (field.description or "").splitlines()]


def _default(field: FieldInfo) -> str:
    return "" if field.default_factory is not None or field.default is None else str(field.default)


if __name__ == "__main__":
    main()
