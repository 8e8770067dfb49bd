"""Whether a text is English, by its commonest words: keywords mean something else in other languages.

German "die", Spanish "dice" and French "primes" are no dice, and no prime numbers.
"""

from __future__ import annotations

import re


def is_english(text: str) -> bool:
    """False if more of a text's words are among the commonest of other languages than of English."""
    words = _words(text)
    return len(words & _OTHERS) <= len(words & _ENGLISH)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", text.lower()))


_ENGLISH = _words("""
    a about all and any are as at be by can do does first for from give has have how i if in is it its me my
    of on or please run show tell than that the their them then these this to two three us use want what when
    which who why will with you your
""")
#: German and Dutch, French, and then Spanish, Portuguese and Italian.
_OTHERS = _words("""
    der das den dem des ein eine einen und ist sind nicht mit von für auf im zu zum zur wie wer wo warum
    kannst bitte mir mich ich wir uhr het een van niet met voor op hoe wat
    le la les un une du et est sont pas dans avec qui que quel quelle moi je nous
    el los las una por para qué cómo es del al cuál os um uma não como il lo gli di che mi della sono
""")
