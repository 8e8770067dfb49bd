"""A Chromium for the tests of the playground's page: found, or installed on Debian as root."""

from __future__ import annotations

import shutil

from scripts import apt
from scripts.steps import Stuck, ended

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Without fonts every page is boxes, and the page shows emoji.
PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-noto-color-emoji")


def main() -> None:
    if any(shutil.which(name) for name in NAMES):
        return
    if not (apt.usable() and apt.is_debian()):
        raise Stuck("The page tests need Chromium or Google Chrome. Install one so that it is in PATH.")
    apt.install(PACKAGES)


if __name__ == "__main__":
    raise SystemExit(ended(main))
