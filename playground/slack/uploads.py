"""The three-step upload, and private downloads with a token.

The state holds the finished files.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from playground.slack.errors import Refused
from playground.slack.files import File, guess_mimetype
from playground.slack.shapes import Shapes
from playground.slack.state import WorkspaceState

MAX_SIZE = 1 << 30
"""Bytes: one gigabyte, Slack's limit."""
_LOGIN_PAGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Sign in | Slack</title></head>'
    "<body><h1>Sign in to your workspace</h1></body></html>"
)


class Uploads:
    """`may_read` checks an Authorization header for private files."""

    def __init__(self, state: WorkspaceState, shapes: Shapes, may_read: Callable[[str], bool]) -> None:
        self._state = state
        self._shapes = shapes
        self._may_read = may_read
        self._reserved: dict[str, str] = {}

    def reserve(self, name: str, length: int, title: str, user: str, alt: str = "") -> tuple[str, str]:
        """Step one: the id and upload URL of a new file. Raises Refused for its length."""
        if not 0 < length <= MAX_SIZE:
            raise Refused("file_upload_size_restricted" if length > 0 else "invalid_arguments")
        file = File(
            f"F{secrets.token_hex(5).upper()}",
            name,
            title,
            user,
            guess_mimetype(name),
            int(time.time()),
            uploaded=False,
            alt=alt,
        )
        self._state.put_file(file)
        key = secrets.token_urlsafe(24)
        self._reserved[key] = file.id
        return file.id, f"{self._shapes.base_url}/upload/v1/{key}"

    async def take_bytes(self, request: web.Request) -> web.StreamResponse:
        """Step two, with a raw or form body."""
        file_id = self._reserved.get(request.match_info["key"])
        if file_id is None:
            return web.Response(status=404, text="The upload address is unknown.")
        if request.content_type == "multipart/form-data":
            form = await request.post()
            parts = [part.file.read() for part in form.values() if isinstance(part, web.FileField)]
            data = b"".join(parts)
        else:
            data = await request.read()
        self._state.put_file(replace(self._state.files[file_id], data=data, uploaded=True))
        return web.Response(text=f"OK - {len(data)}")

    def finish(self, file_id: str, title: str | None) -> File:
        """Step three for one file. Raises Refused if its bytes have not arrived, or not for this upload."""
        file = self._state.files.get(file_id)
        if file is None or file_id not in self._reserved.values() or not file.uploaded:
            raise Refused("file_not_found")
        self._reserved = {key: reserved for key, reserved in self._reserved.items() if reserved != file_id}
        finished = replace(file, title=title or file.name)
        self._state.put_file(finished)
        return finished

    async def give_bytes(self, request: web.Request) -> web.StreamResponse:
        """A private download. Without permission it returns Slack's sign-in page, with status 200."""
        team, _, file_id = request.match_info["file"].partition("-")
        file = self._state.files.get(file_id)
        if not self._may_read(request.headers.get("Authorization", "")):
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        if file is None or team != self._state.world.team.id:
            return web.Response(status=404, text="There is no such file.")
        return web.Response(body=file.data, content_type=file.mimetype)
