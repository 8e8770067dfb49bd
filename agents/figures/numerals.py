"""Numbers as people and models write them: `1,234.50`, `1.234,50`, `1 234,50`, `12,34,567`, `3.2 M`, `12 %`.

`1.234` is ambiguous without its language, so that a numeral has every reading that its form allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.figures.units import SPACES, Unit, duration_at, is_rounded, share_at, unit_at

_NUMERAL = re.compile(
    rf"(?<![\d.,])(?:\d{{1,3}}(?:[{SPACES}]\d{{3}})+(?!\d)(?:[.,]\d++)?|\d++(?:[.,'’]\d++)*+)"
    r"(?:[eE][+-]?\d{1,3}(?!\w)|\s?[×x]\s?10(?:\^[-−]?\d{1,3}|\*\*-?\d{1,3}|[⁻⁰¹²³⁴-⁹]{1,4}))?"
)
#: After a number that has its unit with the next one: `1.2 to 1.5 M`, `12.4 → 15.1 M€`.
_JOINED = re.compile(
    rf"[{SPACES}]?(?:→|->|[-–—]|\b(?:to|and|or|bis|und|oder|à|et|ou|a|y|o)\b)[{SPACES}]?[€$£¥₹]?(?:{_NUMERAL.pattern})",
    re.IGNORECASE,
)
#: Between a number and its exponent; raised digits are made plain ones.
_POWER = re.compile(r"[eE]|\s?[×x]\s?10(?:\^|\*\*)?")
_RAISED = str.maketrans("⁻−⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
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
    done = 0
    for match in _NUMERAL.finditer(text):
        if match.start() < done or len(match[0]) > _LONGEST or not (readings := _readings(match[0])):
            continue
        end = match.end()
        unit = unit_at(text, end)
        parts, done = duration_at(text, match.start())
        if parts:
            readings = _times(parts)
        elif share := share_at(text, match.start()):
            part, whole, done = share
            readings = [(Number(part, 1.0), Number(whole, 1.0)), (Number(part / whole, 0.04),)]
        elif unit.is_cjk:
            readings, done = _compound(text, readings, unit)
        else:
            done = unit.end
            joined = _JOINED.match(text, end) if unit.end == end else None
            unit = unit_at(text, joined.end()) if joined else unit
            readings += [_scaled(reading, factor) for reading in readings for factor in unit.factors]
        before = text[max(0, match.start() - 24) : match.start()] if match[0].endswith("0") else ""
        shown = re.sub(r"\s*\n\s*", " ", text[match.start() : done].rstrip(" ,"))
        about = bool(before) and is_rounded(before, text[end : end + 1])
        yield Numeral(shown, match.start(), tuple(readings), unit.is_percent and not parts, about)


def _times(parts: Mapping[float, float]) -> list[tuple[Number, ...]]:
    """A time as a number of each unit from seconds to the largest given, and as its single parts."""
    seconds, step = sum(size * part for size, part in parts.items()), min(parts)
    units = [size for size in (1.0, 60.0, 3600.0, 86_400.0) if size <= max(parts)]
    single = tuple(Number(part, 1.0) for part in parts.values())
    return [*((Number(seconds / size, step / size),) for size in units), single]


def _compound(
    text: str, readings: list[tuple[Number, ...]], unit: Unit
) -> tuple[list[tuple[Number, ...]], int]:
    """The readings of a number whose scale smaller ones may follow, `1億2,300万`, and its end."""
    totals, end, least = [_scaled(one, unit.factors[0])[-1] for one in readings], unit.end, unit.factors[0]
    while following := _NUMERAL.match(text, end):
        next_unit = unit_at(text, following.end())
        more = _readings(following[0])
        factor = next_unit.factors[0] if next_unit.is_cjk else 1.0
        if not more or factor >= least:
            break
        parts = [_scaled(one, factor)[-1] for one in more]
        totals = [Number(total.value + part.value, part.step) for total in totals for part in parts]
        end, least = next_unit.end, factor
    return [*readings, *((total,) for total in totals)], end


def _scaled(reading: tuple[Number, ...], factor: float) -> tuple[Number, ...]:
    *others, last = reading
    return (*others, Number(last.value * factor, last.step * factor))


def _readings(token: str) -> list[tuple[Number, ...]]:
    """What a token may mean; empty for one that is no number, such as a version."""
    if token.isdecimal():
        return [(Number(float(token), 1.0),)]
    mantissa, exponent = (
        _POWER.split(token.lower().translate(_RAISED))[:2] if _POWER.search(token) else (token, "0")
    )
    factor = 10.0 ** int(exponent)
    pieces = re.split(f"[{SPACES}]", mantissa)
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
