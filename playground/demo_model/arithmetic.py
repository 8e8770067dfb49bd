"""Programs that compute, with the standard library only."""

from __future__ import annotations

import ast
import re

from playground.demo_model.program import Program, Prompt, Rule, code

_COMPUTE = "comput\\w*|calculat\\w*|estimat\\w*|simulat\\w*|approximat\\w*|evaluate"
_LISTED = re.compile(r"-?\d[\d.]*(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s+)-?\d")
"""Two numbers in a row, and not the numbers of two things."""
_NO_EXPRESSION = re.compile(r"\b\d{1,4}-\d\d?-\d{1,4}\b|\b24/7\b")
"""Dates, and "always"."""
_EXPRESSION = re.compile(r"[-+(]*\s*\d[\d.\s()+*/^%-]*[\d)]")
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


def primes(prompt: Prompt) -> tuple[Program, ...]:
    if not prompt.says(r"primes|prime numbers?|[\d,]+(?:st|nd|rd|th) prime"):
        return ()
    if nth := re.search(r"(\d[\d,]*)(?:st|nd|rd|th)\b", prompt.words):
        return (Program("Sieving for the prime", code(_NTH_PRIME, n=int(nth[1].replace(",", "")))),)
    below = prompt.says("below|under|up to|less than|smaller than")
    return (Program("Sieving for primes", code(_PRIMES_BELOW if below else _PRIMES, n=prompt.count(10))),)


def fibonacci(prompt: Prompt) -> tuple[Program, ...]:
    if not prompt.says(r"fibonacci\w*"):
        return ()
    return (Program("Adding up Fibonacci numbers", code(_FIBONACCI, n=prompt.count(10))),)


def factorial(prompt: Prompt) -> tuple[Program, ...]:
    found = re.search(r"(\d+)!", prompt.text)
    if not (prompt.says("factorials?") or (found and prompt.says(f"{_COMPUTE}|what is|what's"))):
        return ()
    n = int(found[1]) if found else prompt.count(10)
    return (Program("Multiplying", code(_FACTORIAL, n=n)),)


def estimate_pi(prompt: Prompt) -> tuple[Program, ...]:
    if not (prompt.says("pi|π") and prompt.says(_COMPUTE)):
        return ()
    return (
        Program("Throwing random points at a circle", code(_PI, n=prompt.count(200_000), seed=prompt.part)),
    )


def chance(prompt: Prompt) -> tuple[Program, ...]:
    if not (prompt.says("dice|die|coins?") and prompt.says("roll|rolls|throw|throws|toss|tosses|flip|flips")):
        return ()
    faces = ["heads", "tails"] if prompt.says("coins?") else [1, 2, 3, 4, 5, 6]
    return (Program("Throwing", code(_CHANCE, n=prompt.count(1_000), faces=faces, seed=prompt.part)),)


def powers(prompt: Prompt) -> tuple[Program, ...]:
    if not (prompt.says("squares|cubes") and prompt.numbers):
        return ()
    power = 3 if prompt.says("cubes") else 2
    return (Program("Writing the table", code(_POWERS, n=prompt.count(10), power=power)),)


def statistics(prompt: Prompt) -> tuple[Program, ...]:
    """Sums and means of the numbers in the request, or of a range ("from 1 to 100")."""
    names = [name for name, words in _OPERATIONS.items() if prompt.says(words)]
    span = re.search(r"(-?\d+)\s*(?:to|\.\.\.?|through)\s*(-?\d+)", prompt.text)
    if names and span and 0 <= int(span[2]) - int(span[1]) <= 1_000_000:
        return (Program("Adding up the range", code(_RANGE, a=int(span[1]), b=int(span[2]), names=names)),)
    values = [float(n) if "." in n else int(n) for n in prompt.numbers]
    if not names or len(values) < 2 or not _LISTED.search(prompt.text):
        return ()
    return (Program("Computing with the numbers given", code(_STATISTICS, values=values, names=names)),)


def expression(prompt: Prompt) -> tuple[Program, ...]:
    for found in _EXPRESSION.findall(_NO_EXPRESSION.sub(" ", prompt.text)):
        source = found.strip().replace("^", "**")
        if re.search(r"\d\s*[-+*/%]+\s*[-(]*\d", source) and _is_arithmetic(source):
            return (Program("Calculating", f'print("{source} =", {source})\n'),)
    return ()


RULES: tuple[Rule, ...] = (
    primes,
    fibonacci,
    factorial,
    estimate_pi,
    chance,
    powers,
    statistics,
    expression,
)
"""In the order they are tried: specific keywords first, common ones last."""


def _is_arithmetic(source: str) -> bool:
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError:
        return False
    allowed = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)
    return all(isinstance(node, allowed) for node in ast.walk(tree))


_PRIMES = """
    import itertools

    n = $n
    primes = []
    candidate = 2
    while len(primes) < n:
        small = itertools.takewhile(lambda prime: prime * prime <= candidate, primes)
        if all(candidate % prime for prime in small):
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
_NTH_PRIME = """
    import itertools

    n = $n
    primes = []
    candidate = 2
    while len(primes) < n:
        small = itertools.takewhile(lambda prime: prime * prime <= candidate, primes)
        if all(candidate % prime for prime in small):
            primes.append(candidate)
        candidate += 1
    print(f"prime number {n} is {primes[-1]}")
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
