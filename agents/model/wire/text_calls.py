"""Tool calls that a model has written as text, because its server has no parser for them.

The forms are those of Hermes and Qwen, Llama, Mistral, Kimi, DeepSeek and gpt-oss, plain JSON, and Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from agents.conversation import MAX_CALLS, ToolCall
from agents.model.wire.assembler import new_id
from agents.model.wire.python_calls import assignments, is_python, python_calls
from agents.model.wire.reasoning import CHANNEL_TAGS, OPENING_TAGS

#: What stands around calls, and between them.
_AROUND = re.compile(
    r"(?:\s|\[TOOL_CALLS\]|</?tool_calls?>|</function>|</?(?:｜DSML｜)?function_calls>|"
    r"</(?:｜DSML｜)?invoke>|<\|python_tag\|>|<\|(?:tool_calls_section_(?:begin|end)|tool_call_end)\|>|"
    r"<\|(?:eom_id|eot_id|im_end)\|>|<｜tool▁calls▁(?:begin|end)｜>|<｜tool▁call▁end｜>|"
    r"<\|start\|>(?:assistant)?|<\|(?:call|end|return)\|>|<｜end▁of▁sentence｜>|```(?:json|tool_call|tool_code|xml)?|[\[\],;])+"
)
#: What begins a call by its tool's name; the arguments follow.
_NAME = re.compile(
    r"<function=(?P<llama>[\w.-]+)>"
    r"|<(?:｜DSML｜)?invoke name=\"(?P<invoke>[\w.-]+)\">"
    r"|<\|tool_call_begin\|>(?:functions\.)?(?P<kimi>[\w-]+)(?::\d+)?<\|tool_call_argument_begin\|>"
    r"|<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?(?P<deepseek>[\w-]+)(?:<｜tool▁sep｜>)?\s*(?:```json)?"
    r"|(?:assistant)?(?:<\|channel\|>)?commentary to=(?:functions\.)?(?P<harmony>[\w-]+)\s*"
    r"(?:<\|constrain\|>)?(?:json)?(?:<\|message\|>)?"
    r"|(?P<mistral>[\w-]+)(?:\[CALL_ID\]\w+)?\[ARGS\]"
)
#: Closing brackets that a small model may forget.
_MOST_MISSING = 2
#: Where a call may begin, and how many such places of a text are tried.
_BEGIN = re.compile(rf"{_NAME.pattern}|\{{")
_ATTEMPTS = 200
_PARAMETER = re.compile(
    r"\s*<(?:｜DSML｜)?parameter(?:=| name=\")(?P<key>[\w-]+)\"?[^>]*>(?P<value>.*?)"
    r"</(?:｜DSML｜)?parameter>",
    re.DOTALL,
)
_MARKUP = (
    "<tool_call", "<function=", "<function_calls>", "[TOOL_CALLS]", "<|tool_call", "<|python_tag|>",
    "<invoke name=", "<｜DSML｜", "<｜tool▁call",
    "commentary to=functions.",
)  # fmt: skip
#: The beginning of a bare JSON object or list of them, or of a call in Python, in a fence or not.
_BARE_START = re.compile(
    r"\{|\[\s*(\{|$)|`{1,3}$|```(json|tool_call|tool_code)?\s*([{[]|$)|"
    r"(```(python|tool_code)?\s*)?\[?(print\(?)?[a-z_]+(\(|$)"
)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_PROGRAM = re.compile(r"^ *```(?:python3?|py)\s*\n(.*?)^ *```", re.DOTALL | re.MULTILINE | re.IGNORECASE)
#: What a reply of gpt-oss begins with where its server drops the special tokens.
_HARMONY_WORDS = ("analysis", "assistantcommentary to=")
_JSON = json.JSONDecoder(strict=False)


def parse(text: str, tools: Collection[str]) -> tuple[ToolCall, ...]:
    """The calls that a text consists of; none unless the whole text is calls of these tools. JSON objects
    that follow a call and are none are left out: small models write there what the call might give. A call
    that comes again counts once."""
    if found := python_calls(text, tools):
        return _distinct(_tool_call(*call) for call in found)
    calls = list(_calls(text, tools))
    return () if None in calls else _distinct(call for call in calls if call)


def parse_anywhere(text: str, tools: Collection[str]) -> tuple[ToolCall, ...]:
    """The calls of these tools in a text that holds other words too."""
    found: list[ToolCall] = []
    position = 0
    for begin in islice(_BEGIN.finditer(text), _ATTEMPTS):
        if begin.start() >= position:
            name, arguments, position = _call_at(text, begin.start(), tools)
            found += [_tool_call(name, arguments)] if name in tools else []
    return _distinct(found)


def are_lost(text: str, tools: Collection[str]) -> bool:
    """Whether a text holds calls, and none of these tools' can be read."""
    return has_markup(text, tools) and not parse_anywhere(text, tools)


