"""Fetches the files that people attach. Names and types that come with a file are not trusted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog

from bot.thread import texts
from bot.wire import webvtt
from bot.wire.block_text import string
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient
from bot.wire.content import is_being_transcribed, transcript
from bot.wire.entities import RawNames, plain_text
from sandbox.files import SandboxFile, Spool
from sandbox.limits import MIB
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched
from text.sanitize import sanitize_text

log = structlog.get_logger(__name__)

#: Redirects of a download that are followed.
REDIRECTS = 10
#: Pauses in which Slack transcribes a clip that was just recorded, in seconds.
TRANSCRIBING = (1.0, 2.0, 4.0, 8.0)
# For the agents.
_NOT_READ = "[Slack's transcript of the clip {name} could not be read whole.]"
_NO_TRANSCRIPT = "[Slack has no transcript of the clip {name}.]"


class FileDownloads:
    """One task's attachments. `largest` is in bytes of one file."""

    def __init__(self, client: SlackClient, http: aiohttp.ClientSession, *, largest: int) -> None:
        self._client = client
        self._http = http
        self._largest = largest

    async def fetch(self, file: FileRef) -> SandboxFile:
        """An attached file; raises `FileNotFetched` with the reason."""
        if outside := file.source.get("outside"):
            raise FileNotFetched(texts.file_outside(str(outside)))
        url = file.source.get("url") or await self._url(file)
        if file.size > self._largest:
            raise FileNotFetched(self._too_large(file.size))
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
        """Slack's transcript of a clip that had none, or only its beginning, when its message came. Waits
        some seconds for Slack to make it."""
        if not file.source.get("untranscribed"):
            return ""
        try:
            found = await self._transcribed(file)
            if said := await self._captions(string(found.get("vtt"))):
                return f"[Slack's transcript of the clip {file.name}, whole] {said}"
        except (*SLACK_ERRORS, FileNotFetched) as fault:
            log.info("transcript not read", file=file.id, why=str(fault) or error_text(fault))
            return _NOT_READ.format(name=file.name)
        return plain_text(transcript(found), RawNames()) or _NO_TRANSCRIPT.format(name=file.name)

    async def _transcribed(self, file: FileRef) -> Mapping[str, Any]:
        """The clip as Slack describes it once its transcript is made, or has taken too long."""
        found = await self._described(file)
        for pause in TRANSCRIBING:
            if not is_being_transcribed(found):
                break
            await asyncio.sleep(pause)
            found = await self._described(file)
        return found

    async def _described(self, file: FileRef) -> Mapping[str, Any]:
        found = (await self._client.files_info(file=file.id)).get("file")
        return found if isinstance(found, dict) else {}

    async def _captions(self, url: str) -> str:
        """The words of a clip's captions; empty where Slack has none."""
        if not url:
            return ""
        headers = {"Authorization": f"Bearer {self._client.token}"}
        async with self._download(url, headers) as (response, _):
            data = await self._read(response)
        return sanitize_text(webvtt.text_of(data.read())) if response.status == 200 else ""

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

    async def _url(self, file: FileRef) -> str:
        """The address of a file that came without one, as files of Slack Connect channels do."""
        try:
            found = await self._described(file)
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
            if size > self._largest:
                raise FileNotFetched(self._too_large(size))
        return SandboxFile(size=size, open=spool.part(size))

    def _too_large(self, size: int) -> str:
        return texts.file_too_large(size / MIB, self._largest / MIB)


def _broke_off(error: Exception) -> str:
    match error:
        case TimeoutError():
            return texts.DOWNLOAD_TIMED_OUT
    return texts.DOWNLOAD_BROKE_OFF
