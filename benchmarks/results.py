"""Finished runs: one JSON line each, appended whole; or a Parquet table of the same rows.

    .bench/envs/main/bin/python -m benchmarks.results runs.jsonl docs/benchmarks/data/visible.parquet

writes the table, with any Python that has pandas and pyarrow (the extra `bench`).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One optimizer on one case with one seed.

    Args:
        case, optimizer, seed: Which.
        budget: Evaluations allowed.
        initial: How many of them were the shared initial design.
        status: ``"done"``; ``"unsupported"`` (the library cannot take the case: no run); ``"timeout"`` or ``"failed"`` (the run
            ended early, and counts what it had found).
        reason: Why, where it is not done.
        values: After each evaluation, in the case's units (`benchmarks.suite.scoring.progress`).
        ask_seconds: Of each proposal, or batch of them, by the clock, measured in the process of the library.
        ask_cpu: The same in processor time, which other work on the machine does not lengthen.
        tell_cpu: Processor time of each tell after the initial design: some libraries do here what others do when asked.
        versions: Releases, as ``name==version``, separated by blanks.
        date: Day of the run, UTC.
        sealed: Whether the case is of the sealed suite.
    """

    case: str
    optimizer: str
    seed: int
    budget: int
    initial: int
    status: str
    reason: str
    values: list[float]
    ask_seconds: list[float]
    ask_cpu: list[float]
    tell_cpu: list[float]
    versions: str
    date: str
    sealed: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        return self.case, self.optimizer, self.seed


def append(file: Path, run: Run) -> None:
    """Add a run: one write of one line, so that several processes may share a file and a crash leaves no half line behind."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(asdict(run)) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(paths: Iterable[Path]) -> list[Run]:
    """The runs of JSON Lines and Parquet files; of two with equal keys the later one. Files that do not exist are empty."""
    found: dict[tuple[str, str, int], Run] = {}
    for path in paths:
        if path.suffix == ".parquet":
            import pandas as pd

            rows = [{**row, **{name: row[name].tolist() for name in LISTS}} for row in pd.read_parquet(path).to_dict("records")]
        else:
            rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        for row in rows:
            run = Run(**row)
            found[run.key] = run
    return list(found.values())


def to_parquet(runs: Iterable[Run], file: Path) -> None:
    """Write the runs as a table, sorted, so that equal runs make equal files."""
    import pandas as pd

    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([asdict(run) for run in sorted(runs, key=lambda run: run.key)]).to_parquet(file, index=False, compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="JSON Lines or Parquet files")
    parser.add_argument("table", type=Path, help="the Parquet file to write")
    arguments = parser.parse_args()
    to_parquet(read(arguments.runs), arguments.table)


LISTS = ("values", "ask_seconds", "ask_cpu", "tell_cpu")

if __name__ == "__main__":
    main()
