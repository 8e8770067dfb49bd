"""Programs and servers that attack the way out: the broker, its limits, its frames. Needs Docker."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sandbox.container import RawRun, collect_output
from sandbox.egress.connections import ProgramConnection, ProgramConnections
from sandbox.errors import ContainerLost
from sandbox.file_exchange import FileExchange
from sandbox.image.supervisor import frames
from sandbox.job import Job, Status
from sandbox.limits import SandboxLimits
from sandbox.stream import FrameStream
from tests.support.egress import Outbound

RAW = """
import socket
port = int(os.environ["http_proxy"].rpartition(":")[2])
def say(raw):
    with socket.create_connection(("127.0.0.1", port)) as proxy:
        proxy.sendall(raw)
        proxy.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := proxy.recv(65536):
            answer += piece
    return answer
"""


@pytest.mark.asyncio(loop_scope="session")
async def test_what_is_not_allowed_is_refused(outbound: Outbound) -> None:
    port = outbound.site.port
    code = f"""{RAW}
for place in ("127.0.0.1:{port + 1}", "127.0.0.1:22", "127.0.0.1:80", "localhost:{port}", "[::1]:{port}",
              "2130706433:{port}", "0x7f.0.0.1:{port}", "127.1:{port}", "169.254.169.254:80", "10.0.0.1:80",
              "metadata.google.internal:80", "127.0.0.1.example.com:{port}", "127.0.0.1%00.a.com:{port}"):
    for raw in (f"GET http://{{place}}/hello HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n",
                f"CONNECT {{place}} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n"):
        answer = say(raw.encode())
        if b" 403 " not in answer[:13]:
            print(raw, answer)
print(say(b"CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")[:12])
"""
    run, made = await outbound.run(code)
    assert run.stdout == "b'HTTP/1.1 200'\n", run.stderr
    assert all(one.refusal for one in made[:-1])
    assert outbound.site.requests == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_redirect_leads_nowhere_else(outbound: Outbound) -> None:
    code = f"""
import requests
for there in ("http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]/", "http://localhost:{outbound.site.port}/"):
    first = requests.get("{outbound.site.url}/to?" + there, allow_redirects=False)
    print(first.status_code, requests.get("{outbound.site.url}/to?" + there).status_code)
"""
    run, made = await outbound.run(code)
    assert run.stdout == "302 403\n" * 4, run.stderr
    assert [one.status for one in made] == [302, 302, 403] * 4


@pytest.mark.asyncio(loop_scope="session")
async def test_requests_can_not_be_smuggled(outbound: Outbound) -> None:
    """Of each two framings the server sees one, and a second request only where the broker saw it too."""
    hidden = f"GET {outbound.site.url}/echo HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"
    post = f"POST {outbound.site.url}/hello HTTP/1.1\\r\\nHost: evil\\r\\n"
    code = f"""{RAW}
post, hidden = b"{post}", b"{hidden}"
for raw in (
    post + b"Content-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n" + hidden,
    post + b"Content-Length: 4\\r\\nContent-Length: 90\\r\\n\\r\\nabcd" + hidden,
    post + b"Transfer-Encoding: chunked, identity\\r\\n\\r\\n0\\r\\n\\r\\n" + hidden,
    post + b"Transfer-Encoding : chunked\\r\\n\\r\\n0\\r\\n\\r\\n" + hidden,
    post + b"X: a\\r\\n\\tContent-Length: 4\\r\\n\\r\\nabcd" + hidden,
    post + b"Content-Length: +4\\r\\n\\r\\nabcd" + hidden,
    post + b"X\\0: a\\r\\n\\r\\n",
    b"GET {outbound.site.url}/a\\tb HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
    b"GET /hello HTTP/1.1\\r\\nHost: 127.0.0.1:{outbound.site.port}\\r\\n\\r\\n",
    b"GET http://user@127.0.0.1:{outbound.site.port}/hello HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
    b"\\x16\\x03\\x01\\x02\\x00\\x01\\x00",
    b"A" * 100_000,
):
    print(say(raw).count(b"HTTP/1.1 "))
