"""Programs that read an attached table: its contents, numbers about it, a plot of it. They need pandas.

The program finds the files itself, so that "the attached CSV" works without a name. It reads several tables
as one, and computes for each of them too.
"""

from __future__ import annotations

from playground.demo_model.plots import wanted
from playground.demo_model.program import Program, Prompt, code, files_named

_TABLES = (".csv", ".tsv", ".xlsx", ".json")
_DATA = "files?|data|columns?|rows?|describe|summari[sz]e|analy[sz]e|read|look|open|show|what is in"
"""What asks about a table only where there is one."""
_TABLE = "csv|tsv|spreadsheets?|excel|xlsx|(?:the|this|these|my) tables?|attached|attachments?"
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
    words, _, listed = prompt.text.partition("Files in /work:")
    asked, named, there = Prompt(words), _tables_in(words), _tables_in(listed)
    if not (named or asked.says(_TABLE) or (there and (asked.says(_DATA) or _how(asked) or wanted(asked)))):
        return ()
    return _about(named or (there if len(there) == 1 else []), asked)


def _tables_in(text: str) -> list[str]:
    return [name for name in files_named(text) if name.lower().endswith(_TABLES)]


def _how(prompt: Prompt) -> str:
    return next((how for how, words in _HOW.items() if prompt.says(words)), "")


def _about(names: list[str], prompt: Prompt) -> tuple[Program, ...]:
    """About the tables of these names; without any, about all that are there."""
    further: list[Program] = []
    how = _how(prompt)
    if how in ("most", "least"):
        further.append(Program("Ranking", code(_RANK, names=names, most=how == "most", request=prompt.words)))
    elif how:
        further.append(
            Program(f"Computing the {how}", code(_COMPUTE, names=names, how=how, request=prompt.words))
        )
    if wanted(prompt):
        further.append(Program("Drawing the columns", code(_PLOT, names=names, request=prompt.words)))
    look = Program(
        f"Reading {', '.join(names[:3]) or 'the attached files'}",
        code(_LOOK, names=names),
        otherwise=code(_WITHOUT_PANDAS, names=names),
        checks=bool(further),
        failure="blocked",
    )
    return (look, *further)


_FIND = """
    import sys
    from pathlib import Path

    names = $names
    kinds = (".csv", ".tsv", ".xlsx", ".json")
    tables = sorted(path for path in Path().iterdir() if path.suffix.lower() in kinds)
    paths = [path for path in tables if path.name in names] or tables
    if not paths:
        sys.exit("There is no table among the files here. Attach a CSV, TSV, Excel or JSON file.")
    for name in names:
        if name not in [path.name for path in paths]:
            print(f"There is no {name} here. Read instead: {', '.join(path.name for path in paths)}.")
"""
_READ = (
    _FIND
    + """
    import pandas as pd

    def read(path):
        if path.suffix.lower() == ".xlsx":
            return pd.read_excel(path)
        if path.suffix.lower() == ".json":
            return pd.read_json(path)
        return pd.read_csv(path, sep="\\t" if path.suffix.lower() == ".tsv" else ",")

    frames = {path.name: read(path) for path in paths}
    table = pd.concat(frames.values(), ignore_index=True)
    title = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
"""
)
_LOOK = (
    _READ
    + """
    for name, one in frames.items():
        print(f"{name}: {len(one)} rows, {len(one.columns)} columns")
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
        sys.exit(f"{title} has no columns of numbers; it has {len(table)} rows.")
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
            print(f"{$how} of {name}: {table[name].agg($how):g}" + (f" in {title}" if len(paths) > 1 else ""))
        if len(paths) > 1:
            for file, one in frames.items():
                found = [f"{name} {one[name].agg($how):g}" for name in values if name in one]
                print(f"{file}:", ", ".join(found))
"""
)
_RANK = (
    _COLUMNS
    + """
    groups = groups or labels[:1]
    if not groups:
        sys.exit(f"{title} has no column to group its {len(table)} rows by.")
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
    drawn = ", ".join(map(str, values))
    ax.set(title=f"{drawn} in {title}", xlabel="row" if by is None else str(by), ylabel=drawn)
    fig.tight_layout()
    picture = f"{paths[0].stem}_plot.png"
    fig.savefig(picture, dpi=120)
    print(f"drew {drawn} " + (f"by {by}" if by is not None else f"of {len(data)} rows"))
    print("saved", picture)
"""
)
_WITHOUT_PANDAS = (
    _FIND
    + """
    import csv

    for path in paths:
        if path.suffix.lower() not in (".csv", ".tsv"):
            sys.exit(f"{path.name} could not be read.")
        text = path.read_text(encoding="latin-1")
        rows = list(csv.reader(text.splitlines(), delimiter="\\t" if path.suffix == ".tsv" else ","))
        print(f"{path.name} could only be read line by line: {len(rows)} lines, the first is {rows[:1]}")
"""
)
