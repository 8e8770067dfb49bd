"""Guarded connections: each is made to an address that was checked, so that a name can't be rebound."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import cache
from ipaddress import ip_address
from typing import Any

import aiohttp

from sandbox.egress.allow_list import AllowList, normalized
from sandbox.errors import EgressRefused

_CONNECT_SECONDS = 15
#: Of one response's headers, all together and one of them.
_HEADER_BYTES = 65_536


class GuardedConnector(aiohttp.TCPConnector):
    """A connector of aiohttp that connects to addresses of `allow` and the public internet alone.

    The address is checked where its socket is made, whatever led there: a name, a redirect, a literal.
    """

    def __init__(self, allow: AllowList, *, tls: ssl.SSLContext | None = None) -> None:
        """`tls` None: the certificates that this machine trusts."""
        self._allow = allow
        super().__init__(
            socket_factory=self._checked_socket,
            use_dns_cache=False,
            limit=0,
            ssl=_machine_trust() if tls is None else tls,
        )

    def _checked_socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, port, *_) = info
        check_address(self._allow, host, port)
        return socket.socket(family, kind, protocol)


@cache
def _machine_trust() -> ssl.SSLContext:
    """What this machine trusts, or the file of SSL_CERT_FILE. It takes some 20 ms to make."""
    return ssl.create_default_context()


def guarded_session(
    allow: AllowList, *, tls: ssl.SSLContext | None = None, decompress: bool = True
) -> aiohttp.ClientSession:
    """A session whose requests, redirected ones too, go to hosts of `allow` alone.

    A refused request raises `EgressRefused`. It sends no cookies and no credentials of this machine.
    """

    async def check(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        check_host(allow, request.url.raw_host or "", request.url.port or 0)
        return await send(request)

    return aiohttp.ClientSession(
        connector=GuardedConnector(allow, tls=tls),
        middlewares=(check,),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=decompress,
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
    )


async def open_guarded(
    allow: AllowList, host: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A plain connection to a host of `allow`. Raises `EgressRefused`, or OSError when none can be made."""
    name = check_host(allow, host, port)
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    failure: Exception = OSError(f"{name} has no address")
    for address in dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found):
        try:
            check_address(allow, address, port)
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_connection(address, port)
        except (OSError, EgressRefused) as error:
            failure = error
    raise failure


def check_host(allow: AllowList, host: str, port: int) -> str:
    """The host in its one form; raises `EgressRefused` unless `allow` has it with this port."""
    try:
        name = normalized(host)
    except ValueError as error:
        raise EgressRefused(f"{error}.") from None
    if not allow.allows(name, port):
        shown = f"[{name}]" if ":" in name else name
        entry = shown if port in (80, 443) else f"{shown}:{port}"
        raise EgressRefused(
            f"{shown}:{port} may not be reached from here. Go on without it, or report it: the operator "
            f"can allow it with HANDOFF_SANDBOX_EGRESS={entry}, or with sandbox_egress for a channel."
        )
    if name in allow.asks:
        raise EgressRefused(
            f"A person has to allow {name} first, once in this thread: ask with ask_for_host, then try again."
        )
    return name


def check_address(allow: AllowList, address: str, port: int) -> None:
    """Raises `EgressRefused` unless a connection to the address may be made."""
    if not allow.allows_address(ip_address(address.partition("%")[0]), port):
        raise EgressRefused(
            f"The address {address} is not of the public internet. The operator can allow it by "
            f"adding {address}:{port} itself to HANDOFF_SANDBOX_EGRESS."
        )
