"""Finds Chromium for the tests of the playground's page, or installs it as root on Debian."""

from __future__ import annotations

import shutil

from scripts import apt
from scripts.steps import SetupError, exit_code

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Text needs a font, and the page shows emoji.
PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-noto-color-emoji")


def main() -> None:
    if any(shutil.which(name) for name in NAMES):
        return
    if not (apt.usable() and apt.is_debian()):
        raise SetupError("The page tests need Chromium or Google Chrome. Install one so that it is in PATH.")
    apt.install(PACKAGES)


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
