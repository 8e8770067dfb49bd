"""The sandbox's image holds what is locked and nothing that helps an attacker. Needs Docker."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest

from sandbox.engine import DockerEngine
from sandbox.image.build import ensure_image
from sandbox.job import Job
from sandbox.sandbox import Sandbox
from scripts.sandbox_image import contents, locked, problems
from tests.support.sandboxes import RunCode

SPOILT = """
FROM {image}
USER 0:0
RUN chmod u+s /usr/bin/su && mkdir -m 777 /opt/open && touch /opt/packages/stray.py /usr/bin/gcc && \
    chmod 755 /usr/bin/gcc && echo '# more' >>/opt/packages/numpy/__init__.py && \
    rm -rf /opt/packages/networkx* && mkdir /opt/packages/extra-1.dist-info && \
    printf 'Name: extra\\nVersion: 1\\n' >/opt/packages/extra-1.dist-info/METADATA
"""
WRITABLE = """
import os
found = set()
for folder, folders, _ in os.walk("/"):
    if folder in ("/proc", "/sys"):
        folders.clear()
    elif os.access(folder, os.W_OK):
        found.add(folder)
        folders.clear()
print(sorted(found))
"""
DEVICES = """
import os, stat
kinds = {name: os.lstat("/dev/" + name).st_mode for name in os.listdir("/dev")}
print(sorted(name for name, mode in kinds.items() if stat.S_ISCHR(mode) or stat.S_ISBLK(mode)))
"""


@pytest.fixture
async def engine() -> AsyncIterator[DockerEngine]:
    async with DockerEngine() as connected:
        yield connected


async def test_the_image_is_what_is_locked(engine: DockerEngine) -> None:
    found = await contents(engine, await ensure_image(engine))
    assert problems(found, locked(found.python.rpartition(".")[0])) == []
    assert found.base
    assert found.debian["libc6"]


@pytest.mark.soak
async def test_a_spoilt_image_is_seen(engine: DockerEngine) -> None:
    name = "handoff-sandbox-test:spoilt"
    recipe = io.BytesIO(SPOILT.format(image=await ensure_image(engine)).encode())
    steps = await engine.call(
        lambda: list(engine.client.build(fileobj=recipe, tag=name, network_mode="none", rm=True, decode=True))
    )
    assert not [step for step in steps if "error" in step]
    try:
        found = await contents(engine, name)
    finally:
        await engine.call(lambda: engine.client.remove_image(name, force=True))
    pins = locked(found.python.rpartition(".")[0])
    assert problems(found, pins) == [
        "extra is 1, and nothing is locked.",
        f"networkx is not there, and {pins['networkx']} is locked.",
        "/opt/packages/numpy/__init__.py is not as its wheel had it.",
        *(
            f"/opt/packages/{name} belongs to no package."
            for name in ("stray.py", "extra-1.dist-info/METADATA")
        ),
        "/usr/bin/su raises rights.",
        "/opt/open can be written by anybody.",
        "gcc is there for no use.",
    ]


async def test_a_program_can_write_to_its_own_folders_alone(run_code: RunCode) -> None:
    """The kernel's message queues are its own as well: 256 at most, gone with its namespace."""
    run = await run_code(WRITABLE)
    assert run.stdout == "['/dev/mqueue', '/dev/shm', '/tmp', '/work']\n"


async def test_a_program_finds_no_device_but_the_harmless(sandbox: Sandbox) -> None:
    run = await sandbox.run(Job(code=DEVICES))
    assert run.stdout == "['full', 'null', 'random', 'tty', 'urandom', 'zero']\n"
