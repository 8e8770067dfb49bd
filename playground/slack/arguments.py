"""The arguments of a Web API call, from query, form or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from playground.slack.errors import Refused
from playground.slack.world import Json

_TRUE = frozenset({"1", "true", "True", "TRUE"})


class Arguments:
    """Typed access to the arguments.

    Slack's are strings or, in a JSON body, any JSON; each reader accepts both.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str) -> str:
        """A required string. Raises Refused with Slack's error if it is missing or no string."""
        if name not in self:
            raise Refused("invalid_arguments", f"[ERROR] missing required field: {name}")
        return self.maybe_text(name) or ""

    def maybe_text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise Refused("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value is True or value == 1 or (isinstance(value, str) and value in _TRUE)

    def number(self, name: str, default: int, *, most: int, error: str = "invalid_limit") -> int:
        """A whole number from 1 on, capped at `most`, as Slack caps a page size."""
        if name not in self:
            return default
        try:
            number = int(self.values[name])
        except (TypeError, ValueError):
            raise Refused("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]") from None
        if number < 1:
            raise Refused(error)
        return min(number, most)

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """A JSON argument, as a string or as it is; None if absent. Raises Refused(`error`)."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except json.JSONDecodeError:
            raise Refused(error) from None


async def read_arguments(request: web.Request) -> dict[str, Any]:
    """All arguments of a request. The body's override the query's.

    Raises Refused for a body that does not match its content type.
    """
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return values | await _read_json(request)
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        values |= {name: value for name, value in form.items() if isinstance(value, str)}
    return values


async def _read_json(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refused("invalid_json") from None
    if not isinstance(body, dict):
        raise Refused("json_not_object")
    return body
