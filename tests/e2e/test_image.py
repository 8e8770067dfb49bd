"""The bot as an image: built here, then run for a real task. Needs Docker on this machine's socket."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from scripts import image
from tests.integration.test_extend_package import team_wheel
from tests.support.stack import ADA, GENERAL

NAME = "handoff:under-test"
SOCKET = Path("/var/run/docker.sock")
GROUP = str(SOCKET.stat().st_gid) if SOCKET.exists() else ""
#: On a fresh machine the base, the wheels and the layers take over a minute. One worker of pytest-xdist runs
#: all of them, so that the image is built once.
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("image"),
    pytest.mark.skipif(not SOCKET.exists(), reason="Docker is not on this machine's socket"),
]


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    asyncio.run(image.make(NAME))


async def docker(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec("docker", *arguments, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode().strip()


@asynccontextmanager
async def container(slack: SlackStandIn, demo: DemoModel, port: int) -> AsyncIterator[str]:
    """The image with nothing but environment and the engine's socket, on the loopback of this machine."""
    environment = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "OPENAI_BASE_URL": demo.base_url,
        "HANDOFF_HOST": "127.0.0.1",
        "HANDOFF_PORT": str(port),
    }
    # fmt: off
    id_ = await docker(
        "run", "--detach", "--network", "host", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--volume", "/tmp", "--group-add", GROUP,
        "--volume", f"{SOCKET}:{SOCKET}", "--health-interval", "1s",
        *(word for name, value in environment.items() for word in ("--env", f"{name}={value}")), NAME,
    )
    # fmt: on
    try:
        yield id_
    except BaseException:
        print(await docker("logs", id_))
        raise
    finally:
        await docker("rm", "--force", "--volumes", id_)


async def facts(id_: str) -> dict[str, Any]:
    (found,) = json.loads(await docker("inspect", id_))
    return dict(found)


async def test_the_image_does_a_task_and_ends_at_a_word(
    slack: SlackStandIn, demo: DemoModel, unused_tcp_port: int
) -> None:
    async with container(slack, demo, unused_tcp_port) as id_:
        await slack.wait_for(lambda _: slack.connections > 0, 60)
        ts = await slack.post(ADA, GENERAL, "@Handoff Execute hello world in Python")
        await slack.wait_for(
            lambda state: any("Hello, World!" in m.text for m in state.replies(GENERAL, ts)), 60
        )
        address = f"http://127.0.0.1:{unused_tcp_port}/readyz"
        async with aiohttp.ClientSession() as http, http.get(address) as ready:
            assert ready.status == 200
        for _ in range(60):
            if (health := (await facts(id_))["State"]["Health"]["Status"]) == "healthy":
                break
            await asyncio.sleep(0.5)
        assert health == "healthy"
        assert (await docker("exec", id_, "id", "-u")).strip() == "10001"

        await docker("stop", "--time", "30", id_)
        ended = (await facts(id_))["State"]
        assert (ended["ExitCode"], ended["OOMKilled"]) == (0, False), await docker("logs", id_)


async def test_nothing_in_the_image_raises_privileges_or_holds_a_secret() -> None:
    raised = await docker(
        "run", "--rm", "--user", "0", "--network", "none", "--entrypoint", "find", NAME,
        "/", "-xdev", "-perm", "/6000", "-type", "f",
    )  # fmt: skip
    assert raised == ""
    history = await docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", NAME)
    environment = (await facts(NAME))["Config"]["Env"]
    assert not re.search(r"xox|xapp|sk-|://[^ ]*@|TOKEN|SECRET|PASSWORD", history + "\n".join(environment))


@pytest.mark.soak
async def test_an_image_with_the_teams_package_has_its_tool(tmp_path: Path) -> None:
    """The wheel, the Dockerfile and the command of docs/extend.md."""
    await asyncio.to_thread(team_wheel, tmp_path)
    dockerfile = tmp_path / "team-image" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("FROM handoff", f"FROM {NAME}"))
    await docker("build", "--network", "none", "--tag", f"{NAME}-team", str(tmp_path / "team-image"))
    try:
        # `doctor` ends with 1, since nothing else is set.
        said = await docker(
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "sh",
            f"{NAME}-team",
            "-c",
            "handoff doctor || true",
        )
    finally:
        await docker("rmi", f"{NAME}-team")
    assert "✓ Tools: open_tickets." in said
