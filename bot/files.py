"""Files between Slack and a task: attachments fetched, artifacts posted.

Never trusts a name or a type that came with a file; never posts a file twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from tasks.message import FileRef
from tasks.store import Store
from tasks.task import Task
from tasks.thread import FileNotFetched, Made

log = structlog.get_logger(__name__)

MIB = 1024 * 1024
#: More artifacts than this stay in `/work` and are named.
ARTIFACTS = 20


class Files:
    """One task's files in and out. `largest_in` and `largest_out` are bytes of one file."""

    def __init__(
        self, client: AsyncWebClient, http: aiohttp.ClientSession, store: Store, task: Task, *,
        largest_in: int, largest_out: int,
    ) -> None:  # fmt: skip
        self._client = client
        self._http = http
        self._store = store
        self._task = task
        self._largest_in = largest_in
        self._largest_out = largest_out

    async def fetch(self, file: FileRef) -> bytes:
        """An attached file's contents; raises `FileNotFetched` with the reason."""
        url = file.source.get("url") or await self._url(file)
        if file.size > self._largest_in:
            raise FileNotFetched(self._too_large(file.size, self._largest_in))
        headers = {"Authorization": f"Bearer {self._client.token}"}
        try:
            async with self._http.get(url, headers=headers) as response:
                if response.status != 200:
                    raise FileNotFetched(f"Slack answered {response.status}")
                data = await self._read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FileNotFetched(f"the download broke off ({type(error).__name__})") from error
        if response.content_type == "text/html" and not file.name.lower().endswith((".html", ".htm")):
            # Without the scope Slack sends its login page, with status 200.
            raise FileNotFetched("Slack asks for a login; the app needs the scope files:read")
        return data

    async def post(self, made: Sequence[Made]) -> None:
        """Post artifacts into the thread, in order; what could not be posted is said there."""
        told: list[str] = []
        for file in made[:ARTIFACTS]:
            if len(file.data) > self._largest_out:
                size = self._too_large(len(file.data), self._largest_out)
                told.append(f"{file.path} was not posted: {size}")
            elif problem := await self._post_once(file):
                told.append(f"{file.path} could not be posted: {problem}")
        if left := [file.path for file in made[ARTIFACTS:]]:
            told.append(f"Not posted, since {ARTIFACTS} files are the limit: {', '.join(left)}")
        if told:
            await self._client.chat_postMessage(
                channel=self._task.thread.channel, thread_ts=self._task.thread.ts, text="\n".join(told)
            )

    async def _post_once(self, file: Made) -> str:
        key = f"file:{file.path}"
        if key in await self._store.posts(self._task.id):
            return ""
        await self._store.intend(self._task.id, key)
        name = PurePosixPath(file.path).name
        try:
            await self._client.files_upload_v2(
                filename=name,
                title=name,
                content=file.data,
                channel=self._task.thread.channel,
                thread_ts=self._task.thread.ts,
            )
        except (SlackClientError, TimeoutError, OSError) as error:
            log.warning("artifact not posted", file=file.path, why=str(error))
            return "Slack did not take it"
        await self._store.posted(self._task.id, key, "uploaded")
        return ""

    async def _url(self, file: FileRef) -> str:
        """Files of Slack Connect channels come without an address."""
        try:
            found = (await self._client.files_info(file=file.id)).get("file") or {}
        except SlackClientError as error:
            raise FileNotFetched(f"Slack does not tell where it is ({error})") from error
        if url := found.get("url_private_download"):
            return str(url)
        raise FileNotFetched("Slack offers no download for it")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_chunked(256 * 1024):
            data += chunk
            if len(data) > self._largest_in:
                raise FileNotFetched(self._too_large(len(data), self._largest_in))
        return bytes(data)

    @staticmethod
    def _too_large(size: int, limit: int) -> str:
        return f"it has {size / MIB:.1f} MiB, and {limit / MIB:.0f} MiB are the limit"
