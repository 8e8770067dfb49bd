"""compose.yaml started for real: under load a bot is killed, then all are replaced one after the other.

    python -m tests.support.compose --jobs 24

Needs a Docker Engine with networks, and Docker Compose 2. Where no registry of images answers, the bot's
image is made as `make image` does and Postgres' from Debian's packages. The Slack, the model and the people
are in this process. Prints the count of what went wrong and exits with 1 if anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sandbox.image import base
from scripts import image
from scripts.steps import ROOT, SetupError, exit_code, run, say, step
from tests.support.workload import Workload, workload

#: Seconds without one more answer after which the rest is taken for lost.
PATIENCE = 60.0
#: Seconds over which the jobs are given, and for each reply of the model: some jobs are always under way.
SPREAD, LATENCY = 60.0, 1.5
SOCKET = Path("/var/run/docker.sock")
_ENTRY = Path(__file__).with_name("postgres_entry.sh")
_HOLDING = """SELECT executor_id, count(*) FROM dbos.workflow_status WHERE status = 'PENDING' GROUP BY 1"""


class Project:
    """One project of Compose, in a folder with its `.env`, on a network whose gateway is this machine."""

    def __init__(self, name: str, folder: Path, compose: Sequence[str]) -> None:
        self.name, self.folder, self._compose = name, folder, compose

    def write(self, settings: Mapping[str, str], postgres: str) -> None:
        """The operator's two files: settings, and what this machine has in place of a registry."""
        lines = {
            **settings,
            "OPENAI_API_KEY": "any",  # asked for where the endpoint is not on the same machine
            "POSTGRES_PASSWORD": secrets.token_hex(12),
            "ENGINE_GROUP": str(SOCKET.stat().st_gid),
        }
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        override: dict[str, Any] = {"networks": {"default": {"external": True, "name": self.name}}}
        if postgres != official_postgres():
            mounted = f"{_ENTRY}:/entry.sh:ro"
            own = {"image": postgres, "entrypoint": ["sh", "/entry.sh"], "volumes": [mounted]}
            override["services"] = {"postgres": own}
        (self.folder / "override.json").write_text(json.dumps(override))

    async def compose(self, *words: str) -> str:
        files = ["--file", str(ROOT / "compose.yaml"), "--file", str(self.folder / "override.json")]
        place = ["--project-name", self.name, "--project-directory", str(self.folder)]
        return await output(*self._compose, *place, *files, *words)

    async def bots(self) -> list[str]:
        """The bots that run, oldest first."""
        ids = (await self.compose("ps", "--quiet", "bot")).split()
        if not ids:
            return []
        found = json.loads(await output("docker", "inspect", *ids))
        return [one["Id"] for one in sorted(found, key=lambda one: one["Created"])]

    async def busiest(self) -> str:
        """The bot that holds most tasks."""
        query = ("psql", "-U", "handoff", "-d", "handoff", "-Atc", _HOLDING)
        rows = (await self.compose("exec", "-T", "postgres", *query)).split()
        held = {row.split("|")[0]: int(row.split("|")[1]) for row in rows}
        logs = {bot: await output("docker", "logs", bot) for bot in await self.bots()}
        return max(logs, key=lambda bot: sum(n for node, n in held.items() if node in logs[bot]))


