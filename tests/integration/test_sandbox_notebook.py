"""Programs with a notebook's habits, and what the model reads where the sandbox is none. Needs Docker."""

# ruff: noqa: E501
from __future__ import annotations

import pytest

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support.batches import run_together
from tests.support.sandboxes import RunCode

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
#: Prints for each figure how size and mean brightness differ from those of a tight savefig.
AS_SAVED = """
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

def plain():
    plt.plot([1, 2, 3], label="a")
    plt.title("Revenue")

def legend_outside():
    plain()
    plt.legend(bbox_to_anchor=(1.6, 1))

def long_labels():
    plt.bar(["a rather long name", "and another one"], [1, 2])
    plt.xticks(rotation=90)

def dark():
    plt.style.use("dark_background")
    plain()

def constrained():
    plt.subplots(2, 2, layout="constrained")
    plain()

def other_size():
    plt.figure(figsize=(3, 8), dpi=72, facecolor="yellow")
    plain()

for number, draw in enumerate([plain, legend_outside, long_labels, dark, constrained, other_size], 1):
    with plt.rc_context():
        draw()
        plt.savefig("/tmp/saved.png", dpi=110, bbox_inches="tight")
        plt.show()
    saved, shown = (np.asarray(Image.open(name).convert("L"), float) for name in ("/tmp/saved.png", f"figure-{number}.png"))
    (height, width), (high, wide) = saved.shape, shown.shape
    print(draw.__name__, wide - width, high - height, abs(saved.mean() - shown.mean()))
"""
FIGURES = """
import os
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

plt.plot([1])
plt.savefig("shown.png")
plt.show()
plt.figure()
plt.savefig("closed.png")
plt.close()
for n in range(2):
    plt.figure()
plt.show()  # figure-1 and figure-2
plt.plot([1])
os.chdir("/tmp")
plt.show()  # figure-3
plt.plot([1])
plt.savefig("/tmp/outside.png")
plt.show()  # figure-4
plt.figure()
plt.savefig("/work/bare.png")
plt.figure()
pd.Series([1, 3]).plot()
plt.gcf().show()  # figure-5, which is open at the end as well
"""
FENCED = "Here is the program:\n```python\nprint(6 * 7)\n```\nIt prints the answer."
MAGIC = "%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\nprint(1)\nif True:\n    %time print(2)"
WIDE = """
import pandas as pd
print(pd.DataFrame([list(range(20))], columns=[f"column_{n}" for n in range(20)]))
"""


TAKEN = (
    (FENCED, "42\n"),
    ("```\nprint(1)\n```", "1\n"),
    (MAGIC, "1\n2\n"),
    ("%%time\nprint(1)", "1\n"),
    ("!echo shell\nprint(1)", "shell\n1\n"),
    ("display('a', [1])\n", "a\n[1]\n"),
    ("from IPython.display import display, Markdown\ndisplay(Markdown('# a'))", "# a\n"),
    ("import asyncio\nawait asyncio.sleep(0, 5)", "5\n"),
    ("import asyncio\nasync def f(n):\n    return n\nprint(await asyncio.gather(f(1), f(2)))", "[1, 2]\n"),
    ("open('/mnt/data/a.txt', 'w').write('x')\nprint(open('/work/a.txt').read())", "x\n"),
    (
        "import os\nos.environ['TZ'] = 'America/New_York'\nimport time\ntime.tzset()\nprint(time.tzname[0])",
        "EST\n",
    ),
    ("import zoneinfo\nprint(zoneinfo.ZoneInfo('Asia/Tokyo'))", "Asia/Tokyo\n"),
    ("import getpass, os\nprint(getpass.getuser(), os.cpu_count())", "sandbox 1\n"),
)
MISSING = (
    ("print(frame)", "Each call has a new interpreter"),
    ("import requests\nrequests.get('https://example.com')", "The sandbox has no network"),
    ("import urllib.request\nurllib.request.urlopen('http://example.com')", "The sandbox has no network"),
    ("import pandas as pd\npd.read_csv('https://example.com/a.csv')", "The sandbox has no network"),
    ("open('sales.csv')", ", programs.json."),
    ("input('Which? ')", "No one can type"),
    ("import polars", "No package can be installed"),
    ("try:\n    open('/tmp/full', 'wb').write(bytes(80 << 20))\nfinally:\n    import os; os.remove('/tmp/full')",
     "There is no room left"),
    ("open('cp1252', 'wb').write('ä'.encode('cp1252'))\nopen('cp1252').read()", "The text is not UTF-8"),
    ("import pandas as pd\ndf = pd.DataFrame({'a': [None, 1.0]})\ndf['a'].fillna(0, inplace=True)", "Copy-on-Write"),
    ("import warnings\nwarnings.filterwarnings('ignore')\nimport pandas as pd\n"
     "df = pd.DataFrame({'a': [1, 2]})\ndf[df.a > 1]['a'] = 5", "Copy-on-Write"),
)  # fmt: skip


