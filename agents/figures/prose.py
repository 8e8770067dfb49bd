"""The parts of an answer that hold no figures: code, quotations, links, dates, versions, numbers of lists."""

from __future__ import annotations

import re

_MONTH = (
    r"(?:jan(?:uar[yi]?|vier|\.)?|ene(?:ro|\.)?|feb(?:ruar[y]?|rero|\.)?|février|févr\.|mar(?:ch|zo|s|\.)?|"
    r"märz|apr(?:il|\.)?|avril|abr(?:il|\.)?|may(?:o)?|mai|june?|juni|juin|junio|jul(?:y|i|io|\.)?|juillet|"
    r"aug(?:ust|\.)?|août|ago(?:sto|\.)?|sep(?:t|tember|tiembre|tembre|\.)?|o[ck]t(?:ober|obre|ubre|\.)?|"
    r"nov(?:ember|embre|iembre|\.)?|de[cz](?:ember|\.)?|décembre|déc\.|dic(?:iembre|\.)?)"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?:19|20)\d\d"
_LETTER = "A-Za-z_\u00c0-\u024f"
_MONEY = r"EUR|USD|GBP|CHF|JPY|INR|CNY|MXN|Rs|R\$"
_REFERENCE = (
    r"step|section|table|figure|fig\.|chapter|page|part|item|option|phase|week|sheet|appendix|no\.|nr\.|"
    r"schritt|tabelle|abbildung|abschnitt|kapitel|seite|punkt|anhang|kw|étape|tableau|annexe|paso|tabla|"
    r"página|sección|anexo|version|versión|release|python"
)

#: In this order: what stands in code or a quotation is gone before dates are looked for.
_NO_FIGURES = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"^[ \t]*```(?s:.*?)(?:^[ \t]*```|\Z)",
        r"```[^`\n]*```|`[^`\n]+`",
        r"^[ \t]*>.*$",
        r"<(?:[@#!]|https?:|mailto:)[^<>\n]*>|https?://\S+|\]\([^()\n]*\)|(?<![\w.+-])[\w.+-]+@[\w-]+\.\w+",
        r"\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|「[^」\n]{1,300}」",
        # Numbers of lists and headings.
        r"^[ \t]*(?:[-*+][ \t]+)?(?:#{1,6}[ \t]+)?[*_]{0,2}\(?\d{1,3}(?:\.\d{1,2})*[.)](?=[*_]{0,2}[ \t])",
        r"^#{1,6}[ \t]+\d{1,3}(?:\.\d{1,2})*(?=[ \t])",
        # Dates and times.
        rf"(?<![\d.,]){_YEAR}-\d\d(?:-\d\d)?(?:T[\d:.]+Z?)?(?![\d-])",
        rf"(?<![\d.,/])(?:{_YEAR}[/.]\d{{1,2}}[/.]\d{{1,2}}|\d{{1,2}}([./])\d{{1,2}}\1(?:{_YEAR}|\d\d))(?![\d.,/]?\d)",
        rf"\b(?:am|vom|bis|zum|seit|ab|den) {_DAY}\.(?:1[0-2]|0?[1-9])\.(?!\d)",
        rf"(?<![\d.,'])(?:{_DAY}(?:st|nd|rd|th|er|\.|º)?(?:\s?[-–]\s?{_DAY}\.?)?\s(?:de |of )?)?"
        rf"(?<![{_LETTER}]){_MONTH}(?![{_LETTER}])"
        rf"(?: (?:de )?{_DAY}(?:st|nd|rd|th)?(?![\d.,'%€$ \u00a0\u202f]?\d|\s?[%€$]))?"
        rf"(?:,? (?:del? )?{_YEAR}(?!\d))?",
        r"\d{4}\s?年(?:\s?\d{1,2}\s?月)?(?:\s?\d{1,2}\s?日)?|\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?|"
        r"\d{1,2}\s?[時时点](?:\d{1,2}分)?",
        r"(?<![\d.,])\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?!\d)(?:\s?(?:am|pm|uhr)\b)?|"
        r"(?<![\d.,])\d{1,2}\s?(?:am|pm|a\.m\.|p\.m\.|uhr|o'clock)(?!\w)|(?<![\d.,])\d{1,2}\s?h\s?\d\d\b",
        rf"(?<![\d.,'€$£¥₹])(?<![€$£¥₹] )(?<!EUR )(?<!USD )(?<!GBP )(?<!CHF ){_YEAR}"
        rf"(?:\s?[-–/]\s?(?:{_YEAR}|\d\d))?(?![\d.,'  ]\d|\d)(?!\s?(?:[%€$£¥円元]|k\b|m\b|EUR|USD|GBP|CHF))",
        # Identifiers, versions, paths and references.
        r"(?<![\w.])/(?:[\w.-]+/)*[\w.-]*\w|(?<![\w-])[\w-]+\.(?:csv|tsv|xlsx?|pdf|docx?|pptx?|png|jpe?g|json|"
        r"txt|md|py|parquet|zip)\b",
        rf"(?<![{_LETTER}\d])(?!(?:{_MONEY})\d)[{_LETTER}][{_LETTER}\d]*\d[{_LETTER}\d]*(?:\.\d+)*(?:-\w+)*",
        r"(?<![\w-])[A-Z]{2,}-\d[\w-]*",
        rf"(?<![{_LETTER}])(?:{_REFERENCE})\s?\d{{1,4}}(?:\.\d+)*(?!\d)|#\d+|[表図图]\s?\d+",
        r"(?<![\w.,])\d++(?!e[+-]?\d+\b)[a-z_]+\d\w*|(?<![\w.,])[23]D\b",
        r"(?<![\d.,])\d+(?:st|nd|rd|th|er|ère|ème|e|\.?[ºª])(?!\w)",
        r"\+\d[\d ()-]{6,}|(?<![\d.,])(?<!\d[ \u00a0\u202f\u2009'])0\d++(?![.,]\d)",
    )
)
_BLANK = "\ue000"


def without_other_numbers(text: str) -> str:
    """The text with a blank for each character that can't be part of a figure; offsets stay."""
    for pattern in _NO_FIGURES:
        text = pattern.sub(_blanked, text)
    return text


def _blanked(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", _BLANK, match[0])
