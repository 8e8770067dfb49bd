"""Posts a task's files, each once: pictures in the answer's message where Slack takes them, others below it.

A file is uploaded unseen, and its id written down, before a message shows it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import aiohttp
import structlog

from bot.thread import texts
from bot.thread.answer import OutgoingMessage
from bot.thread.blocks import PICTURE, Block, picture_block
from bot.thread.posts import ThreadPosts
from bot.wire.client import SLACK_ERRORS, TRIES, SlackClient, error_text, is_transient
from bot.wire.text import silence_mentions, truncate
from sandbox.errors import FileRefused
from sandbox.limits import MIB
from tasks.run.thread import NotDelivered
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.store.tasks import TaskStore
from tasks.task import OutputFile, Task

log = structlog.get_logger(__name__)

#: Artifacts that are posted; more stay in `/work` and are named.
ARTIFACTS = 20
#: Files of one message, and pictures inside an answer. Slack's clients show ten files of a message.
PER_MESSAGE, PICTURES = 10, 4
#: Seconds between the tries to show a picture that was just uploaded.
NOT_READY = (1.0, 2.0, 4.0)
#: What Slack draws in an image block (docs.slack.dev, slack file object).
_DRAWN = {".png", ".jpg", ".jpeg", ".gif"}


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file that Slack has, in the thread or still unseen. `key` names it in the outbox."""

    key: str
    name: str
    id: str
    is_shared: bool