async def test_what_a_notebook_takes_is_taken(shared_sandbox: Sandbox) -> None:
    ended = await run_together(shared_sandbox, [code for code, _ in TAKEN])
    for (code, stdout), end in zip(TAKEN, ended, strict=True):
        assert (code, end.exit_code, end.stdout, end.stderr) == (code, 0, stdout, "")


async def test_what_can_not_be_here_ends_in_a_sentence(shared_sandbox: Sandbox) -> None:
    ended = await run_together(shared_sandbox, [code for code, _ in MISSING], data=True)
    for (code, sentence), end in zip(MISSING, ended, strict=True):
        assert (code, end.exit_code) == (code, 1)
        assert sentence in end.stderr, code


async def test_an_error_of_syntax_shows_the_line_as_it_was_written(run_code: RunCode) -> None:
    run = await run_code("%matplotlib inline\nprint(1\n")
    assert "SyntaxError" in run.stderr
    assert "%matplotlib inline" in run.stderr or "print(1" in run.stderr


async def test_variables_that_are_carried_need_no_sentence_about_them(sandbox: Sandbox) -> None:
    run = await sandbox.run(Job(code="print(frame)", state=b""))
    assert "NameError" in run.stderr
    assert "new interpreter" not in run.stderr


async def test_a_wide_table_is_shown_whole(run_code: RunCode) -> None:
    run = await run_code(WIDE)
    assert all(f"column_{n}" in run.stdout for n in range(20))
    assert "..." not in run.stdout


@pytest.mark.parametrize(
    ("code", "files"),
    [
        pytest.param(f"{PLOT}plt.xlabel(undefined)", [], id="a program that raised"),
        pytest.param(f"{PLOT}raise SystemExit(1)", [], id="a program that gave up"),
        pytest.param(FIGURES, ["bare.png", "closed.png", "figure-1.png", "figure-2.png", "figure-3.png", "figure-4.png",
                               "figure-5.png", "shown.png"], id="saved and shown"),
        pytest.param(
            "import matplotlib.pyplot as plt\nfor n in range(30):\n    plt.figure(figsize=(1, 1))",
            sorted(f"figure-{n}.png" for n in range(1, 31)),
            id="thirty",
        ),
        pytest.param(
            "import matplotlib.pyplot as plt\nplt.figure()\nplt.title('$\\\\frac{$')\nplt.figure()\nplt.plot([1])",
            ["figure-1.png"],
            id="one that can't be drawn",
        ),
    ],
)  # fmt: skip
async def test_each_figure_comes_back_once(run_code: RunCode, code: str, files: list[str]) -> None:
    run = await run_code(code)
    assert sorted(run.files) == files
    assert all(data.startswith(b"\x89PNG\r\n\x1a\n") for data in run.contents().values())


async def test_a_shown_figure_is_what_savefig_would_write(run_code: RunCode) -> None:
    run = await run_code(AS_SAVED)
    assert len(run.stdout.splitlines()) == 6, run.stderr
    for line in run.stdout.splitlines():
        name, width, height, difference = line.split()
        assert (name, abs(int(width)) <= 2, abs(int(height)) <= 2) == (name, True, True), line
        assert float(difference) < 3, line


async def test_what_lies_outside_work_is_named(run_code: RunCode) -> None:
    run = await run_code(f"{PLOT}plt.savefig('/tmp/c.png')\nimport tempfile\ntempfile.mkstemp()")
    assert run.notes == (
        "Not kept, since it lies outside /work: /tmp/c.png. Save to /work what is needed later.",
    )


async def test_text_in_every_script_is_drawn_without_a_word(run_code: RunCode) -> None:
    code = """
import matplotlib.pyplot as plt
for family in (None, ["Arial", "DejaVu Sans"], "SimHei"):  # the second is seaborn's
    if family:
        plt.rcParams["font.family"] = family
    plt.figure()
    plt.title("销售额 売上高 매출 Продажи")
    plt.xlabel("🚀 📈 ✅ 😀 €")
    plt.ylabel("مبيعات ยอดขาย बिक्री מכירות")
    plt.savefig("plot.png")
plt.savefig("plot.pdf")
plt.savefig("plot.svg")
"""
    run = await run_code(code)
    assert (run.status, run.stderr) == (Status.OK, "")


@pytest.mark.parametrize("cpus", [1.0, 2.0])
async def test_threads_and_processes_follow_the_limit(run_code: RunCode, cpus: float) -> None:
    code = """
import os, multiprocessing, threadpoolctl, numpy, joblib
from concurrent.futures import ProcessPoolExecutor
numpy.ones((2, 2)) @ numpy.ones((2, 2))
print(os.cpu_count(), multiprocessing.cpu_count(), joblib.cpu_count(),
      {pool["num_threads"] for pool in threadpoolctl.threadpool_info()})
with ProcessPoolExecutor() as pool:
    print(list(pool.map(abs, [-1, 2])))
"""
    run = await run_code(code, cpus=cpus)
    n = int(cpus)
    # joblib looks at the machine's cores too, and this one may have a single one.
    assert run.stdout.startswith(f"{n} {n} "), run.stderr
    assert run.stdout.endswith(f"{{{n}}}\n[1, 2]\n")