def program_in(text: str) -> str:
    """The Python program of a text: the code of a call by whatever name, or what its fences for Python hold;
    empty where there is none, or no Python."""
    calls = (_call_at(text, begin.start()) for begin in islice(_BEGIN.finditer(text), _ATTEMPTS))
    codes = [given.get("code", "") for name, given, _ in calls if name and isinstance(given, dict)]
    program = next(filter(None, map(str, codes)), "") or "\n\n".join(_PROGRAM.findall(text))
    return program if is_python(program) else ""


def _distinct(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    return tuple({(call.name, call.arguments): call for call in calls}.values())[:MAX_CALLS]


def has_markup(text: str, tools: Collection[str]) -> bool:
    """Whether a text holds a call. Code in backticks is an example unless it calls one of the tools, or is
    the whole text: small models call tools that do not exist."""
    if any(mark in _CODE.sub("", text) for mark in _MARKUP) or _is_one_call(text):
        return True
    names = "|".join(map(re.escape, tools))
    named = re.search(
        rf'\{{\s*"(?:name|function|type)"[^{{}}]*"(?:{names})"\s*,\s*"(?:arguments|parameters)"'
        rf'|^\W*\{{\s*"name"\s*:\s*"(?:{names})"\s*,',
        text,
    )
    return bool(tools) and named is not None


def _is_one_call(text: str) -> bool:
    name, _, end = _call_at(text, _skip(text, 0))
    return bool(name) and _skip(text, end) == len(text)


def may_begin(text: str) -> bool:
    """Whether a text that is still growing may become a call or reasoning, and should not be shown yet."""
    if _BARE_START.match(text.lstrip()) or any(mark in text for mark in _MARKUP):
        return True
    if text.strip() and any(word.startswith(text.strip()) for word in _HARMONY_WORDS):
        return True
    start = max(map(text.rfind, "<[◁"))
    tail = text[start:]
    is_tag = any(mark.startswith(tail) for mark in (*_MARKUP, *OPENING_TAGS))
    return start >= 0 and (is_tag or tail.startswith(CHANNEL_TAGS))


def _calls(text: str, tools: Collection[str]) -> Iterator[ToolCall | None]:
    """The calls in order; None where the text is anything else."""
    position, found = _skip(text, 0), False
    while position < len(text):
        name, arguments, end = _call_at(text, position, tools)
        is_made_up = found and not name and end > position
        if not is_made_up:
            yield _tool_call(name, arguments) if name in tools else None
            if name not in tools:
                return
        found, position = True, _skip(text, end)


def _skip(text: str, position: int) -> int:
    found = _AROUND.match(text, position)
    return found.end() if found else position


def _call_at(text: str, position: int, tools: Collection[str] = ()) -> tuple[str, Any, int]:
    """The name, the arguments and the end of the call at a position; an empty name where there is none. The
    arguments of `tools` may stand beside the name."""
    if named := _NAME.match(text, position):
        arguments, end = _arguments_at(text, named.end())
        return named[named.lastgroup or 0], arguments, end
    value, end = _object_at(text, position)
    wrapped = value.get("function")
    inner: dict[str, Any] = wrapped if isinstance(wrapped, dict) else value
    name = inner.get("name") or inner.get("function")
    found = [inner[key] for key in ("arguments", "parameters") if key in inner]
    if not found and len(inner) > 1 and isinstance(inner.get("name"), str) and name in tools:
        found = [{key: one for key, one in inner.items() if key != "name"}]
    return (name if isinstance(name, str) and found else ""), (found or [{}])[0], end


def _arguments_at(text: str, position: int) -> tuple[Any, int]:
    parameters: dict[str, Any] = {}
    while found := _PARAMETER.match(text, position):
        parameters[found["key"]] = _value(found["value"].strip("\n"))
        position = found.end()
    if parameters:
        return parameters, position
    start = len(text) - len(text[position:].lstrip())
    return _object_at(text, start) if text[start : start + 1] == "{" else ({}, position)


def _object_at(text: str, position: int) -> tuple[dict[str, Any], int]:
    """The object at a position and its end. At the end of the text, closing brackets may be missing."""
    for missing in range(_MOST_MISSING + 1) if text.rstrip().endswith("}") else range(1):
        try:
            value, end = _JSON.raw_decode(text + "}" * missing, position)
        except (ValueError, RecursionError):
            continue
        return (value, min(end, len(text))) if isinstance(value, dict) else ({}, position)
    return {}, position


def _value(text: str) -> Any:
    """A parameter's value: JSON where it is a number, a list or the like, else the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, str) else value


def _tool_call(name: str, arguments: Any) -> ToolCall:
    if isinstance(arguments, str) and (assigned := assignments(arguments)):
        arguments = assigned
    # Python's literals may hold bytes or sets, which the tool refuses as text.
    spelled = (
        arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
    )
    return ToolCall(new_id(), name, spelled or "{}")
