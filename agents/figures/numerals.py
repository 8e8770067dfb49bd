"""Numbers as people and models write them: `1,234.50`, `1.234,50`, `1 234,50`, `12,34,567`, `3.2 M`, `12 %`.

`1.234` is ambiguous without its language, so that a numeral has every reading that its form allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACES = " \u00a0\u202f\u2009"
#: Between a number and its unit: a space, or the end of a line that was wrapped.
_GAP = rf"(?:[{_SPACES}]?|[{_SPACES}]{{0,2}}\n[{_SPACES}]{{0,4}})"
_NUMERAL = re.compile(
    rf"(?<![\d.,])(?:\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)(?:[.,]\d++)?|\d++(?:[.,'’]\d++)*+)"
    r"(?:[eE][+-]?\d{1,3}(?!\w))?"
)
_SCALES: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("k", "thousand", "tsd", "tausend", "mil", "mille", "千"), (1e3,)),
    **dict.fromkeys(("万", "萬"), (1e4,)),
    **dict.fromkeys(("lakh", "lakhs"), (1e5,)),
    **dict.fromkeys(
        ("m", "mn", "mm", "mio", "mill", "million", "millions", "millionen", "millón", "millones", "milhões"),
        (1e6,),
    ),
    **dict.fromkeys(("crore", "crores", "cr"), (1e7,)),
    **dict.fromkeys(("亿", "億"), (1e8,)),
    **dict.fromkeys(
        ("bn", "b", "mrd", "md", "milliarde", "milliarden", "milliard", "milliards", "mil millones"), (1e9,)
    ),
    **dict.fromkeys(("billion", "billions", "billionen"), (1e9, 1e12)),
    **dict.fromkeys(("tn", "trillion", "trillions", "billones", "兆"), (1e12,)),
}
_WORDS = "|".join(re.escape(word) for word in sorted(_SCALES, key=len, reverse=True) if word.isascii())
_SCALE = re.compile(
    rf"{_GAP}(?:({_WORDS}|millón|milhões)(?![A-Za-z\u00c0-\u024f])|([千万萬亿億兆]))", re.IGNORECASE
)
_PERCENT = re.compile(
    rf"{_GAP}(?:[%％]|per ?cent\b|percentage points\b|prozent|pp\b|pour cent\b|"
    r"por ciento\b|パーセント)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:[~≈<>≥≤]|\b(?:about|around|approx\.?|approximately|roughly|nearly|almost|over|under|more than|"
    r"less than|fewer than|at least|circa|ca\.|rund|etwa|knapp|fast|über|mehr als|environ|près de|plus de|"
    r"moins de|casi|unos|unas|aproximadamente|cerca de|más de|menos de)|約|约|大约)[\s€$£¥₹]*$",
    re.IGNORECASE,
)
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Number:
    """A value without its sign. `step` is the size of its last shown digit."""

    value: float
    step: float


@dataclass(frozen=True, slots=True)
class Numeral:
    """One number in a text: where it stands and what it may mean."""

    text: str
    """With its scale or percent sign."""
    start: int
    readings: tuple[tuple[Number, ...], ...]
    """Any of them may be meant. One of several numbers is a row of single ones: `5 200`."""
    is_percent: bool
    is_about: bool
    """Whether it says itself that it is rounded: `about 3,000`."""


def numerals(text: str) -> Iterator[Numeral]:
    """All numbers of a text in order, in one pass over it."""
    for match in _NUMERAL.finditer(text):
        if len(match[0]) > _LONGEST or not (readings := _readings(match[0])):
            continue
        end = match.end()
        percent = _PERCENT.match(text, end)
        scale = None if percent else _SCALE.match(text, end)
        if scale:
            factors = _SCALES[(scale[1] or scale[2]).lower()]
            readings += [_scaled(reading, factor) for reading in readings for factor in factors]
        after = percent or scale
        before = text[max(0, match.start() - 24) : match.start()] if match[0].endswith("0") else ""
        shown = re.sub(r"\s*\n\s*", " ", text[match.start() : after.end() if after else end])
        yield Numeral(shown, match.start(), tuple(readings), bool(percent), bool(_ABOUT.search(before)))


def _scaled(reading: tuple[Number, ...], factor: float) -> tuple[Number, ...]:
    *others, last = reading
    return (*others, Number(last.value * factor, last.step * factor))


def _readings(token: str) -> list[tuple[Number, ...]]:
    """What a token may mean; empty for one that is no number, such as a version."""
    mantissa, _, exponent = token.lower().partition("e")
    factor = 10.0 ** int(exponent) if exponent else 1.0
    pieces = re.split(f"[{_SPACES}]", mantissa)
    if len(pieces) > 1:
        single = [_readings(piece) for piece in pieces]
        alone = [tuple(one[0][0] for one in single)] if all(single) else []
        return [(number,) for number in _plain("".join(pieces), grouped=True)] + alone
    found: list[tuple[Number, ...]] = [(Number(n.value * factor, n.step * factor),) for n in _plain(mantissa)]
    if not found and re.fullmatch(r"\d+(?:,\d+)+", mantissa):
        return [tuple(Number(float(part), 1.0) for part in mantissa.split(","))]
    return found


def _plain(token: str, *, grouped: bool = False) -> list[Number]:
    """The readings of a token without spaces. `grouped`: its thousands were separated by spaces."""
    groups = re.split("['’]", token)
    if len(groups) > 1:
        if any(len(group) != 3 for group in groups[1:-1]) or not re.match(r"\d{3}(?!\d)", groups[-1]):
            return []
        return _plain("".join(groups), grouped=True)
    last = max(token.rfind("."), token.rfind(","))
    if last < 0:
        return [Number(float(token), 1.0)]
    mark = token[last]
    whole, decimals = token[:last], token[last + 1 :]
    as_decimal = _number(whole, decimals, "," if mark == "." else ".")
    as_group = [] if grouped else _number(token, "", mark)
    return as_group if whole.count(mark) else as_decimal + as_group


def _number(whole: str, decimals: str, mark: str) -> list[Number]:
    """The number with `mark` between its groups: three digits each, or two and a last of three."""
    first, *others = whole.split(mark)
    if not first.isdigit() or any(not group.isdigit() for group in others):
        return []
    if others:
        sizes = [len(group) for group in others]
        inner = set(sizes[:-1])
        if sizes[-1] != 3 or len(first) > 3 or not (inner <= {3} or (inner == {2} and len(first) < 3)):
            return []
        if first.startswith("0"):
            return []
    digits = first + "".join(others)
    return [Number(float(f"{digits}.{decimals or 0}"), 10.0 ** -len(decimals))]
