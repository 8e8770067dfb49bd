"""Buckets of a real S3 server, a process of moto's, behind a proxy that fails on demand."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import pytest
from aiohttp import web

from tasks.files.bucket import Bucket, BucketAddress
from tasks.timing import TaskTiming
from tests.support.timing import TASK_TIMING

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of the server; it starts with the first test that uses it."""
    with s3_process() as url:
        yield url


@contextmanager
def s3_process() -> Iterator[str]:
    """The URL of a server of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


class S3:
    """One bucket of the server, as seen through the proxy."""

    def __init__(self, server: str, name: str, session: aiohttp.ClientSession) -> None:
        self.name = name
        self.url = f"s3://{name}"
        self.endpoint = ""
        self.requests: list[str] = []
        """The methods of all requests."""
        self.refusal: tuple[int, str] | None = None
        """Status and S3's code of the answer to each request of `refused_methods`."""
        self.refused_methods: tuple[str, ...] = ("PUT", "GET", "POST", "DELETE")
        self.is_away = False
        """Each connection is closed without an answer."""
        self.answers = asyncio.Event()
        """While it is not set, a request waits for its answer."""
        self.answers.set()
        self.cut_after: int | None = None
        """Bytes of a body after which its connection is closed, once."""
        self._server = server
        self._session = session

    def settings(self) -> dict[str, str]:
        return {
            "HANDOFF_FILES_URL": f"{self.url}/handoff",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def bucket(self, timing: TaskTiming = TASK_TIMING, *, prefix: str = "handoff") -> Bucket:
        return Bucket(
            BucketAddress(
                url=f"{self.url}/{prefix}", endpoint=self.endpoint, region="us-east-1", access_key="key",
                secret_key="secret",
            ),
            timing,
        )  # fmt: skip

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        assert request.transport is not None
        if self.is_away:
            request.transport.abort()
            return web.Response()
        await self.answers.wait()
        if self.refusal is not None and request.method in self.refused_methods:
            status, code = self.refusal
            return web.Response(status=status, text=f"<Error><Code>{code}</Code></Error>")
        own = {"Host", "Content-Length", "Transfer-Encoding"}
        async with self._session.request(
            request.method, f"{self._server}{request.raw_path}", data=await request.read(),
            headers={name: value for name, value in request.headers.items() if name not in own},
        ) as answer:  # fmt: skip
            body = await answer.read()
            names = ("ETag", "Last-Modified", "Content-Type", "Content-Range", "Accept-Ranges")
            headers = {name: answer.headers[name] for name in names if name in answer.headers}
            if self.cut_after is not None and len(body) > self.cut_after:
                response = web.StreamResponse(status=answer.status, headers=headers)
                response.content_length = len(body)
                await response.prepare(request)
                await response.write(body[: self.cut_after])
                self.cut_after = None
                request.transport.abort()
                return response
            if request.method == "HEAD":
                headers["Content-Length"] = answer.headers["Content-Length"]
            return web.Response(status=answer.status, body=body, headers=headers)


@pytest.fixture
async def s3(s3_server: str) -> AsyncIterator[S3]:
    """A new bucket."""
    async with new_bucket(s3_server) as made:
        yield made


@asynccontextmanager
async def new_bucket(s3_server: str) -> AsyncIterator[S3]:
    """A new bucket of a server, behind a proxy of its own."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        found = S3(s3_server, f"b{uuid.uuid4().hex}", session)
        async with session.put(f"{s3_server}/{found.name}") as made:
            assert made.status == 200
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", found.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield found
        finally:
            await runner.cleanup()
