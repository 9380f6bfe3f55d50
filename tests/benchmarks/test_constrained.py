"""The table of the constrained suite."""

from __future__ import annotations

import math

from benchmarks.constrained import OURS, THEIRS, report
from benchmarks.results import Run


def run(case: str, optimizer: str, seed: int, value: float) -> Run:
    return Run(case, optimizer, seed, 100, 5, "done", "", [math.inf, value], [], [], [], "", "2026-11-26")


def test_only_shared_seeds_count_and_medians_decide() -> None:
    gaps = {OURS: [0.1, 0.2, math.inf], THEIRS: [0.3, 0.1, 0.3, 0.0]}  # above the optimum of -2
    runs = [run("gkxwc1_corrected", name, seed, gap - 2.0) for name, found in gaps.items() for seed, gap in enumerate(found)]
    row, *_, last = report([*runs, run("jlh1_corrected", OURS, 0, 1.0)]).splitlines()[2:]
    assert row == "| gkxwc1 | 2 | 1 | 3 | 2, 3 | 0.2 | 0.3 | yes |"
    assert last == "Ours is below theirs on 1 of 1 problems."
