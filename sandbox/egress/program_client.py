"""The program's side of a proxied request: HTTP as it came, and as it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import SplitResult, urlsplit

import h11

from sandbox.egress.allow_list import normalized
from sandbox.egress.connections import ProgramConnection
from sandbox.egress.policy import Credential, Exchange
from sandbox.errors import EgressRefused

CREDENTIALS_PORT = 443
"""Where requests with a credential go that a program sends to port 80."""
#: Of one connection, not of the message: rfc-editor.org/rfc/rfc9110#section-7.6.1. aiohttp sets its own.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade host expect".split()
)
_HEADER_BYTES = 65_536


class NotForProxy(Exception):
    """A request that is not one for a proxy. The text is for the program."""


class ProgramClient:
    """HTTP over one connection of a program."""

    def __init__(self, connection: ProgramConnection) -> None:
        self.connection = connection
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEADER_BYTES)

    async def next_request(self) -> h11.Request | None:
        """The next request; None when the connection takes no more. Raises `h11.RemoteProtocolError`."""
        if self._http.our_state is h11.DONE:
            if self._http.their_state is h11.SEND_BODY and isinstance(await self._next_event(), h11.Data):
                return None  # answered early, and the program still sends
            if self._http.their_state is h11.DONE:
                self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        event = await self._next_event()
        return event if isinstance(event, h11.Request) else None

    async def body(self, exchange: Exchange) -> AsyncIterator[bytes]:
        """The content of the request."""
        while isinstance(event := await self._next_event(), h11.Data):
            exchange.sent(len(event.data))
            yield bytes(event.data)

    async def whole_body(self, most: int) -> bytes:
        """The content of the request; raises `EgressRefused` beyond `most` bytes."""
        body = b""
        while isinstance(event := await self._next_event(), h11.Data):
            body += bytes(event.data)
            if len(body) > most:
                raise EgressRefused(f"The request has more than {most} bytes, the limit.")
        return body

    async def switch(self) -> bytes:
        """Accept a tunnel; what has arrived of it already."""
        await self._next_event()  # the end of the request
        await self.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
        return self._http.trailing_data[0]

    async def send(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            await self.connection.send(data)

    async def respond(self, status: int, sentence: str) -> None:
        """Answer with a sentence and end the connection; a response that has begun is cut.

        The sentence is also the reason phrase, which is all that clients show of a refused tunnel.
        """
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            await self.connection.close(whole=False)
            return
        await self.reply(status, f"{sentence}\n".encode(), sentence)

    async def reply(self, status: int, text: bytes, reason: str) -> None:
        """Answer with a text and end the connection."""
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
        phrase = "".join(c if " " <= c <= "~" else "?" for c in reason).encode()
        await self.send(
            h11.Response(status_code=status, headers=[*headers, ("Connection", "close")], reason=phrase)
        )
        await self.send(h11.Data(data=text))
        await self.send(h11.EndOfMessage())

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self.connection.receive())
        return event


def destination(request: h11.Request) -> tuple[str, int, str]:
    """Host, port and path of a request; raises `NotForProxy`.

    A host that has no proper form is as the program spells it, and on no allow list.
    """
    target = request.target.decode("ascii")
    framings = {key for key, _ in request.headers} & {b"content-length", b"transfer-encoding"}
    if len(framings) > 1:
        raise NotForProxy("A request has Content-Length or Transfer-Encoding, and not both.")
    if request.method == b"CONNECT":
        parts = _split(f"//{target}")
        if parts.port is None or parts.path or parts.query:
            raise NotForProxy("CONNECT takes a host and a port, such as api.example.com:443.")
    else:
        parts = _split(target)
        if parts.scheme != "http":
            raise NotForProxy("This is a proxy: send http://HOST/PATH, or CONNECT HOST:PORT for HTTPS.")
    if not parts.hostname or parts.username is not None:
        raise NotForProxy("The address names no host, or a user before it; send credentials as a header.")
    try:
        host = normalized(parts.hostname)
    except ValueError:
        host = parts.hostname[:253]
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return host, 80 if parts.port is None else parts.port, path


def headers_to_server(request: h11.Request, credential: Credential | None) -> list[tuple[str, str]]:
    """The program's headers without those of its connection, and with the credential's in their place."""
    named = {
        token.strip().lower()
        for key, value in request.headers
        if key == b"connection"
        for token in value.split(b",")
    }
    dropped = HOP_BY_HOP | named - {b"content-length"}
    added: list[tuple[str, str]] = []
    if credential is not None:
        # What a server compresses can't be masked on its way.
        added = [*credential.headers.items(), ("Accept-Encoding", "identity")]
        dropped |= {name.lower().encode() for name, _ in added}
    kept = [(k.decode("ascii"), v.decode("latin-1")) for k, v in request.headers if k not in dropped]
    return kept + added


def _split(target: str) -> SplitResult:
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError as error:
        raise NotForProxy(f"The address is not valid: {error}.") from None
    return parts
