"""What is said about many runs: normalised regrets, ranks with a critical difference, ratios with intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import Run
from benchmarks.suite.case import Case
from benchmarks.suite.scoring import regret

FLOOR = 1e-3
"""Normalised regrets are not told apart below this."""

Regrets = Mapping[tuple[str, str], Mapping[int, float]]
"""Normalised regret by (case, optimizer) and seed."""


def normalised(runs: Sequence[Run], cases: Mapping[str, Case], *, yardstick: str = "random") -> Regrets:
    """Final regret of each run over the median of random search with the same budget, at least `FLOOR`.

    Runs that ended early count what they had found. Cases without runs of the yardstick are left out.

    Args:
        runs: With equal budgets for equal cases.
        cases: By name.
        yardstick: The optimizer whose median is 1.
    """
    final = {run.key: regret(cases[run.case], run.values[-1]) for run in runs if run.values}
    scales: dict[str, list[float]] = defaultdict(list)
    for (case, optimizer, _), value in final.items():
        if optimizer == yardstick:
            scales[case].append(value)
    found: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for (case, optimizer, seed), value in final.items():
        if case in scales:
            found[case, optimizer][seed] = max(value / float(np.median(scales[case])), FLOOR)
    return found


def medians(regrets: Regrets, cases: Sequence[str], optimizers: Sequence[str]) -> NDArray[np.float64]:
    """Median over seeds, ``cases x optimizers``; NaN where there is no run."""
    return np.array([[float(np.median(list(r.values()))) if (r := regrets.get((c, o))) else math.nan for o in optimizers] for c in cases])


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of optimizers over cases.

    Args:
        mean: By optimizer; 1 is best, equal medians share their ranks.
        cases: On how many cases, those that all of them ran.
        difference: Mean ranks that are closer are not told apart at 5 % (Nemenyi's test; Demšar, 2006, equation in section 3.2.2).
        p: Of Friedman's test that all are equal.
    """

    mean: Mapping[str, float]
    cases: int
    difference: float
    p: float


def ranks(table: NDArray[np.float64], optimizers: Sequence[str]) -> Ranks:
    """Friedman's and Nemenyi's tests on the rows without gaps of ``cases x optimizers``, smaller is better.

    Raises:
        ValueError: Fewer than two such rows or three optimizers.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    full = table[~np.isnan(table).any(axis=1)]
    n, k = full.shape
    if n < 2 or k < 3:
        raise ValueError(f"ranks: {n} complete cases and {k} optimizers; 2 and 3 are needed")
    mean = rankdata(full, axis=1).mean(axis=0)
    difference = studentized_range.ppf(0.95, k, math.inf) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))
    same = bool((full == full[:, :1]).all())
    p = 1.0 if same else float(friedmanchisquare(*full.T).pvalue)
    return Ranks(dict(zip(optimizers, mean.tolist(), strict=True)), n, float(difference), p)


@dataclass(frozen=True)
class Ratio:
    """Geometric mean of one optimizer's normalised regret over another's.

    Args:
        ratio: Below 1 where the first is better.
        low, high: A 95 % bootstrap interval over cases and seeds.
        cases: On how many cases, those that both ran.
    """

    ratio: float
    low: float
    high: float
    cases: int


def ratio(regrets: Regrets, ours: str, theirs: str, *, draws: int = 4000, seed: int = 0) -> Ratio:
    """Paired by case and seed: cases weigh equally; cases are drawn again with replacement, and seeds within them.

    Raises:
        ValueError: They have no case and seed in common.
    """
    logs: list[NDArray[np.float64]] = []
    for case in sorted({c for c, o in regrets if o == ours}):
        mine, other = regrets[case, ours], regrets.get((case, theirs), {})
        if both := sorted(mine.keys() & other.keys()):
            logs.append(np.array([math.log(mine[s] / other[s]) for s in both]))
    if not logs:
        raise ValueError(f"ratio: {ours} and {theirs} have no run in common")
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(draws):
        chosen = rng.integers(len(logs), size=len(logs))
        means.append(np.mean([logs[i][rng.integers(len(logs[i]), size=len(logs[i]))].mean() for i in chosen]))
    low, high = np.exp(np.quantile(means, [0.025, 0.975]))
    return Ratio(math.exp(float(np.mean([values.mean() for values in logs]))), float(low), float(high), len(logs))


def last(regrets: Regrets, cases: Sequence[str], optimizers: Sequence[str]) -> dict[str, list[str]]:
    """Where an optimizer's median is strictly larger than that of every other one.

    Each pair is compared over the seeds that both ran: a seed has an initial design and noise of its own, and some are harder.
    """
    found: dict[str, list[str]] = {optimizer: [] for optimizer in optimizers}
    for case in cases:
        for name in optimizers:
            pairs = [(regrets.get((case, name), {}), regrets.get((case, other), {})) for other in optimizers if other != name]
            shared = [(mine, theirs, seeds) for mine, theirs in pairs if (seeds := mine.keys() & theirs.keys())]
            if shared and all(
                np.median([mine[s] for s in seeds]) > np.median([theirs[s] for s in seeds]) for mine, theirs, seeds in shared
            ):
                found[name].append(case)
    return found
