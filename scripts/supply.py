"""The supply chain: `python -m scripts.supply bill|audit|newest`.

`bill` writes build/sbom.json (CycloneDX) from requirements.lock. `audit` checks each pin for known
vulnerabilities. `newest` lists the pins with newer releases, inside our bounds and beyond them. The tools run
in a temporary environment.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.lock import DEVELOPMENT, RUNTIME, UV, compiled, fetched
from scripts.steps import ROOT, SetupError, exit_code, run, say

BILL = ROOT / "build" / "sbom.json"
SANDBOX = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("sandbox/image/requirements/*.txt"))
CYCLONEDX = "cyclonedx-bom>=7,<8"
PIP_AUDIT = "pip-audit>=2.9,<3"
_PIN = re.compile(r"^([\w.-]+)==([^\s\\;]+)", re.MULTILINE)


def main() -> None:
    work: Mapping[str, Callable[[Path], None]] = {"bill": bill, "audit": audit, "newest": newest}
    with tempfile.TemporaryDirectory(prefix="handoff-supply-") as folder:
        work[sys.argv[1]](Path(folder))


def bill(folder: Path) -> None:
    """Writes the SBOM: every package with its version and hashes."""
    BILL.parent.mkdir(exist_ok=True)
    tool = fetched(folder, CYCLONEDX, "cyclonedx-py")
    run(
        [tool, "requirements", "--output-reproducible", "--pyproject", ROOT / "pyproject.toml",
         "--output-file", BILL, ROOT / RUNTIME],
        fix="The bill of materials could not be written. Its messages are above.",
    )  # fmt: skip
    say(f"{BILL.relative_to(ROOT)} names {len(json.loads(BILL.read_text())['components'])} packages")


def audit(folder: Path) -> None:
    """Checks the pins of the bot and of the sandbox's image.

    Raises `SetupError` for a known vulnerability, and if not all pins could be checked.
    """
    tool = fetched(folder, PIP_AUDIT, "pip-audit")
    found = {lock: _audited(tool, ROOT / lock) for lock in (RUNTIME, *SANDBOX)}
    if any(found.values()):
        raise SetupError(" ".join(f"{lock}: {problem}" for lock, problem in found.items() if problem))
    say("no known vulnerability in any pin")


def _audited(tool: Path, lock: Path) -> str:
    done = subprocess.run(
        [tool, "--disable-pip", "--require-hashes", "--requirement", lock, "--format", "json",
         "--progress-spinner", "off"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return verdict(done.stdout, pins=len(_pins(lock.read_text())), words=done.stderr)


def verdict(output: str, *, pins: int, words: str = "") -> str:
    """The problem in an audit report; empty if every pin was checked and none is vulnerable."""
    try:
        found: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        return f"The audit gave no report: {words.strip()[-300:]}"
    faults = [f"{d['name']} {d['version']}: {v['id']}" for d in found for v in d.get("vulns", ())]
    if faults:
        return f"Known vulnerabilities: {'; '.join(faults)}. Raise these pins with make lock."
    looked_up = sum("vulns" in dependency for dependency in found)
    if looked_up < pins:
        return (
            f"Only {looked_up} of {pins} pins could be checked. "
            "The audit needs the package index's advisories: run it where they are reachable."
        )
    return ""


def newest(folder: Path) -> None:
    """Raises `SetupError` if the lock is older than our bounds allow."""
    uv = fetched(folder, UV, "uv")
    locked = _pins((ROOT / DEVELOPMENT).read_text())
    text = (ROOT / "pyproject.toml").read_text()
    allowed = _pins(compiled(uv, folder / "allowed", text))
    at_all = _pins(
        compiled(uv, folder / "at-all", re.sub(r"(\"[\w.\[\]-]+>=[\w.]+),<[\w.]+\"", r'\1"', text))
    )
    behind = [name for name, version in locked.items() if allowed.get(name, version) != version]
    for name, version in sorted(locked.items()):
        if version != at_all.get(name, version):
            say(f"  {name} {version}: {allowed.get(name, version)} allowed, {at_all[name]} is out")
    if behind:
        raise SetupError(
            f"The lock is older than our bounds allow for {', '.join(behind)}. Run make lock, and the tests."
        )
    say(f"all {len(locked)} pins are the newest that our bounds allow")


def _pins(lock: str) -> dict[str, str]:
    return dict(_PIN.findall(lock))


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
