"""What is handed to operators (image, compose, systemd unit) against the settings and the package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings, variable
from bot.wire.socket_mode import CONNECTIONS
from scripts import image
from scripts.steps import ROOT

FILES = ("Dockerfile", "compose.yaml", "deploy/handoff.service", ".dockerignore")
#: Slack's bound on the connections of one app.
SLACK_CONNECTIONS = 10
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.mark.parametrize("file", FILES)
def test_every_variable_that_is_set_is_a_setting(file: str) -> None:
    known = {variable(name) for name in Settings.model_fields}
    named = set(re.findall(r"\b(?:HANDOFF|SLACK|OPENAI)_[A-Z_]*[A-Z]\b", (ROOT / file).read_text()))
    assert named <= known


def test_the_image_holds_every_room_and_the_two_ways_to_build_it_take_the_same() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    rooms = set(packages["wheel"]["packages"])
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) /src/\1$", dockerfile, re.MULTILINE))
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == rooms
    assert let_in == {*image.CONTEXT} - {"Dockerfile"}
    assert rooms <= let_in


def test_the_bots_of_compose_share_database_and_files_and_fit_slack() -> None:
    bot = COMPOSE["services"]["bot"]
    assert bot["environment"]["HANDOFF_DATABASE_URL"].startswith("postgresql://")
    assert "data:/data" in bot["volumes"]
    assert bot["environment"]["HANDOFF_DATA_DIR"] == "/data"
    assert 2 <= bot["deploy"]["replicas"] <= SLACK_CONNECTIONS // CONNECTIONS


@pytest.mark.parametrize("service", ["bot", "sandbox-image"])
def test_the_bot_of_compose_has_no_more_rights_than_it_needs(service: str) -> None:
    bot = COMPOSE["services"][service]
    assert bot["read_only"]
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in bot
    assert "ports" not in bot


def test_large_files_are_spooled_to_a_disk_and_not_to_memory() -> None:
    for service in ("bot", "sandbox-image"):
        assert "tmpfs" not in COMPOSE["services"][service]
        assert "/tmp" in COMPOSE["services"][service]["volumes"]
    (workload,) = [manifest for manifest in KUBERNETES if manifest["kind"] == "StatefulSet"]
    volumes = {volume["name"]: volume for volume in workload["spec"]["template"]["spec"]["volumes"]}
    assert volumes["tmp"]["emptyDir"] == {}
    assert "--tmpfs" not in (ROOT / "docs" / "deploy.md").read_text()


def test_memory_and_logs_are_bounded_and_bases_have_a_full_version() -> None:
    for service in COMPOSE["services"].values():
        assert service["logging"]["options"]["max-size"]
    assert COMPOSE["services"]["bot"]["mem_limit"]
    unit = (ROOT / "deploy" / "handoff.service").read_text()
    assert re.search("^MemoryMax=", unit, re.MULTILINE)
    assert re.search("^LimitNOFILE=", unit, re.MULTILINE)
    dockerfile = (ROOT / "Dockerfile").read_text()
    bases = [
        COMPOSE["services"]["postgres"]["image"],
        *re.findall("^ARG BASE=(.*)$", dockerfile, re.MULTILINE),
    ]
    assert all(re.search(r":\d+\.\d+[.\w]*-", base) for base in bases), bases


KUBERNETES = [
    manifest
    for file in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(file.read_text())
]


def test_the_manifests_of_kubernetes_fit_the_bot_and_each_other() -> None:
    by_kind = {manifest["kind"]: manifest for manifest in KUBERNETES}
    assert set(by_kind) == {"Namespace", "ConfigMap", "StatefulSet", "Service", "PodDisruptionBudget",
                            "PersistentVolumeClaim"}  # fmt: skip
    assert {manifest["metadata"].get("namespace", "handoff") for manifest in KUBERNETES} == {"handoff"}
    workload = by_kind["StatefulSet"]["spec"]
    labels = workload["template"]["metadata"]["labels"]
    for kind in ("PodDisruptionBudget", "StatefulSet"):
        assert by_kind[kind]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert by_kind["Service"]["spec"]["selector"].items() <= labels.items()
    (bot,) = [one for one in workload["template"]["spec"]["containers"] if one["name"] == "bot"]
    given = {one["name"] for one in bot["env"]} | set(by_kind["ConfigMap"]["data"])
    known = {variable(name) for name in Settings.model_fields}
    assert {name.removesuffix("_FILE") for name in given} - known == set()
    ports = {port["name"]: port["containerPort"] for port in bot["ports"]}
    assert ports["health"] == int(by_kind["ConfigMap"]["data"]["HANDOFF_HEALTH_PORT"])
    assert bot["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert bot["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    assert bot["securityContext"]["readOnlyRootFilesystem"]
    assert bot["resources"]["limits"]["memory"]


def test_no_file_holds_a_secret_or_gives_one_a_default() -> None:
    text = "\n".join((ROOT / file).read_text() for file in FILES)
    assert not re.search(r"xox[bp]-\w|xapp-\w|sk-\w{8}", text)
    assert "POSTGRES_PASSWORD:-" not in text


def test_the_image_runs_as_no_one_in_particular_and_shows_its_health() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert "/healthz" in dockerfile
    assert dockerfile.count("\nFROM ") == 2
    assert len(set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))) == 1, "one base, named once"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="There is no systemd here to ask")
def test_systemd_takes_the_unit_and_calls_it_well_confined(tmp_path: Path) -> None:
    unit = tmp_path / "handoff.service"
    text = (ROOT / "deploy" / "handoff.service").read_text()
    unit.write_text(text.replace("/opt/handoff/.venv/bin/handoff", str(Path(sys.prefix) / "bin" / "handoff")))
    # An exposure of 3.0 and less of 10 is what systemd calls OK.
    for check in (["verify", str(unit)], ["security", "--offline=true", "--threshold=30", str(unit)]):
        done = subprocess.run(["systemd-analyze", *check], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
