"""Runs the named benchmarks, or all of them, and prints a table for each."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from importlib import import_module

BENCHMARKS = (
    "mention",
    "sandbox",
    "sandbox_peers",
    "slack",
    "stop",
    "agents",
    "tokens",
    "engine",
    "orders",
    "capacity",
    "frameworks",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--small", action="store_true", help="a quick run whose figures mean little")
    args = parser.parse_args(arguments)
    if unknown := [name for name in args.names if name not in BENCHMARKS]:
        parser.error(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    for name in args.names or BENCHMARKS:
        print(f"\n## {name}\n", flush=True)
        module = import_module(f"benchmarks.{name}")
        if args.small:
            vars(module).update(getattr(module, "SMALL", {}))
        asyncio.run(module.main())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
