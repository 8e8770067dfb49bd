"""`print` in our sandbox and in those of others, on the same engine with the same packages, in turn.

Each runs in a process and an environment of its own (`benchmarks.environments`), and alternates with the
floor, `python -c pass` on the host. Their containers use our image plus what SWE-ReX and smolagents need
inside: fetched by pip, built without an image registry. A peer that fails is reported in its row.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environments import SCRIPTS, Failed, environment, output
from benchmarks.table import p99
from sandbox.engine import DockerEngine
from sandbox.image.build import ensure_image


@dataclass(frozen=True)
class Peer:
    """A system, how it runs a call, and its requirements; without any it uses our own environment."""

    name: str
    call: str
    script: str
    requirements: str = ""


PEERS = (
    Peer("Handoff", "a new container", "handoff_sandbox"),
    Peer(
        "AgentScope 1.0.21", "the host", "agentscope_sandbox",
        "agentscope==1.0.21 mcp<2 sqlalchemy<2.1 greenlet tqdm",
    ),
    Peer("SWE-ReX", "one kept container", "swerex_sandbox", "swe-rex>=1.4,<2 aiohttp"),
    Peer("smolagents", "one kept kernel", "smolagents_sandbox", "smolagents[docker]>=1.26,<2"),
    Peer("autogen", "one kept container", "autogen_sandbox", "autogen-ext[docker]>=0.7,<0.8 autogen-core"),
    Peer("openai-agents", "one kept container", "openai_sandbox", "openai-agents>=0.24,<0.25 docker<8"),
    Peer("llm-sandbox", "one kept container", "llm_sandbox_sandbox", "llm-sandbox[docker]>=0.3.46,<0.4"),
)  # fmt: skip
#: The packages that a peer's server needs inside the container.
INSIDE = ("swe-rex>=1.4,<2", "jupyter_kernel_gateway>=3,<4", "ipykernel<8", "jupyter_client<9")
DOCKERFILE = """
FROM {image}
USER 0:0
ENTRYPOINT []
CMD ["python3"]
WORKDIR /root
ENV HOME=/root PYTHONPATH=/opt/packages:/opt/peers
COPY swerex-remote /usr/local/bin/swerex-remote
COPY packages /opt/peers
RUN python3 -m compileall -q /opt/peers; python3 -m ipykernel install --user
"""
SERVER = "#!/usr/bin/env python3\nfrom swerex.server import main\nmain()\n"
REPOSITORY = "handoff-bench-peers"
COLUMNS = (
    "system", "a call runs in", "first ms", "p50 ms", "p99 ms", "p50 × floor", "p99 × floor",
    "8 at once, p99 ms",
)  # fmt: skip


async def main() -> None:
    async with DockerEngine() as engine:
        image = await ensure_image(engine)
        theirs = await _with_their_servers(engine, image)
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for peer in PEERS:
        try:
            python = await environment(peer.script, peer.requirements.split()) if peer.requirements else None
            cells = _cells(await _measured(peer, python, theirs if python else image))
        except Failed as failed:
            cells = f"does not run here: {failed}" + " |" * (len(COLUMNS) - 3)
        print(f"| {peer.name} | {peer.call} | {cells} |", flush=True)


async def _measured(peer: Peer, python: Path | None, image: str) -> dict[str, Any]:
    command = (str(python or sys.executable), f"{peer.script}.py", image, sys.executable)
    said = await output(*command, PYTHONPATH="" if python else str(SCRIPTS.parents[1]))
    figures: dict[str, Any] = json.loads(said.splitlines()[-1])
    return figures


def _cells(figures: dict[str, Any]) -> str:
    warm, floor, many = figures["warm"], figures["floor"], figures["many"]
    ratios = f"{median(warm) / median(floor):.2f} | {p99(warm) / p99(floor):.2f}"
    at_once = figures["problem"] or f"{p99(many) * 1000:.0f}"
    milliseconds = " | ".join(f"{seconds * 1000:.1f}" for seconds in (median(warm), p99(warm)))
    return f"{figures['first'] * 1000:.0f} | {milliseconds} | {ratios} | {at_once}"


async def _with_their_servers(engine: DockerEngine, image: str) -> str:
    """The name of our image plus what their servers need. Built if the engine does not have it."""
    recipe = hashlib.sha256(repr((image, INSIDE, DOCKERFILE, SERVER)).encode()).hexdigest()[:16]
    name = f"{REPOSITORY}:{recipe}"
    if await engine.image_id(name) is None:
        version = await engine.call(lambda: _python_of(engine, image))
        with tempfile.TemporaryDirectory() as folder:
            packages = Path(folder) / "packages"
            await output(
                sys.executable, "-m", "pip", "install", "--quiet", "--target", str(packages),
                "--python-version", version, "--only-binary=:all:", *INSIDE,
            )  # fmt: skip
            await engine.call(_building(engine, name, _context(packages, DOCKERFILE.format(image=image))))
    return name


def _python_of(engine: DockerEngine, image: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    made = engine.client.create_container(image, entrypoint=["python3", "-c", code], command=[])
    try:
        engine.client.start(made)
        engine.client.wait(made)
        return bytes(engine.client.logs(made)).decode().strip()
    finally:
        engine.client.remove_container(made, force=True)


def _context(packages: Path, dockerfile: str) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in (("Dockerfile", dockerfile), ("swerex-remote", SERVER)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
        tar.add(packages, "packages")
    archive.seek(0)
    return archive


def _building(engine: DockerEngine, name: str, context: io.BytesIO) -> Callable[[], None]:
    def build() -> None:
        settings: dict[str, Any] = {"tag": name, "network_mode": "none", "rm": True, "decode": True}
        for event in engine.client.build(fileobj=context, custom_context=True, **settings):
            if "error" in event:
                raise SystemExit(f"The peers' image could not be built: {event['error']}")

    return build


if __name__ == "__main__":
    asyncio.run(main())
