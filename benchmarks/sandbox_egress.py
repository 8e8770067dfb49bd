"""What the egress broker costs: a small request and a download, beside the same from the host without it.

The server is a process of its own on loopback. Needs Docker and the image.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

from sandbox.egress.allow_list import AllowList
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import EgressLimits, EgressPolicy
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox

#: Aims: a small request takes at most 5 ms more than a direct one, a download has at least 100 MB/s.
SMALL_BYTES = 1024
_SERVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        left = int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(left))
        self.end_headers()
        while left:
            left -= self.wfile.write(PIECE[:left])
    def log_message(self, *_):
        pass
PIECE = bytes(1 << 20)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
_CLIENT = """
import os, time, urllib.request
for name in ("no_proxy", "NO_PROXY"):
    os.environ.pop(name, None)
def timed(size):
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{{size}}") as response:
        while response.read(1 << 20):
            pass
    return time.perf_counter() - began
print(*(timed({small}) for _ in range({requests})))
print(timed({large}))
"""


async def print_egress(image: str, *, requests: int, large: int) -> None:
    """Prints the table: a number of small requests, and one download of `large` bytes."""
    async with _server() as port, Sandbox(image=image, ready=1) as sandbox:
        code = _CLIENT.format(port=port, small=SMALL_BYTES, requests=requests, large=large)
        direct = await _output(sys.executable, "-c", code)
        policy = EgressPolicy(
            AllowList.parse(f"127.0.0.1:{port}"), limits=EgressLimits(requests=requests + 1, seconds=86_400)
        )
        before = _peak_mb()
        async with TaskEgress(policy).open(lambda _: None) as serve:
            run = await sandbox.run(Job(code=code, timeout=600), on_connection=serve)
        if run.status is not Status.OK:
            raise SystemExit(f"A call failed: {run.sentence} {run.stderr}")
    print("| loopback | n | 1 KB request p50 ms | download MB/s | bot's peak memory MB, before and after |")
    print("|---|---|---|---|---|")
    for name, output, memory in (
        ("directly, on the host", direct, ""),
        ("through the broker", run.stdout, f"{before:.0f}, {_peak_mb():.0f}"),
    ):
        first, last = output.splitlines()
        half = median(map(float, first.split())) * 1000
        print(f"| {name} | {requests} | {half:.1f} | {large / float(last) / 1e6:.1f} | {memory} |")


@asynccontextmanager
async def _server() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, env={}, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
