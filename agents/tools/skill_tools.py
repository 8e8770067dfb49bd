"""The tools and the text by which an agent finds its team's skills and opens them."""

from __future__ import annotations

from collections.abc import Sequence

from agents.errors import ToolFailure
from agents.journal import Entry
from agents.skills import FOLDER, Skill
from agents.tools import Tool, ToolOutput
from sandbox.workspace import Workspace
from text.matching import best_matches

#: Characters of the list in the instructions: about 1,500 tokens. What is beyond is found by `find_skill`.
LISTED = 6_000
_INTRODUCTION = (
    "Instructions and files that this team wrote for recurring work. When one fits the request, open it "
    "before anything else and follow it. Its files are then in /work of all programs of the task, read-only. "
    "Name it in the brief of a worker that is to follow it."
)
_MOST_FOUND = 5


class SkillTools:
    """The skills of one agent. What the agent opened before a restart is open again."""

    def __init__(self, skills: Sequence[Skill], workspace: Workspace, entries: Sequence[Entry]) -> None:
        self._skills = {skill.name: skill for skill in skills}
        self._workspace = workspace
        for entry in entries:
            if entry.kind == "result" and (skill := self._skills.get(entry.body["facts"].get("skill", ""))):
                workspace.lend(skill.files)

    def tools(self) -> list[Tool]:
        """None without skills; `find_skill` only where the instructions can't list all of them."""
        is_listed = len(self._listed()) == len(self._skills)
        found = [Tool.from_function(self.open_skill), Tool.from_function(self.find_skill)]
        return found[: 1 if is_listed else 2] if self._skills else []

    def summary(self) -> str:
        """The end of the instructions; empty without skills."""
        if not self._skills:
            return ""
        listed = self._listed()
        left = len(self._skills) - len(listed)
        more = [f"There are {left} more: look with find_skill."] if left else []
        return "\n".join(["\n\n# Skills", _INTRODUCTION, *listed, *more])

    async def open_skill(self, name: str) -> ToolOutput:
        """Read a skill's instructions and put its files into /work/skills.

        Args:
            name: The skill's name.
        """
        if (skill := self._skills.get(name.strip())) is None:
            raise ToolFailure(f"there is no skill {name[:80]!r}. {self._names()}")
        self._workspace.lend(skill.files)
        files = "\n".join(f"/work/{path}" for path in sorted(skill.files))
        text = f"[Skill {skill.name}, in /work/{FOLDER}/{skill.name}]\n{files}\n\n{skill.text}"
        return ToolOutput(text, {"skill": skill.name})

    async def find_skill(self, query: str) -> str:
        """Find skills by words of their names and descriptions.

        Args:
            query: What is to be done, in a few words.
        """
        abouts = {name: skill.description for name, skill in self._skills.items()}
        found = best_matches(query, abouts, _MOST_FOUND)
        return "\n".join(_line(self._skills[name]) for name in found) or f"No skill fits. {self._names()}"

    def _listed(self) -> list[str]:
        lines, left = list[str](), LISTED
        for skill in self._skills.values():
            left -= len(_line(skill)) + 1
            if left < 0:
                break
            lines.append(_line(skill))
        return lines

    def _names(self) -> str:
        return f"The skills are: {', '.join(self._skills)}."[:2_000]


def _line(skill: Skill) -> str:
    return f"- {skill.name}: {' '.join(skill.description.split())}"
