"""CONFIG against what its authors measured, and its comparators: Xu, Jiang, Svetozarevic & Jones (2023), arXiv:2211.00162.

    python -m benchmarks.config --file config.jsonl --limit-hours 0.2
    python -m benchmarks.config --file config.jsonl --report

A run that is cut short goes on where it ended: a line of the file is one finished case. Groups of cases (`--only`):

- ``feasible``: objective and constraint drawn from a Gaussian process on [-10, 10] (variance 2, length scale 1), the start at 0
  feasible, 100 proposals after it. The authors' code recomputed: a violation of 6.6 in all, on average over 48 instances.
- ``infeasible``: the same with the constraint raised until its least value is 0.1; up to the declaration, or 40 proposals.
- ``closed_form``: four problems whose constrained optima are known, 100 evaluations, 10 seeds.

Instances are continuous functions here, and a grid of 100 points there; the first two groups run with the processes known, as there
(`known_gp`, width 3), and, as ``fitted_...``, as a user has it, with Sobol points and fits (default settings).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bbo
from bbo.optimizers.base import Optimizer
from benchmarks.known_gp import KnownGP
from benchmarks.resumable import go_on, read

Array = NDArray[np.float64]

SEEDS, STEPS, DECLARED_WITHIN = 50, 100, 40
TARGET = 6.6  # cumulative violation of the authors' CONFIG
GRID = np.linspace(-10.0, 10.0, 100)
FINE = np.linspace(-10.0, 10.0, 20_001)
CLOSED_FORM: dict[str, tuple[str, dict[str, Any]]] = {
    "waves <= 0.5": ("gkxwc1", {}),
    "waves <= -0.2": ("constrained_waves", {"bound": -0.2}),
    "waves <= -0.6": ("constrained_waves", {"bound": -0.6}),
    "islands": ("gkxwc2", {}),
}
KNOWN: dict[str, KnownGP] = {
    "config": KnownGP("config", {"beta": 3.0}),
    "epbo": KnownGP("epbo", {"beta": 3.0, "penalty": 3.0}),
    "primal_dual": KnownGP("primal_dual", {"beta": 3.0, "eta": 2.0**0.5}),  # steps of 1 in the outcomes' own units
}


@dataclass(frozen=True, eq=False)
class Instance:
    """An objective and a constraint ``g <= 0`` drawn from a Gaussian process; g(0) < -0.2, or raised to a least value of 0.1.

    Args:
        alpha, gamma: Weights of the kernel at the grid, of the two functions.
        raised: By how much the constraint is.
    """

    alpha: Array
    gamma: Array
    raised: float = 0.0

    @classmethod
    def numbered(cls, seed: int, *, feasible: bool) -> Instance:
        """The instance of a seed."""
        rng = np.random.default_rng((2211, 162, seed))
        L = np.linalg.cholesky(_kernel(GRID, GRID) + 1e-6 * np.eye(len(GRID)))

        def draw() -> Array:
            return np.linalg.solve(L.T, rng.standard_normal(len(GRID)))

        gamma = draw()
        while not _kernel(np.zeros(1), GRID) @ gamma < -0.2:
            gamma = draw()
        least = float((_kernel(FINE, GRID) @ gamma).min())
        return cls(draw(), gamma, 0.0 if feasible else 0.1 - least)

    def __call__(self, params: Mapping[str, Any]) -> dict[str, float]:
        f, g = self.values(np.array([params["x"]]))
        return {"f": float(f[0]), "g": float(g[0])}

    def values(self, x: Array) -> tuple[Array, Array]:
        K = _kernel(x, GRID)
        return K @ self.alpha, K @ self.gamma + self.raised

    @property
    def best(self) -> float:
        """Least feasible objective, of points 0.001 apart."""
        f, g = self.values(FINE)
        return float(f[g <= 0].min())


def _kernel(a: Array, b: Array) -> Array:
    return np.asarray(2.0 * np.exp(-0.5 * (a[:, None] - b) ** 2))


def follow(function: Callable[[Mapping[str, Any]], Mapping[str, float]], optimizer: str | Optimizer, seed: int, n: int) -> Iterator[str]:
    """Run proposals on an instance after the start at 0; yields the note of each before it is told."""
    space = bbo.Space({"x": bbo.Float(-10.0, 10.0)})
    study = bbo.Study(space, {"f": "minimize"}, outcome_constraints=["g <= 0"], optimizer=optimizer, seed=seed)
    study.add({"x": 0.0}, function({"x": 0.0}))
    for _ in range(n):
        trial = study.ask()
        yield str(study.storage.read(study.name)[-1].body["note"])
        study.tell(trial, function(trial.params))


def gp_case(optimizer: str | Optimizer, seed: int, *, feasible: bool) -> dict[str, Any]:
    """What one instance gives: step of the first declaration, and regret and violation of each point."""
    instance, told = Instance.numbered(seed, feasible=feasible), list[dict[str, float]]()

    def measured(params: Mapping[str, Any]) -> dict[str, float]:
        told.append(instance(params))
        return told[-1]

    declared, failed = None, 0
    for step, note in enumerate(follow(measured, optimizer, seed, STEPS if feasible else DECLARED_WITHIN), 1):
        failed += "failed" in note
        if note.startswith("declared infeasible") and declared is None:
            declared = step
            if not feasible:
                break
    violation = np.maximum([row["g"] for row in told], 0.0)
    found: dict[str, Any] = {"declared": declared, "failed": failed, "violation": float(violation.sum())}
    if feasible:
        regret = np.maximum(np.array([row["f"] for row in told]) - instance.best, 0.0)
        metric = np.minimum.accumulate(regret + violation)
        found |= {"regret": float(regret.sum()), **{f"metric_{k}": float(metric[k]) for k in (10, 20, STEPS)}}
    return found


def closed_form_case(name: str, optimizer: str, seed: int) -> dict[str, Any]:
    """How near 100 evaluations come to an optimum: by regret and violation together, as the authors count, of the best point and of the
    one recommended at the end; and by the best feasible point.
    """
    problem, options = CLOSED_FORM[name]
    made = bbo.problems.get(problem, **options)
    assert made.optimum is not None
    best = made.optimum.value
    study = made.study(optimizer=optimizer, seed=seed)
    metric, gap, declared = np.full(STEPS, np.inf), float("inf"), 0
    for k in range(STEPS):
        trial = study.ask()
        declared += str(study.storage.read(study.name)[-1].body["note"]).startswith("declared infeasible")
        values = made.evaluate(trial.params)
        study.tell(trial, values)
        metric[k] = max(values["value"] - best, 0.0) + max(values["g"], 0.0)
        gap = min(gap, values["value"] - best) if values["g"] <= 0 else gap
    values = made.evaluate(study.recommend().params)
    recommended = max(values["value"] - best, 0.0) + max(values["g"], 0.0)
    reached = np.flatnonzero(metric <= 1e-2)
    return {
        "metric": float(metric.min()),
        "gap": gap,
        "recommended": recommended,
        "reached": int(reached[0]) + 1 if len(reached) else None,
        "declarations": declared,
    }


def cases(only: list[str]) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Every case of the groups by its key, and what runs it."""
    for group in only:
        if group == "closed_form":
            for seed in range(10):
                for name in CLOSED_FORM:
                    for optimizer in ("config", "auto"):
                        key = {"group": group, "case": name, "method": optimizer, "seed": seed}
                        yield key, lambda name=name, o=optimizer, seed=seed: closed_form_case(name, o, seed)  # type: ignore[misc]
            continue
        kind, _, feasible = group.rpartition("_")
        methods: Mapping[str, str | Optimizer] = {"config": "config"} if kind else KNOWN
        for method, optimizer in methods.items():
            for seed in range(SEEDS):
                if feasible == "feasible" or method == "config":
                    key = {"group": group, "case": "gp", "method": method, "seed": seed}
                    yield key, lambda o=optimizer, seed=seed, yes=feasible == "feasible": gp_case(o, seed, feasible=yes)  # type: ignore[misc]


