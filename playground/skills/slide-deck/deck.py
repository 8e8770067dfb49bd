"""Makes slides from an outline in Markdown: `deck.py OUTLINE.md SLIDES.pptx`."""

import re
import sys
from pathlib import Path

from pptx import Presentation
from pptx.util import Inches

PICTURE = re.compile(r"!\[[^]]*]\(([^)]+)\)")


def add(deck, heading, lines):
    """A slide with a heading, bullets, and a picture to their right; prints what is on it."""
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = heading
    bullets = [line[2:].strip() for line in lines if line.startswith("- ")]
    pictures = [found[1] for line in lines if (found := PICTURE.match(line))]
    body = slide.placeholders[1]
    body.text_frame.text = "\n".join(bullets)
    if pictures:
        body.left, body.top, body.width, body.height = map(Inches, (0.5, 1.75, 4, 4.5))
        slide.shapes.add_picture(pictures[0], Inches(4.75), Inches(1.9), width=Inches(4.75))
    too_much = len(bullets) > 5 or sum(map(len, bullets)) > 400
    print(f"{heading}: {len(bullets)} bullets, {len(pictures)} pictures{', too much text' * too_much}")


if len(sys.argv) != 3:
    sys.exit("Usage: deck.py OUTLINE.md SLIDES.pptx")
first, *slides = re.split(r"(?m)^## ", Path(sys.argv[1]).read_text())
title, *rest = [line for line in first.splitlines() if line.strip()] or ["# Untitled"]
deck = Presentation()
cover = deck.slides.add_slide(deck.slide_layouts[0])
cover.shapes.title.text = title.removeprefix("# ").strip()
cover.placeholders[1].text = " ".join(rest)
for slide in slides:
    heading, *lines = slide.splitlines()
    add(deck, heading.strip(), [line.strip() for line in lines])
deck.save(sys.argv[2])
print(f"{sys.argv[2]}: {len(deck.slides)} slides")
