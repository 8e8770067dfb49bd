"""A Prometheus of a test's own: real, on loopback, scraping one address all the time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

#: Seconds that it may take to start with both cores busy, and between two scrapes.
START, INTERVAL = 30, 0.25
JOB = "handoff"
_CONFIGURATION = """
global: {{scrape_interval: {interval:.0f}ms, scrape_timeout: {interval:.0f}ms}}
scrape_configs:
  - job_name: {job}
    static_configs: [{{targets: ["{target}"]}}]
"""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    url: str
    http: aiohttp.ClientSession

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The series an expression gives now. Raises ValueError with Prometheus' words when it is none."""
        async with self.http.get(f"{self.url}/api/v1/query", params={"query": expression}) as response:
            answer: dict[str, Any] = await response.json()
        if answer["status"] != "success":
            raise ValueError(f"{expression}: {answer['error']}")
        return list(answer["data"]["result"])

    async def scraped(self, times: int = 2) -> None:
        """Return after so many further scrapes."""
        counted = f"sum(count_over_time(up{{job='{JOB}'}}[1h]))"
        wanted = times + await self._number(counted)
        while await self._number(counted) < wanted:  # noqa: ASYNC110 - it has no other way to be asked
            await asyncio.sleep(INTERVAL / 2)

    async def _number(self, expression: str) -> float:
        found = await self.query(expression)
        return float(found[0]["value"][1]) if found else 0.0


@asynccontextmanager
async def prometheus(program: Path, target: str, port: int) -> AsyncIterator[Prometheus]:
    """`target` is HOST:PORT of something with `/metrics`."""
    with tempfile.TemporaryDirectory(prefix="handoff-prometheus-") as folder:
        file = Path(folder) / "prometheus.yml"
        file.write_text(_CONFIGURATION.format(interval=INTERVAL * 1000, job=JOB, target=target))
        process = await asyncio.create_subprocess_exec(
            program, f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", cwd=folder,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with aiohttp.ClientSession() as http:
                running = Prometheus(f"http://127.0.0.1:{port}", http)
                await _ready(running, process)
                yield running
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def _ready(running: Prometheus, process: asyncio.subprocess.Process) -> None:
    for _ in range(START * 10):
        assert process.returncode is None, (await process.communicate())[1].decode()
        try:
            async with running.http.get(f"{running.url}/-/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass  # not listening yet
        await asyncio.sleep(0.1)
    raise TimeoutError(f"Prometheus is not ready after {START} s")
