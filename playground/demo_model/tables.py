"""Programs that read an attached table: its contents, numbers about it, a plot of it. They need pandas.

The program finds the file itself, so that "the attached CSV" works without a name.
"""

from __future__ import annotations

from playground.demo_model.plots import wanted
from playground.demo_model.program import Program, Prompt, code, files_named

_TABLES = (".csv", ".tsv", ".xlsx", ".json")
_HOW = {
    "most": "most|best|highest|largest|biggest|top",
    "least": "least|worst|fewest|lowest|smallest",
    "max": "max|maximum",
    "min": "min|minimum",
    "mean": "mean|average",
    "median": "median",
    "count": "how many|count|number of",
    "sum": "sum|total|totals|add up",
}
"""Maps what to compute to the words that ask for it. `most` and `least` rank groups by their sums."""


def tables(prompt: Prompt) -> tuple[Program, ...]:
    """The first run shows the table, the second computes what was asked, the third plots it."""
    named = [name for name in files_named(prompt.text) if name.lower().endswith(_TABLES)]
    if not named and not prompt.says("csv|tsv|spreadsheets?|excel|xlsx|tables?|attached|attachment"):
        return ()
    if not named and prompt.says("multiplication tables?|tables? of"):
        return ()
    return _about(named[0] if named else "", prompt)


def _about(name: str, prompt: Prompt) -> tuple[Program, ...]:
    further: list[Program] = []
    how = next((how for how, words in _HOW.items() if prompt.says(words)), "")
    if how in ("most", "least"):
        further.append(Program("Ranking", code(_RANK, name=name, most=how == "most", request=prompt.words)))
    elif how:
        further.append(
            Program(f"Computing the {how}", code(_COMPUTE, name=name, how=how, request=prompt.words))
        )
    if wanted(prompt):
        further.append(Program("Drawing the columns", code(_PLOT, name=name, request=prompt.words)))
    look = Program(
        f"Reading {name or 'the table'}",
        code(_LOOK, name=name),
        otherwise=code(_WITHOUT_PANDAS, name=name),
        checks=bool(further),
        failure="blocked",
    )
    return (look, *further)


_FIND = """
    import sys
    from pathlib import Path

    kinds = (".csv", ".tsv", ".xlsx", ".json")
    tables = sorted(path for path in Path().iterdir() if path.suffix.lower() in kinds)
    path = next((path for path in tables if path.name == $name), tables[0] if tables else None)
    if path is None:
        sys.exit("There is no table among the files here. Attach a CSV, TSV, Excel or JSON file.")
    if $name and path.name != $name:
        print(f"There is no {$name} here, so this is {path.name}.")
"""
_READ = (
    _FIND
    + """
    import pandas as pd

    if path.suffix.lower() == ".xlsx":
        table = pd.read_excel(path)
    elif path.suffix.lower() == ".json":
        table = pd.read_json(path)
    else:
        table = pd.read_csv(path, sep="\\t" if path.suffix.lower() == ".tsv" else ",")
"""
)
_LOOK = (
    _READ
    + """
    print(f"{path.name}: {len(table)} rows, {len(table.columns)} columns")
    print("columns:", ", ".join(f"{name} ({kind})" for name, kind in table.dtypes.items()))
    missing = table.isna().sum()
    print("missing values:", ", ".join(f"{name} {n}" for name, n in missing[missing > 0].items()) or "none")
    print("\\nfirst rows:")
    print(table.head().to_string(index=False, max_cols=12))
    if len(numbers := table.select_dtypes("number").columns):
        print("\\nin numbers:")
        print(table[numbers].describe().round(3).to_string(max_cols=12))
"""
)
_COLUMNS = (
    _READ
    + """
    import re

    def is_asked_for(name):
        return re.search(rf"\\b{re.escape(str(name).lower())}s?\\b", $request) is not None

    def is_a_rate(name):
        return re.search("price|rate|percent|share|average|year|^id$$", str(name).lower()) is not None

    numbers = list(table.select_dtypes("number").columns)
    labels = [name for name in table.columns if name not in numbers]
    sums = [name for name in numbers if not is_a_rate(name)] or numbers
    values = [name for name in numbers if is_asked_for(name)] or sums
    groups = [name for name in labels if is_asked_for(name)]
    if not values:
        sys.exit(f"{path.name} has no columns of numbers; it has {len(table)} rows.")
"""
)
_COMPUTE = (
    _COLUMNS
    + """
    if groups:
        print(f"{$how} of {', '.join(map(str, values))} by {', '.join(map(str, groups))}:")
        print(table.groupby(groups)[values].agg($how).round(3).to_string())
    else:
        for name in values:
            print(f"{$how} of {name}: {table[name].agg($how):g}")
"""
)
_RANK = (
    _COLUMNS
    + """
    groups = groups or labels[:1]
    if not groups:
        sys.exit(f"{path.name} has no column to group its {len(table)} rows by.")
    for name in values:
        totals = table.groupby(groups)[name].sum().sort_values(ascending=not $most)
        first = totals.index[0]
        first = " ".join(map(str, first)) if isinstance(first, tuple) else first
        print(f"{'most' if $most else 'least'} {name}: {first} with {totals.iloc[0]:g}")
        print(totals.to_string())
"""
)
_PLOT = (
    _COLUMNS
    + """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    values = values[:6]
    by = (groups or labels or [None])[0]
    if by is None:
        data = table[values].head(500)
    elif set(values) & set(sums):
        data = table.groupby(by)[values].sum().head(500)
    else:
        data = table.groupby(by)[values].mean().head(500)
    is_in_time = by is None or data.index.astype(str).str.match(r"\\d{4}-\\d\\d|\\d{4}$$").all()
    fig, ax = plt.subplots(figsize=(8, 4.5))
    data.plot(ax=ax, kind="line" if is_in_time or len(data) > 40 else "bar", rot=45 if by is not None else 0)
    names = ", ".join(map(str, values))
    ax.set(title=f"{names} in {path.name}", xlabel="row" if by is None else str(by), ylabel=names)
    fig.tight_layout()
    picture = f"{path.stem}_plot.png"
    fig.savefig(picture, dpi=120)
    print(f"drew {names} " + (f"by {by}" if by is not None else f"of {len(data)} rows"))
    print("saved", picture)
"""
)
_WITHOUT_PANDAS = (
    _FIND
    + """
    import csv

    if path.suffix.lower() not in (".csv", ".tsv"):
        sys.exit(f"{path.name} could not be read.")
    text = path.read_text(encoding="latin-1")
    rows = list(csv.reader(text.splitlines(), delimiter="\\t" if path.suffix == ".tsv" else ","))
    print(f"{path.name} could only be read line by line: {len(rows)} lines, the first is {rows[:1]}")
"""
)
