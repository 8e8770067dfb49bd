"""An engine at the other end of a slow line. Needs Docker."""

from __future__ import annotations

from pathlib import Path

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support.engine_proxy import EngineProxy


async def test_files_that_take_long_to_arrive_are_not_counted_as_the_programs_time(
    sandbox_image: str, tmp_path: Path
) -> None:
    proxy = EngineProxy(tmp_path / "engine")
    proxy.back_per_second = 1_000_000
    await proxy.open()
    code = "import os\ncount = open('big', 'wb').write(os.urandom(9_000_000))"
    async with Sandbox(
        image=sandbox_image, docker_host=f"unix://{proxy.path}", ready=0, transport="attach"
    ) as sandbox:
        run = await sandbox.run(Job(code=code, timeout=1))
    await proxy.close()
    assert (run.status, len(run.contents()["big"])) == (Status.OK, 9_000_000), run.sentence
