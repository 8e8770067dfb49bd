"""The audit believes only what was looked up."""

from __future__ import annotations

import json

from scripts.supply import verdict

GOOD = {"name": "aiohttp", "version": "3.14.5", "vulns": []}


def report(*dependencies: object) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_every_pin_looked_up_and_none_with_a_fault_is_well() -> None:
    assert verdict(report(GOOD), pins=1) == ""


def test_a_known_fault_is_named() -> None:
    bad = GOOD | {"vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["4"], "aliases": []}]}
    assert "aiohttp 3.14.5: PYSEC-2026-1" in verdict(report(GOOD, bad), pins=2)


def test_a_pin_that_was_passed_over_is_no_good_news() -> None:
    passed_over = {"name": "aiohttp", "skip_reason": "Dependency not found"}
    assert "Only 1 of 2 pins" in verdict(report(GOOD, passed_over), pins=2)


def test_no_report_is_no_good_news() -> None:
    assert "gave no report: boom" in verdict("", pins=1, words="boom")
