"""What Handoff is made of: `python -m scripts.supply bill|audit|newest`.

`bill` writes build/sbom.json (CycloneDX) from requirements.lock. `audit` looks each pin up among known
faults. `newest` tells which pins have newer releases, inside our bounds and beyond them. The tools live in an
environment that is thrown away. Never changes a lock: that is `make lock`.
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
from scripts.steps import ROOT, Stuck, ended, run, say

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
    """Every package with its version, and the hashes that are allowed to be installed."""
    BILL.parent.mkdir(exist_ok=True)
    tool = fetched(folder, CYCLONEDX, "cyclonedx-py")
    run(
        [tool, "requirements", "--output-reproducible", "--pyproject", ROOT / "pyproject.toml",
         "--output-file", BILL, ROOT / RUNTIME],
        fix="The bill of materials could not be written. Its messages are above.",
    )  # fmt: skip
    say(f"{BILL.relative_to(ROOT)} names {len(json.loads(BILL.read_text())['components'])} packages")


def audit(folder: Path) -> None:
    """The bot's pins and those of the sandbox's image. Raises `Stuck` for a known fault, and where not all
    could be looked up: no news is no good news."""
    tool = fetched(folder, PIP_AUDIT, "pip-audit")
    found = {lock: _audited(tool, ROOT / lock) for lock in (RUNTIME, *SANDBOX)}
    if any(found.values()):
        raise Stuck(" ".join(f"{lock}: {problem}" for lock, problem in found.items() if problem))
    say("no known fault in any pin")


def _audited(tool: Path, lock: Path) -> str:
    done = subprocess.run(
        [tool, "--disable-pip", "--require-hashes", "--requirement", lock, "--format", "json",
         "--progress-spinner", "off"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return verdict(done.stdout, pins=len(_pins(lock.read_text())), words=done.stderr)


def verdict(output: str, *, pins: int, words: str = "") -> str:
    """What is wrong by the auditor's own report; empty when every pin was looked up and none has a fault."""
    try:
        found: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        return f"The audit gave no report: {words.strip()[-300:]}"
    faults = [f"{d['name']} {d['version']}: {v['id']}" for d in found for v in d.get("vulns", ())]
    if faults:
        return f"Known faults: {'; '.join(faults)}. Raise these pins with make lock."
    looked_up = sum("vulns" in dependency for dependency in found)
    if looked_up < pins:
        return (
            f"Only {looked_up} of {pins} pins could be looked up, so this says nothing of the others. "
            "The audit needs the package index's advisories: run it where they can be reached."
        )
    return ""


def newest(folder: Path) -> None:
    """Raises `Stuck` when the lock is older than what our bounds allow."""
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
        raise Stuck(
            f"The lock is behind what our bounds allow for {', '.join(behind)}. Run make lock, and the tests."
        )
    say(f"all {len(locked)} pins are the newest that our bounds allow")


def _pins(lock: str) -> dict[str, str]:
    return dict(_PIN.findall(lock))


if __name__ == "__main__":
    raise SystemExit(ended(main))