@asynccontextmanager
async def project(name: str, compose: Sequence[str]) -> AsyncIterator[tuple[Project, str]]:
    """A project and the address of its network's gateway; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="handoff-compose-") as folder:
        made = Project(name, Path(folder), compose)
        await output("docker", "network", "create", name)
        try:
            (network,) = json.loads(await output("docker", "network", "inspect", name))
            yield made, network["IPAM"]["Config"][0]["Gateway"]
        finally:
            if (made.folder / "override.json").exists():
                await made.compose("down", "--volumes", "--timeout", "5")
            await output("docker", "network", "rm", name)


async def started(made: Project, load: Workload, jobs: int) -> bool:
    """The whole story; whether nothing was lost or doubled in it."""
    with step("docker compose up --detach"):
        await made.compose("up", "--detach", "--wait", "--pull", "never")
    first = await made.bots()
    say(f"{len(first)} bots are healthy and hold {load.slack.connections} connections")
    async with asyncio.TaskGroup() as group:
        group.create_task(load.give(jobs, pause=SPREAD / jobs))
        while len(load.waiting()) < min(3, jobs):  # noqa: ASYNC110 - jobs come from people, not from us
            await asyncio.sleep(0.2)
        victim = await made.busiest()
        await output("docker", "kill", victim)
        say(f"killed {victim[:12]}, which held most; {len(load.waiting())} jobs were under way")
        await replaced(made, load)
    await load.finish(PATIENCE)
    tally = load.tally()
    print(tally, flush=True)
    return tally.lost == tally.doubled == 0


async def replaced(made: Project, load: Workload) -> None:
    """New bots first, then the old ones go, as docs/deploy.md says."""
    old = await made.bots()
    began = time.monotonic()
    await made.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "bot=4", "--pull", "never")
    say(f"stopping {len(old)} old with {len(load.waiting())} jobs under way")
    await output("docker", "stop", *old)
    await output("docker", "rm", *old)
    await made.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "bot=2", "--pull", "never")
    now = await made.bots()
    assert not set(now) & set(old), (now, old)
    say(f"{len(old)} old bots replaced by {len(now)} new ones in {time.monotonic() - began:.0f} s")


async def output(*command: str) -> str:
    """What a command says on stdout and stderr. Raises `SetupError` with that when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said = (await process.communicate())[0].decode(errors="replace")
    if process.returncode != 0:
        raise SetupError(f"{' '.join(command)} failed: {said[-2000:]}")
    return said


async def works(*command: str) -> bool:
    quiet = asyncio.subprocess.DEVNULL
    return await (await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)).wait() == 0


def compose_program() -> Sequence[str]:
    """How Compose 2 is called here. Raises `SetupError` where it isn't."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        asking = [*command, "version", "--short"]
        version = subprocess.run(asking, capture_output=True, text=True, check=False)
        if version.returncode == 0 and version.stdout.lstrip("v").startswith(("2.", "3.", "4.", "5.")):
            return command
    raise SetupError("There is no Docker Compose 2 here. Install it (docs.docker.com/compose/install).")


def official_postgres() -> str:
    import yaml

    return str(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["postgres"]["image"])


async def postgres_image() -> str:
    """The image that compose.yaml names, or one made from Debian's packages where no registry answers."""
    wanted, own = official_postgres(), f"handoff-postgres:{base.release()}"
    for name in (wanted, own):
        if await works("docker", "image", "inspect", name):
            return name
    if await works("docker", "pull", "--quiet", wanted):
        return wanted
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        raise SetupError(f"{wanted} can't be pulled, and making one from packages needs root and mmdebstrap.")
    with step("Making Postgres' image from Debian's packages"), tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "postgres.tar"
        fix = "mmdebstrap could not make it. Its messages are above."
        run(["mmdebstrap", "--variant=minbase", "--include=postgresql", base.release(), archive], fix=fix)
        await output("docker", "import", "--change", "VOLUME /var/lib/postgresql/data", str(archive), own)
    return own


async def play(jobs: int) -> bool:
    compose = compose_program()
    await image.make(image.NAME)
    postgres = await postgres_image()
    name = f"handoff-compose-{secrets.token_hex(3)}"
    async with project(name, compose) as (made, gateway), workload(host=gateway, latency=LATENCY) as load:
        settings = load.settings(Path("/data"), "sqlite:////data/ignored.db")
        made.write(settings, postgres)
        try:
            return await started(made, load, jobs)
        except BaseException:
            print(await made.compose("logs", "--tail", "60"), file=sys.stderr)
            raise


def main() -> None:
    parser = argparse.ArgumentParser(description="compose.yaml with a bot killed and all replaced under load")
    parser.add_argument("--jobs", type=int, default=24)
    jobs = parser.parse_args().jobs
    if not asyncio.run(play(jobs)):
        raise SystemExit(1)


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
