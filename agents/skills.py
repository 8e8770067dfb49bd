"""Skills: folders of a team with instructions (`SKILL.md`) and files, in the format of agentskills.io."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pydantic
import yaml

from agents.errors import SkillsRefused
from sandbox import filenames
from sandbox.files import SandboxFile
from sandbox.folder import RESERVED, Folder

#: The folder in `/work` with the folders of opened skills.
FOLDER = "skills"
MAIN = "SKILL.md"
#: Characters of a SKILL.md, files of a skill, and bytes of them together.
LONGEST, MOST_FILES, MOST_BYTES = 20_000, 200, 20 << 20
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)(.*)\Z", re.DOTALL | re.MULTILINE)


class FrontMatter(pydantic.BaseModel, extra="ignore", frozen=True, str_strip_whitespace=True):
    """The front matter's fields that Handoff reads, within the bounds of the format."""

    name: Annotated[str, pydantic.Field(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    description: Annotated[str, pydantic.Field(min_length=1, max_length=1024)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """One skill as it was when it was read."""

    name: str
    description: str
    text: str
    """The instructions, without the front matter."""
    files: Mapping[str, SandboxFile]
    """By path relative to `/work`, SKILL.md among them."""


def parse(text: str) -> tuple[FrontMatter, str]:
    """The front matter and the instructions of a SKILL.md; raises `ValueError` with what is wrong."""
    found = _FRONT.match(text.replace("\r\n", "\n"))
    if found is None:
        raise ValueError("must begin with front matter between two lines `---`")
    try:
        # All values stay text: a name such as 2024 or a description such as `yes` is what it says.
        front = yaml.load(found[1], Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = str(getattr(error, "problem", None) or "it is nested too deeply")
        raise ValueError(f"has front matter that is no YAML: {why}") from None
    try:
        parsed = FrontMatter.model_validate(front)
    except pydantic.ValidationError as error:
        wrong = {str(detail["loc"][0]) if detail["loc"] else "" for detail in error.errors()}
        raise ValueError("; ".join(_wanted(name) for name in sorted(wrong))) from None
    return parsed, found[2].strip()


def load(folder: Path) -> Sequence[Skill]:
    """All skills of a folder, by name. Raises `SkillsRefused` with a sentence for each problem."""
    skills: list[Skill] = []
    problems: list[str] = []
    try:
        homes = sorted(home for home in folder.iterdir() if home.is_dir() and not home.name.startswith("."))
    except OSError as error:
        raise SkillsRefused((f"The folder of skills {folder} can't be read ({error.strerror}).",)) from None
    if not homes:
        problems.append(f"{folder} has no skill. Put a folder with a {MAIN} into it.")
    for home in homes:
        try:
            skills.append(_skill(home, problems))
        except ValueError as wrong:
            problems.append(f"{home / MAIN} {wrong}. Correct it.")
    if problems:
        raise SkillsRefused(tuple(problems))
    return skills


def stamp(folder: Path) -> object:
    """Differs when a file of the folder was changed, added or removed."""
    try:
        return {path: (status.st_mtime_ns, status.st_size, status.st_ino) for path, status in _walk(folder)}
    except OSError:
        return None


def _skill(home: Path, problems: list[str]) -> Skill:
    """Raises `ValueError` for its SKILL.md; adds to `problems` what is wrong with its files."""
    problems += _file_problems(home)
    folder = Folder(home)
    try:
        text = (home / MAIN).read_text("utf-8")
    except OSError as error:
        raise ValueError(f"can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("is no UTF-8 text") from None
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text):,} characters, and {LONGEST:,} is the limit. Move parts to files")
    front, instructions = parse(text)
    if front.name != home.name:
        raise ValueError(f"has the name {front.name}, and its folder has another: {home.name}")
    versions = {path: known for path, known in folder.files().items() if not _is_hidden(path)}
    files = {
        f"{FOLDER}/{front.name}/{path}": SandboxFile(
            size=known.size, open=functools.partial(folder.open, path, known),
            executable=known.executable, modified=known.modified,
        )
        for path, known in versions.items()
    }  # fmt: skip
    return Skill(name=front.name, description=front.description, text=instructions, files=files)


def _file_problems(home: Path) -> Iterator[str]:
    count = size = 0
    for path, status in _walk(home):
        name = path.relative_to(home).as_posix()
        if path.is_symlink():
            yield f"{path} is a link. Put the file itself there."
        elif not filenames.is_clean(name) or path.name.startswith(RESERVED):
            yield f"{path} has a name that a file can't have in /work. Rename it."
        count, size = count + 1, size + status.st_size
    if count > MOST_FILES:
        yield f"{home} has {count} files, and {MOST_FILES} is the limit of a skill. Remove some."
    if size > MOST_BYTES:
        yield f"{home} has {size:,} bytes, and {MOST_BYTES:,} is the limit of a skill. Remove files."


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file and link below a folder, hidden ones left out. Links are not followed."""
    for at, folders, names in os.walk(folder):
        here = Path(at)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if not _is_hidden(name) and name not in links)
        for path in (here / name for name in [*sorted(names), *links] if not _is_hidden(name)):
            yield path, path.lstat()


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.split("/"))


def _wanted(name: str) -> str:
    if name == "name":
        return "needs a name of at most 64 lower-case letters, digits and single hyphens"
    if name == "description":
        return "needs a description of at most 1,024 characters"
    return "must have a name and a description in its front matter"
