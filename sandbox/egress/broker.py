"""The egress broker: an HTTP proxy for the programs of one task, on our side of their connections.

It allows by host and port, makes connections only to addresses that it has checked, adds credentials that
programs do not see, and reports each request. Requests are parsed and written again, so that both ends
agree on where one ends; only a tunnel (CONNECT) carries a program's bytes as they are.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Self

import aiohttp
import h11
from yarl import URL

from sandbox.egress.connections import OnConnection, ProgramConnection
from sandbox.egress.connector import check_host, guarded_session, open_guarded
from sandbox.egress.masking import Masker
from sandbox.egress.policy import (
    Credential,
    EgressMeter,
    EgressPolicy,
    EgressRequest,
    Exchange,
    OnRequest,
    recorded,
)
from sandbox.egress.program_client import (
    CREDENTIALS_PORT,
    HOP_BY_HOP,
    NotForProxy,
    ProgramClient,
    destination,
    headers_to_server,
)
from sandbox.errors import EgressRefused

_PIECE = 65_536
_LOCAL_BYTES = 1 << 20
_NO_RESPONSE = (aiohttp.ClientError, OSError, h11.LocalProtocolError)
#: Headers that aiohttp would add, and the program did not send.
_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


LocalHandler = Callable[[str, bytes], Awaitable[tuple[int, str]]]
"""Answers a request to a host that is no host: path without its slash, and body; status and text."""


class TaskEgress:
    """The network of one task: what it may reach, and what it has used of its limits."""

    def __init__(self, policy: EgressPolicy, earlier: Sequence[Mapping[str, Any]] = ()) -> None:
        """`earlier`: the fields of the `EgressRequest`s that the task made before it was resumed."""
        self.policy = policy
        self._meter = EgressMeter(policy.limits)
        size = sum(one["sent"] + one["received"] for one in earlier)
        self._meter.count_earlier(len(earlier), size, sum(one["seconds"] for one in earlier))

    def grant(self, host: str) -> None:
        """Open a host that a person has allowed, for programs that begin from now on."""
        allow = self.policy.allow
        self.policy = replace(self.policy, allow=replace(allow, asks=allow.asks - {host}))

    @asynccontextmanager
    async def open(
        self, on_request: OnRequest, local: Mapping[str, LocalHandler] = MappingProxyType({})
    ) -> AsyncIterator[OnConnection | None]:
        """What serves the connections of one program; None where nothing may be reached.

        `local` answers requests by HTTP to these names itself.
        """
        if not self.policy.allow and not local:
            yield None
            return
        report = self._reporting(on_request)
        async with Broker(self.policy, self._meter, report, local=local) as broker:
            yield broker.serve

    @contextmanager
    def exchange(self, host: str, port: int, method: str, on_request: OnRequest) -> Iterator[Exchange]:
        """A request that we make for the task ourselves: counted and recorded like those of programs.

        Raises `EgressRefused` at a limit. The caller makes it through `guarded_session`.
        """
        exchange = Exchange(self._meter, host, port, method)
        with recorded(exchange, self._meter, self._reporting(on_request)):
            try:
                self._meter.begin()
                yield exchange
            except EgressRefused as refused:
                exchange.ended(exchange.record.status, str(refused))
                raise

    def _reporting(self, on_request: OnRequest) -> OnRequest:
        """Gives each record to `on_request` and to the task's policy."""

        def report(request: EgressRequest) -> None:
            on_request(request)
            self.policy.on_request(request)

        return report


