"""Programs install packages where an index is allowed. Needs Docker."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.job import Job
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from tests.support.egress import Outbound, serve_site


def wheel(name: str, version: str, files: dict[str, str], *requires: str) -> bytes:
    """A wheel, as small as pip takes one."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {other}\n" for other in requires)
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": tag}.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "")
    return content.getvalue()


@pytest_asyncio.fixture(loop_scope="session")
async def outbound(shared_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Outbound]:
    async with serve_site(tmp_path) as site:
        greeter = {"greeter/__init__.py": "import words\nhello = words.HELLO", "greeter/data.txt": "data"}
        site.wheels["greeter-1.0-py3-none-any.whl"] = wheel("greeter", "1.0", greeter, "words>=1", "pandas")
        site.wheels["words-2.0-py3-none-any.whl"] = wheel("words", "2.0", {"words.py": "HELLO = 'hello'"})
        yield Outbound(shared_sandbox, site)


USE = "import greeter, importlib.resources as r\nprint(greeter.hello, r.read_text('greeter', 'data.txt'))"


@pytest.mark.asyncio(loop_scope="session")
async def test_a_package_is_installed_with_what_it_needs_and_kept_for_later_calls(
    outbound: Outbound, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "files")
    before = await workspace.snapshot()
    run, made = await outbound.run(
        f"!pip install --index-url {outbound.site.url}/simple greeter\n{USE}", extra=False
    )
    assert run.stdout.endswith("hello data\n"), (run.stdout, run.stderr)
    assert {one.host for one in made} == {"127.0.0.1"}
    await workspace.keep(run, before, "w1")
    assert await workspace.names() == [
        "packages/greeter-1.0-py3-none-any.whl", "packages/words-2.0-py3-none-any.whl",
    ]  # fmt: skip
    later = await outbound.sandbox.run(Job(code=USE, files=(await workspace.snapshot()).files))
    assert (later.stdout, later.files, later.notes) == ("hello data\n", {}, ())


@pytest.mark.asyncio(loop_scope="session")
async def test_pip_says_why_it_can_not_install(outbound: Outbound) -> None:
    run, made = await outbound.run("!pip install --index-url https://pypi.example/simple --retries 0 greeter")
    assert "No matching distribution found for greeter" in run.stderr
    assert made[0].refusal.startswith("pypi.example:443 may not be reached from here")
    there = await outbound.sandbox.run(Job(code="!pip install greeter"))
    assert "HANDOFF_SANDBOX_EGRESS=pypi.org,files.pythonhosted.org" in there.stdout + there.stderr
    run, _ = await outbound.run("!pip uninstall numpy")
    assert "pip install NAME" in run.stdout + run.stderr
    run, _ = await outbound.run("import greeter")
    assert "Try pip install NAME" in run.stderr
