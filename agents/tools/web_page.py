"""`fetch_page`: a web page as text, another file as a file, from the hosts that a task may reach."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from mimetypes import guess_extension, guess_type
from pathlib import Path
from urllib.robotparser import RobotFileParser

import aiohttp
from yarl import URL

from agents.errors import ToolFailure
from agents.tools import ToolOutput
from agents.tools.team_tools import FETCH_PAGE
from sandbox.egress.allow_list import AllowList
from sandbox.egress.broker import TaskEgress
from sandbox.egress.connector import guarded_session
from sandbox.egress.policy import EgressRequest, Exchange
from sandbox.errors import EgressRefused
from text.excerpt import excerpt

#: Bytes of a page or file; larger ones are for programs.
MAX_BYTES = 10_000_000
#: Of robots.txt, as many as a crawler has to read at least: rfc-editor.org/rfc/rfc9309, 2.5.
_ROBOTS_BYTES = 512_000
_REDIRECTS = 5
#: For all requests of one call, and for reading the page.
_SECONDS = 60
#: The name by which robots.txt addresses us.
_AGENT = "Handoff"
_HEADERS = {"User-Agent": f"{_AGENT}/1 (fetch_page)", "Accept": "text/html,*/*;q=0.8"}
_REDIRECTED = (301, 302, 303, 307, 308)
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("application/json", "application/xml", "application/yaml", "application/x-ndjson")
_READABLE = Path(__file__).with_name("readable.py")


def network_summary(allow: AllowList) -> str:
    """The end of the orchestrator's instructions where hosts are allowed."""
    if not allow:
        return ""
    return (
        f"\n\n# Network\nWorkers reach these hosts by HTTP and HTTPS, and no others: {allow}. They read a "
        f"page there with `{FETCH_PAGE}`, and their programs may request data."
    )


@dataclass(slots=True)
class _Fetched:
    url: URL
    kind: str
    charset: str
    body: bytes = field(repr=False)


class PageReader:
    """Reads the pages of one task within what it may reach, and counts them into its limits."""

    def __init__(self, egress: TaskEgress) -> None:
        self._egress = egress
        self._robots: dict[URL, RobotFileParser] = {}

    async def fetch_page(self, url: str) -> ToolOutput:
        """Read a web page: title, date, text and links. A PDF, picture or other file is saved in /work.

        Args:
            url: Its address, with http:// or https://.
        """
        requests: list[EgressRequest] = []
        try:
            async with asyncio.timeout(_SECONDS), guarded_session(self._egress.policy.allow) as session:
                found = await _Fetching(self._egress, session, self._robots, requests).follow(_parsed(url))
                text = await _text(found)
        except EgressRefused as refused:
            raise ToolFailure(str(refused)) from refused
        except TimeoutError as error:
            raise ToolFailure(f"The page did not come within {_SECONDS} seconds.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ToolFailure(
                f"There was no whole response: {str(error) or type(error).__name__}."
            ) from error
        facts = {"requests": [asdict(one) for one in requests]}
        if text is not None:
            return ToolOutput(f"{found.url}\n{text}", facts)
        size = f"{found.kind}, {len(found.body):,} bytes"
        return ToolOutput(f"{found.url} is a file: {size}.", facts, attached=((_name(found), found.body),))


