"""Sets up what is missing: `python -m scripts.setup runtime|development PART…`, PART a key of `PARTS`.

Tries every step, also when an earlier one is stuck, so that all that is missing is said at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from scripts import browser, engine, environment, postgres, prometheus
from scripts.steps import Stuck, ended

PARTS: Mapping[str, Callable[[], None]] = {
    "engine": engine.main,
    "browser": browser.main,
    "postgres": postgres.main,
    "prometheus": prometheus.main,
}


def main() -> None:
    kind, *parts = sys.argv[1:]
    problems = []
    for step in (lambda: environment.prepare(kind), *(PARTS[part] for part in parts)):
        try:
            step()
        except Stuck as stuck:
            problems.append(str(stuck))
    if problems:
        raise Stuck(*problems)


if __name__ == "__main__":
    raise SystemExit(ended(main))
