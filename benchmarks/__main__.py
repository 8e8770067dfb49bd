"""Runs the named benchmarks, or all of them, and prints a table for each."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

BENCHMARKS = (
    "mention",
    "sandbox",
    "sandbox_peers",
    "slack",
    "stop",
    "agents",
    "engine",
    "frameworks",
)


def main(names: list[str]) -> int:
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(
            f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.",
            file=sys.stderr,
        )
        return 2
    for name in names or BENCHMARKS:
        print(f"\n## {name}\n", flush=True)
        asyncio.run(import_module(f"benchmarks.{name}").main())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