class Broker:
    """Serves the connections of one program; enter it for as long as the program runs."""

    def __init__(
        self, policy: EgressPolicy, meter: EgressMeter, on_request: OnRequest,
        *, tls: ssl.SSLContext | None = None, local: Mapping[str, LocalHandler] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """`on_request` gets the record of each request as it ends. `tls` None: what this machine trusts."""
        self._local = local
        self._policy = policy
        self._meter = meter
        self._on_request = on_request
        self._tls = tls
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def serve(self, connection: ProgramConnection) -> None:
        """Serve one connection of the program to its end."""
        client = ProgramClient(connection)
        try:
            while (request := await client.next_request()) is not None:
                await self._answer(client, request)
        except h11.RemoteProtocolError as error:
            await client.respond(error.error_status_hint, f"This is no valid HTTP request: {error}.")

    async def _answer(self, client: ProgramClient, request: h11.Request) -> None:
        try:
            host, port, path = destination(request)
        except NotForProxy as error:
            await client.respond(400, str(error))
            return
        if (handle := self._local.get(host)) is not None and request.method == b"POST":
            await self._answer_locally(client, handle, path)
            return
        credential = self._policy.credentials.get((host, CREDENTIALS_PORT if port == 80 else port))
        if credential is not None and port == 80:
            port = CREDENTIALS_PORT
        exchange = Exchange(self._meter, host, port, request.method.decode("ascii"))
        with recorded(exchange, self._meter, self._on_request):
            try:
                self._meter.begin()
                async with asyncio.timeout(self._meter.seconds_left):
                    if exchange.record.method == "CONNECT":
                        await self._tunnel(client, exchange)
                    else:
                        await self._forward(client, request, exchange, path, credential)
            except EgressRefused as refused:
                await _refuse(client, exchange, 403, str(refused))
            except TimeoutError:
                await _refuse(client, exchange, 504, f"No whole response from {host} came in time.")
            except _NO_RESPONSE as error:
                why = f"There was no whole response from {host}:{port}: {_words(error)}."
                await _refuse(client, exchange, 502, why)

    async def _answer_locally(self, client: ProgramClient, handle: LocalHandler, path: str) -> None:
        try:
            self._meter.begin()
            body = await client.whole_body(_LOCAL_BYTES)
        except EgressRefused as refused:
            await client.respond(403, str(refused))
            return
        status, text = await handle(path.removeprefix("/"), body)
        await client.reply(status, text.encode("utf-8", "replace"), HTTPStatus(status).phrase)

    async def _tunnel(self, client: ProgramClient, exchange: Exchange) -> None:
        """Carry bytes both ways until the server ends, or the program drops the connection."""
        reader, writer = await open_guarded(self._policy.allow, exchange.record.host, exchange.record.port)
        try:
            exchange.ended(200)
            piece = await client.switch()
            sending = asyncio.create_task(_send(client.connection, writer, exchange, piece))
            try:
                while piece := await reader.read(_PIECE):
                    exchange.received(len(piece))
                    await client.connection.send(piece)
                if sending.done():
                    sending.result()
            finally:
                sending.cancel()
        finally:
            writer.close()

    async def _forward(
        self, client: ProgramClient, request: h11.Request, exchange: Exchange, path: str,
        credential: Credential | None,
    ) -> None:  # fmt: skip
        record = exchange.record
        name = check_host(self._policy.allow, record.host, record.port)
        place = f"[{name}]" if ":" in name else name
        url = f"{'https' if credential else 'http'}://{place}:{record.port}{path}"
        has_body = any(key in (b"content-length", b"transfer-encoding") for key, _ in request.headers)
        if self._opened is None:
            self._opened = guarded_session(self._policy.allow, tls=self._tls)
        async with self._opened.request(
            record.method,
            URL(url, encoded=True),
            headers=headers_to_server(request, credential),
            data=client.body(exchange) if has_body else None,
            allow_redirects=False,
            auto_decompress=credential is not None,
            skip_auto_headers=_OURS,
        ) as response:
            exchange.ended(response.status)
            await _respond(client, response, exchange, Masker(credential.secrets) if credential else None)


async def _refuse(client: ProgramClient, exchange: Exchange, status: int, why: str) -> None:
    exchange.ended(status, why)
    await client.respond(status, why)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _send(
    connection: ProgramConnection, writer: asyncio.StreamWriter, exchange: Exchange, piece: bytes
) -> None:
    """Send what the program sends through a tunnel, `piece` first."""
    try:
        piece = piece or await connection.receive()
        while piece:
            exchange.sent(len(piece))
            writer.write(piece)
            await writer.drain()
            piece = await connection.receive()
        writer.write_eof()
    except BaseException:
        writer.transport.abort()  # so that the other direction ends, too
        raise


async def _respond(
    client: ProgramClient, response: aiohttp.ClientResponse, exchange: Exchange, masker: Masker | None
) -> None:
    """Pass a response on as it comes, or masked and decompressed."""
    raw = [(key.lower(), value) for key, value in response.raw_headers]
    names = {key for key, _ in raw}
    dropped = set(HOP_BY_HOP)
    if masker is not None and b"content-encoding" in names:
        dropped |= {b"content-encoding", b"content-length"}
    if b"transfer-encoding" in names:
        dropped.add(b"content-length")
    reason = (response.reason or "").encode("latin-1", "replace")
    headers = [(key, value) for key, value in raw if key not in dropped]
    if masker is not None:
        reason, headers = masker.mask(reason), [(key, masker.mask(value)) for key, value in headers]
    await client.send(h11.Response(status_code=response.status, headers=headers, reason=reason))
    async for chunk in response.content.iter_any():
        exchange.received(len(chunk))
        if certain := chunk if masker is None else masker.feed(chunk):
            await client.send(h11.Data(data=certain))
    if masker is not None and (rest := masker.rest()):
        await client.send(h11.Data(data=rest))
    await client.send(h11.EndOfMessage())
