"""Programs for everyday requests: words, dates, waiting, versions. They need the standard library only."""

from __future__ import annotations

import re

from playground.demo_model.program import Program, Prompt, Rule, code

_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")


def hello(prompt: Prompt) -> tuple[Program, ...]:
    return (
        (Program("Printing the greeting", 'print("Hello, World!")\n'),)
        if prompt.says(r"hello,? world")
        else ()
    )


def text(prompt: Prompt) -> tuple[Program, ...]:
    found = _QUOTED.search(prompt.text)
    if not found or not prompt.says("count|reverse|words?|letters?|length|upper|uppercase|characters?"):
        return ()
    return (Program("Looking at the text", code(_TEXT, text=found[1])),)


def random_words(prompt: Prompt) -> tuple[Program, ...]:
    if not (
        prompt.says("random")
        and prompt.says("words?|names?")
        and prompt.says("sort|sorted|order|alphabet\\w*")
    ):
        return ()
    return (Program("Making words and sorting them", code(_WORDS, n=prompt.count(10), seed=prompt.part)),)


def weekdays(prompt: Prompt) -> tuple[Program, ...]:
    """Counts a weekday in a year."""
    day = re.search(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b", prompt.words)
    year = re.search(r"\b(1[5-9]\d\d|2\d\d\d)\b", prompt.text)
    if not (day and year and prompt.says("count|how many|number of")):
        return ()
    number = ["mon", "tues", "wednes", "thurs", "fri", "satur", "sun"].index(day[1])
    return (Program("Counting days", code(_WEEKDAYS, year=int(year[1]), number=number)),)


def wait(prompt: Prompt) -> tuple[Program, ...]:
    if not prompt.says(r"(?:wait|sleep|pause)(?: for)? \d+"):
        return ()
    return (Program("Waiting", code(_WAIT, seconds=prompt.count(10))),)


def link(prompt: Prompt) -> tuple[Program, ...]:
    found = re.search(r"https?://[^\s<>|\"')\]]*[^\s<>|\"')\].,;:!?]", prompt.text)
    return (Program("Trying to reach the address", code(_LINK, url=found[0])),) if found else ()


def python(prompt: Prompt) -> tuple[Program, ...]:
    if not (prompt.says("python|numpy|pandas|packages|libraries") and prompt.says("versions?|installed")):
        return ()
    return (Program("Looking at the interpreter", code(_PYTHON)),)


RULES: tuple[Rule, ...] = (hello, link, text, random_words, weekdays, wait, python)
"""In the order they are tried."""


_TEXT = """
    text = $text
    print("words:", len(text.split()))
    print("characters:", len(text))
    print("reversed:", text[::-1])
    print("upper case:", text.upper())
"""
_WORDS = """
    import random

    generator = random.Random($seed)
    syllables = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]
    words = ["".join(generator.choices(syllables, k=generator.randint(2, 4))) for _ in range($n)]
    print("made:  ", *words)
    print("sorted:", *sorted(words))
"""
_WEEKDAYS = """
    from datetime import date, timedelta

    year, number = $year, $number
    days = [date(year, 1, 1) + timedelta(n) for n in range(366)]
    found = [day for day in days if day.year == year and day.weekday() == number]
    print(f"{year} has {len(found)} {found[0]:%A}s, from {found[0]} to {found[-1]}")
"""
_WAIT = """
    import time

    seconds = $seconds
    for second in range(1, seconds + 1):
        time.sleep(1)
        print(f"{second} of {seconds} s", flush=True)
    print("done waiting")
"""
_LINK = """
    import urllib.error
    import urllib.request

    url = $url
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            print(f"{url} answered {answer.status} with {len(answer.read())} bytes")
    except (OSError, urllib.error.URLError) as error:
        print(f"{url} could not be reached from here: {error}")
        print("This program has no network. Attach the page or the file instead.")
"""
_PYTHON = """
    import platform
    from importlib.metadata import distributions

    print("Python", platform.python_version())
    names = sorted({f"{found.metadata['Name']} {found.version}" for found in distributions()}, key=str.lower)
    print(f"{len(names)} packages:", ", ".join(names))
"""
