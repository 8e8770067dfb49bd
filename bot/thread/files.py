"""Files between Slack and a task: attachments fetched, artifacts posted.

Never trusts a name or a type that came with a file; never posts a file twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.thread.posts import ThreadPosts
from bot.wire.client import SLACK_ERRORS, TRIES, SlackClient, error_text, is_transient
from bot.wire.text import silence_mentions, truncate
from sandbox.errors import FileRefused
from sandbox.files import SandboxFile, Spool
from sandbox.limits import MIB
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched, NotDelivered
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.store.tasks import TaskStore
from tasks.task import OutputFile, Task

log = structlog.get_logger(__name__)

#: More artifacts than this stay in `/work` and are named.
ARTIFACTS = 20


class ThreadFiles:
    """One task's files in and out. `largest_in` and `largest_out` are bytes of one file."""

    def __init__(
        self, client: SlackClient, http: aiohttp.ClientSession, store: TaskStore, task: Task, *,
        largest_in: int, largest_out: int,
    ) -> None:  # fmt: skip
        self._client = client
        self._posts = ThreadPosts(client, store, task)
        self._kept = KeyValueStore(store.database)
        self._place = task_namespace(task.id)
        self._http = http
        self._store = store
        self._task = task
        self._largest_in = largest_in
        self._largest_out = largest_out

    async def fetch(self, file: FileRef) -> SandboxFile:
        """An attached file; raises `FileNotFetched` with the reason."""
        url = file.source.get("url") or await self._url(file)
        if file.size > self._largest_in:
            raise FileNotFetched(self._too_large(file.size, self._largest_in))
        if not self._is_slacks(url):
            raise FileNotFetched("it is not kept at Slack, and nobody else gets the bot's token")
        headers = {"Authorization": f"Bearer {self._client.token}"}
        try:
            async with self._http.get(url, headers=headers) as response:
                if response.status != 200:
                    raise FileNotFetched(f"Slack answered {response.status}")
                data = await self._read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("download broke off", file=file.id, why=error_text(error))
            raise FileNotFetched(_broke_off(error)) from error
        is_page = response.content_type == "text/html"
        if is_page and (response.history or not file.name.lower().endswith((".html", ".htm"))):
            # Without the scope Slack sends its login page, with status 200.
            raise FileNotFetched("Slack asks for a login; the app needs the scope files:read")
        return data

    async def post(self, made: Sequence[OutputFile]) -> None:
        """Post artifacts into the thread, in order; what could not be posted is said there, once."""
        told: list[str] = []
        for file in made[:ARTIFACTS]:
            if file.data.size > self._largest_out:
                size = self._too_large(file.data.size, self._largest_out)
                told.append(f"{silence_mentions(file.path)} was not posted: {size}.")
            elif problem := await self._post_once(file):
                told.append(f"{silence_mentions(file.path)} could not be posted: {problem}.")
        if left := [silence_mentions(file.path) for file in made[ARTIFACTS:]]:
            told.append(f"Not posted, since {ARTIFACTS} files are the limit: {', '.join(left[:50])}.")
        if told:
            await self._posts.post_once("files", text=truncate("\n".join(told)))

    async def _post_once(self, file: OutputFile) -> str:
        """Upload in Slack's three steps; answers with the problem, in words for the thread."""
        key = f"file:{file.path}"
        known = await self._store.outbox.posts(self._task.id)
        if known.get(key) or not file.data.size:
            return "" if file.data.size else "it is empty, and Slack takes no empty files"
        name = silence_mentions(PurePosixPath(file.path).name)
        await self._store.outbox.intend(self._task.id, key, runner=self._task.runner)
        try:
            if (id_ := await self._kept.get(self._place, key)) is None or not await self._is_shared(id_):
                data = await asyncio.to_thread(file.data.read)
                id_ = await self._posts.insist(key, lambda: self._upload(name, data))
                await self._kept.put(self._place, key, id_)
                await self._share(id_, name)
        except NotDelivered:
            raise
        except FileRefused:
            return "it was removed or changed in the meantime"
        except SLACK_ERRORS as fault:
            log.warning("artifact not posted", file=file.path, why=error_text(fault))
            if is_transient(fault):
                return "Slack does not take it now"
            needs = "; the app needs the scope files:write" if error_text(fault) == "missing_scope" else ""
            return f"Slack answered {error_text(fault)}{needs}"
        await self._store.outbox.posted(self._task.id, key, id_)
        await self._kept.put(self._place, key, None)
        return ""

    async def _upload(self, name: str, data: bytes) -> str:
        """Bring the bytes to Slack, where nobody sees them yet; returns the file's id."""
        place = await self._client.files_getUploadURLExternal(filename=name, length=len(data))
        # A redirect would be followed without the bytes, and its page taken for Slack's word that they came.
        async with self._http.post(str(place["upload_url"]), data=data, allow_redirects=False) as response:
            if response.status != 200:
                raise aiohttp.ClientError(f"the upload was answered with status {response.status}")
        return str(place["file_id"])

    async def _share(self, id_: str, name: str) -> None:
        """Show the file in the thread. When the reply is lost, Slack is asked whether it is there."""
        thread = self._task.thread
        for number in range(1, TRIES + 1):
            try:
                await self._client.files_completeUploadExternal(
                    files=[{"id": id_, "title": name}], channel_id=thread.channel, thread_ts=thread.ts
                )
                return
            except SLACK_ERRORS as fault:
                if await self._is_shared(id_):
                    return
                if number == TRIES or not is_transient(fault):
                    raise
                await asyncio.sleep(number)

    async def _is_shared(self, id_: str) -> bool:
        try:
            found = (await self._client.files_info(file=id_)).get("file") or {}
        except SLACK_ERRORS as fault:
            log.info("file not found yet", file=id_, why=error_text(fault))
            return False
        places = [*(found.get("channels") or ()), *(found.get("groups") or ()), *(found.get("ims") or ())]
        return self._task.thread.channel in places or bool(found.get("shares"))

    async def _url(self, file: FileRef) -> str:
        """Files of Slack Connect channels come without an address."""
        try:
            found = (await self._client.files_info(file=file.id)).get("file") or {}
        except SLACK_ERRORS as fault:
            log.info("file not found", file=file.id, why=error_text(fault))
            why = "now" if is_transient(fault) else f"({error_text(fault)})"
            raise FileNotFetched(f"Slack does not tell where it is {why}") from fault
        if url := found.get("url_private_download") or found.get("url_private"):
            return str(url)
        raise FileNotFetched("Slack offers no download for it")

    def _is_slacks(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        own = urlsplit(self._client.base_url).hostname
        return host == own or host.endswith((".slack.com", ".slack-gov.com"))

    async def _read(self, response: aiohttp.ClientResponse) -> SandboxFile:
        spool, size = Spool(), 0
        async for chunk in response.content.iter_chunked(256 * 1024):
            spool.write(chunk)
            size += len(chunk)
            if size > self._largest_in:
                raise FileNotFetched(self._too_large(size, self._largest_in))
        return SandboxFile(size=size, open=spool.part(size))

    @staticmethod
    def _too_large(size: int, limit: int) -> str:
        return f"it has {size / MIB:.1f} MiB, and {limit / MIB:.0f} MiB are the limit"


def _broke_off(error: Exception) -> str:
    match error:
        case aiohttp.TooManyRedirects():
            return "Slack sends the download from one address to another without end"
        case TimeoutError():
            return "the download took too long"
    return "the download broke off"
