"""The image: what its name follows from, and that a second look costs nothing. Needs Docker."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from agents.tools.python_tool import sandbox_facts
from bot.checks import doctor, preflight
from bot.errors import CheckFailed
from bot.factories.sandbox import image_recipe, make_sandbox
from bot.settings import Settings
from bot.timing import CHECK_TIMING
from sandbox.engine import DockerEngine
from sandbox.errors import EngineUnavailable
from sandbox.image.build import BASE_LABEL, BuildProgress, _Build, ensure_image, remove_old
from sandbox.image.tag import Recipe
from sandbox.job import Job
from sandbox.sandbox import Sandbox
from sandbox.spec import seccomp_profile


def test_the_name_follows_from_the_content() -> None:
    names = [name for name, _ in Recipe().context()]
    assert {"Dockerfile", "install.sh", "finish.sh", "pip_command.py", "supervisor/main.py"} <= set(names)
    assert len(set(names)) == len(names)
    tags = {Recipe().tag, Recipe("other").tag, Recipe(packages=("a",)).tag, Recipe(packages=("b",)).tag}
    assert len(tags) == 4
    assert Recipe().tag == Recipe().tag


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_package_is_pinned_and_hashed(python: str) -> None:
    context = dict(Recipe().context())
    wanted = (
        b"\n".join(context[f"requirements/{name}.in"] for name in ("packages", "support")).decode().split()
    )
    lines = context[f"requirements/{python}.txt"].decode().splitlines()
    pins = {line.split("==")[0] for line in lines if "==" in line and not line.startswith("#")}
    assert set(wanted) <= pins
    assert sum("--hash=sha256:" in line for line in lines) >= len(pins)


async def test_an_image_that_is_there_is_not_made_again(sandbox_image: str) -> None:
    reported: list[BuildProgress] = []
    async with DockerEngine() as engine:
        assert await ensure_image(engine, report=reported.append) == sandbox_image
    assert reported == []


async def test_nothing_is_compiled_when_a_container_starts(sandbox: Sandbox) -> None:
    """On a read-only root, each run would do that again."""
    code = """
import asyncio, csv, decimal, json, os, sqlite3, sys
import pandas
caches = [getattr(module, "__cached__", None) for module in list(sys.modules.values())]
caches = [cache for cache in caches if cache and not cache.startswith("/work")]
print(len(caches) > 500, [cache for cache in caches if not os.path.exists(cache)])
"""
    run = await sandbox.run(Job(code=code))
    assert run.stdout == "True []\n"


async def test_no_engine_is_one_sentence() -> None:
    async with DockerEngine("unix:///nowhere/docker.sock") as engine:
        with pytest.raises(EngineUnavailable, match="DOCKER_HOST"):
            await ensure_image(engine)


# One worker of pytest-xdist at a time: to remove images takes away what a build stands on.
@pytest.mark.xdist_group("images of the sandbox")
async def test_old_images_go_and_the_current_one_stays(sandbox_image: str) -> None:
    async with DockerEngine() as engine:
        for tag in ("one", "two"):
            assert engine.client.tag(sandbox_image, "handoff-sandbox-test", tag)
        gone = await remove_old(engine, Recipe(), repository="handoff-sandbox-test")
        assert sorted(gone) == ["handoff-sandbox-test:one", "handoff-sandbox-test:two"]
        assert await engine.image_id(sandbox_image) is not None


async def test_the_engine_shows_what_doctor_asks(tmp_path: Path) -> None:
    async with DockerEngine() as engine:
        facts = await engine.facts()
    text = await doctor.CHECKS["Docker"](Settings(data_dir=tmp_path), CHECK_TIMING)
    assert ("cgroup v1" in text) == facts.cgroup_v1
    assert facts.version
    assert facts.cpus >= 1
    assert facts.seccomp
    assert "runc" in facts.runtimes


async def test_a_runtime_that_the_engine_lacks_is_named_at_the_start_and_by_doctor(tmp_path: Path) -> None:
    names = ("runsc", "runc", "io.containerd.runsc.v1")
    lacking, known, shim = (Settings(data_dir=tmp_path, sandbox_runtime=name) for name in names)
    (problem,) = await preflight.engine_problems(lacking)
    assert problem.startswith("HANDOFF_SANDBOX_RUNTIME is runsc, and Docker has ")
    with pytest.raises(CheckFailed, match="HANDOFF_SANDBOX_RUNTIME is runsc"):
        await doctor.CHECKS["Docker"](lacking, CHECK_TIMING)
    for settings in (known, shim):
        assert await preflight.engine_problems(settings) == ()


def test_the_profile_refuses_by_default_and_names_no_namespace_call() -> None:
    profile = json.loads(seccomp_profile())
    allowed = {
        name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]
    }
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not allowed & {"ptrace", "unshare", "setns", "mount", "bpf", "keyctl", "clone3", "io_uring_setup"}


# One worker of pytest-xdist at a time: to remove images takes away what a build stands on.
@pytest.mark.xdist_group("images of the sandbox")
async def test_a_build_gets_the_base_with_its_digest_and_the_team_s_packages(
    sandbox_image: str, tmp_path: Path
) -> None:
    """The build's own last step, on a context that takes a moment."""
    recipe = image_recipe(Settings(sandbox_base="test-of-labels", sandbox_packages="polars  duckdb==1.4.0"))
    with tarfile.open(tmp_path / "context.tar", "w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        content = b"ARG BASE\nFROM ${BASE}\nARG EXTRA\nLABEL extra=${EXTRA}\n"
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    (tmp_path / "wheels").mkdir()
    async with DockerEngine() as engine:
        build = _Build(engine, recipe, tmp_path, lambda _: None)
        build._pack = lambda archive: None  # type: ignore[method-assign]
        await build._image(sandbox_image)
        try:
            labels = await engine.image_labels(recipe.tag)
            assert labels[BASE_LABEL] == await engine.image_digest(sandbox_image)
            assert labels[BASE_LABEL].startswith("sha256:")
            assert labels["extra"] == "polars duckdb==1.4.0"
        finally:
            await engine.call(lambda: engine.client.remove_image(recipe.tag, force=True))
        assert await engine.image_labels("handoff-sandbox:none") == {}


async def test_a_container_names_what_its_image_has(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=0) as sandbox:
        await sandbox.run(Job(code="pass"))
    assert {"Python", "pandas", "pypdf", "duckdb"} <= set(sandbox.installed)
    assert not {"cloudpickle", "noto-cjk-sans-otc"} & set(sandbox.installed)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_team_s_package_can_be_imported_and_is_named_to_the_models(tmp_path: Path) -> None:
    """Builds a whole image, which takes minutes."""
    settings = Settings(data_dir=tmp_path, sandbox_packages="humanize==4.13.0", sandbox_pool=0)
    recipe = image_recipe(settings)
    async with DockerEngine() as engine:
        try:
            await ensure_image(engine, recipe)
            async with make_sandbox(settings) as sandbox:
                run = await sandbox.run(Job(code="import humanize\nprint(humanize.intcomma(1234567))"))
                assert (run.stdout, run.stderr) == ("1,234,567\n", "")
                assert "humanize 4.13.0" in sandbox_facts(sandbox)
                assert "pandas 3" in sandbox_facts(sandbox)
        finally:
            if await engine.image_id(recipe.tag) is not None:
                await engine.call(lambda: engine.client.remove_image(recipe.tag, force=True))
