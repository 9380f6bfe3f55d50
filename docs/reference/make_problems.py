"""Write the tables of problems.md from the registry.

python docs/reference/make_problems.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bbo import problems

PAGE = Path(__file__).with_name("problems.md")
BEGIN, END = "<!-- tables: written by docs/reference/make_problems.py -->", "<!-- end of tables -->"
FAMILIES = {
    "constrained": "Fifteen constrained problems, as published and corrected",
    "synthetic": "Classical functions",
    "gradients": "With gradients",
    "fidelity": "With fidelities",
    "fronts": "With several objectives",
    "environment": "With an environment, or inexact settings",
}


def tables() -> str:
    """All tables, a heading above each."""
    rows = problems.table()
    parts = []
    for family, heading in FAMILIES.items():
        chosen = [row for row in rows if row["family"] == family]
        parts.append(f"### {heading}\n\n{_table(family, chosen)}")
    return "\n\n".join(parts)


def _table(family: str, rows: list[dict[str, Any]]) -> str:
    best = "largest hypervolume" if family == "fronts" else "optimum"
    heads = ["name", "d", "objectives", "constraints", best, *(["as published"] if family == "constrained" else []), "options", "source"]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [f"`{row['name']}`", str(row["dimension"]), str(row["objectives"]), str(row["constraints"])]
        cells.append(_value(row["optimum"], row["exact"]))
        if family == "constrained":
            optimum = problems.get(row["name"], variant="as_published").optimum
            cells.append("infeasible" if optimum is None else _value(optimum.value, optimum.exact))
        options = {key: value for key, value in row["options"].items() if key != "variant"}
        cells.append(", ".join(f"`{key}={value!r}`" for key, value in options.items()))
        cells.append(row["source"])
        lines.append(cells)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _value(value: float | None, exact: bool) -> str:
    return "" if value is None else f"{value:.8g}" + ("" if exact else " (best known)")


def renewed(text: str) -> str:
    """The page with its tables as the registry has them."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