class ThreadUploads:
    """One task's files on their way out. `largest` is in bytes of one file."""

    def __init__(
        self, client: SlackClient, http: aiohttp.ClientSession, store: TaskStore, task: Task, *, largest: int
    ) -> None:
        self._client = client
        self._http = http
        self._posts = ThreadPosts(client, store, task)
        self._outbox = store.outbox
        self._kept = KeyValueStore(store.database, store.patience)
        self._place = task_namespace(task.id)
        self._task = task
        self._largest = largest
        self._problems: list[str] = []

    async def post(self, made: Sequence[OutputFile], answer: OutgoingMessage | None = None) -> None:
        """Post files in order, and one message about those that Slack did not take. `answer` is the posted
        message that pictures belong to."""
        self._problems = []
        files = [file for file in made[:ARTIFACTS] if self._fits(file)]
        if answer is not None:
            files = await self._without_shown(files, answer)
        for start in range(0, len(files), PER_MESSAGE):
            await self._share(files[start : start + PER_MESSAGE])
        if left := [silence_mentions(file.path) for file in made[ARTIFACTS:]]:
            self._problems.append(texts.files_not_posted(left[:50], ARTIFACTS))
        if self._problems:
            await self._posts.post_once("files", text=truncate("\n".join(self._problems)))

    def _fits(self, file: OutputFile) -> bool:
        size = file.data.size
        if size > self._largest:
            self._report(file, texts.file_too_large(size / MIB, self._largest / MIB))
        elif not size:
            self._report(file, texts.EMPTY_FILE)
        return 0 < size <= self._largest

    def _report(self, file: OutputFile, why: str) -> None:
        self._problems.append(texts.file_not_posted(silence_mentions(file.path), why))

    async def _without_shown(self, files: list[OutputFile], answer: OutgoingMessage) -> list[OutputFile]:
        """Show the first pictures inside the answer; returns the files that are not there."""
        known = await self._outbox.posts(self._task.id)
        pictures = [file for file in files if _is_drawn(file) and not known.get(_key(file))][:PICTURES]
        if not pictures or not (ts := known.get(answer.key)) or PICTURE in self._client.refused_blocks:
            return files
        names = [f"shown:{file.path}" for file in pictures]
        if not all(known.get(name) for name in names):
            uploads = [await self._upload_once(file, key) for file, key in zip(pictures, names, strict=True)]
            ready = [upload for upload in uploads if upload is not None]
            if len(ready) < len(pictures) or not await self._show(ready, answer, ts):
                return files
        return [file for file in files if file not in pictures]

    async def _show(self, pictures: Sequence[_Upload], answer: OutgoingMessage, ts: str) -> bool:
        """Edit the answer so that it has the pictures; False when Slack does not take that."""
        blocks = answer.blocks_with([picture_block(one.id, one.name) for one in pictures])
        try:
            await self._complete(pictures)
            await self._edit(answer, ts, blocks)
        except SLACK_ERRORS as fault:
            log.info("pictures not shown in the answer", why=error_text(fault))
            if error_text(fault) == "invalid_blocks":
                self._client.refused_blocks.add(PICTURE)
            return False
        await self._confirm(pictures)
        return True

    async def _edit(self, answer: OutgoingMessage, ts: str, blocks: list[Block]) -> None:
        """Slack refuses a picture for some seconds after its upload (slackapi/python-slack-sdk#1521)."""
        edit = {
            "channel": self._task.thread.channel, "ts": ts, "text": answer.text, "blocks": blocks,
            "metadata": self._posts.metadata(answer.key),
        }  # fmt: skip
        for pause in NOT_READY:
            try:
                await self._client.api_call("chat.update", json=edit)
                return
            except SLACK_ERRORS as fault:
                if error_text(fault) != "invalid_blocks":
                    raise
                log.info("picture not ready", why=error_text(fault))
            await asyncio.sleep(pause)
        await self._client.api_call("chat.update", json=edit)

    async def _share(self, files: Sequence[OutputFile]) -> None:
        """Show the files that are not in the thread yet, in one message."""
        known = await self._outbox.posts(self._task.id)
        new = [file for file in files if not known.get(_key(file))]
        uploads = {file.path: await self._upload_once(file, _key(file)) for file in new}
        ready = {path: upload for path, upload in uploads.items() if upload is not None}
        missing = [upload for upload in ready.values() if not upload.is_shared]
        try:
            if missing:
                await self._complete(missing, in_thread=True)
        except SLACK_ERRORS as fault:
            log.warning("files not posted", files=len(missing), why=error_text(fault))
            if len(missing) > 1 and not is_transient(fault):
                for file in new:  # one of them may be what Slack refuses
                    await self._share([file])
                return
            for file in new:
                if ready.get(file.path) in missing:
                    self._report(file, _problem(fault))
            ready = {path: upload for path, upload in ready.items() if upload not in missing}
        await self._confirm(list(ready.values()))

    async def _upload_once(self, file: OutputFile, key: str) -> _Upload | None:
        """Upload a file, still unseen, unless an earlier run's upload is in the thread. None, and a problem
        to report, when Slack does not take it."""
        name = silence_mentions(PurePosixPath(file.path).name)
        await self._outbox.intend(self._task.id, key, runner=self._task.runner)
        try:
            id_ = await self._kept.get(self._place, key)
            is_shared = id_ is not None and await self._is_shared(id_)
            if not is_shared:
                data = await asyncio.to_thread(file.data.read)
                id_ = await self._posts.insist(key, lambda: upload(self._client, self._http, name, data))
                await self._kept.put(self._place, key, id_)
        except NotDelivered:
            raise
        except FileRefused:
            self._report(file, texts.FILE_CHANGED)
            return None
        except SLACK_ERRORS as fault:
            log.warning("artifact not uploaded", file=file.path, why=error_text(fault))
            self._report(file, _problem(fault))
            return None
        return _Upload(key, name, id_, is_shared)

    async def _complete(self, uploads: Sequence[_Upload], *, in_thread: bool = False) -> None:
        """End uploads: in one message in the thread, or unseen. When the reply is lost, ask Slack whether
        the files are there."""
        thread = self._task.thread
        where: dict[str, Any] = {"channel_id": thread.channel, "thread_ts": thread.ts} if in_thread else {}
        files = json.dumps([{"id": upload.id, "title": upload.name} for upload in uploads])
        method = "files.completeUploadExternal"
        for number in range(1, TRIES + 1):
            try:
                await self._client.limiter.acquire(method, thread.channel if in_thread else "")
                # Not before the wait: a process that is frozen in it may have lost the task.
                await self._outbox.intend(self._task.id, uploads[0].key, runner=self._task.runner)
                await self._client.call_now(method, params={"files": files, **where})
                return
            except SLACK_ERRORS as fault:
                if in_thread and all([await self._is_shared(upload.id) for upload in uploads]):
                    return
                if number == TRIES or not is_transient(fault):
                    raise
                await asyncio.sleep(number)

    async def _confirm(self, uploads: Sequence[_Upload]) -> None:
        for upload in uploads:
            await self._outbox.posted(self._task.id, upload.key, upload.id)
            await self._kept.put(self._place, upload.key, None)

    async def _is_shared(self, id_: str) -> bool:
        try:
            found = (await self._client.files_info(file=id_)).get("file") or {}
        except SLACK_ERRORS as fault:
            log.info("file not found yet", file=id_, why=error_text(fault))
            return False
        places = [*(found.get("channels") or ()), *(found.get("groups") or ()), *(found.get("ims") or ())]
        return self._task.thread.channel in places or bool(found.get("shares"))


async def upload(client: SlackClient, http: aiohttp.ClientSession, name: str, data: bytes) -> str:
    """Upload bytes, still unseen; returns the file's id."""
    data = client.outgoing.file(data)
    place = await client.files_getUploadURLExternal(filename=name, length=len(data))
    # A followed redirect would drop the bytes, and its page would look like Slack's confirmation.
    async with http.post(str(place["upload_url"]), data=data, allow_redirects=False) as response:
        if response.status != 200:
            raise aiohttp.ClientError(f"the upload was answered with status {response.status}")
    return str(place["file_id"])


def _key(file: OutputFile) -> str:
    return f"file:{file.path}"


def _is_drawn(file: OutputFile) -> bool:
    return PurePosixPath(file.path).suffix.lower() in _DRAWN


def _problem(fault: Exception) -> str:
    if is_transient(fault):
        return texts.SLACK_BUSY
    scope = "files:write" if error_text(fault) == "missing_scope" else ""
    return texts.slack_error(error_text(fault), scope)
