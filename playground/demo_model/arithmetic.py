"""Small programs that compute, count, sort, wait or look around, with the standard library alone."""

from __future__ import annotations

import ast
import re

from playground.demo_model.program import Ask, Program, Rule, code

_EXPRESSION = re.compile(r"[-+(]*\s*\d[\d.\s()+*/^%-]*[\d)]")
_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
_OPERATIONS = {
    "sum": "sum|total|add",
    "mean": "mean|average",
    "median": "median",
    "max": "max|maximum|largest",
}
_OPERATIONS |= {
    "min": "min|minimum|smallest",
    "stdev": "std|stdev|standard deviation",
    "sorted": "sort|sorted",
}


def hello(ask: Ask) -> tuple[Program, ...]:
    return (
        (Program("Printing the greeting", 'print("Hello, World!")\n'),) if ask.says(r"hello,? world") else ()
    )


def primes(ask: Ask) -> tuple[Program, ...]:
    if not ask.says("primes?|prime numbers?"):
        return ()
    below = ask.says("below|under|up to|less than|smaller than")
    return (Program("Sieving for primes", code(_PRIMES_BELOW if below else _PRIMES, n=ask.count(10))),)


def fibonacci(ask: Ask) -> tuple[Program, ...]:
    if not ask.says(r"fibonacci\w*"):
        return ()
    return (Program("Adding up Fibonacci numbers", code(_FIBONACCI, n=ask.count(10))),)


def factorial(ask: Ask) -> tuple[Program, ...]:
    if not (ask.says("factorials?") or re.search(r"\d!", ask.text)):
        return ()
    found = re.search(r"(\d+)!", ask.text)
    n = int(found[1]) if found else ask.count(10)
    return (Program("Multiplying", code(_FACTORIAL, n=n)),)


def estimate_pi(ask: Ask) -> tuple[Program, ...]:
    if not ask.says("pi|π"):
        return ()
    return (Program("Throwing random points at a circle", code(_PI, n=ask.count(200_000), seed=ask.part)),)


def chance(ask: Ask) -> tuple[Program, ...]:
    if not ask.says("dice|die|coins?"):
        return ()
    faces = ["heads", "tails"] if ask.says("coins?") else [1, 2, 3, 4, 5, 6]
    return (Program("Throwing", code(_CHANCE, n=ask.count(1_000), faces=faces, seed=ask.part)),)


def powers(ask: Ask) -> tuple[Program, ...]:
    if not ask.says("squares|cubes"):
        return ()
    power = 3 if ask.says("cubes") else 2
    return (Program("Writing the table", code(_POWERS, n=ask.count(10), power=power)),)


def statistics(ask: Ask) -> tuple[Program, ...]:
    """Sums and means of the numbers in the request, or of a range ("from 1 to 100")."""
    names = [name for name, words in _OPERATIONS.items() if ask.says(words)]
    span = re.search(r"(-?\d+)\s*(?:to|\.\.\.?|through)\s*(-?\d+)", ask.text)
    if names and span and 0 <= int(span[2]) - int(span[1]) <= 1_000_000:
        return (Program("Adding up the range", code(_RANGE, a=int(span[1]), b=int(span[2]), names=names)),)
    values = [float(n) if "." in n else int(n) for n in ask.numbers]
    if not names or len(values) < 2:
        return ()
    return (Program("Computing with the numbers given", code(_STATISTICS, values=values, names=names)),)


def expression(ask: Ask) -> tuple[Program, ...]:
    for found in _EXPRESSION.findall(ask.text):
        source = found.strip().replace("^", "**")
        if re.search(r"\d\s*[-+*/%]+\s*[-(]*\d", source) and _is_arithmetic(source):
            return (Program("Calculating", f'print("{source} =", {source})\n'),)
    return ()


def text(ask: Ask) -> tuple[Program, ...]:
    found = _QUOTED.search(ask.text)
    if not found or not ask.says("count|reverse|words?|letters?|length|upper|uppercase|characters?"):
        return ()
    return (Program("Looking at the text", code(_TEXT, text=found[1])),)


def wait(ask: Ask) -> tuple[Program, ...]:
    if not ask.says(r"wait|sleep|slowly|pause"):
        return ()
    return (Program("Waiting", code(_WAIT, seconds=ask.count(10))),)


def link(ask: Ask) -> tuple[Program, ...]:
    found = re.search(r"https?://[^\s<>|\"')\]]*[^\s<>|\"')\].,;:!?]", ask.text)
    return (Program("Trying to reach the address", code(_LINK, url=found[0])),) if found else ()


