"""Sets up what is missing: `python -m scripts.setup runtime|development PART…`, with keys of `PARTS`.

Runs every step even if an earlier one fails, so that all that is missing is reported at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from scripts import browser, engine, environment, postgres, prometheus
from scripts.steps import SetupError, exit_code

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
        except SetupError as stuck:
            problems.append(str(stuck))
    if problems:
        raise SetupError(*problems)


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
