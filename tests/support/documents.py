"""Documents of the kinds that people attach: how a program writes one, and how it reads it back.

Each program of `READ` prints `tea 5`; thirty in all, run several to a container.
"""

# ruff: noqa: E501
from __future__ import annotations

_FRAME = "import pandas as pd\nframe = pd.DataFrame({'item': ['tea'], 'price': [5]})\n"
_SHOW = "print(frame['item'].iloc[0], int(frame['price'].iloc[0]))"
#: A workbook of Excel 97, deflated: no package of the image writes one.
_XLS = (
    "eNrtWD1oFEEU/mZzl/shuezFSyARwxEwakwTbGziRkFTGaKNIoJeki2OxEtYr0mKGI1XCoKVYhNIYxO18QcVtLMQIloIgnCnpZWg"
    "YJHc+t7bWbloihxoiDLfMt+8e/Nm5t3Om7c7+3olXV6831nBLziEBlT9BBprdIpKIvxhg9p9n8WwjlPxDf4pJOK0kI1RPGl+FeM1"
    "5PWuwMK9yAti4COVs5jG8FTBzW4hjogPOcU+DBAr3CZNCh3iVavwmPAO4bti+VR4UDTXhAfItqzOYMUZ7j2oo/i01S1tKfC4D6XP"
    "e9H0ow0vOYovXVeBbRSHvXxucns2dEWasARatyG34Hq5yTIytIBL+OZnga/hTn2eNfqt1SuQ/vt6fWwD/Q0rAszDPy8BXqLk+qwh"
    "WOCLq9gFlrmQUb7oXogC015+zCVV0c0lORnL5rXXbd5mCeom4nG0iJyW0LYpPa/e+fLm+OiIc04085Kwg7S+mz2Bj8vcgzqnpMX6"
    "yb3C+4WvyKg7Re4UzlBAUt0z0qaFYwtic1Vae2ieA4K3zp4aeS/Jpc8nHnWVPjn7SF4eqsxmlt85i+imOzFO/flaQJ/qU7duMh47"
    "Ya10Cvgg3PFbOohbtvbd18+uFqwhKWJaOPjFd0dpe7WBvRJ7HnHOSoo/abTz49FqxQO5PYM1D8gkDAwMDAwMDAwMDLY1lH7B1+cM"
    "en8PjhEx/V1njUrVfCb5b3ESU3QV6WB6FAWqPczUFT/tiKpwLLXJPuH3QsYpmt3DBEbFj4m645eOgar2/2y6o/3ntlC981fr8fMv"
    "z/8DiiC+3w=="
)
_ODS = """
import zipfile
cells = "".join(
    "<table:table-row>" + "".join(
        f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in row
    ) + "</table:table-row>" for row in (("item", "price"), ("tea", "5"))
)
name = "urn:oasis:names:tc:opendocument:xmlns:"
with zipfile.ZipFile("sheet.ods", "w") as book:
    book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    book.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{name}manifest:1.0"/>')
    book.writestr("content.xml", f'''<?xml version="1.0"?>
<office:document-content xmlns:office="{name}office:1.0" xmlns:table="{name}table:1.0" xmlns:text="{name}text:1.0">
<office:body><office:spreadsheet><table:table table:name="a">{cells}</table:table></office:spreadsheet></office:body>
</office:document-content>''')
"""
_PDF = """
from reportlab.platypus import SimpleDocTemplate, Table, Paragraph
from reportlab.lib.styles import getSampleStyleSheet
SimpleDocTemplate({0!r}).build([Paragraph("Report", getSampleStyleSheet()["Title"]), Table([["tea", "5"]])])
"""

