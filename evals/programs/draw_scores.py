"""Draws scores.json as scores.png; runs in the sandbox."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

scores = json.loads(Path("scores.json").read_text())
names = [one["model"][:40] for one in scores]
panels = [
    ("Right answers, %", [one["score"] * 100 for one in scores], [one["spread"] * 100 for one in scores]),
    ("Cost of all tasks, USD", [one["cost"] or 0 for one in scores], None),
    ("Seconds per task, median", [one["seconds"] for one in scores], None),
]
figure, axes = plt.subplots(1, 3, figsize=(13, 1.6 + 0.5 * len(names)), sharey=True)
for place, (title, values, spread) in zip(axes, panels, strict=True):
    bars = place.barh(names, values, xerr=spread, color="#4a6fa5")
    place.bar_label(bars, [f"{value:.3g}" for value in values], padding=3)
    place.set_title(title)
    place.margins(x=0.18)
axes[0].invert_yaxis()
figure.tight_layout()
figure.savefig("scores.png", dpi=110)
