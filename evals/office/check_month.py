"""The best month of the orders stands in the answer, and a picture came with it."""

from pathlib import Path

BEST = ("feb", "2026-02")
answer = Path("answer.txt").read_text().lower()
assert any(word in answer for word in BEST), f"the best month is {BEST[0]}"
assert list(Path().glob("*.png")), "no picture"
