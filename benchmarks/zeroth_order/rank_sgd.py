"""ZO-RankSGD beside descent by differences of values on a sphere, which sees numbers where it sees an order only.

The comparator is the same method in all but its estimate: pairs of points at opposite ends of a ball around the incumbent, m points in
all, as far out as the normal displacements of RankSGD are on average (root mean square), and their differences instead of their order.
Averages after failures, the line search, what it is compared with, and the rule of the distances are one code. Both start at the same
random point of the box, whose value is given, with default settings.

Settings and rules were fixed before the runs that are reported. One rule was changed after a first look at the two functions of the
claim, for another reason: distances may since become longer than at first. The third function was run once, when all was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import bbo
from bbo.log.ledger import Record
from bbo.optimizers.rank_sgd import RankedDescent
from bbo.problem import Problem
from bbo.zeroth_order import central_points, sphere_directions, sphere_two_point
from benchmarks.resumable import Row

Array = NDArray[np.float64]

CLAIM = (
    "ZO-RankSGD reaches the value of two-point sphere descent, with the same m and step rule, within a factor 2 in queries "
    "(quadratic and Rosenbrock, d = 20, 10 seeds, median)."
)
D, SEEDS, BUDGETS = 20, 10, (500, 1000, 2000)
PATIENCE = 3  # times the last budget, after which RankSGD counts as not having arrived


@dataclass(frozen=True, slots=True)
class TwoPoint(bbo.RankSGD):
    """The comparator: `RankSGD` with another estimate."""

    name: ClassVar[str] = "two_point"

    def init(self, problem: Problem) -> RankedDescent:
        """No phase open yet."""
        return TwoPointDescent(problem, self)


@dataclass(slots=True)
class TwoPointDescent(RankedDescent):
    """Pairs on a sphere, and their differences."""

    def around(self, x: Array, rng: np.random.Generator) -> Array:
        points = central_points(x, sphere_directions(self.settings.m // 2, len(x), rng), self._radius)
        return points.reshape(-1, len(x))

    def estimate(self, records: Sequence[Record], displacements: Array) -> tuple[Array, int]:
        values = np.array([self.problem.losses(record.values)[0] for record in records]).reshape(-1, 2)
        sides = displacements.reshape(len(values), 2, -1)
        directions = (sides[:, 0] - sides[:, 1]) / (2 * self._radius)  # shorter where the box cut off a side
        return sphere_two_point(values, directions, self._radius), len(values)

    @property
    def _radius(self) -> float:
        return float(self._mu * np.sqrt(len(self.standing.x)))


def quadratic(x: Array) -> float:
    """The sum of squares."""
    return float(x @ x)


def rosenbrock(x: Array) -> float:
    """A bent narrow valley."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def dixon_price(x: Array) -> float:
    """A valley whose coordinates hang together one after the other."""
    i = np.arange(2, len(x) + 1)
    return float((x[0] - 1) ** 2 + (i * (2 * x[1:] ** 2 - x[:-1]) ** 2).sum())


FUNCTIONS: dict[str, tuple[Callable[[Array], float], float, float]] = {
    "quadratic": (quadratic, -5, 10),
    "rosenbrock": (rosenbrock, -5, 10),
    "dixon_price": (dixon_price, -10, 10),
}


def best_so_far(optimizer: bbo.RankSGD, function: str, seed: int, queries: int) -> Array:
    """The least value after each query."""
    f, low, high = FUNCTIONS[function]
    space = bbo.Space({"x": bbo.Array(D, low, high)})
    study = bbo.Study(space, "minimize", optimizer=optimizer, seed=seed)
    start = np.random.default_rng((2303, 3751, seed)).uniform(low, high, D)
    study.add({"x": start.tolist()}, f(start))
    values: list[float] = []
    while len(values) < queries:
        trials = study.ask(optimizer.m)
        found = [f(np.array(trial["x"])) for trial in trials]
        study.tell(trials, found)
        values += found
    return np.minimum.accumulate(values)


def compare(function: str, seed: int) -> Row:
    """What two-point descent has after each budget, and how many queries RankSGD needs for it; None: not within its patience."""
    pairs = best_so_far(TwoPoint(), function, seed, max(BUDGETS))
    ranks = best_so_far(bbo.RankSGD(), function, seed, PATIENCE * max(BUDGETS))
    row: Row = {}
    for budget in BUDGETS:
        value = float(pairs[budget - 1])
        there = np.flatnonzero(ranks <= value)
        row[f"value_{budget}"] = value
        row[f"ranked_value_{budget}"] = float(ranks[budget - 1])
        row[f"queries_{budget}"] = int(there[0]) + 1 if len(there) else None
    return row


def jobs() -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """One run of both for each function and seed."""
    for function in FUNCTIONS:
        for seed in range(SEEDS):
            yield {"function": function, "seed": seed}, lambda function=function, seed=seed: compare(function, seed)


def report(rows: list[Row]) -> str:
    """A table of medians over seeds."""
    read_as = (
        "Values are medians over seeds. The ratio is that of queries: of RankSGD to reach what two-point descent has after so many, over "
        "these; its median and, in brackets, quartiles, of two runs in question the worse. A run that did not get there within "
        f"{PATIENCE * max(BUDGETS)} queries counts as infinite."
    )
    lines = [read_as, "", "| function | seeds | queries | two-point | RankSGD | ratio |", "|---|---|---|---|---|---|"]
    for function in FUNCTIONS:
        of_it = [row for row in rows if row["function"] == function]
        for budget in BUDGETS if of_it else ():
            ratios = [np.inf if row[f"queries_{budget}"] is None else row[f"queries_{budget}"] / budget for row in of_it]
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75], method="higher")
            values = [np.median([row[f"{key}_{budget}"] for row in of_it]) for key in ("value", "ranked_value")]
            shown = " | ".join(f"{value:.3g}" for value in values)
            lines.append(f"| {function} | {len(of_it)} | {budget} | {shown} | {middle:.2f} ({low:.2f} to {high:.2f}) |")
    return "\n".join(lines)
