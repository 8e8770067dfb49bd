"""The engine on another machine, over TLS with certificates on both sides. Needs Docker.

The other machine is a door of the test's own in front of the local engine: it speaks TLS, asks for the
client's certificate, and passes bytes on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import certifi
import pytest

from sandbox.engine import DockerEngine
from sandbox.errors import EngineUnavailable
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support.certificates import Authority

CODE = """
text = open("in.txt").read()
print(len(text))
size = open("out", "w").write("x" * 300_000)
"""
SOCKET = "/var/run/docker.sock"
pytestmark = pytest.mark.skipif(not Path(SOCKET).exists(), reason="Docker is not on this machine's socket")


@asynccontextmanager
async def door(folder: Path) -> AsyncIterator[int]:
    """The engine behind TLS on a port of loopback; it refuses clients without a certificate of the CA."""
    terms = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    terms.verify_mode = ssl.CERT_REQUIRED
    terms.load_cert_chain(folder / "server.pem", folder / "server-key.pem")

    open_: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(SOCKET)
        open_.add(cast("asyncio.Task[None]", asyncio.current_task()))
        # A cancelled one is a fault to Python 3.11's streams.
        with suppress(ExceptionGroup, asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(reader, back))
                group.create_task(pump(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=terms)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
        for connection in open_:
            connection.cancel()
        await asyncio.gather(*open_)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    authority = Authority(tmp_path / "certificates")
    authority.issue("server.pem", "server-key.pem")
    authority.issue("cert.pem", "key.pem")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    # What a company's machines have for the web, and what must not be taken for the engine.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(authority.folder))
    return authority


async def test_programs_run_on_an_engine_behind_tls(sandbox_image: str, certificates: Authority) -> None:
    async with door(certificates.folder) as port:
        host = f"tcp://127.0.0.1:{port}"
        async with Sandbox(image=sandbox_image, docker_host=host, ready=1, transport="attach") as sandbox:
            job = Job(code=CODE, files={"in.txt": b"y" * 200_000})
            run = await sandbox.run(job)
            assert (run.status, run.stdout) == (Status.OK, "200000\n"), run
            assert len(run.contents()["out"]) == 300_000


async def test_who_has_no_certificate_of_ours_stays_outside(
    certificates: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Authority(tmp_path / "stranger")
    stranger.issue("cert.pem", "key.pem")
    (stranger.folder / "ca.pem").write_bytes((certificates.folder / "ca.pem").read_bytes())
    monkeypatch.setenv("DOCKER_CERT_PATH", str(stranger.folder))
    async with (
        door(certificates.folder) as port,
        DockerEngine(f"tcp://127.0.0.1:{port}", seconds=5) as engine,
    ):
        with pytest.raises(EngineUnavailable):
            await engine.facts()
