"""The file that names a team's MCP servers, and what workers may call (HANDOFF_TOOLS_FILE).

Owns its shape and the sentences about what is wrong with it. Never connects to anything.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import Field, StringConstraints

from agents.errors import ToolConfigError
from agents.wire.assembler import spelled

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9-]{1,24}$")]
_Shape = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)


class ToolPolicy(pydantic.BaseModel):
    """On which terms one tool may be called."""

    model_config = _Shape

    ask_first: bool = False
    """Whether a person has to allow each call."""


class McpServer(pydantic.BaseModel):
    """One MCP server: a program that is started (`command`), or one that is there (`url`)."""

    model_config = _Shape

    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    """Variables of the program; it gets none of ours but PATH, HOME and the like."""
    url: str = ""
    headers: dict[str, str] = {}
    tools: dict[str, ToolPolicy] = Field(min_length=1)
    """The tools that workers are offered, by the server's names for them. Others are not."""
    seconds: float = Field(default=60, gt=0, le=3600)
    """How long one call may take."""

    @pydantic.model_validator(mode="after")
    def _one_way_in(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command (a program to start) or url (a server to connect to)")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        if self.url and (self.args or self.env):
            raise ValueError("args and env belong to command, not to url")
        if self.command and self.headers:
            raise ValueError("headers belong to url, not to command")
        return self


class ToolsFile(pydantic.BaseModel):
    """The whole file. `functions` sets terms for installed functions, by their names."""

    model_config = _Shape

    servers: dict[_Name, McpServer] = {}
    functions: dict[str, ToolPolicy] = {}

    @pydantic.model_validator(mode="after")
    def _names_apart(self) -> ToolsFile:
        by_name: dict[str, list[str]] = defaultdict(list)
        for server, terms in self.servers.items():
            for tool in terms.tools:
                by_name[tool_name(server, tool)].append(f"{tool} of {server}")
        alike = [
            f"{' and '.join(tools)} by one name, {name}" for name, tools in by_name.items() if len(tools) > 1
        ]
        if alike:
            raise ValueError(f"models know {', and '.join(alike)}: allow one of each")
        return self


def tool_name(server: str, tool: str) -> str:
    """What a model knows a server's tool as."""
    return spelled(f"{server}_{tool}")


def load(path: Path, environ: Mapping[str, str]) -> ToolsFile:
    """Read the file, with `${NAME}` in its texts replaced from `environ`, so that it needs to hold no secret.

    Raises `ToolConfigError` with every problem there is.
    """
    try:
        found = json.loads(path.read_text("utf-8"), object_pairs_hook=_once)
    except OSError as error:
        why = error.strerror or str(error)
        problem = f"{path} can't be read ({why}). Correct HANDOFF_TOOLS_FILE."
        raise ToolConfigError((problem,)) from None
    except ValueError as error:
        raise ToolConfigError((f"{path} is not JSON ({error}). Correct it there.",)) from None
    missing: set[str] = set()
    filled = _filled(found, environ, missing)
    unset = [f"{path} names ${{{name}}}, which is not set. Set {name}." for name in sorted(missing)]
    try:
        tools = ToolsFile.model_validate(filled)
    except pydantic.ValidationError as error:
        raise ToolConfigError((*unset, *_sentences(path, error))) from None
    if unset:
        raise ToolConfigError(tuple(unset))
    return tools


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a name that is there twice, the first value would be lost, and with it a question."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is there twice in one object")
        found[name] = value
    return found


def _filled(value: Any, environ: Mapping[str, str], missing: set[str]) -> Any:
    def put(match: re.Match[str]) -> str:
        if match[1] not in environ:
            missing.add(match[1])
        return environ.get(match[1], "")

    match value:
        case str():
            return _VARIABLE.sub(put, value)
        case list():
            return [_filled(item, environ, missing) for item in value]
        case dict():
            return {key: _filled(item, environ, missing) for key, item in value.items()}
    return value


def _sentences(path: Path, error: pydantic.ValidationError) -> Iterable[str]:
    # Without the values: they may be secrets by now.
    for problem in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "the whole"
        match problem["type"]:
            case "missing":
                what = "is missing"
            case "extra_forbidden":
                what = "is not known here"
            case _:
                what = "is wrong: " + problem["msg"].removeprefix("Value error, ")
        yield f"{path}: {where} {what}. docs/extend.md shows the whole shape."
