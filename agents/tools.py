"""Tools from plain functions: a typed signature and a docstring become the schema the model sees.

Owns the schema, the check of the arguments a model sends, and the sentence it is told when they are wrong.
Never decides when a tool runs: that is `agents.loop`.
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

from agents.conversation import Json, ToolCall
from agents.errors import ToolFailure
from agents.sanitize import sanitize
from agents.schema import flatten


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A tool's result: words for the model, and measured facts that are only recorded."""

    text: str
    facts: Json = field(default_factory=dict)
    ends: bool = False
    """True when the call ends the agent's loop."""
    same_as: str = ""
    """What makes two results the same result; the text unless given, where that holds a measured time."""
    parks: tuple[str, tuple[str, ...]] | None = None
    """A question (and its options) that only a person can answer; the call stays open until then."""
    asked: str = ""
    """The question's own id, by which answers to it are told from what was written for another."""
    approval: str = ""
    """Set where the question is whether a call may be run: its id and the digest of its arguments."""


Function = Callable[..., Awaitable[str | ToolOutput]]
Around = Callable[[ToolCall, Callable[[], Awaitable[ToolOutput]]], Awaitable[ToolOutput]]
"""Called in place of a tool's function, with the call and with what runs the function."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call."""

    name: str
    description: str
    schema: Json
    """JSON schema of the arguments: an object, with `additionalProperties: false` but for foreign ones that
    say otherwise."""
    _arguments: type[pydantic.BaseModel]
    _function: Function
    _takes_call: str = ""

    @classmethod
    def from_function(cls, function: Function) -> Tool:
        """Make a tool of an async function.

        Its docstring gives the descriptions (any common style; `Args:` entries per parameter). A parameter
        annotated `ToolCall` receives the call itself and is not shown to the model.
        """
        plain = getattr(function, "__func__", function)
        return replace(_built(plain, is_bound=plain is not function), _function=function)

    @classmethod
    def from_schema(
        cls, name: str, description: str, schema: Json, function: Callable[[Json], Awaitable[str]]
    ) -> Tool:
        """Make a tool of a schema that somebody else wrote: the arguments' names are checked here, their
        values where the call goes."""
        given = {key: value for key, value in flatten(schema).items() if value is not None}
        told: Json = {"properties": {}, "additionalProperties": False} | given | {"type": "object"}
        required = told.get("required", ())
        fields = {
            f"a{n}": (Any, pydantic.Field(... if key in required else None, alias=key))
            for n, key in enumerate(told["properties"])
        }
        config = pydantic.ConfigDict(extra="allow" if told["additionalProperties"] else "forbid")
        arguments = pydantic.create_model(  # type: ignore[call-overload]  # its fields are known only here
            "Arguments", __config__=config, **fields
        )

        async def run(call: ToolCall, **_: Any) -> str:
            return await function(json.loads(call.arguments or "{}"))

        return cls(name, description, told, arguments, run, "call")

    async def call(self, call: ToolCall) -> ToolOutput:
        """Check the arguments and run the function; raises `ToolFailure` with what to send instead."""
        if call.refused:
            raise ToolFailure(call.refused)
        try:
            parsed = self._arguments.model_validate_json(call.arguments or "{}")
            arguments = {name: sanitize(getattr(parsed, name)) for name in type(parsed).model_fields}
        except pydantic.ValidationError as error:
            raise ToolFailure(self._what_to_send(error)) from None
        except ValueError as error:
            raise ToolFailure(f"the arguments are {error} lists and objects. Nothing was run.") from None
        if self._takes_call:
            arguments[self._takes_call] = call
        return await self._run(arguments)

    def wrap(self, around: Around) -> Tool:
        """The same tool with `wrap` in place of its function: called when the arguments are right."""
        name = self._takes_call or "call_of_this_tool"

        async def wrapped(**arguments: Any) -> ToolOutput:
            call = arguments[name] if self._takes_call else arguments.pop(name)

            return await around(call, lambda: self._run(arguments))

        return replace(self, _function=wrapped, _takes_call=name)

    async def _run(self, arguments: Mapping[str, Any]) -> ToolOutput:
        result = await self._function(**arguments)
        return ToolOutput(result) if isinstance(result, str) else result

    def _what_to_send(self, error: pydantic.ValidationError) -> str:
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
    """The tool of a function, made once: agents come and go, and a schema takes a millisecond."""
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
        # No description and an empty one differ: the latter would hide that of the annotation.
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