def python(ask: Ask) -> tuple[Program, ...]:
    if not ask.says(r"(?:python|numpy|pandas) version|versions?|installed|packages"):
        return ()
    return (Program("Looking at the interpreter", code(_PYTHON)),)


def anything(ask: Ask) -> tuple[Program, ...]:
    """The last resort, which is honest about it."""
    return (Program("Looking at the request", code(_ANYTHING, request=ask.text[:500])),)


RULES: tuple[Rule, ...] = (
    hello,
    link,
    primes,
    fibonacci,
    factorial,
    estimate_pi,
    chance,
    powers,
    text,
    statistics,
    expression,
    wait,
    python,
)
"""In the order they are asked: words that name one thing before words that many requests hold."""


def _is_arithmetic(source: str) -> bool:
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError:
        return False
    allowed = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)
    return all(isinstance(node, allowed) for node in ast.walk(tree))


_PRIMES = """
    n = $n
    primes = []
    candidate = 2
    while len(primes) < n:
        if all(candidate % prime for prime in primes if prime * prime <= candidate):
            primes.append(candidate)
        candidate += 1
    print(f"The first {n} primes:")
    print(*primes)
    print("their sum:", sum(primes))
"""
_PRIMES_BELOW = """
    n = $n
    is_prime = [False, False] + [True] * max(n - 1, 0)
    for number in range(2, int(n**0.5) + 1):
        if is_prime[number]:
            for multiple in range(number * number, n + 1, number):
                is_prime[multiple] = False
    primes = [number for number in range(n + 1) if is_prime[number]]
    print(f"{len(primes)} primes up to {n}:")
    print(*primes)
"""
_FIBONACCI = """
    import sys

    sys.set_int_max_str_digits(0)
    n = $n
    a, b = 0, 1
    numbers = []
    for _ in range(n):
        numbers.append(a)
        a, b = b, a + b
    print(f"The first {n} Fibonacci numbers:")
    print(*numbers)
"""
_FACTORIAL = """
    import math
    import sys

    sys.set_int_max_str_digits(0)
    n = $n
    print(f"{n}! = {math.factorial(n)}")
"""
_PI = """
    import math
    import random

    n, seed = $n, $seed
    generator = random.Random(seed)
    inside = sum(generator.random() ** 2 + generator.random() ** 2 <= 1 for _ in range(n))
    estimate = 4 * inside / n
    print(f"{inside} of {n} random points lie in the circle, so pi is about {estimate:.5f}")
    print(f"off by {abs(estimate - math.pi):.5f}")
"""
_CHANCE = """
    import random
    from collections import Counter

    n, faces = $n, $faces
    generator = random.Random($seed)
    counts = Counter(generator.choice(faces) for _ in range(n))
    print(f"{n} throws:")
    for face in faces:
        print(f"{face}: {counts[face]} ({counts[face] / n:.1%})")
"""
_POWERS = """
    n, power = $n, $power
    for number in range(1, n + 1):
        print(f"{number}^{power} = {number**power}")
"""
_STATISTICS = """
    import statistics

    values = $values
    functions = {
        "sum": sum, "mean": statistics.mean, "median": statistics.median, "max": max, "min": min,
        "stdev": statistics.stdev, "sorted": sorted,
    }
    print("numbers:", *values)
    for name in $names:
        print(f"{name}: {functions[name](values)}")
"""
_RANGE = """
    import statistics

    a, b = $a, $b
    values = range(a, b + 1)
    functions = {
        "sum": sum, "mean": statistics.mean, "median": statistics.median, "max": max, "min": min,
        "stdev": statistics.stdev, "sorted": list,
    }
    for name in $names:
        print(f"{name} of {a} to {b}: {functions[name](values)}")
"""
_TEXT = """
    text = $text
    print("words:", len(text.split()))
    print("characters:", len(text))
    print("reversed:", text[::-1])
    print("upper case:", text.upper())
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
_ANYTHING = """
    import re
    from pathlib import Path

    request = $request
    words = re.findall(r"[^\\W\\d_]+", request)
    print("No ready-made program fits this request, so here is only what can be counted about it.")
    print(f"words: {len(words)}, longest: {max(words, key=len, default='none')}")
    print("numbers:", *(re.findall(r"\\d+(?:\\.\\d+)?", request) or ["none"]))
    print("files here:", ", ".join(sorted(path.name for path in Path().iterdir())) or "none")
"""
