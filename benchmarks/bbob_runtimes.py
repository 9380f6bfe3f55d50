"""Runtimes on the 24 BBOB functions (package `ioh`): `auto` against NGOpt of Nevergrad and `cma`, budgets of 200 d evaluations.

    python benchmarks/environments.py coco
    .bench/envs/coco/bin/python -m benchmarks.bbob_runtimes --file bbob.jsonl --hours 3
    .bench/envs/coco/bin/python -m benchmarks.bbob_runtimes --file bbob.jsonl --report

What counts is when a run first comes within each of 51 targets of the optimum, log-spaced from 1e2 to 1e-8: the area under the
distribution of these runtimes, over the logarithm of evaluations, is 1 for a run that meets all of them at once and 0 for one that
meets none. A run that is cut short goes on where it ended: a line of the file is one finished run. Every run is in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.resumable import Row, go_on, read

Function = Callable[[NDArray[np.float64]], float]
Optimizer = Callable[[Function, int, int, int], None]
"""Runs on a function, in so many dimensions of [-5, 5], for so many evaluations, with a seed."""

TARGETS = 10 ** np.linspace(2, -8, 51)
DIMENSIONS = (5, 20)
INSTANCES = (1, 2, 3, 4, 5)
EVALUATIONS = 200  # a dimension


class Ended(Exception):
    """Raised at the evaluation after the last one."""


class Watched:
    """A BBOB function that notes when it meets each target, and raises `Ended` after its budget."""

    def __init__(self, number: int, instance: int, d: int) -> None:
        import ioh

        self.f = ioh.get_problem(number, instance, d, ioh.ProblemClass.BBOB)
        self.least = self.f.optimum.y
        self.budget = EVALUATIONS * d
        self.evaluations = 0
        self.hits: list[int] = []

    def __call__(self, x: NDArray[np.float64]) -> float:
        if self.evaluations == self.budget:
            raise Ended
        self.evaluations += 1
        value = float(self.f([float(v) for v in x]))
        while len(self.hits) < len(TARGETS) and value - self.least <= TARGETS[len(self.hits)]:
            self.hits.append(self.evaluations)
        return value


def auto(f: Function, d: int, budget: int, seed: int) -> None:
    """bbo, told the budget."""
    import bbo

    study = bbo.Study(bbo.Space({f"x{i}": bbo.Float(-5, 5) for i in range(d)}), optimizer=bbo.Auto(budget=budget), seed=seed)
    while True:
        for trial in study.ask(1):
            study.tell(trial, f(np.array(list(trial.params.values()))))


def cma(f: Function, d: int, budget: int, seed: int) -> None:
    """The library `cma` as its examples use it: from a random point, sigma 2, restarts of doubled population, within the bounds."""
    import cma as library

    rng = np.random.default_rng(seed)
    options = {"bounds": [-5, 5], "maxfevals": budget + 1, "verbose": -9, "seed": seed + 1, "verb_log": 0}
    library.fmin2(f, lambda: rng.uniform(-4, 4, d), 2.0, options, restarts=100, incpopsize=2)


def ngopt(f: Function, d: int, budget: int, seed: int) -> None:
    """Nevergrad's NGOpt, told the bounds and the budget."""
    import nevergrad as ng

    array = ng.p.Array(shape=(d,), lower=-5.0, upper=5.0)
    array.random_state = np.random.RandomState(seed)
    ng.optimizers.NGOpt(parametrization=array, budget=budget, num_workers=1).minimize(f)


OPTIMIZERS: Mapping[str, Optimizer] = {"auto": auto, "cma": cma, "ngopt": ngopt}


def run(optimizer: Optimizer, number: int, d: int, instance: int) -> Row:
    """One run; its seed is the number of the instance."""
    f = Watched(number, instance, d)
    started = time.process_time()
    with warnings.catch_warnings(), contextlib.suppress(Ended):
        warnings.simplefilter("ignore")
        optimizer(f, d, f.budget, instance)
    return {"evaluations": f.evaluations, "hits": f.hits, "cpu": round(time.process_time() - started, 2)}


