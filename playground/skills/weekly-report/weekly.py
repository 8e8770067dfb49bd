"""Totals by week: `weekly.py FILE DATE_COLUMN AMOUNT_COLUMN [DAY]`. Writes weekly.csv and weekly.png."""

import sys

import matplotlib.pyplot as plt
import pandas as pd

if len(sys.argv) not in (4, 5):
    sys.exit("Usage: weekly.py FILE DATE_COLUMN AMOUNT_COLUMN [FIRST_DAY: MON, TUE, …]")
path, date, amount = sys.argv[1:4]
days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
first = days.index(sys.argv[4].upper() if len(sys.argv) == 5 else "MON")

table = pd.read_csv(path)
for name in (date, amount):
    if name not in table.columns:
        sys.exit(f"{path} has no column {name}. It has: {', '.join(table.columns)}")
when = pd.to_datetime(table[date], errors="coerce")
number = pd.to_numeric(table[amount], errors="coerce")
whole = when.notna() & number.notna()
if left_out := int((~whole).sum()):
    print(f"{left_out} rows without a date or an amount are left out")
weeks = number[whole].groupby(when[whole].dt.to_period(f"W-{days[first - 1]}").dt.start_time).sum()
weeks = weeks.asfreq("7D", fill_value=0)
report = pd.DataFrame({"total": weeks, "change_percent": (weeks.pct_change() * 100).round(1)})
report.index.name = "week_from"
report.to_csv("weekly.csv", date_format="%Y-%m-%d")

figure, axes = plt.subplots(figsize=(8, 4))
axes.bar(report.index.strftime("%d %b"), report["total"])
axes.set(title=f"{amount} by week", xlabel="week from", ylabel=amount)
axes.tick_params(axis="x", rotation=45)
figure.tight_layout()
figure.savefig("weekly.png", dpi=120)
plt.close(figure)
print(report.tail(8).to_string())
