"""Plays the lab: fills the day's rows of a CSV in, as a chemist with a German spreadsheet would.

    python lab.py week.csv DAY

Every row without a yield is run, and the sheet is saved with semicolons and decimal commas. On the first day one reaction fails; on
the second one the bath of one reaction was six degrees off.
"""

from __future__ import annotations

import csv
import math
import random
import sys
from pathlib import Path

BEST = {"THF": 0.55, "DMF": 0.3, "water": 0.15, "toluene": 0.0}


def true_yield(mix: dict[str, float], T: float) -> float:
    """Per cent. Highest, at 92, where the solvents are mixed as in BEST, at 63 °C."""
    distance = sum((mix[name] - share) ** 2 for name, share in BEST.items())
    return 92 * math.exp(-2.5 * distance - ((T - 63) / 30) ** 2)


def read(path: Path) -> list[dict[str, str]]:
    text = path.read_text(encoding="utf-8-sig")
    separator = ";" if ";" in text else ","
    rows = list(csv.DictReader(text.splitlines(), delimiter=separator))
    return [{name: cell.replace(",", ".") for name, cell in row.items()} for row in rows]


def save(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";", lineterminator="\r\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: cell if name in ("failed", "note") else cell.replace(".", ",") for name, cell in row.items()})


def work(rows: list[dict[str, str]], day: int) -> None:
    """Run what has no result yet."""
    today = [row for row in rows if not row["yield"] and not row["failed"]]
    for place, row in enumerate(today):
        noise = random.Random(f"day {day}, reaction {place}")
        if (day, place) == (1, 3):
            row["failed"] = "it gelled"
            continue
        if (day, place) == (2, 1):
            planned = float(row["T"])
            row["T"] = f"{planned - 6 if planned > 50 else planned + 6:g}"
            row["note"] = "the bath was six degrees off"
        mix = {name: float(row[f"mix.{name}"] or 0) for name in BEST}
        row["yield"] = f"{max(true_yield(mix, float(row['T']) + noise.gauss(0, 1)) + noise.gauss(0, 2), 0):.1f}"


if __name__ == "__main__":
    sheet = Path(sys.argv[1])
    table = read(sheet)
    work(table, int(sys.argv[2]))
    save(sheet, table)
