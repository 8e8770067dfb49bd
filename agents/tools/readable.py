"""Prints the HTML page on stdin as Markdown, with title and date: run as a program of its own, by path.

`url` is its argument. A page may be made to take all memory or time, so both are limited.
"""

import resource
import sys

_SECONDS = 20
_MEMORY = 1 << 30


def main(url: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    from trafilatura import extract, html2txt  # after the limits

    page = sys.stdin.buffer.read()
    text = extract(
        page, url=url, output_format="markdown", with_metadata=True, include_links=True, favor_recall=True
    )
    sys.stdout.write(text or html2txt(page))


if __name__ == "__main__":
    main(sys.argv[1])
