"""Programs that draw: curves, random walks, bars, pies, histograms, points. They need matplotlib and numpy.

Every plot is a PNG in the working directory. A second run, in a container of its own, checks it.
"""

from __future__ import annotations

import re

from playground.demo_model.program import Program, Prompt, code

_DRAW = (
    r"plots?|plotting|draw|drawing|charts?|graphs?|histograms?|diagrams?|visuali[sz]e|"
    r"sine|random walks?|scatter"
)
_KINDS = r"random walks?|brownian|histograms?|distribution|normal|gaussian|bell|scatter|points|cloud"
_PAIRED = "bars?|pie|columns?"
_CURVES = {
    "damped_sine": (r"damped (?:sine?|oscillation|wave)\w*", "np.exp(-0.3 * (x - x[0])) * np.sin(2 * x)"),
    "sine": (r"(?<!damped )sine?|sin\(x\)|sinus", "np.sin(x)"),
    "cosine": (r"cosine?|cos|cos\(x\)", "np.cos(x)"),
    "parabola": (r"parabola|quadratic|x\^2|x\*\*2|x²", "x**2"),
    "exponential": (r"exponential|exp|e\^x", "np.exp(x)"),
    "logarithm": (r"logarithm|log|ln", "np.log(x)"),
    "square_root": (r"square root|sqrt", "np.sqrt(x)"),
    "sigmoid": (r"sigmoid|logistic", "1 / (1 + np.exp(-x))"),
}
_PAIR = re.compile(
    r"([^\W\d_][\w-]{0,30})\s*[:=]?\s+(-?\d+(?:\.\d+)?)\b|([^\W\d_][\w-]{0,30})[:=](-?\d+(?:\.\d+)?)"
)


def wanted(prompt: Prompt) -> bool:
    """Whether the request asks for a plot."""
    return prompt.says(_DRAW)


def is_vague(prompt: Prompt) -> bool:
    """Whether the request asks for a plot but not of what."""
    known = [pattern for pattern, _ in _CURVES.values()]
    named = (
        prompt.says(_KINDS) or any(_mentions(prompt, pattern) for pattern in known) or len(_pairs(prompt)) > 1
    )
    return wanted(prompt) and not named


def plots(prompt: Prompt) -> tuple[Program, ...]:
    """The program that draws, and the one that checks the file."""
    found = _drawing(prompt) if wanted(prompt) else None
    if found is None:
        return ()
    name, draw = found
    picture = f"{name}{prompt.suffix}.png"
    drawn = code(_FRAME, picture=picture).replace("# draw here\n", draw)
    return (
        Program(f"Drawing {picture}", drawn, otherwise=code(_WITHOUT_MATPLOTLIB)),
        Program(f"Checking {picture}", code(_CHECK, picture=picture), checks=True),
    )


def chart(prompt: Prompt) -> dict[str, str] | None:
    """The arguments of `show_chart` for bars and pies that Slack draws."""
    pairs, kind = dict(_pairs(prompt)), "pie" if prompt.says("pie") else "bar"
    is_small = len(pairs) <= (6 if kind == "pie" else 20) and all(len(label) <= 20 for label in pairs)
    if not pairs or not wanted(prompt) or not prompt.says(_PAIRED) or not is_small:
        return None
    if kind == "pie" and min(pairs.values()) <= 0:
        return None
    rows = [f"{label},{value:g}" for label, value in pairs.items()]
    return {"kind": kind, "title": kind.capitalize(), "data": "\n".join(["label,value", *rows])}


def _drawing(prompt: Prompt) -> tuple[str, str] | None:
    """A name and the lines that draw; None if the request names nothing that can be drawn."""
    if prompt.says("random walks?|brownian"):
        return "random_walk", code(_WALK, n=prompt.count(500), seed=prompt.part)
    if prompt.says("histograms?|distribution|normal|gaussian|bell"):
        return "histogram", code(_HISTOGRAM, n=prompt.count(1_000), seed=prompt.part)
    if prompt.says("scatter|points|cloud"):
        return "scatter", code(_SCATTER, n=prompt.count(200), seed=prompt.part)
    if prompt.says(_PAIRED):
        pairs = _pairs(prompt)
        if not pairs:
            return None
        labels, values = [label for label, _ in pairs], [value for _, value in pairs]
        kind = "pie" if prompt.says("pie") else "bars"
        return kind, code(_PIE if kind == "pie" else _BARS, labels=labels, values=values)
    return _curves(prompt)


