"""Small programs as models write them, with the packages of the image, and what each prints and leaves."""

from __future__ import annotations

from tests.support.programs import Program

PROGRAMS = (
    Program(
        "pandas, groups and gaps",
        """
import pandas as pd
sales = pd.read_csv("sales.csv")
print(sales["amount"].isna().sum(), sales.shape)
totals = sales.fillna({"amount": 0}).groupby("region")["amount"].sum().sort_values(ascending=False)
for region, total in totals.items():
    print(f"{region:<6}{total:>8.2f}")
table = sales.pivot_table(index="region", columns="month", values="amount", aggfunc="sum")
print(table.loc["north"].tolist())
""",
        "1 (5, 3)\nnorth   300.00\nsouth    50.00\nwest     25.00\n[100.0, 200.0]\n",
    ),
    Program(
        "pandas, dates and joins",
        """
import pandas as pd
days = pd.DataFrame({"day": pd.date_range("2024-02-27", periods=5), "n": range(5)})
print(days["day"].dt.day_name().tolist()[2], days.set_index("day")["n"].resample("MS").sum().tolist())
left = pd.DataFrame({"id": [1, 2, 3], "name": ["a", "b", "c"]})
right = pd.DataFrame({"id": [2, 3, 4], "score": [0.5, 0.25, 1.0]})
print(left.merge(right, on="id", how="outer", indicator=True)["_merge"].astype(str).tolist())
""",
        "Thursday [3, 7]\n['left_only', 'both', 'both', 'right_only']\n",
    ),
    Program(
        "a frame as the last value",
        "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
        "   a  b\n0  1  x\n1  2  y\n",
    ),
    Program(
        "numpy, linear algebra",
        """
import numpy as np
a = np.array([[2.0, 1.0], [1.0, 3.0]])
print(np.linalg.solve(a, [3, 5]), round(float(np.linalg.det(a)), 6))
print(np.random.default_rng(7).random(1000).mean().round(1), np.arange(12).reshape(3, 4)[:, -1])
""",
        "[0.8 1.4] 5.0\n0.5 [ 3  7 11]\n",
    ),
    Program(
        "openpyxl, a workbook there and back",
        """
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
book = Workbook()
sheet = book.active
sheet.title = "Umsätze"
for row in (["item", "price"], ["tea", 2.5], ["coffee", 3]):
    sheet.append(row)
sheet["A1"].font = Font(bold=True)
sheet["B4"] = "=SUM(B2:B3)"
book.save("prices.xlsx")
again = load_workbook("prices.xlsx")["Umsätze"]
print([cell.value for cell in again["B"]], again["A1"].font.b)
""",
        "['price', 2.5, 3, '=SUM(B2:B3)'] True\n",
        ("prices.xlsx",),
    ),
    Program(
        "matplotlib, two axes saved in three formats",
        """
import matplotlib.pyplot as plt
figure, axes = plt.subplots(1, 2, figsize=(6, 3))
axes[0].bar(["a", "b"], [3, 5]); axes[0].set_title("Größe ∑")
axes[1].plot([1, 2, 3], [1, 4, 9], label="$x^2$"); axes[1].legend()
for ending in ("png", "svg", "pdf"):
    figure.savefig(f"chart.{ending}")
print(len(figure.axes))
""",
        "2\n",
        ("chart.pdf", "chart.png", "chart.svg"),
    ),
    Program(
        "sympy",
        """
from sympy import Eq, diff, factor, integrate, limit, oo, pi, sin, solve, symbols
x, y = symbols("x y")
print(diff(x**3 * sin(x), x), integrate(1 / (1 + x**2), (x, -oo, oo)), limit(sin(x) / x, x, 0))
print(solve([Eq(x + y, 10), Eq(x - y, 2)], [x, y]), factor(x**2 - 5 * x + 6), pi.evalf(12))
""",
        "x**3*cos(x) + 3*x**2*sin(x) pi 1\n{x: 6, y: 4} (x - 3)*(x - 2) 3.14159265359\n",
    ),
    Program(
        "scipy",
        """
from scipy import integrate, optimize, stats
print(round(optimize.brentq(lambda x: x * x - 2, 0, 2), 6), round(integrate.quad(lambda x: x**2, 0, 3)[0], 6))
print(round(float(stats.norm.cdf(0)), 3), optimize.linprog([-1, -2], [[1, 1]], [4], bounds=(0, 3)).x.tolist())
""",
        "1.414214 9.0\n0.5 [1.0, 3.0]\n",
    ),
    Program(
        "networkx",
        """
import networkx as nx
graph = nx.Graph()
graph.add_weighted_edges_from([("a", "b", 1), ("b", "c", 2), ("a", "c", 5), ("d", "e", 1)])
print(nx.shortest_path(graph, "a", "c", "weight"), nx.number_connected_components(graph))
print(list(nx.topological_sort(nx.DiGraph([("boil", "pour"), ("pour", "drink")]))))
""",
        "['a', 'b', 'c'] 2\n['boil', 'pour', 'drink']\n",
    ),
    Program(
        "scikit-learn",
        """
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
model = LinearRegression().fit([[0], [1], [2]], [1, 3, 5])
print(round(float(model.coef_[0]), 6), round(float(model.intercept_), 6))
print(len(set(KMeans(2, n_init=3, random_state=0).fit_predict([[0], [1], [10], [11]]).tolist())))
scores = cross_val_score(DecisionTreeClassifier(random_state=0), *load_iris(return_X_y=True))
print(len(scores), scores.mean() > 0.9)
""",
        "2.0 1.0\n2\n5 True\n",
    ),
    Program(
        "pillow",
        """
from PIL import Image, ImageDraw
picture = Image.new("RGB", (64, 32), "white")
ImageDraw.Draw(picture).rectangle((0, 0, 31, 31), fill="red")
picture.save("flag.png"); picture.resize((32, 16)).convert("L").save("flag.jpg")
with Image.open("flag.png") as again:
    print(again.size, again.getpixel((5, 5)), again.getcolors())
""",
        "(64, 32) (255, 0, 0) [(1024, (255, 255, 255)), (1024, (255, 0, 0))]\n",
        ("flag.jpg", "flag.png"),
    ),
    Program(
        "what programs import out of habit",
        """
import pytz, requests, tabulate, tqdm
from datetime import datetime
print(sum(tqdm.tqdm(range(4))), pytz.timezone("Asia/Tokyo").utcoffset(datetime(2026, 1, 1)))
print(requests.Request("GET", "https://example.com/a", params={"b": 1}).prepare().url)
print(tabulate.tabulate([["tea", 5]], tablefmt="plain"))
""",
        "6 9:00:00\nhttps://example.com/a?b=1\ntea  5\n",
    ),
)
