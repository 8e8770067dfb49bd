"""Small programs as models write them, on the standard library alone, and what each prints and leaves.

What a program prints is worked out apart from it: by hand, or because the answer is known.
"""

from __future__ import annotations

from dataclasses import dataclass

SALES = b"region,month,amount\nnorth,1,100\nsouth,1,50\nnorth,2,200\nsouth,2,\nwest,2,25\n"
"""What each finds as `sales.csv`."""


@dataclass(frozen=True)
class Program:
    """`prints` is all of stdout; `leaves` names its files, in order of name."""

    name: str
    code: str
    prints: str
    leaves: tuple[str, ...] = ()


PROGRAMS = (
    Program(
        "sqlite3",
        """
import sqlite3
with sqlite3.connect("shop.db") as db:
    db.execute("create table sale (item text, price real)")
    db.executemany("insert into sale values (?, ?)", [("tea", 2.5), ("tea", 3.5), ("cake", 4)])
    print(db.execute("select item, count(*), sum(price) from sale group by item order by item").fetchall())
    print(db.execute("select sum(price) over (order by rowid) from sale").fetchall()[-1])
db.close()
""",
        "[('cake', 1, 4.0), ('tea', 2, 6.0)]\n(10.0,)\n",
        ("shop.db",),
    ),
    Program(
        "csv to JSON",
        """
import csv, json
from collections import defaultdict
months = defaultdict(list)
with open("sales.csv", newline="") as file:
    for row in csv.DictReader(file):
        months[row["month"]].append(int(row["amount"] or 0))
with open("months.json", "w") as file:
    json.dump({month: sum(amounts) for month, amounts in months.items()}, file)
print(open("months.json").read())
""",
        '{"1": 150, "2": 225}\n',
        ("months.json",),
    ),
    Program(
        "regular expressions and unicode",
        r"""
import re, unicodedata
log = "10:01 ERROR disk full\n10:02 INFO fine\n10:03 ERROR größe 中文 naïve\n"
print(re.findall(r"^(\d\d:\d\d) ERROR (.+)$", log, re.M))
print(re.sub(r"(\w+)@(\w+)\.org", r"\2 of \1", "ann@example.org"), "straße".upper(), len("👩‍👩‍👧"))
print(unicodedata.normalize("NFKD", "é").encode("ascii", "ignore"), sorted("zäa"), "日本".encode())
""",
        "[('10:01', 'disk full'), ('10:03', 'größe 中文 naïve')]\nexample of ann STRASSE 5\n"
        "b'e' ['a', 'z', 'ä'] b'\\xe6\\x97\\xa5\\xe6\\x9c\\xac'\n",
    ),
    Program(
        "dataclasses, enums, typing",
        """
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from functools import cached_property, singledispatch, total_ordering

class Kind(Enum):
    SMALL, LARGE = "s", "l"

@dataclass(order=True, frozen=True)
class Box:
    size: int
    kind: Kind = field(default=Kind.SMALL, compare=False)

print(max(Box(1), Box(3), Box(2)), asdict(replace(Box(9), kind=Kind.LARGE))["kind"].value)
match Box(4):
    case Box(size=n) if n > 3: print("big", n)
""",
        "Box(size=3, kind=<Kind.SMALL: 's'>) l\nbig 4\n",
    ),
    Program(
        "asyncio",
        """
import asyncio

async def work(n, queue):
    await asyncio.sleep(0.01 * (3 - n))
    await queue.put(n)
    return n * n

async def main():
    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(n, queue)) for n in range(3)]
    print([task.result() for task in tasks], [queue.get_nowait() for _ in range(3)])
    try:
        async with asyncio.timeout(0.05):
            await asyncio.sleep(60)
    except TimeoutError:
        print("late")

asyncio.run(main())
""",
        "[0, 1, 4] [2, 1, 0]\nlate\n",
    ),
    Program(
        "processes",
        """
import multiprocessing, subprocess, sys
from concurrent.futures import ProcessPoolExecutor

def collatz(n):
    steps = 0
    while n != 1:
        n, steps = (n // 2 if n % 2 == 0 else 3 * n + 1), steps + 1
    return steps

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(collatz, [1, 7, 27])))
    queue = multiprocessing.Queue()
    child = multiprocessing.Process(target=queue.put, args=("from a child",))
    child.start(); print(queue.get()); child.join()
    done = subprocess.run(["sh", "-c", "echo $((6 * 7)); exit 3"], capture_output=True, text=True)
    print(done.returncode, done.stdout)
""",
        "[0, 16, 111]\nfrom a child\n3 42\n\n",
    ),
    Program(
        "threads",
        """
import queue, threading
from concurrent.futures import ThreadPoolExecutor
lock, total = threading.Lock(), 0

def add(n):
    global total
    for _ in range(1000):
        with lock:
            total += n

with ThreadPoolExecutor(8) as pool:
    list(pool.map(add, range(8)))
print(total)
""",
        "28000\n",
    ),
    Program(
        "argparse with no arguments",
        """
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("--count", type=int, default=3)
parser.add_argument("names", nargs="*")
print(parser.parse_args(), sys.argv)
""",
        "Namespace(count=3, names=[]) ['/work/main.py']\n",
    ),
    Program(
        "nobody to ask",
        """
try:
    name = input("Your name? ")
except EOFError:
    name = "nobody"
print("hello", name)
""",
        "Your name? hello nobody\n",
    ),
    Program(
        "generators, closures, decorators",
        """
from functools import lru_cache, reduce, wraps
from itertools import groupby, islice, permutations

def counted(function):
    @wraps(function)
    def wrapper(*args):
        wrapper.calls += 1
        return function(*args)
    wrapper.calls = 0
    return wrapper

@lru_cache
@counted
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def primes():
    found, n = [], 2
    while True:
        if all(n % p for p in found):
            found.append(n)
            yield n
        n += 1

print(fib(90), fib.__wrapped__.calls, list(islice(primes(), 8)))
print([(k, len(list(g))) for k, g in groupby("aabccc")], len(list(permutations("abcd"))))
""",
        "2880067194370816120 91 [2, 3, 5, 7, 11, 13, 17, 19]\n[('a', 2), ('b', 1), ('c', 3)] 24\n",
    ),
    Program(
        "numbers that floats get wrong",
        """
import math, statistics
from decimal import Decimal, getcontext
from fractions import Fraction
print(0.1 + 0.2 == 0.3, Decimal("0.1") + Decimal("0.2"), Fraction(1, 3) + Fraction(1, 6))
print(len(str(math.factorial(1000))), pow(3, 200, 13), math.isqrt(10**20), statistics.median([3, 1, 2]))
""",
        "False 0.3 1/2\n2568 9 10000000000 2\n",
    ),
    Program(
        "dates and time zones",
        """
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo
noon = datetime(2024, 7, 1, 12, tzinfo=timezone.utc)
print(noon.astimezone(ZoneInfo("Europe/Berlin")).isoformat(), noon.astimezone(ZoneInfo("Asia/Tokyo")).hour)
print(date(2024, 2, 28) + timedelta(days=2), date(2023, 12, 31).isocalendar().week)
""",
        "2024-07-01T14:00:00+02:00 21\n2024-03-01 52\n",
    ),
    Program(
        "files, folders, archives",
        """
import hashlib, pathlib, shutil, tempfile, zipfile, gzip, tarfile
root = pathlib.Path("report")
(root / "parts").mkdir(parents=True)
for n in range(3):
    (root / "parts" / f"{n}.txt").write_text("x" * n)
shutil.make_archive("report", "zip", "report")
print(sorted(p.name for p in root.rglob("*.txt")), hashlib.sha256(b"abc").hexdigest()[:8])
with tempfile.TemporaryDirectory() as folder:
    print(folder.startswith("/tmp/"))
print(gzip.decompress(gzip.compress(b"small" * 100)) == b"small" * 100)
shutil.rmtree(root)
""",
        "['0.txt', '1.txt', '2.txt'] ba7816bf\nTrue\nTrue\n",
        ("report.zip",),
    ),
    Program(
        "HTML, XML, URLs, templates",
        """
import html, string, textwrap, urllib.parse, xml.etree.ElementTree as ET
tree = ET.fromstring("<shop><item n='1'>tea</item><item n='2'>cake</item></shop>")
print({item.get("n"): item.text for item in tree.iter("item")}, html.escape("<b>"), html.unescape("&uuml;"))
print(urllib.parse.parse_qs("a=1&b=x%20y"), string.Template("$who!").substitute(who="you"))
print(textwrap.shorten("a long line of words", 12, placeholder="…"))
""",
        "{'1': 'tea', '2': 'cake'} &lt;b&gt; ü\n{'a': ['1'], 'b': ['x y']} you!\na long line…\n",
    ),
    Program("many lines", "for n in range(20_000):\n    print(n)", "".join(f"{n}\n" for n in range(20_000))),
    Program(
        "a last value with a form of its own",
        """
class Money(int):
    def __repr__(self):
        return f"{self / 100:.2f} €"

Money(1999)
""",
        "19.99 €\n",
    ),
    Program(
        "its own tests",
        """
import unittest

class Adding(unittest.TestCase):
    def test_it(self):
        self.assertEqual(1 + 1, 2)

ended = unittest.main(argv=["x"], exit=False)
print(ended.result.testsRun, ended.result.wasSuccessful())
""",
        "1 True\n",
    ),
    Program(
        "a module of its own, and compiled code",
        """
import importlib, pathlib, pickle, sys, ctypes
pathlib.Path("shapes.py").write_text("class Square:\\n    def __init__(self, a):\\n        self.side = a\\n")
importlib.invalidate_caches()
from shapes import Square
print(pickle.loads(pickle.dumps(Square(16))).side, ctypes.CDLL(None).abs(-5))
exec(compile("print(sum(range(5)))", "<made>", "exec"))
""",
        "16 5\n10\n",
        ("shapes.py",),
    ),
)
