"""Documents as people attach them are written and read with the packages of the image. Needs Docker."""

from __future__ import annotations

import io
import zipfile

import pytest

from sandbox.image.tag import Recipe
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support.documents import DOCUMENTS

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAMES = sorted(DOCUMENTS)
#: Modules that have another name than their package.
MODULES = {
    "beautifulsoup4": "bs4", "pillow": "PIL", "python-docx": "docx", "python-pptx": "pptx",
    "pyyaml": "yaml", "scikit-learn": "sklearn",
}  # fmt: skip
TOGETHER = 8  # programs in one container: as many containers as kinds would take minutes

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


async def test_every_package_of_the_image_can_be_imported(shared_sandbox: Sandbox) -> None:
    names = dict(Recipe().context())["requirements/packages.in"].decode().split()
    modules = [MODULES.get(name, name.replace("-", "_")) for name in names]
    code = f"import importlib\nfor name in {modules}:\n    importlib.import_module(name)"
    run = await shared_sandbox.run(Job(code=code))
    assert (run.status, run.stderr) == (Status.OK, "")


@pytest.mark.parametrize(
    ("name", "content", "code", "sentence"),
    [
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
    ],
)  # fmt: skip
async def test_a_file_that_can_not_be_read_ends_in_a_sentence(
    shared_sandbox: Sandbox, name: str, content: bytes, code: str, sentence: str
) -> None:
    run = await shared_sandbox.run(Job(code=code, files={name: content}))
    assert run.status is Status.ERROR
    assert sentence in run.stderr


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import zipfile\nzipfile.ZipFile('bomb.zip').extractall()", Status.ERROR),
        ("import zipfile\nlen(zipfile.ZipFile('bomb.zip').read('0'))", Status.OOM),
    ],
)
async def test_a_zip_bomb_ends_within_the_limits(shared_sandbox: Sandbox, code: str, status: Status) -> None:
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as writing,
        writing.open("0", "w", force_zip64=True) as entry,
    ):
        for _ in range(1200):
            entry.write(bytes(1 << 20))
    run = await shared_sandbox.run(Job(code=code, files={"bomb.zip": bomb.getvalue()}))
    assert run.status is status
    assert "room left" in run.stderr or "more than 1024 MiB" in run.sentence
