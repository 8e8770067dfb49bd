"""An engine reached over SSH, by a server of the test's own on loopback. Needs Docker, `ssh` and `sshd`."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.engine import DockerEngine
from sandbox.errors import EngineUnavailable
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(SSHD is None, reason="no sshd is installed here (Debian: openssh-server)")


def configured(folder: Path, port: int) -> None:
    """A server that lets in one key, and an `ssh` in `bin` that has this key and knows the server."""
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    server = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host", "PidFile": "none",
        "AuthorizedKeysFile": folder / "key.pub", "StrictModes": "no", "UsePAM": "no",
        "PasswordAuthentication": "no",
    }  # fmt: skip
    (folder / "server").write_text("".join(f"{name} {value}\n" for name, value in server.items()))
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    client = {"IdentityFile": folder / "key", "IdentitiesOnly": "yes", "UserKnownHostsFile": folder / "known"}
    (folder / "client").write_text("".join(f"{name} {value}\n" for name, value in client.items()))
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/client "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)  # without it sshd does not start as root


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of a server that runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configured(tmp_path, port)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    process = await asyncio.create_subprocess_exec(
        str(SSHD), "-D", "-e", "-f", str(tmp_path / "server"), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if b"listening" in line:
            break
    yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
    process.terminate()
    await process.communicate()


async def test_programs_run_on_an_engine_behind_ssh(server: str, sandbox_image: str) -> None:
    big = bytes(range(256)) * 4096
    async with Sandbox(image=sandbox_image, docker_host=server, ready=1) as sandbox:
        job = Job(
            code="open('out', 'wb').write(open('in', 'rb').read()[::-1])\nprint('far')", files={"in": big}
        )
        run = await sandbox.run(job)
        again = await asyncio.gather(*(sandbox.run(Job(code=f"print({n})")) for n in range(4)))
    assert (run.status, run.stdout, run.contents()["out"]) == (Status.OK, "far\n", big[::-1])
    assert [one.stdout for one in again] == ["0\n", "1\n", "2\n", "3\n"]


async def test_a_tunnel_that_broke_is_opened_again(server: str, sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, docker_host=server, ready=0) as sandbox:
        assert (await sandbox.run(Job(code="1"))).status is Status.OK
        tunnel = sandbox.engine._tunnel
        assert tunnel is not None
        assert tunnel._process is not None
        tunnel._process.kill()
        tunnel._process.wait()
        assert (await sandbox.run(Job(code="2"))).status is Status.OK
        folder = tunnel._folder
    assert folder is not None
    assert not folder.exists()
    assert tunnel._process.poll() is not None


@pytest.mark.parametrize(
    ("address", "words"),
    [("ssh://127.0.0.1:1", "Connection refused"), ("ssh://nobody@{server}", "Permission denied")],
)
async def test_a_way_that_is_barred_is_one_sentence(server: str, address: str, words: str) -> None:
    async with DockerEngine(address.format(server=server.rpartition("@")[2])) as engine:
        with pytest.raises(EngineUnavailable, match=words):
            await engine.facts()
