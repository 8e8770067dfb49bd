"""The tools file (HANDOFF_TOOLS_FILE): MCP servers in the standard form, and what workers may call."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pydantic
import structlog
from pydantic import Field, StringConstraints

from agents.errors import ToolConfigError
from agents.tools.schema import safe_name
from agents.tools.team_tools import TAKEN
from sandbox.egress.allow_list import AllowEntry

log = structlog.get_logger(__name__)

_VARIABLE = re.compile(r"\$\{(?:env:)?(\w+)(?::-([^}]*))?\}")
_STRICT = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)
_Names = Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]
_HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]
_HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")]
_CONVERT = (
    "The next release does not read it. Rename `servers` to `mcpServers`, move the names of each server's "
    "`tools` to a list under the server's name in `allow`, and list the tools that ask first in `ask_first`, "
    "as SERVER_TOOL. docs/extend.md shows the whole shape."
)


class McpServer(pydantic.BaseModel):
    """One MCP server: a program to start (`command`), or a server to connect to (`url`).

    Fields that other clients read are ignored, their permissions among them.
    """

    model_config = pydantic.ConfigDict(extra="ignore", frozen=True, strict=True)

    type: str = ""
    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    """Variables of the program; beside them it gets PATH, HOME and the like, and none of Handoff's own."""
    url: str = ""
    headers: dict[str, str] = {}
    disabled: bool = False
    seconds: float = Field(default=60, gt=0, le=3600)
    """How long one call may take."""

    @pydantic.model_validator(mode="after")
    def _check_transport(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command (a program to start) or url (a server to connect to)")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        if self.type == "sse":
            raise ValueError("type sse is not supported: use the server's address for streamable HTTP")
        return self


class HostTerms(pydantic.BaseModel):
    """What holds for programs' requests to one host."""

    model_config = _STRICT

    headers: dict[_HeaderName, _HeaderValue] = {}
    """Added to requests. Programs do not see them."""
    ask_first: bool = False
    """Whether a person has to allow the host, once in a thread."""

    @pydantic.model_validator(mode="after")
    def _check_use(self) -> HostTerms:
        if not self.headers and not self.ask_first:
            raise ValueError("it needs headers, or ask_first")
        return self


class ToolsFile(pydantic.BaseModel):
    """The whole file."""

    model_config = _STRICT

    servers: dict[str, McpServer] = Field(default={}, alias="mcpServers")
    allow: dict[str, _Names] = {}
    """The tools that workers may call, by server, by the server's names for them. No others are offered."""
    hosts: dict[str, HostTerms] = {}
    """What holds for programs' requests, by `host` or `host:port`: see `docs/egress.md`."""
    ask_first: list[str] = []
    """Tools whose calls a person has to allow: `SERVER_TOOL`, or an installed function's name."""

    def tool_names(self, *, with_disabled: bool = True) -> list[str]:
        """The allowed tools of the servers, by the names that models know."""
        return [
            tool_name(server, tool)
            for server, tools in self.allow.items()
            for tool in tools
            if with_disabled or not self.servers[server].disabled
        ]

    @pydantic.field_validator("hosts")
    @classmethod
    def _check_hosts(cls, hosts: dict[str, HostTerms]) -> dict[str, HostTerms]:
        for host in hosts:
            if AllowEntry.parse(host).host.startswith("*."):
                raise ValueError(f"{host} is no single host, and these terms belong to one")
        return hosts

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> ToolsFile:
        problems = [
            f"no tool of {name} is allowed: list those that workers may call in allow.{name}"
            for name, server in self.servers.items()
            if name not in self.allow and not server.disabled
        ]
        unknown = [name for name in self.allow if name not in self.servers]
        problems += [f"allow names {name}, which is not in mcpServers" for name in unknown]
        problems += _collisions(self.allow)
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _collisions(allow: Mapping[str, Iterable[str]]) -> list[str]:
    by_name = defaultdict(list, {name: [f"{name} of Handoff"] for name in TAKEN})
    for server, tools in allow.items():
        for tool in tools:
            by_name[tool_name(server, tool)].append(f"{tool} of {server}")
    return [
        f"models know {' and '.join(tools)} by one name, {name}: allow one of them"
        for name, tools in by_name.items()
        if len(tools) > 1
    ]


class _OldTerms(pydantic.BaseModel):
    model_config = _STRICT
    ask_first: bool = False


class _OldServer(McpServer):
    tools: dict[str, _OldTerms] = Field(min_length=1)


class _OldForm(pydantic.BaseModel):
    """The form before `mcpServers`."""

    model_config = _STRICT
    servers: dict[str, _OldServer] = {}
    functions: dict[str, _OldTerms] = {}

    def converted(self) -> dict[str, Any]:
        ask_first = [name for name, terms in self.functions.items() if terms.ask_first]
        for name, server in self.servers.items():
            ask_first += [tool_name(name, tool) for tool, terms in server.tools.items() if terms.ask_first]
        return {
            "mcpServers": {
                name: server.model_dump(exclude={"tools"}) for name, server in self.servers.items()
            },
            "allow": {name: list(server.tools) for name, server in self.servers.items()},
            "ask_first": ask_first,
        }


def variables_in(path: Path, environ: Mapping[str, str]) -> Sequence[str]:
    """The values of the variables that a file names, which are mostly secrets; none of a missing file."""
    try:
        names = {found[1] for found in _VARIABLE.finditer(path.read_text("utf-8"))}
    except (OSError, UnicodeDecodeError):
        return ()  # loading the file reports it
    return [environ[name] for name in sorted(names) if name in environ]


def tool_name(server: str, tool: str) -> str:
    """The name under which models know a server's tool."""
    return safe_name(f"{server}_{tool}")


def load_tools_file(path: Path, environ: Mapping[str, str]) -> ToolsFile:
    """Read the file, with `${NAME}`, `${env:NAME}` and `${NAME:-default}` replaced from `environ`.

    Raises `ToolConfigError` with all problems.
    """
    try:
        found = json.loads(path.read_text("utf-8"), object_pairs_hook=_unique)
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
        if isinstance(filled, dict) and filled.keys() & {"servers", "functions"}:
            filled = _OldForm.model_validate(filled).converted()
            log.warning("tools file has an old form", path=str(path), fix=_CONVERT)
        file = ToolsFile.model_validate(filled)
    except pydantic.ValidationError as error:
        raise ToolConfigError((*unset, *_sentences(path, error))) from None
    if unset:
        raise ToolConfigError(tuple(unset))
    return file


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are unique: of two values JSON would keep the last, and lose an `ask_first`."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is there twice in one object")
        found[name] = value
    return found


def _filled(value: Any, environ: Mapping[str, str], missing: set[str]) -> Any:
    def put(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name not in environ and default is None:
            missing.add(name)
        return environ.get(name, default or "")

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
