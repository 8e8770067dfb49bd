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
    r"steps?|sections?|tables?|figures?|fig\.|chapters?|pages?|part|item|option|phase|week|sheet|appendix|rows?|"
    r"lines?|columns?|paragraph|article|art\.|clause|rooms?|gate|seat|floor|ports?|warehouse|truck|machine|station|group|team|zone|"
    r"ref\.?|ext\.|schritt|tabelle|abbildung|abschnitt|kapitel|seite|punkt|anhang|kw|zeile|"
    r"spalte|absatz|artikel|lager|halle|lkw|maschine|gruppe|raum|zimmer|platz|étape|tableau|annexe|"
    r"ligne|camion|groupe|salle|porte|place|paso|tabla|página|sección|anexo|almacén|camión|máquina|grupo|fila|sala|puerta|asiento|"
    r"version|versión|release|python|rfc|iso|din|iec|ieee|pep|ean|isbn|gtin|sku|plz|zip|§§?"
)
#: Words that are verbs too; their numbers are long, or have a sign before them.
_DOCUMENT = (
    r"order|invoice|ticket|case|issue|customer|account|bestellung|rechnung|auftrag|kunde|konto|lieferung|"
    r"commande|facture|client|compte|pedido|factura|cliente|cuenta"
)
_NUMBER_SIGN = r"no\.|nr\.|n[°º]|n\.º|núm\.|number|nummer|numéro|número|№|#"
_WEEKDAY = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|"
    r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo"
)
#: What may follow the number of a row or a page: others, unless they count something.
_OTHERS = (
    rf"(?:\s?(?:[-–,]|and|und|et|y|to|bis)\s?\d{{1,4}}(?:,\d{{3}})*+(?![\d%]|[.,]\d|\s?[%€${_LETTER}]))*"
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
        rf"\b(?:am|vom|bis|zum|seit|ab|den|(?:mo|di|mi|do|fr|sa|so)\.,?) {_DAY}\.(?:1[0-2]|0?[1-9])\.(?!\d)",
        rf"(?<![\d.,'])(?:{_DAY}(?:st|nd|rd|th|er|\.|º)?(?:\s?[-–]\s?{_DAY}\.?)?\s(?:de |of )?)?"
        rf"(?<![{_LETTER}]){_MONTH}(?![{_LETTER}])"
        rf"(?: (?:de )?{_DAY}(?:st|nd|rd|th)?(?![\d.,'%€$ \u00a0\u202f]?\d|\s?[%€$]))?"
        rf"(?:,? (?:del? )?{_YEAR}(?!\d))?",
        r"\d{4}\s?年(?:\s?\d{1,2}\s?月)?(?:\s?\d{1,2}\s?日)?|\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?|"
        r"(?<![\d.,])\d{1,2}\s?(?:[時时]|点(?=\d|[钟半整]|から|に))(?:\d{1,2}分)?|第\s?\d+",
        rf"(?<![{_LETTER}])(?:{_WEEKDAY}),?\s(?:the |den |le |el )?{_DAY}(?:st|nd|rd|th|\.)?(?![\d.,]?\d)",
        r"(?<![\d.,])\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?!\d)(?:\s?(?:am|pm|uhr)\b)?|"
        r"(?<![\d.,])\d{1,2}\s?(?:am|pm|a\.m\.|p\.m\.|uhr|o'clock)(?!\w)|(?<![\d.,])\d{1,2}\s?h\s?\d\d\b(?!\s?min)|"
        r"(?<![\d.,])(?:[01]?\d|2[0-3])\.[0-5]\d\s?(?:uhr|h)(?!\w)",
        # Ratios, levels of confidence and of significance, factorials and powers.
        r"(?<![\w.,:])\d{1,3}:\d{1,3}(?![\d.,:]?\d)|"
        r"(?<![\d.,])9\d(?:\.\d)?\s?%[ -]?(?:CI|KI|IC|confidence|konfidenz)(?!\w)|\b(?:CI|KI|IC)\s9\d\s?%|"
        r"\bp\s?[<>=]\s?0?\.0*[15](?!\d)",
        r"(?<![\d.,])\d+!(?=\s*(?:[=≈×*/+)-]|is\b|ist\b|est\b|es\b))|"
        r"(?<![\d.,^×])(?<![×*] )\d[\d.,]*\s?(?:\^|\*\*)\s?[({]?[-−]?\d+[)}]?",
        rf"(?<![\d.,'€$£¥₹])(?<![€$£¥₹] )(?<!EUR )(?<!USD )(?<!GBP )(?<!CHF ){_YEAR}"
        rf"(?:\s?[-–/]\s?(?:{_YEAR}|\d\d))?(?![\d.,'  ]\d|\d)(?!\s?(?:[%€$£¥円元]|k\b|m\b|EUR|USD|GBP|CHF))",
        # Identifiers, versions, paths and references.
        r"(?<![\w.])/(?:[\w.-]+/)*[\w.-]*\w|(?<![\w-])[\w-]+\.(?:csv|tsv|xlsx?|pdf|docx?|pptx?|png|jpe?g|json|"
        r"txt|md|py|parquet|zip)\b",
        rf"(?<![{_LETTER}\d])(?!(?:{_MONEY})\d)[{_LETTER}][{_LETTER}\d]*\d[{_LETTER}\d]*(?:\.\d+)*(?:-\w+)*",
        r"(?<![\w-])[A-Z]{2,}-\d[\w-]*",
        rf"(?<![{_LETTER}])(?:(?:{_REFERENCE}|{_NUMBER_SIGN})\s?){{1,2}}\d++(?:[./-]\d+)*{_OTHERS}|[表図图]\s?\d+",
        rf"(?<![{_LETTER}])(?:{_DOCUMENT})\s(?:\d+(?:[./-]\d+)+|\d{{4,}})(?!,?\d)",
        r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.]?\d)|(?<!\w)[A-Z]{2,}/\d+(?:\.\d+)?|\b(?:flight|flug|vol|vuelo|train|zug)\s[A-Z]{1,3}\s?\d+",
        r"(?<![\w.,])\d++(?!e[+-]?\d+\b)[a-z_]+\d\w*|(?<![\w.,])[23]D\b",
        r"(?<![\d.,])\d+(?:st|nd|rd|th|er|ère|ème|e|\.?[ºª])(?!\w)",
        r"\+\d[\d ()-]{6,}|(?<![\d.,])0\d(?:[ .-]\d\d){4}(?!\d)|"
        r"\b(?:t[eé]l\.?|phone|fax):?\s?[\d(][\d ()/.-]{4,}\d|"
        r"(?<![\d.,])(?<!\d[ \u00a0\u202f\u2009'])0\d++(?![.,]\d)",
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
