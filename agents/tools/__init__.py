"""Tools from plain functions: the typed signature and docstring become the schema that the model sees.

Arguments are validated, and the model gets a sentence that says what to send instead.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import docstring_parser
import pydantic
from pydantic_core import from_json

from agents.conversation import Json, Picture, ToolCall
from agents.errors import RepeatedPrompt, ToolFailure
from agents.tools.arguments import copied, fit, quoting
from agents.tools.schema import flatten, mend
from text.sanitize import sanitize


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A tool's result: text for the model, and facts for the journal alone."""

    text: str
    facts: Json = field(default_factory=dict)
    ends: bool = False
    """True when the call ends the agent's loop."""
    same_as: str = ""
    """Equal for equal results; the text unless given (a text may hold a measured time)."""
    parks: tuple[str, tuple[str, ...]] | None = None
    """A question (and its options) that only a person can answer; the call stays open until then."""
    asked: str = ""
    """The question's id."""
    approval: str = ""
    """Id and digest of an approval, where the question asks for one."""
    pictures: tuple[Picture, ...] = ()
    """Pictures that the model sees with the text."""
    attached: tuple[tuple[str, bytes], ...] = ()
    """Names and contents of files that came with the result; the agent that called keeps them in `/work`."""


Function = Callable[..., Awaitable[str | ToolOutput]]
Around = Callable[[ToolCall, Callable[[], Awaitable[ToolOutput]]], Awaitable[ToolOutput]]
"""Called in place of a tool's function, with the call and a function that runs it."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call."""

    name: str
    description: str
    schema: Json
    """JSON schema of the arguments: an object, with `additionalProperties: false` unless an MCP server says
    otherwise."""
    _arguments: type[pydantic.BaseModel]
    _function: Function
    _takes_call: str = ""
    is_optional: bool = False
    """Whether an agent can do without it: a team's own tool, which is left out where a service refuses it."""
    is_found_only: bool = False
    """Whether it is sent only once a search has found it: `agents.tools.tool_search`."""
    instead: Callable[[], Json] = dict
    """Arguments in place of those that only repeat what the model was given."""

    @classmethod
    def from_function(cls, function: Function) -> Tool:
        """Make a tool from an async function.

        Its docstring gives the descriptions (any common style; `Args:` entries per parameter). A parameter
        annotated `ToolCall` receives the call itself and is not shown to the model.
        """
        plain = getattr(function, "__func__", function)
        return replace(_built(plain, is_bound=plain is not function), _function=function)

    @classmethod
    def from_schema(
        cls,
        name: str,
        description: str,
        schema: Json,
        function: Callable[[Json], Awaitable[str | ToolOutput]],
    ) -> Tool:
        """Make a tool from another party's schema. The names of arguments are checked here, their values by
        the other party. Raises `ValueError` with a sentence for a schema that no service takes."""
        given = {key: value for key, value in mend(flatten(schema)).items() if value is not None}
        full: Json = {"properties": {}, "additionalProperties": False} | given | {"type": "object"}
        required = full.get("required", ())
        fields = {
            f"a{n}": (Any, pydantic.Field(... if key in required else None, alias=key))
            for n, key in enumerate(full["properties"])
        }
        config = pydantic.ConfigDict(extra="allow" if full["additionalProperties"] else "forbid")
        arguments = pydantic.create_model(  # type: ignore[call-overload]  # its fields are known only here
            "Arguments", __config__=config, **fields
        )

        async def run(call: ToolCall, **_: Any) -> str | ToolOutput:
            return await function(fit(json.loads(call.arguments or "{}"), full))

        return cls(name, description, full, arguments, run, "call", is_optional=True)

    async def call(self, call: ToolCall, instructions: str = "") -> ToolOutput:
        """Check the arguments and run the function; raises `ToolFailure` with what to send instead.

        Arguments that repeat their description, or a sentence of the agent's `instructions`, are replaced by
        those of `instead`, or refused.
        """
        if call.refused:
            raise ToolFailure(call.refused)
        try:
            parsed = self._parse(call.arguments or "{}")
            arguments = {name: sanitize(getattr(parsed, name)) for name in type(parsed).model_fields}
        except pydantic.ValidationError as error:
            raise ToolFailure(self._complaints(error)) from None
        except ValueError as error:
            raise ToolFailure(f"the arguments are {error} lists and objects. Nothing was run.") from None
        names = copied(from_json(call.arguments or "{}"), self.schema, self.description)
        names += quoting(call.arguments, instructions)
        instead = self.instead() if names else {}
        if not instead.keys() >= set(names):
            raise RepeatedPrompt(
                f"{', '.join(names)}: the value is the description of the argument, or a passage of your "
                "instructions. Nothing was run. Write what it asks for, about this task."
            )
        arguments |= {name: instead[name] for name in names}
        if self._takes_call:
            arguments[self._takes_call] = call
        return await self._run(arguments)

    def _parse(self, arguments: str) -> pydantic.BaseModel:
        """The arguments as they are, or fitted to the schema where only that makes them valid."""
        try:
            return self._arguments.model_validate_json(arguments)
        except pydantic.ValidationError as error:
            if any(one["type"] == "json_invalid" for one in error.errors()):
                raise
            fitted = json.dumps(fit(from_json(arguments), self.schema))
            return self._arguments.model_validate_json(fitted)

    def wrap(self, around: Around) -> Tool:
        """The same tool, with `around` called in place of its function once the arguments are valid."""
        name = self._takes_call or "call_of_this_tool"

        async def wrapped(**arguments: Any) -> ToolOutput:
            call = arguments[name] if self._takes_call else arguments.pop(name)

            return await around(call, lambda: self._run(arguments))

        return replace(self, _function=wrapped, _takes_call=name)

    async def _run(self, arguments: Mapping[str, Any]) -> ToolOutput:
        result = await self._function(**arguments)
        return ToolOutput(result) if isinstance(result, str) else result

    def _complaints(self, error: pydantic.ValidationError) -> str:
        found = "; ".join(
            _complaint(e["type"], ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()
        )
        properties = self.schema.get("properties", {})
        needed = ", ".join(self.schema.get("required", [])) or "none"
        return (
            f"{found}. Nothing was run. Send one JSON object for {self.name} with these arguments: "
            f"{', '.join(properties) or 'none'} (required: {needed})."
        )


@lru_cache(maxsize=256)
def _built(function: Function, *, is_bound: bool) -> Tool:
    """A function's tool. Cached, because a schema takes a millisecond."""
    doc = docstring_parser.parse(inspect.getdoc(function) or "")
    about = {p.arg_name: p.description or "" for p in doc.params}
    hints = typing.get_type_hints(function, include_extras=True)
    takes_call, fields = "", {}
    for name, parameter in list(inspect.signature(function).parameters.items())[is_bound:]:
        if hints[name] is ToolCall:
            takes_call = name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        words = " ".join(about.get(name, "").split())
        # An empty description would hide that of the annotation.
        described = pydantic.Field(default, description=words) if words else pydantic.Field(default)
        fields[name] = (hints[name], described)
    arguments = pydantic.create_model(  # type: ignore[call-overload]  # its fields are known only here
        function.__name__, __config__=pydantic.ConfigDict(extra="forbid", allow_inf_nan=False), **fields
    )
    description = "\n".join(filter(None, [doc.short_description, doc.long_description]))
    schema = flatten(arguments.model_json_schema())
    return Tool(function.__name__, description, schema, arguments, function, takes_call)


def _complaint(kind: str, where: str, message: str) -> str:
    match kind:
        case "json_invalid":
            return f"the arguments are not valid JSON ({message.removeprefix('Invalid JSON: ')})"
        case "missing":
            return f"the argument {where} is missing"
        case "extra_forbidden":
            return f"there is no argument {where}"
    return f"the argument {where} is wrong: {message}" if where else message