def _curves(prompt: Prompt) -> tuple[str, str] | None:
    found = [name for name in _CURVES if _mentions(prompt, _CURVES[name][0])]
    if not found:
        return None
    lines = [f"ax.plot(x, {_CURVES[name][1]}, label={name.replace('_', ' ')!r})" for name in found]
    start = 0.01 if set(found) & {"logarithm", "square_root"} else -6.28
    curves = "\n".join(lines) + "\n"
    title = " and ".join(found).replace("_", " ").capitalize()
    return "_and_".join(found), code(_AXES, start=start, title=title).replace("# curves here\n", curves)


def _mentions(prompt: Prompt, pattern: str) -> bool:
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", prompt.words) is not None


def _pairs(prompt: Prompt) -> list[tuple[str, float]]:
    """Labels and values as written: "apples 3, pears: 5"."""
    found = [(a or b, float(x or y)) for a, x, b, y in _PAIR.findall(prompt.text)]
    return found if len(found) > 1 else []


_FRAME = """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    fig, ax = plt.subplots(figsize=(8, 4.5))
    # draw here
    fig.tight_layout()
    fig.savefig($picture, dpi=120)
    print("saved", $picture)
"""
_AXES = """
    x = np.linspace($start, $start + 4 * np.pi, 400)
    # curves here
    ax.set(title=$title, xlabel="x", ylabel="y")
    ax.grid(alpha=0.3)
    ax.legend()
    print(f"x from {x[0]:.2f} to {x[-1]:.2f}")
"""
_WALK = """
    steps = np.random.default_rng($seed).choice([-1, 1], size=$n)
    walk = np.concatenate([[0], steps.cumsum()])
    ax.plot(walk)
    ax.set(title=f"Random walk of {len(steps)} steps", xlabel="step", ylabel="position")
    print(f"{len(steps)} steps, ended at {walk[-1]}, lowest {walk.min()}, highest {walk.max()}")
"""
_HISTOGRAM = """
    sample = np.random.default_rng($seed).normal(size=$n)
    ax.hist(sample, bins=30, edgecolor="white")
    ax.set(title=f"{len(sample)} normally distributed numbers", xlabel="value", ylabel="how many")
    print(f"{len(sample)} numbers, mean {sample.mean():.3f}, standard deviation {sample.std():.3f}")
"""
_SCATTER = """
    generator = np.random.default_rng($seed)
    x = generator.normal(size=$n)
    y = 0.7 * x + 0.5 * generator.normal(size=$n)
    ax.scatter(x, y, s=12, alpha=0.6)
    ax.set(title=f"{len(x)} random points", xlabel="x", ylabel="y")
    print(f"{len(x)} points, correlation {np.corrcoef(x, y)[0, 1]:.3f}")
"""
_BARS = """
    labels, values = $labels, $values
    ax.bar(range(len(values)), values, tick_label=labels)
    ax.set(title="Bars", xlabel="label", ylabel="value")
    print(", ".join(f"{label}: {value:g}" for label, value in zip(labels, values)))
"""
_PIE = """
    labels, values = $labels, $values
    ax.pie(np.abs(values), labels=labels, autopct="%.0f%%")
    ax.set(title="Shares", xlabel="", ylabel="")
    print(", ".join(f"{label}: {value / sum(values):.1%}" for label, value in zip(labels, values)))
"""
_CHECK = """
    import struct
    from pathlib import Path

    data = Path($picture).read_bytes()
    assert data.startswith(b"\\x89PNG\\r\\n"), "this is not a PNG"
    width, height = struct.unpack(">II", data[16:24])
    print(f"{$picture}: a PNG of {width} x {height} pixels, {len(data):,} bytes")
"""
_WITHOUT_MATPLOTLIB = """
    import math

    print("matplotlib could not draw here, so this is a sine as text:")
    for row in range(25):
        print(" " * round(20 + 18 * math.sin(row / 2)) + "*")
"""