def area(hits: Sequence[int], budget: int) -> float:
    """The area under the distribution of a run's runtimes over log evaluations, from one evaluation to the budget: 0 to 1."""
    return float(sum(1 - math.log(hit) / math.log(budget) for hit in hits) / len(TARGETS))


def areas(rows: Sequence[Row], name: str, d: int) -> NDArray[np.float64]:
    """By function and instance (`24 x instances`), NaN where a run is missing."""
    found = np.full((24, len(INSTANCES)), np.nan)
    for row in rows:
        if row["optimizer"] == name and row["d"] == d and row["instance"] in INSTANCES:
            found[row["function"] - 1, INSTANCES.index(row["instance"])] = area(row["hits"], EVALUATIONS * d)
    return found


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """A 95 % bootstrap interval of the mean over functions of the mean over instances, both drawn anew."""
    rng = np.random.default_rng(0)
    functions, instances = differences.shape
    means = []
    for _ in range(2_000):
        drawn = differences[rng.integers(functions, size=functions)]
        columns = rng.integers(instances, size=(functions, instances))
        means.append(float(np.take_along_axis(drawn, columns, axis=1).mean()))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def report(rows: Sequence[Row]) -> str:
    """The mean areas, and of each pair of `auto` and another the difference over what both ran."""
    lines = ["| d | optimizer | runs | area | auto - it (95 % interval) | seconds a run |", "|---|---|---|---|---|---|"]
    names = sorted({row["optimizer"] for row in rows}, key=lambda name: (name != "auto", name))
    for d in DIMENSIONS:
        ours = areas(rows, "auto", d)
        for name in names:
            its = areas(rows, name, d)
            if np.isnan(its).all():
                continue
            both = ~np.isnan(ours - its).any(axis=1)
            low, high = interval((ours - its)[both]) if both.any() else (math.nan, math.nan)
            against = f"{(ours - its)[both].mean():+.3f} ({low:+.3f} to {high:+.3f})" if name != "auto" and both.any() else ""
            seconds = np.mean([row["cpu"] for row in rows if row["optimizer"] == name and row["d"] == d])
            lines.append(f"| {d} | {name} | {np.isfinite(its).sum()} | {np.nanmean(its):.3f} | {against} | {seconds:.1f} |")
    lines += ["", "| function | " + " | ".join(f"{name}, d = {d}" for d in DIMENSIONS for name in names) + " |"]
    lines.append("|---" * (1 + len(names) * len(DIMENSIONS)) + "|")
    for number in range(24):
        cells = [areas(rows, name, d)[number] for d in DIMENSIONS for name in names]
        lines.append(f"| f{number + 1} | " + " | ".join("" if np.isnan(c).all() else f"{np.nanmean(c):.3f}" for c in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=Path(".bench/results/bbob.jsonl"))
    parser.add_argument("--optimizers", nargs="+", choices=OPTIMIZERS, default=list(OPTIMIZERS))
    parser.add_argument("--dimensions", nargs="+", type=int, default=list(DIMENSIONS))
    parser.add_argument("--hours", type=float, default=24.0, help="start no further run after so many")
    parser.add_argument("--report", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    jobs: list[tuple[dict[str, Any], Callable[[], Row]]] = [
        ({"optimizer": name, "function": number, "d": d, "instance": instance}, partial(run, OPTIMIZERS[name], number, d, instance))
        for instance in INSTANCES
        for d in arguments.dimensions
        for number in range(1, 25)
        for name in arguments.optimizers
    ]
    if not arguments.report:
        go_on(arguments.file, jobs, hours=arguments.hours, say=lambda row: f"{row} ")
    print(report(read(arguments.file)))


if __name__ == "__main__":
    main()
