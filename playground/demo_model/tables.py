"""Programs that read an attached table: what is in it, numbers about it, a plot of it. They need pandas.

The program finds the file itself, so that a name that was only hinted at ("the attached CSV") works too.
"""

from __future__ import annotations

from playground.demo_model.plots import wanted
from playground.demo_model.program import Ask, Program, code, files_named

_TABLES = (".csv", ".tsv", ".xlsx", ".json")
_HOW = {
    "mean": "mean|average",
    "max": "max|maximum|highest|largest|most",
    "min": "min|minimum|lowest|smallest",
}
_HOW |= {"median": "median", "count": "how many|count|number of", "sum": "sum|total|add up"}


def tables(ask: Ask) -> tuple[Program, ...]:
    """Looks into the table first; a second run answers what was asked about its columns, a third draws."""
    named = [name for name in files_named(ask.text) if name.lower().endswith(_TABLES)]
    if not named and not ask.says("csv|tsv|spreadsheets?|excel|xlsx|tables?|attached|attachment"):
        return ()
    if not named and ask.says("multiplication tables?|tables? of"):
        return ()
    return _about(named[0] if named else "", ask)


def _about(name: str, ask: Ask) -> tuple[Program, ...]:
    further: list[Program] = []
    how = next((how for how, words in _HOW.items() if ask.says(words)), "")
    if how:
        further.append(Program(f"Computing the {how}", code(_COMPUTE, name=name, how=how, request=ask.words)))
    if wanted(ask):
        further.append(Program("Drawing the columns", code(_PLOT, name=name, request=ask.words)))
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
_COMPUTE = (
    _READ
    + """
    words = $request
    asked = [name for name in table.columns if str(name).lower() in words]
    numbers = list(table.select_dtypes("number").columns)
    groups = [name for name in asked if name not in numbers]
    values = [name for name in asked if name in numbers] or numbers
    if groups and values:
        print(f"{$how} of {', '.join(map(str, values))} by {', '.join(map(str, groups))}:")
        print(table.groupby(groups)[values].agg($how).round(3).to_string())
    elif values:
        for name in values:
            print(f"{$how} of {name}: {table[name].agg($how):g}")
    else:
        print(f"{path.name} has no columns of numbers; it has {len(table)} rows.")
"""
)
_PLOT = (
    _READ
    + """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    numbers = list(table.select_dtypes("number").columns)
    if not numbers:
        sys.exit(f"{path.name} has no columns of numbers, so there is nothing to draw.")
    words = $request
    drawn = [name for name in numbers if str(name).lower() in words] or numbers[:6]
    labels = [name for name in table.columns if name not in numbers]
    data = table.head(200)
    fig, ax = plt.subplots(figsize=(8, 4.5))
    places = range(len(data))
    if labels and len(data) <= 30:
        width = 0.8 / len(drawn)
        for number, name in enumerate(drawn):
            ax.bar([place + number * width for place in places], data[name], width, label=str(name))
        middle = width * (len(drawn) - 1) / 2
        names = data[labels[0]].astype(str)
        ax.set_xticks([place + middle for place in places], names, rotation=45, ha="right")
    else:
        for name in drawn:
            ax.plot(places, data[name], label=str(name))
    ax.set(title=path.name, xlabel=str(labels[0]) if labels else "row", ylabel=", ".join(map(str, drawn)))
    ax.legend()
    fig.tight_layout()
    picture = f"{path.stem}_plot.png"
    fig.savefig(picture, dpi=120)
    print(f"drew {', '.join(map(str, drawn))} from {len(data)} rows")
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