#: By name of the file: the program that writes it, and the one that reads it.
DOCUMENTS: dict[str, tuple[str, str]] = {
    "text.pdf": (
        _PDF.format("text.pdf"),
        "import pypdf\ntext = pypdf.PdfReader('text.pdf').pages[0].extract_text()\n"
        "print(*[w for w in text.split() if w in ('tea', '5')])",
    ),
    "table.pdf": (
        "from reportlab.platypus import SimpleDocTemplate, Table\n"
        "grid = [('GRID', (0, 0), (-1, -1), 1, 'black')]\n"
        "SimpleDocTemplate('table.pdf').build([Table([['tea', '5']], style=grid)])",
        "import pdfplumber\nprint(*pdfplumber.open('table.pdf').pages[0].extract_table()[0])",
    ),
    "plot.pdf": (
        "import matplotlib.pyplot as plt\nplt.figtext(0.1, 0.5, 'tea 5')\nplt.savefig('plot.pdf')",
        "import pypdf\nprint(pypdf.PdfReader('plot.pdf').pages[0].extract_text().strip())",
    ),
    "merged.pdf": (
        _PDF.format("one.pdf") + "import os, pypdf\nwriter = pypdf.PdfWriter()\nwriter.append('one.pdf')\n"
        "writer.append('one.pdf')\nwriter.write('merged.pdf')\nos.remove('one.pdf')",
        "import pypdf\nreader = pypdf.PdfReader('merged.pdf')\nassert len(reader.pages) == 2\n"
        "print(*[w for w in reader.pages[1].extract_text().split() if w in ('tea', '5')])",
    ),
    "rendered.pdf": (
        _PDF.format("rendered.pdf"),
        "import pypdfium2\npage = pypdfium2.PdfDocument('rendered.pdf')[0]\nassert page.render().to_pil().width > 100\n"
        "print(*[w for w in page.get_textpage().get_text_range().split() if w in ('tea', '5')])",
    ),
    "cjk.pdf": (
        "from reportlab.pdfgen.canvas import Canvas\nfrom reportlab.pdfbase.cidfonts import UnicodeCIDFont\n"
        "from reportlab.pdfbase.pdfmetrics import registerFont\nregisterFont(UnicodeCIDFont('STSong-Light'))\n"
        "page = Canvas('cjk.pdf')\npage.setFont('STSong-Light', 12)\npage.drawString(72, 700, '茶 tea 5')\n"
        "page.save()",
        "import pypdf\nprint(pypdf.PdfReader('cjk.pdf').pages[0].extract_text().strip()[-5:])",
    ),
    "letter.docx": (
        "import docx\nletter = docx.Document()\nletter.add_heading('Report')\nletter.add_paragraph('tea 5')\n"
        "letter.save('letter.docx')",
        "import docx\nprint(docx.Document('letter.docx').paragraphs[1].text)",
    ),
    "table.docx": (
        "import docx\nletter = docx.Document()\ntable = letter.add_table(1, 2)\n"
        "table.cell(0, 0).text, table.cell(0, 1).text = 'tea', '5'\nletter.save('table.docx')",
        "import docx\nprint(*(cell.text for cell in docx.Document('table.docx').tables[0].rows[0].cells))",
    ),
    "picture.docx": (
        "import docx, io, matplotlib.pyplot as plt\npicture = io.BytesIO()\nplt.plot([1])\nplt.savefig(picture)\n"
        "plt.close()\nletter = docx.Document()\nletter.add_picture(picture)\nletter.add_paragraph('tea 5')\n"
        "letter.save('picture.docx')",
        "import docx\nletter = docx.Document('picture.docx')\nassert len(letter.inline_shapes) == 1\n"
        "print(letter.paragraphs[-1].text)",
    ),
    "slides.pptx": (
        "import pptx\nslides = pptx.Presentation()\nslide = slides.slides.add_slide(slides.slide_layouts[5])\n"
        "slide.shapes.title.text = 'tea 5'\nslides.save('slides.pptx')",
        "import pptx\nprint(pptx.Presentation('slides.pptx').slides[0].shapes.title.text)",
    ),
    "chart.pptx": (
        "import pptx\nfrom pptx.chart.data import CategoryChartData\nfrom pptx.enum.chart import XL_CHART_TYPE\n"
        "data = CategoryChartData()\ndata.categories = ['tea']\ndata.add_series('price', (5,))\n"
        "slides = pptx.Presentation()\nslide = slides.slides.add_slide(slides.slide_layouts[6])\n"
        "slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 5_000_000, 3_000_000, data)\n"
        "slides.save('chart.pptx')",
        "import pptx\nplot = pptx.Presentation('chart.pptx').slides[0].shapes[0].chart.plots[0]\n"
        "print(plot.categories[0], int(plot.series[0].values[0]))",
    ),
    "pandas.xlsx": (
        _FRAME + "frame.to_excel('pandas.xlsx', index=False)",
        "import pandas as pd\nframe = pd.read_excel('pandas.xlsx')\n" + _SHOW,
    ),
    "sheets.xlsx": (
        _FRAME + "with pd.ExcelWriter('sheets.xlsx', engine='xlsxwriter') as book:\n"
        "    frame.to_excel(book, sheet_name='a', index=False)\n    frame.to_excel(book, sheet_name='b', index=False)",
        "import pandas as pd\nframe = pd.read_excel('sheets.xlsx', sheet_name='b', engine='calamine')\n"
        + _SHOW,
    ),
    "chart.xlsx": (
        "import xlsxwriter\nbook = xlsxwriter.Workbook('chart.xlsx')\nsheet = book.add_worksheet()\n"
        "sheet.write_row(0, 0, ['tea', 5])\nchart = book.add_chart({'type': 'column'})\n"
        "chart.add_series({'values': '=Sheet1!$B$1:$B$1'})\nsheet.insert_chart('D2', chart)\nbook.close()",
        "import openpyxl\nsheet = openpyxl.load_workbook('chart.xlsx').active\nprint(sheet['A1'].value, sheet['B1'].value)",
    ),
    "formula.xlsx": (
        "import openpyxl\nbook = openpyxl.Workbook()\nbook.active.append(['tea', 2, 3, '=B1+C1'])\nbook.save('formula.xlsx')",
        "import openpyxl\na, b, c, d = next(openpyxl.load_workbook('formula.xlsx').active.values)\n"
        "assert d == '=B1+C1'\nprint(a, b + c)",
    ),
    "old.xls": (
        f"import base64, zlib\nopen('old.xls', 'wb').write(zlib.decompress(base64.b64decode({_XLS!r})))",
        "import pandas as pd\nframe = pd.read_excel('old.xls', engine='calamine')\n" + _SHOW,
    ),
    "sheet.ods": (
        _ODS,
        "import pandas as pd\nframe = pd.read_excel('sheet.ods', engine='calamine')\n" + _SHOW,
    ),
    "data.parquet": (
        _FRAME + "frame.to_parquet('data.parquet')",
        "import pandas as pd\nframe = pd.read_parquet('data.parquet')\n" + _SHOW,
    ),
    "duck.parquet": (
        "import duckdb\nduckdb.sql(\"copy (select 'tea' as item, 5 as price) to 'duck.parquet'\")",
        "import duckdb\nprint(*duckdb.sql(\"select item, price from 'duck.parquet'\").fetchall()[0])",
    ),
    "data.feather": (
        _FRAME + "frame.to_feather('data.feather')",
        "import pandas as pd\nframe = pd.read_feather('data.feather')\n" + _SHOW,
    ),
    "data.orc": (
        _FRAME + "frame.to_orc('data.orc')",
        "import pandas as pd\nframe = pd.read_orc('data.orc')\n" + _SHOW,
    ),
    "page.html": (
        _FRAME + "frame.to_html('page.html', index=False)",
        "import pandas as pd\nframe = pd.read_html('page.html')[0]\n" + _SHOW,
    ),
    "template.html": (
        "import jinja2\npage = jinja2.Template('<p>{{ item }}</p><p>{{ price }}</p>')\n"
        "open('template.html', 'w').write(page.render(item='tea', price=5))",
        "import bs4\nprint(*(p.text for p in bs4.BeautifulSoup(open('template.html'), 'lxml').find_all('p')))",
    ),
    "plotly.html": (
        "import plotly.express as px\npx.bar(x=['tea'], y=[5]).write_html('plotly.html', include_plotlyjs=False)",
        "text = open('plotly.html').read()\nprint('tea' if '\"x\":[\"tea\"]' in text else text, 5)",
    ),
    "data.xml": (
        _FRAME + "frame.to_xml('data.xml', index=False)",
        "import pandas as pd\nframe = pd.read_xml('data.xml')\n" + _SHOW,
    ),
    "data.yaml": (
        "import yaml\nyaml.safe_dump({'item': 'tea', 'price': 5}, open('data.yaml', 'w'))",
        "import yaml\nprint(*yaml.safe_load(open('data.yaml')).values())",
    ),
    "table.md": (
        _FRAME + "frame.to_markdown('table.md', index=False)",
        "print(*open('table.md').read().splitlines()[-1].replace('|', ' ').split())",
    ),
    "shop.db": (
        _FRAME + "import sqlalchemy\nframe.to_sql('sale', sqlalchemy.create_engine('sqlite:///shop.db'))",
        "import pandas as pd, sqlalchemy\n"
        "frame = pd.read_sql('select * from sale', sqlalchemy.create_engine('sqlite:///shop.db'))\n" + _SHOW,
    ),
    "latin.csv": (
        "open('latin.csv', 'wb').write('item;price;größe;straße;für\\ntea;5;ä;ö;ü\\n'.encode('cp1252'))",
        "import charset_normalizer, io, pandas as pd\ntext = str(charset_normalizer.from_path('latin.csv').best())\n"
        "frame = pd.read_csv(io.StringIO(text), sep=';')\n" + _SHOW,
    ),
    "picture.png": (
        "from PIL import Image, ImageDraw, ImageFont\npicture = Image.new('RGB', (200, 60), 'white')\n"
        "font = ImageFont.truetype('NotoSansCJK-Regular.ttc', 30)\n"
        "ImageDraw.Draw(picture).text((5, 5), '茶', 'black', font)\npicture.save('picture.png')",
        "from PIL import Image\nprint('tea' if min(Image.open('picture.png').convert('L').tobytes()) < 9 else '', 5)",
    ),
    "model.txt": (
        "import statsmodels.api as sm\nimport numpy as np\nx = sm.add_constant(np.arange(9.0))\n"
        "slope = sm.OLS(5 * np.arange(9.0), x).fit().params[1]\nopen('model.txt', 'w').write(f'tea {slope:.0f}')",
        "print(open('model.txt').read())",
    ),
}