GROUPS = ("infeasible", "feasible", "fitted_infeasible", "fitted_feasible", "closed_form")


def run(file: Path, only: list[str], limit_hours: float) -> None:
    """Run what the file does not hold yet, until the time is up."""
    go_on(file, ((key, partial(_timed, case)) for key, case in cases(only)), hours=limit_hours)


def _timed(case: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    before = time.process_time()
    return case() | {"cpu": round(time.process_time() - before, 2)}


def interval(values: Array, rng: np.random.Generator) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean."""
    means = rng.choice(values, (10_000, len(values))).mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def report(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What the cases say."""
    by: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by.setdefault((row["group"], row["case"], row["method"]), []).append(row)
    for (group, case, method), found in sorted(by.items()):
        head = f"{group} {case} {method} ({len(found)})"
        if group == "closed_form":
            by_name = {name: np.array([row[name] for row in found]) for name in ("metric", "gap", "recommended")}
            said = ", ".join(f"{name} {np.median(values):.1e} (largest {values.max():.1e})" for name, values in by_name.items())
            yield f"{head}: medians of {said}; declared {sum(row['declarations'] for row in found)} times"
            continue
        steps = [row["declared"] for row in found if row["declared"] is not None]
        said = f"{head}: declared {len(steps)}, failed models {sum(row['failed'] for row in found)}"
        if steps:
            said += f", at steps {'/'.join(f'{q:g}' for q in np.quantile(steps, [0.1, 0.5, 0.9]))} (10/50/90 %), last {max(steps)}"
        if group.endswith("_feasible") or group == "feasible":
            violation = np.array([row["violation"] for row in found])
            low, high = interval(violation, np.random.default_rng(0))
            metric = " ".join(f"{np.mean([row[f'metric_{k}'] for row in found]):.4f}" for k in (10, 20, STEPS))
            said += f"; violation {violation.mean():.2f} ({low:.2f} to {high:.2f}), regret {np.mean([r['regret'] for r in found]):.1f}"
            said += f", regret and violation of the best point at 10, 20, {STEPS}: {metric}"
        yield said


def main() -> None:
    """Run, or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--limit-hours", type=float, default=1.0)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    if not options.report:
        run(options.file, options.only, options.limit_hours)
    print("\n".join(report(read(options.file))))


if __name__ == "__main__":
    main()
