"""Documents as people attach them are written and read with the packages of the image. Needs Docker."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from sandbox.image.tag import Recipe
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support import programs_with_packages
from tests.support.batches import run_together
from tests.support.documents import DOCUMENTS
from tests.support.sandboxes import RunCode

NAMES = sorted(DOCUMENTS)
#: Modules that have another name than their package.
MODULES = {
    "beautifulsoup4": "bs4", "pillow": "PIL", "python-docx": "docx", "python-pptx": "pptx",
    "pyyaml": "yaml", "scikit-learn": "sklearn",
}  # fmt: skip
IMPORT = re.compile(r"\b(?:import|from) ([\w., ]+)")
TOGETHER = 16  # programs in one container: each that imports pandas takes two seconds of a core to start

PASSWORD = """
import pypdf
from reportlab.pdfgen.canvas import Canvas
page = Canvas("a.pdf"); page.drawString(72, 700, "secret"); page.save()
writer = pypdf.PdfWriter("a.pdf")
writer.encrypt("password", algorithm="AES-256")
writer.write("locked.pdf")
"""
BROKEN = "The file can't be read as what its name says"
LOCKED = "The file is protected by a password"


@pytest.mark.parametrize("first", range(0, len(NAMES), TOGETHER))
async def test_documents_are_written_by_one_program_and_read_by_the_next(
    shared_sandbox: Sandbox, first: int
) -> None:
    names = NAMES[first : first + TOGETHER]
    code = [
        part
        for name in names
        for part in (DOCUMENTS[name][0], f"assert __import__('os').path.exists({name!r})")
    ]
    written = await shared_sandbox.run(Job(code="\n".join(code)))
    assert (written.status, written.stderr) == (Status.OK, "")
    assert set(names) <= set(written.files)
    code = [part for name in names for part in (f"print({name!r}, end=' ')", DOCUMENTS[name][1])]
    read = await shared_sandbox.run(Job(code="\n".join(code), files=written.files))
    assert (read.status, read.stderr) == (Status.OK, "")
    assert read.stdout.splitlines() == [f"{name} tea 5" for name in names]


def test_a_program_of_the_tests_uses_every_package_of_the_image() -> None:
    packages = dict(Recipe().context())["requirements/packages.in"].decode().split()
    modules = {MODULES.get(name, name.replace("-", "_")) for name in packages}
    run = [*(part for both in DOCUMENTS.values() for part in both)]
    run += [program.code for program in programs_with_packages.PROGRAMS]
    imported = {name for code in run for name in re.findall(r"\w+", " ".join(IMPORT.findall(code)))}
    # pandas imports the first three by itself; the fourth has a test of its own.
    assert modules - imported == {"lxml", "pyarrow", "python_calamine", "seaborn"}


UNREADABLE = (
    ("a.pdf", b"%PDF-1.7\nno more", "import pypdf\npypdf.PdfReader('a.pdf').pages[0]", BROKEN),
    ("a.pdf", b"PK", "import pdfplumber\npdfplumber.open('a.pdf').pages[0]", BROKEN),
    ("a.docx", b"PK\x03\x04 and no more", "import docx\ndocx.Document('a.docx')", BROKEN),
    ("a.pptx", b"text", "import pptx\npptx.Presentation('a.pptx')", BROKEN),
    ("a.xlsx", b"a,b\n1,2\n", "import openpyxl\nopenpyxl.load_workbook('a.xlsx')", BROKEN),
    ("a.xlsx", b"PK\x03\x04", "import pandas as pd\npd.read_excel('a.xlsx', engine='calamine')", BROKEN),
    ("a.parquet", b"PAR1", "import pandas as pd\npd.read_parquet('a.parquet')", BROKEN),
    ("a.png", b"\x89PNG\r\n\x1a\n", "from PIL import Image\nImage.open('a.png')", BROKEN),
    ("a.zip", b"PK", "import zipfile\nzipfile.ZipFile('a.zip')", BROKEN),
    ("a.gz", b"text", "import gzip\ngzip.open('a.gz').read()", BROKEN),
    ("a.csv", b"", "import pandas as pd\npd.read_csv('a.csv')", BROKEN),
    ("a.txt", b"", PASSWORD + "pypdf.PdfReader('locked.pdf').pages[0].extract_text()", LOCKED),
    ("a.txt", b"", PASSWORD + "import pdfplumber\npdfplumber.open('locked.pdf').pages[0]", LOCKED),
)  # fmt: skip


async def test_files_that_can_not_be_read_end_in_a_sentence(shared_sandbox: Sandbox) -> None:
    codes = [f"open({name!r}, 'wb').write({content!r})\n{code}" for name, content, code, _ in UNREADABLE]
    ended = await run_together(shared_sandbox, codes, data=True)
    for (name, content, _, sentence), end in zip(UNREADABLE, ended, strict=True):
        assert end.exit_code == 1, (name, content)
        assert sentence in end.stderr, (name, content)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A ZIP file of 200 kB that holds 200 MB."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writing,
        writing.open("0", "w", force_zip64=True) as entry,
    ):
        for _ in range(200):
            entry.write(bytes(1 << 20))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("import zipfile\nzipfile.ZipFile('bomb.zip').extractall()", Status.ERROR, "There is no room left"),
        ("import zipfile\nlen(zipfile.ZipFile('bomb.zip').read('0'))", Status.OOM, "more than 96 MiB"),
    ],
)
async def test_a_zip_bomb_ends_within_the_limits(
    run_code: RunCode, bomb: bytes, code: str, status: Status, words: str
) -> None:
    run = await run_code(code, files={"bomb.zip": bomb}, memory_mb=96, work_mb=16)
    assert run.status is status
    assert words in run.stderr + run.sentence
