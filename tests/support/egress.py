"""Programs that reach servers on loopback through the egress broker."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio
from aiohttp import web

from sandbox.egress.allow_list import AllowList
from sandbox.egress.broker import Broker
from sandbox.egress.policy import Credential, EgressLimits, EgressMeter, EgressPolicy, EgressRequest
from sandbox.job import Job, Run
from sandbox.sandbox import Sandbox
from tests.support.certificates import Authority

TOKEN = "s3cr3t-t0ken/with+signs"
#: Programs reach servers of their own on loopback without the proxy; here the servers are the test's.
_LOOPBACK_TOO = "import os\nos.environ.pop('no_proxy'), os.environ.pop('NO_PROXY')\n"


@dataclass(slots=True)
class Site:
    """A web server on loopback, with the same pages by HTTP and HTTPS."""

    port: int
    tls_port: int
    trusted: ssl.SSLContext
    authority: bytes
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    wheels: dict[str, bytes] = field(default_factory=dict)
    """An index of packages, at `/simple`."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serve_site(folder: Path) -> AsyncIterator[Site]:
    """The server: `/hello`, `/bytes/N`, `/echo` (headers and body), `/to?URL` (a redirect), `/endless`."""
    authority = Authority(folder / "certificates")
    authority.issue("cert.pem", "key.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.folder / "cert.pem", authority.folder / "key.pem")
    trusted = ssl.create_default_context(cafile=str(authority.folder / "ca.pem"))
    app = web.Application(client_max_size=1 << 30)
    runner = web.AppRunner(app)
    site = Site(0, 0, trusted, (authority.folder / "ca.pem").read_bytes())

    @web.middleware
    async def note(request: web.Request, handler: web.Handler) -> web.StreamResponse:  # type: ignore[name-defined]
        site.requests.append(request)
        site.bodies.append(await request.read())
        return await handler(request)  # type: ignore[no-any-return]

    async def index(request: web.Request) -> web.Response:
        of = [name for name in site.wheels if name.startswith(f"{request.match_info['name']}-")]
        links = "".join(f'<a href="/wheels/{name}">{name}</a>' for name in of)
        return web.Response(text=f"<html><body>{links}</body></html>", content_type="text/html")

    async def download(request: web.Request) -> web.Response:
        return web.Response(body=site.wheels[request.match_info["wheel"]])

    app.middlewares.append(note)
    app.add_routes(
        [
            web.route("*", "/hello", _hello),
            web.get("/bytes/{size}", _bytes),
            web.route("*", "/echo", _echo),
            web.get("/to", _redirect),
            web.get("/endless", _endless),
            web.get("/simple/{name}/", index),
            web.get("/wheels/{wheel}", download),
        ]
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    site.port, site.tls_port = (address[1] for address in runner.addresses)
    try:
        yield site
    finally:
        await runner.cleanup()


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def _bytes(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * int(request.match_info["size"]))


async def _echo(request: web.Request) -> web.StreamResponse:
    """Headers and body come back in pieces, so that a secret is cut in two."""
    response = web.StreamResponse(headers={"X-Echo": request.headers.get("Authorization", "")})
    await response.prepare(request)
    said = f"{dict(request.headers)}\n".encode() + await request.read()
    for start in range(0, len(said), 7):
        await response.write(said[start : start + 7])
    return response


async def _redirect(request: web.Request) -> web.Response:
    raise web.HTTPFound(request.query_string)


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"more " * 4096)


@dataclass(slots=True)
class Outbound:
    """A sandbox whose programs may reach what `allow` names."""

    sandbox: Sandbox
    site: Site

    async def run(
        self, code: str, *, allow: str = "", credentials: Mapping[tuple[str, int], Credential] | None = None,
        files: Mapping[str, bytes] | None = None, extra: bool = True, **limits: float,
    ) -> tuple[Run, list[EgressRequest]]:  # fmt: skip
        """Run a program; its run, and the record of its requests. `extra`: it finds the site's authority."""
        requests: list[EgressRequest] = []
        own = {"ca.pem": self.site.authority} if extra else {}
        bounds = EgressLimits(**limits)  # type: ignore[arg-type]
        allowed = AllowList.parse(allow or f"127.0.0.1:{self.site.port} 127.0.0.1:{self.site.tls_port}")
        policy = EgressPolicy(allowed, credentials or {}, bounds)
        async with Broker(policy, EgressMeter(bounds), requests.append, tls=self.site.trusted) as broker:
            job = Job(code=f"{_LOOPBACK_TOO}{code}", files={**(files or {}), **own})
            run = await self.sandbox.run(job, on_connection=broker.serve)
        return run, requests


@pytest_asyncio.fixture(loop_scope="session")
async def outbound(shared_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Outbound]:
    async with serve_site(tmp_path) as site:
        yield Outbound(shared_sandbox, site)