"""
    run, made = await outbound.run(code)
    assert run.status is Status.OK, run.stderr
    assert len(outbound.site.requests) == len([one for one in made if one.status == 200])
    for request in outbound.site.requests:
        assert request.host == f"127.0.0.1:{outbound.site.port}"
        assert (
            len(request.headers.getall("Content-Length", [])) + ("Transfer-Encoding" in request.headers) < 2
        )


@pytest.mark.asyncio(loop_scope="session")
async def test_limits_hold_against_servers_and_programs(outbound: Outbound) -> None:
    endless = f"""
import urllib.request
try:
    print(len(urllib.request.urlopen("{outbound.site.url}/endless").read()))
except Exception as error:
    print(type(error).__name__)
try:
    urllib.request.urlopen("{outbound.site.url}/hello")
except Exception as error:
    print(error)
"""
    run, made = await outbound.run(endless, mb=2)
    assert run.stdout.startswith("IncompleteRead\nHTTP Error 403: The programs of this task have sent"), run
    assert 2_000_000 < made[0].received < 4_000_000
    run, made = await outbound.run(endless, seconds=1)
    assert run.stdout.startswith("IncompleteRead\nHTTP Error 403: The requests of this task have taken"), run
    many = f"""
import requests
session = requests.Session()
print([session.get("{outbound.site.url}/hello").status_code for _ in range(300)].count(200))
"""
    run, made = await outbound.run(many, requests=100)
    assert (run.stdout, len(made)) == ("100\n", 300)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_server_that_is_not_read_does_not_fill_the_bot(outbound: Outbound) -> None:
    code = f"""{RAW}
import time
idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
for one in idle:
    one.sendall(b"GET {outbound.site.url}/endless HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
print(say(b"GET {outbound.site.url}/hello HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")[-5:])
time.sleep(0.5)
"""
    run, made = await outbound.run(code)
    assert run.stdout == "b'hello'\n", run.stderr
    most = frames.WINDOW + (1 << 20)
    assert len(made) == 9
    assert all(one.received < most for one in made)


ONE = b"\0\0\0\1"
OPENED = frames.frame(frames.OPENED, ONE)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(frames.frame(frames.OPENED, b"\0"), id="a short number"),
        pytest.param(OPENED * 2, id="a number twice"),
        pytest.param(
            OPENED + frames.frame(frames.CARRIED, ONE + b"x" * frames.CHUNK) * 9, id="past the window"
        ),
        pytest.param(
            OPENED
            + frames.frame(frames.HALF_CLOSED, b"\0\0\0\1")
            + frames.frame(frames.CARRIED, b"\0\0\0\1x"),
            id="more after the end",
        ),
        pytest.param(
            b"".join(frames.frame(frames.OPENED, n.to_bytes(4, "big")) for n in range(1, 600)), id="too many"
        ),
    ],
)
async def test_a_container_that_breaks_the_protocol_is_lost(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    stream = await FrameStream.over(ours, mixed=False)
    limits = SandboxLimits()

    async def hold(connection: ProgramConnection) -> None:
        await asyncio.Event().wait()

    theirs.setblocking(False)
    sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(theirs, said))
    try:
        async with ProgramConnections(stream, hold) as connections:
            with pytest.raises(ContainerLost, match=r"The container (sent more|opened)"):
                await collect_output(
                    stream, FileExchange(stream, Job(code=""), limits), limits, lambda *_: None, RawRun(),
                    connections=connections,
                )  # fmt: skip
    finally:
        sending.cancel()
        stream.close()
        theirs.close()


async def test_frames_of_a_call_without_network_are_refused() -> None:
    ours, theirs = socket.socketpair()
    stream = await FrameStream.over(ours, mixed=False)
    with theirs:
        theirs.sendall(OPENED)
        exchange = FileExchange(stream, Job(code=""), SandboxLimits())
        with pytest.raises(ContainerLost, match="unknown kind"):
            await collect_output(stream, exchange, SandboxLimits(), lambda *_: None, RawRun())
    stream.close()
