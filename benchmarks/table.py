"""Measured values as a Markdown table: median, 95th percentile, and the ratio to a floor."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles


def p95(values: Sequence[float]) -> float:
    """The 95th percentile. With fewer than 20 values, the largest one."""
    return quantiles(values, n=20)[-1] if len(values) >= 20 else max(values)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile. With fewer than 50 values, the largest one."""
    return quantiles(values, n=100)[-1] if len(values) >= 50 else max(values)


def print_milliseconds(rows: Sequence[tuple[str, Sequence[float]]], *, floor: str = "") -> None:
    """One row per name.

    Takes seconds and prints milliseconds; with `floor`, the ratio of medians to that row.
    """
    medians = {name: median(values) for name, values in rows}
    head = ["", "n", "median ms", "p95 ms"] + ([f"× {floor}"] if floor else [])
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for name, values in rows:
        cells = [name, str(len(values)), f"{medians[name] * 1000:.0f}", f"{p95(values) * 1000:.0f}"]
        cells += [f"{medians[name] / medians[floor]:.1f}"] if floor else []
        print("| " + " | ".join(cells) + " |")
