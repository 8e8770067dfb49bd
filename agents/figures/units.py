"""What stands beside a number: its scale, a percent sign, a unit of time, a word that it is rounded."""

from __future__ import annotations

import re
from dataclasses import dataclass

SPACES = " \u00a0\u202f\u2009"
#: Between a number and its unit: a space, or the end of a line that was wrapped.
GAP = rf"(?:[{SPACES}]?|[{SPACES}]{{0,2}}\n[{SPACES}]{{0,4}})"
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
    **dict.fromkeys(("ms", "msec", "millisekunden", "ミリ秒", "毫秒"), (1e-3,)),
    **dict.fromkeys(("kb", "kib"), (1e3, 2.0**10)),
    **dict.fromkeys(("mb", "mib"), (1e6, 2.0**20)),
    **dict.fromkeys(("gb", "gib"), (1e9, 2.0**30)),
    **dict.fromkeys(("tb", "tib"), (1e12, 2.0**40)),
    **dict.fromkeys(("tn", "trillion", "trillions", "billones", "兆"), (1e12,)),
}
_WORDS = "|".join(re.escape(word) for word in sorted(_SCALES, key=len, reverse=True) if word.isascii())
_SCALE = re.compile(
    rf"{GAP}(?:({_WORDS}|millón|milhões)(?![A-Za-z\u00c0-\u024f])|(ミリ秒|毫秒|[千万萬亿億兆]))",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    rf"{GAP}(?:[%％]|per ?cent\b|percentage points?\b|prozent(?:punkte?n?)?\b|pp\b|pts?\b|points?\b|"
    r"punkte\b|puntos?\b|pour cent\b|por ciento\b|パーセント)",
    re.IGNORECASE,
)
#: A time in two or three units, the largest first.
_DURATION = re.compile(
    rf"(?<![\w.,])(?:(?P<d>\d+)[{SPACES}]?(?:d|days?|tage?|jours?|días?|日)[{SPACES},]*)?"
    rf"(?:(?P<h>\d+)[{SPACES}]?(?:h|hrs?|hours?|std\.?|stunden?|heures?|horas?|時間|小时)[{SPACES},]*)?"
    rf"(?:(?P<m>\d+)[{SPACES}]?(?:m|mins?\.?|minut(?:es?|en?|os?)|分钟?)[{SPACES},]*)?"
    rf"(?:(?P<s>\d+(?:[.,]\d+)?)[{SPACES}]?(?:s|secs?\.?|sek\.?|seconds?|sekunden?|secondes?|segundos?|秒))?"
    r"(?![\w%])",
    re.IGNORECASE,
)
#: A share of a few: `3 of 4`, `3 sur 4`.
_SHARE = re.compile(
    r"(\d{1,2})\s(?:in|of|out of|sur|von|de|de cada)\s(?:every\s)?(\d{1,2})(?![\w%]|[.,]\d)", re.IGNORECASE
)
_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_ABOUT = re.compile(
    r"(?:[~≈<>≥≤]|\b(?:about|around|approx\.?|approximately|roughly|nearly|almost|some|up to|over|under|"
    r"more than|less than|fewer than|at least|circa|ca\.|rund|etwa|knapp|gut|fast|über|bis zu|mehr als|"
    r"environ|quelque|près de|plus de|moins de|casi|unos|unas|alrededor de|hasta|aproximadamente|cerca de|"
    r"más de|menos de)|約|约|大约)[\s€$£¥₹]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """What follows a number: the end of it in the text, and what the number may be multiplied by."""

    end: int
    factors: tuple[float, ...] = ()
    is_percent: bool = False
    is_cjk: bool = False
    """Whether a smaller part may follow: `1億2,300万`."""


def unit_at(text: str, position: int) -> Unit:
    """The unit that begins at a position; one without length where there is none."""
    if percent := _PERCENT.match(text, position):
        return Unit(percent.end(), is_percent=True)
    # A letter that begins a line is no scale: it may number an option.
    if (scale := _SCALE.match(text, position)) and not ("\n" in scale[0] and len(scale[1] or "") == 1):
        return Unit(
            scale.end(),
            _SCALES[(scale[1] or scale[2]).lower()],
            is_cjk=(scale[2] or "") in tuple("千万萬亿億兆"),
        )
    return Unit(position)


def duration_at(text: str, position: int) -> tuple[dict[float, float], int]:
    """The parts of a time in several units, by the seconds of their unit, and its end; empty for one that has
    a single unit or none."""
    found = _DURATION.match(text, position)
    parts = {name: part for name, part in found.groupdict().items() if part} if found else {}
    if found is None or len(parts) < 2:
        return {}, position
    return {_SECONDS[name]: float(part.replace(",", ".")) for name, part in parts.items()}, found.end()


def share_at(text: str, position: int) -> tuple[float, float, int] | None:
    """Both numbers of a share and its end."""
    found = _SHARE.match(text, position)
    if found is None or not 0 < int(found[1]) < int(found[2]):
        return None
    return float(found[1]), float(found[2]), found.end()


def is_rounded(before: str, after: str) -> bool:
    """Whether the words around a number say that it is rounded: `about 3,000`, `3,000+`."""
    return after.startswith("+") or _ABOUT.search(before) is not None
