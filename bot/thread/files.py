"""Files between Slack and a task: fetches attachments, posts artifacts once each.

Names and types that come with a file are not trusted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog

from bot.thread import texts
from bot.thread.posts import ThreadPosts
from bot.wire.client import SLACK_ERRORS, TRIES, SlackClient, error_text, is_transient
from bot.wire.content import transcript
from bot.wire.entities import RawNames, plain_text
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

#: Artifacts that are posted; more stay in `/work` and are named.
ARTIFACTS = 20
#: Redirects of a download that are followed.
REDIRECTS = 10


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
        if outside := file.source.get("outside"):
            raise FileNotFetched(texts.file_outside(str(outside)))
        url = file.source.get("url") or await self._url(file)
        if file.size > self._largest_in:
            raise FileNotFetched(self._too_large(file.size, self._largest_in))
        headers = {"Authorization": f"Bearer {self._client.token}"}
        try:
            async with self._download(url, headers) as (response, is_redirected):
                if response.status != 200:
                    raise FileNotFetched(texts.slack_error(str(response.status)))
                data = await self._read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("download broke off", file=file.id, why=error_text(error))
            raise FileNotFetched(_broke_off(error)) from error
        is_page = response.content_type == "text/html"
        is_expected = file.source.get("page") or file.name.lower().endswith((".html", ".htm"))
        if is_page and (is_redirected or not is_expected):
            # Without the scope Slack sends its login page, with status 200.
            raise FileNotFetched(texts.LOGIN_NEEDED)
        return data

    async def transcript(self, file: FileRef) -> str:
        """Slack's transcript of a clip that had none when its message came; empty while there is none."""
        if not file.source.get("untranscribed"):
            return ""
        try:
            found = (await self._client.files_info(file=file.id)).get("file")
        except SLACK_ERRORS as fault:
            log.info("transcript not read", file=file.id, why=error_text(fault))
            return ""
        return plain_text(transcript(found), RawNames()) if isinstance(found, dict) else ""

    @asynccontextmanager
    async def _download(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, bool]]:
        """The response, and whether it came by a redirect. Redirects are followed to Slack's hosts only:
        another would get the token, or give what it likes."""
        for number in range(REDIRECTS):
            if not self._is_slacks(url):
                raise FileNotFetched(texts.NOT_FROM_SLACK)
            async with self._http.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    yield response, number > 0
                    return
                url = urljoin(url, response.headers.get("Location", ""))
        raise FileNotFetched(texts.ENDLESS_REDIRECTS)

    async def post(self, made: Sequence[OutputFile]) -> None:
        """Post artifacts into the thread, in order, and one message about those that Slack did not take."""
        problems: list[str] = []
        for file in made[:ARTIFACTS]:
            if file.data.size > self._largest_out:
                size = self._too_large(file.data.size, self._largest_out)
                problems.append(texts.file_not_posted(silence_mentions(file.path), size))
            elif problem := await self._post_once(file):
                problems.append(texts.file_not_posted(silence_mentions(file.path), problem))
        if left := [silence_mentions(file.path) for file in made[ARTIFACTS:]]:
            problems.append(texts.files_not_posted(left[:50], ARTIFACTS))
        if problems:
            await self._posts.post_once("files", text=truncate("\n".join(problems)))

    async def _post_once(self, file: OutputFile) -> str:
        """Upload in Slack's three steps; returns the problem in words for the thread, or an empty string."""
        key = f"file:{file.path}"
        known = await self._store.outbox.posts(self._task.id)
        if known.get(key) or not file.data.size:
            return "" if file.data.size else texts.EMPTY_FILE
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
            return texts.FILE_CHANGED
        except SLACK_ERRORS as fault:
            log.warning("artifact not posted", file=file.path, why=error_text(fault))
            if is_transient(fault):
                return texts.SLACK_BUSY
            scope = "files:write" if error_text(fault) == "missing_scope" else ""
            return texts.slack_error(error_text(fault), scope)
        await self._store.outbox.posted(self._task.id, key, id_)
        await self._kept.put(self._place, key, None)
        return ""

    async def _upload(self, name: str, data: bytes) -> str:
        """Upload the bytes, still unseen; returns the file's id."""
        data = self._client.outgoing.file(data)
        place = await self._client.files_getUploadURLExternal(filename=name, length=len(data))
        # A followed redirect would drop the bytes, and its page would look like Slack's confirmation.
        async with self._http.post(str(place["upload_url"]), data=data, allow_redirects=False) as response:
            if response.status != 200:
                raise aiohttp.ClientError(f"the upload was answered with status {response.status}")
        return str(place["file_id"])

    async def _share(self, id_: str, name: str) -> None:
        """Show the file in the thread. When the reply is lost, ask Slack whether the file is there."""
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
        """The address of a file that came without one, as files of Slack Connect channels do."""
        try:
            found = (await self._client.files_info(file=file.id)).get("file") or {}
        except SLACK_ERRORS as fault:
            log.info("file not found", file=file.id, why=error_text(fault))
            error = "" if is_transient(fault) else error_text(fault)
            raise FileNotFetched(texts.no_address(error)) from fault
        if url := found.get("url_private_download") or found.get("url_private"):
            return str(url)
        raise FileNotFetched(texts.NO_DOWNLOAD)

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
        return texts.file_too_large(size / MIB, limit / MIB)


def _broke_off(error: Exception) -> str:
    match error:
        case TimeoutError():
            return texts.DOWNLOAD_TIMED_OUT
    return texts.DOWNLOAD_BROKE_OFF
