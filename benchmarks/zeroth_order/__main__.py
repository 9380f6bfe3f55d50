"""Run and report the measurements of zeroth-order methods.

    python -m benchmarks.zeroth_order --file zeroth_order.jsonl --methods cbo frank_wolfe --hours 1
    python -m benchmarks.zeroth_order --file docs/benchmarks/data/zeroth_order.jsonl --report

A run that is cut short goes on where it ended: a line of the file is one finished run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import benchmarks.zeroth_order as package
from benchmarks.resumable import Row, go_on, read

METHODS = tuple(found.name for found in iter_modules(package.__path__) if not found.name.startswith("_"))


def jobs(name: str) -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """The runs of a module, each told from those of the others."""
    for key, job in import_module(f"{package.__name__}.{name}").jobs():
        yield {"method": name, **key}, job


def report(rows: list[Row], methods: list[str]) -> str:
    """A section for each method that has rows."""
    sections = []
    for name in methods:
        module = import_module(f"{package.__name__}.{name}")
        if of_it := [row for row in rows if row["method"] == name]:
            sections.append(f"## {name}\n\n{module.CLAIM}\n\n{module.report(of_it)}")
    return "\n\n".join(sections)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=Path(".bench/results/zeroth_order.jsonl"))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--hours", type=float, default=24.0, help="start no further run after so many")
    parser.add_argument("--report", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if not arguments.report:
        for name in arguments.methods:
            go_on(arguments.file, jobs(name), hours=arguments.hours, say=lambda row: " ".join(f"{k}={v}" for k, v in row.items())[:200])
    print(report(read(arguments.file), arguments.methods))


if __name__ == "__main__":
    main()
