"""Audits CSV files: `audit.py [FILE …]`. Prints the findings and writes them to audit.md."""

import sys
from pathlib import Path

import pandas as pd


def audit(path):
    """The findings of one file as lines of Markdown."""
    table = pd.read_csv(path, sep=None, engine="python", dtype=str)
    lines = [f"# {path}", "", f"{len(table)} rows, {len(table.columns)} columns"]
    if copies := int(table.duplicated().sum()):
        lines.append(f"- {copies} duplicate rows")
    for name in table.columns:
        lines += [f"- {name}: {finding}" for finding in findings(table[name])]
    return [*lines, ""] if len(lines) > 3 else [*lines, "- nothing found", ""]


def findings(column):
    """What is odd in one column."""
    if missing := int(column.isna().sum()):
        yield f"{missing} missing values"
    values = column.dropna()
    numbers = pd.to_numeric(values, errors="coerce")
    words = values[numbers.isna()]
    if len(words) == len(values):
        if spaced := int((values != values.str.strip()).sum()):
            yield f"{spaced} values with spaces around them"
        return
    if len(words):
        yield f"{len(words)} of {len(values)} values are no numbers, such as {words.iloc[0]!r}"
    low, high = numbers.quantile(0.25), numbers.quantile(0.75)
    reach = 3 * (high - low)
    odd = numbers[(numbers < low - reach) | (numbers > high + reach)]
    if reach and len(odd):
        yield f"{len(odd)} outliers, such as {odd.iloc[0]:g} (half of the values: {low:g} to {high:g})"


paths = sys.argv[1:] or sorted(map(str, Path().glob("*.csv")))
if not paths:
    sys.exit("There is no CSV file in /work.")
report = "\n".join(line for path in paths for line in audit(path))
Path("audit.md").write_text(report)
print(report)
