"""The page's part of the server: static files, snapshot, live websocket and uploads.

Passes the page's requests to `page_actions` and `people`. Answers only pages that this server served: another
site in the same browser must not get through.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from playground.slack.changes import Change
from playground.slack.errors import ActionRefused
from playground.slack.page_actions import PageActions
from playground.slack.page_json import Model, change_json, file_json, snapshot_json
from playground.slack.people import People
from playground.slack.socket_mode import SocketModeServer
from playground.slack.state import WorkspaceState
from playground.slack.world import Json

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = Path(__file__).parent.parent / "page"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FILE_POLICY = "default-src 'none'; sandbox"
"""Uploaded HTML or SVG must not run with the page's origin."""
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Page:
    """The page's routes. They answer to `host`, which the server listens on, and to loopback names."""

    def __init__(
        self,
        state: WorkspaceState,
        people: People,
        actions: PageActions,
        sockets: SocketModeServer,
        model: Model | None,
        host: str,
    ) -> None:
        self._state = state
        self._people = people
        self._actions = actions
        self._sockets = sockets
        self._model = model
        self._hosts = _LOOPBACK | {host}
        self._live: set[web.WebSocketResponse] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._guarded(self._index)),
            web.get("/archives/{channel}/p{digits:[0-9]+}", self._guarded(self._permalink)),
            web.get("/page/api/state", self._guarded(self._snapshot)),
            web.get("/page/api/live", self._guarded(self._stay_live)),
            web.post("/page/api/files", self._guarded(self._upload)),
            web.get("/page/api/files/{id}", self._guarded(self._download)),
            web.get("/page/{file:.+}", self._guarded(self._static)),
        ]

    async def close(self) -> None:
        for socket in tuple(self._live):
            await socket.close()

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            host = urlsplit(f"//{request.host}").hostname or ""
            origin = request.headers.get("Origin")
            if host not in self._hosts and "0.0.0.0" not in self._hosts:
                return web.Response(status=403, text="This page is only for browsers on its own machine.")
            if origin is not None and urlsplit(origin).netloc != request.host:
                return web.Response(status=403, text="This request comes from another site's page.")
            return await handler(request)

        return guarded

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return _static_file(PAGE / "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return _static_file(PAGE / request.match_info["file"])

    async def _permalink(self, request: web.Request) -> web.StreamResponse:
        """A permalink opens its thread on the page."""
        channel, digits = request.match_info["channel"], request.match_info["digits"]
        message = self._state.message(channel, f"{digits[:-6]}.{digits[-6:]}")
        raise web.HTTPFound(f"/#/{channel}/{message.root}" if message else "/")

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._snapshot_json(), headers=_HEADERS)

    def _snapshot_json(self) -> Json:
        killable = self._actions.can_kill_bot
        return snapshot_json(self._state, self._model, self._sockets.connections, killable=killable)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        try:
            name = Path(request.query.get("name", "")).name or "file"
            mimetype = request.headers.get("Content-Type", "").partition(";")[0]
            file_id = self._people.upload(
                request.query.get("user", ""),
                name,
                await request.read(),
                mimetype if mimetype != "application/octet-stream" else None,
            )
        except ActionRefused as refusal:
            return web.json_response({"ok": False, "error": str(refusal)}, status=400)
        return web.json_response({"ok": True, "file": file_json(self._state.files[file_id])})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        file = self._state.files.get(request.match_info["id"])
        if file is None:
            return web.Response(status=404, text="There is no such file.")
        return web.Response(
            body=file.data,
            content_type=file.mimetype,
            headers=_HEADERS | {"Content-Security-Policy": _FILE_POLICY},
        )

    async def _stay_live(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        self._live.add(socket)
        try:
            async with self._pushing(socket), asyncio.TaskGroup() as requests:
                async for frame in socket:
                    if frame.type is WSMsgType.TEXT:
                        requests.create_task(self._answer(socket, frame.data))
        finally:
            self._live.discard(socket)
        return socket

    @contextlib.asynccontextmanager
    async def _pushing(self, socket: web.WebSocketResponse) -> AsyncIterator[None]:
        """Pushes one snapshot to this page, and then every change in order."""
        lines: asyncio.Queue[Json] = asyncio.Queue()

        def listen(change: Change) -> None:
            lines.put_nowait(change_json(change, self._state) or {"type": "state", **self._snapshot_json()})

        async def push() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    await socket.send_json(await lines.get())

        lines.put_nowait({"type": "state", **self._snapshot_json()})
        with self._state.listening(listen):
            async with asyncio.TaskGroup() as pushing:
                pusher = pushing.create_task(push())
                try:
                    yield
                finally:
                    pusher.cancel()

    async def _answer(self, socket: web.WebSocketResponse, text: str) -> None:
        answer = await self._done(text)
        with contextlib.suppress(ConnectionError):
            await socket.send_json(answer)

    async def _done(self, text: str) -> Json:
        try:
            request = json.loads(text)
        except json.JSONDecodeError:
            return {"type": "done", "id": None, "ok": False, "error": "The request is not JSON."}
        if not isinstance(request, dict):
            return {"type": "done", "id": None, "ok": False, "error": "The request is not a JSON object."}
        try:
            return {"type": "done", "id": request.get("id"), "ok": True, **await self._actions.do(request)}
        except ActionRefused as refusal:
            return {"type": "done", "id": request.get("id"), "ok": False, "error": str(refusal)}


def _static_file(path: Path) -> web.StreamResponse:
    if not path.is_file() or PAGE not in path.resolve().parents:
        return web.Response(status=404, text="There is no such page.")
    return web.FileResponse(path, headers=_HEADERS | {"Content-Security-Policy": _POLICY})