class _Fetching:
    """The requests of one call."""

    def __init__(
        self, egress: TaskEgress, session: aiohttp.ClientSession, robots: dict[URL, RobotFileParser],
        requests: list[EgressRequest],
    ) -> None:  # fmt: skip
        self._egress = egress
        self._session = session
        self._robots = robots
        self._requests = requests

    async def follow(self, url: URL) -> _Fetched:
        """The page at the end of the redirects from `url`, each of which robots.txt has to allow."""
        for _ in range(_REDIRECTS + 1):
            if not (await self._rules(url.origin())).can_fetch(_AGENT, str(url)):
                raise ToolFailure(f"The robots.txt of {url.host} does not allow {url.path} to be read.")
            async with self._get(url) as (response, exchange):
                target = _redirected(url, response)
                if target is None:
                    if response.status >= 400:
                        raise ToolFailure(f"{url} answered {response.status} {response.reason}.")
                    kind, charset = response.content_type, response.charset or "utf-8"
                    return _Fetched(url, kind, charset, await _body(response, exchange))
            url = target
        raise ToolFailure(f"{url.host} redirects more than {_REDIRECTS} times.")

    async def _rules(self, origin: URL) -> RobotFileParser:
        """What a host's robots.txt allows: all where it has none, nothing where it fails to answer."""
        if (rules := self._robots.get(origin)) is not None:
            return rules
        rules = RobotFileParser()
        url = origin / "robots.txt"
        for _ in range(_REDIRECTS + 1):
            async with self._get(url) as (response, exchange):
                if (target := _redirected(url, response)) is not None:
                    url = target
                    continue
                lines = [] if response.status < 500 else ["User-agent: *", "Disallow: /"]
                if response.status < 300:
                    head = await _head(response, exchange, _ROBOTS_BYTES)
                    lines = head.decode("utf-8", "replace").splitlines()
                rules.parse(lines)
            break
        self._robots[origin] = rules
        return rules

    @asynccontextmanager
    async def _get(self, url: URL) -> AsyncIterator[tuple[aiohttp.ClientResponse, Exchange]]:
        host, port = url.host or "", url.port or 0
        with self._egress.exchange(host, port, "GET", self._requests.append) as exchange:
            async with self._session.get(url, allow_redirects=False, headers=_HEADERS) as response:
                exchange.ended(response.status)
                yield response, exchange


def _redirected(url: URL, response: aiohttp.ClientResponse) -> URL | None:
    """Where a response leads to; None when it is no redirect."""
    location = response.headers.get("Location")
    if response.status not in _REDIRECTED or not location:
        return None
    return _parsed(str(url.join(URL(location))))


async def _body(response: aiohttp.ClientResponse, exchange: Exchange) -> bytes:
    body = await _head(response, exchange, MAX_BYTES)
    if len(body) > MAX_BYTES:
        raise ToolFailure(
            f"{response.url} has more than {MAX_BYTES:,} bytes. Download it with a program instead."
        )
    return body


async def _head(response: aiohttp.ClientResponse, exchange: Exchange, most: int) -> bytes:
    """The content up to the piece that goes beyond `most` bytes."""
    head = bytearray()
    async for piece in response.content.iter_any():
        exchange.received(len(piece))
        head += piece
        if len(head) > most:
            break
    return bytes(head)


def _parsed(address: str) -> URL:
    """The address of a page; raises `ToolFailure` when it is none."""
    try:
        url = URL(address.strip())
        known = url.scheme in ("http", "https") and url.host and url.port and url.user is None
    except ValueError:
        known = False
    if not known:
        raise ToolFailure(
            f"{excerpt(address, 200)!r} is no address of a page. Begin with http:// or https:// and a host."
        )
    return url.with_fragment(None)


async def _text(found: _Fetched) -> str | None:
    """The text of a page or text file; None for other files."""
    if found.kind in _HTML:
        return await _readable(found)
    if found.kind.startswith("text/") or found.kind in _TEXT or found.kind.endswith(("+json", "+xml")):
        try:
            return found.body.decode(found.charset, "replace")
        except LookupError:  # no encoding of this name
            return found.body.decode("utf-8", "replace")
    return None


async def _readable(found: _Fetched) -> str:
    """Extract the text in a process of its own, without our environment, which may end by its limits."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-X", "utf8", str(_READABLE), str(found.url),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={},
    )  # fmt: skip
    try:
        text, _ = await process.communicate(found.body)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ToolFailure(f"The page {found.url} can't be read as text. Download it with a program instead.")
    return text.decode() or "(The page has no text: a browser would build it with scripts.)"


def _name(found: _Fetched) -> str:
    """The file's name in its address, with the suffix of its kind where it has none."""
    name = found.url.name or found.url.host or "page"
    suffix = guess_extension(found.kind) or ""
    return name if guess_type(name)[0] or name.endswith(suffix) else f"{name}{suffix}"
