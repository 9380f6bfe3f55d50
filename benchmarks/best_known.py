"""The least loss a long search finds: what `best` of the cases that train models was frozen from.

Half of the evaluations are drawn at random; the others change some parameters of one of the ten best points so far, by ever
smaller steps. Run it before tuning anything, never after.

    python -m benchmarks.best_known svm_diabetes --evaluations 2000
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

import heapq

import numpy as np

from benchmarks.peers.spec import Array, Point
from benchmarks.suite import suite
from benchmarks.suite.case import Case


def search(case: Case, evaluations: int) -> tuple[float, Point]:
    """Least feasible value of the first objective found, and where."""
    rng, spec = case.rng("best known"), case.spec
    found: list[tuple[float, int]] = []
    places: list[Array] = []
    for k in range(evaluations):
        place = rng.random(spec.d)
        if k >= evaluations // 2:
            leaders = heapq.nsmallest(10, found)
            parent = places[leaders[rng.integers(len(leaders))][1]]
            step = 0.3 * 0.05 ** (2 * k / evaluations - 1)
            place = np.where(rng.random(spec.d) < 0.5, (parent + step * rng.standard_normal(spec.d)).clip(0, 1), parent)
        places.append(place)
        outcomes = case.evaluate(spec.active(spec.decode(place)))
        if all(outcomes[name] <= 0 for name in case.constraints):
            found.append((outcomes[case.objectives[0]], k))
    value, k = min(found)
    return value, spec.active(spec.decode(places[k]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--evaluations", type=int, default=2000)
    arguments = parser.parse_args()
    every = {case.name: case for name in ("visible", "sealed") for case in suite(name, sealed=True)}
    for name in arguments.cases:
        print(name, *search(every[name], arguments.evaluations), flush=True)


if __name__ == "__main__":
    main()
