"""The Web API's route: checks token, rate and scope, calls the method and records the call."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import BasicAuth, web

from playground.slack.arguments import Arguments, read_arguments
from playground.slack.changes import Call
from playground.slack.elements import invalid
from playground.slack.errors import RateLimited, Refused
from playground.slack.faults import Fault, Faults
from playground.slack.methods import METHODS
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json


class WebApi:
    """Answers `POST` and `GET /api/<method>`. `calls` holds every call, the newest last."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self._workspace = workspace
        self.faults = Faults()
        self.calls: list[Call] = []
        self.unsupported_blocks: frozenset[str] = frozenset()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        fault = self.faults.take(name) or Fault()
        await asyncio.sleep(fault.delay)
        values: dict[str, Any] = {}
        headers = {"x-oauth-scopes": self._workspace.credentials.scopes_header}
        status = 200
        try:
            values = await read_arguments(request)
            values = _client(request) | values
            token = _token(request, values)
            if fault.answers:
                return self._answer_fault(request, name, values, fault)
            answer = {"ok": True} | self._run(name, token, Arguments(values))
        except RateLimited as refusal:
            status, answer = 429, _refusal(refusal)
            headers["Retry-After"] = str(refusal.retry_after)
        except Refused as refusal:
            answer = _refusal(refusal)
        self._record(name, values, answer, 0 if fault.lost else status)
        await asyncio.sleep(fault.delay_reply)
        if fault.lost and request.transport is not None:
            request.transport.abort()
        return web.json_response(answer, status=status, headers=headers)

    def _run(self, name: str, token: str, arguments: Arguments) -> Json:
        method = METHODS.get(name)
        if method is None:
            raise Refused("unknown_method", req_method=name)
        self._workspace.credentials.check(token, method.token)
        self._workspace.rates.count_call(name, method.tier)
        if method.scope is not None:
            self._workspace.credentials.need_scope(method.scope)
        if self.unsupported_blocks:
            self._check_types(arguments.json("blocks", "invalid_blocks_format"))
        return method.run(self._workspace, arguments)

    def _check_types(self, blocks: Any) -> None:
        for place, block in enumerate(blocks or ()):
            if block["type"] in self.unsupported_blocks:
                raise invalid(f"unsupported type: {block['type']}", f"/blocks/{place}/type")

    def _answer_fault(
        self, request: web.Request, name: str, values: dict[str, Any], fault: Fault
    ) -> web.StreamResponse:
        answer: Json = {"ok": False, "error": fault.error or "internal_error"}
        self._record(name, values, answer, fault.status)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.error is None:
            page = f"<html><body><h1>{fault.status}</h1></body></html>"
            return web.Response(status=fault.status, text=page, content_type="text/html", headers=headers)
        return web.json_response(answer, status=fault.status, headers=headers)

    def _record(self, name: str, values: dict[str, Any], answer: Json, status: int) -> None:
        call = Call(name, values, answer, time.time(), status)
        self.calls.append(call)
        self._workspace.state.publish(call)


def _token(request: web.Request, values: dict[str, Any]) -> str:
    """The token of a call, removed from its arguments if it is among them."""
    argument = values.pop("token", "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(argument)


def _client(request: web.Request) -> dict[str, Any]:
    """The client's id and secret, from the places that OAuth allows."""
    try:
        given = BasicAuth.decode(request.headers.get("Authorization", ""))
    except ValueError:
        return {}
    return {"client_id": given.login, "client_secret": given.password}


def _refusal(refusal: Refused) -> Json:
    answer: Json = {"ok": False, "error": refusal.error} | refusal.fields
    if refusal.details:
        answer["response_metadata"] = {"messages": list(refusal.details)}
    return answer
