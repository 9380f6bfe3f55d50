"""Zeroth-order Frank-Wolfe on a stochastic quadratic: how fast it nears the minimum with its steps, under three kinds of noise.

The distance of x to a point outside the l1 ball is minimized, ``f(x) = |x - a|^2 / 2`` in ten dimensions; its minimizer has three
entries that are not zero. What is seen of it at the points of a step has noise of standard deviation 0.1, drawn anew for each step:

- ``common``: ``f(x) + 0.1 z'x``, with one normal z for all points of the step, as in the paper. Slopes have noise that does not depend on
  the distance they are measured over.
- ``own``: ``f(x) + 0.1 z``, with a z for each point. Slopes have noise that grows as the distance falls.
- ``own, floor``: the same, with distances no less than ``0.1 ** 0.5``. Differences along coordinates are then off by half of that times the
  curvature, whatever the number of steps; along normal directions that error cancels on a quadratic, between a direction and its opposite,
  and so it does in ``kwsa, either way``, where all coordinates go up or all go down by chance. That is what `bbo.FrankWolfe` does.

The formulas of `bbo.zeroth_order` are run by themselves, with the distances of the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain.convex import L1Ball
from bbo.zeroth_order import coordinate_directions, coordinate_forward, either_way, forward_points, gaussian, gaussian_directions
from bbo.zeroth_order.frank_wolfe import Estimator, Iterate, advance, rates
from benchmarks.resumable import Row

CLAIM = (
    "On a stochastic quadratic (noise 0.1, independent draws, T = 100 to 10,000, 10 seeds) the distance of f to its minimum falls with a "
    "fitted slope of at most -1/3 + 0.05 in T, both in logarithms."
)

Array = NDArray[np.float64]

SEEDS, STEPS = 10, (100, 316, 1000, 3162, 10_000)
NOISE, FLOOR = 0.1, 0.1**0.5
AT_MOST = -1 / 3 + 0.05
D = 10
BALL = L1Ball(1, shape=D)
CENTRE = np.array([0.9, 0.6, 0.3, *[0.0] * (D - 3)])
LEAST = 0.5 * float(((BALL.project(CENTRE) - CENTRE) ** 2).sum())
EITHER_WAY = "kwsa, either way"
ESTIMATORS: dict[str, tuple[Estimator, int]] = {"kwsa": ("kwsa", 1), EITHER_WAY: ("kwsa", 1), "rdsa": ("rdsa", 1), "i_rdsa": ("i_rdsa", 5)}
"""With their rates, and the directions of a step where there is a choice."""
KINDS = ("common", "own", "own, floor")


def f(x: Array) -> Array:
    """What is minimized, of points (the last axis)."""
    return np.asarray(0.5 * ((x - CENTRE) ** 2).sum(axis=-1))


def seen(points: Array, kind: str, rng: np.random.Generator) -> Array:
    """What is seen at the points of a step."""
    noise = points @ rng.standard_normal(D) if kind == "common" else rng.standard_normal(len(points))
    return f(points) + NOISE * noise


def run(estimator: str, kind: str, seed: int, steps: tuple[int, ...] = STEPS) -> Row:
    """A run from the centre of the ball: how far f is above its minimum after so many steps."""
    rng, iterate, (name, m) = np.random.default_rng(seed), Iterate.at(np.zeros(D)), ESTIMATORS[estimator]
    above = []
    for t in range(max(steps)):
        at = rates(name, t, d=D, m=m)
        c = max(at.c, FLOOR) if kind == "own, floor" else at.c
        u = coordinate_directions(D) if name == "kwsa" else gaussian_directions(m, D, rng)
        if estimator == EITHER_WAY:
            u = either_way(u, rng)
        base, *around = seen(np.vstack([iterate.x, forward_points(iterate.x, u, c)]), kind, rng)
        estimate = coordinate_forward if name == "kwsa" else gaussian
        iterate = advance(iterate, estimate(float(base), np.array(around), u, c), BALL.lmo, at)
        if t + 1 in steps:
            above.append(float(f(iterate.x)) - LEAST)
    return {"above": above}


def jobs() -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """A run for each estimator, kind of noise and seed."""
    for kind in KINDS:
        for estimator in ESTIMATORS:
            for seed in range(SEEDS):
                yield {"estimator": estimator, "noise": kind, "seed": seed}, partial(run, estimator, kind, seed)


def slope(above: Array) -> float:
    """The slope of a line through the means over runs (`runs x steps`), in logarithms."""
    return float(np.polyfit(np.log(STEPS), np.log(above.mean(axis=0)), 1)[0])


def report(rows: list[Row]) -> str:
    """A table, and whether the claim holds in each of its rows; the interval is of 2,000 resamples of the runs."""
    rng = np.random.default_rng(0)
    lines = [
        "| noise | estimator | runs | " + " | ".join(f"T = {t:,}" for t in STEPS) + " | slope, 95 % interval | at most -0.283 |",
        "|---|---|---|" + "---|" * (len(STEPS) + 2),
    ]
    for kind in KINDS:
        for estimator in ESTIMATORS:
            of_it = [row["above"] for row in rows if row["noise"] == kind and row["estimator"] == estimator]
            if not of_it:
                continue
            above = np.array(of_it)
            drawn = [slope(above[rng.integers(len(above), size=len(above))]) for _ in range(2000)]
            low, high = np.quantile(drawn, [0.025, 0.975])
            fitted, means = slope(above), " | ".join(f"{mean:.2g}" for mean in above.mean(axis=0))
            holds = "yes" if fitted <= AT_MOST else "no"
            lines.append(f"| {kind} | `{estimator}` | {len(above)} | {means} | {fitted:.2f} ({low:.2f} to {high:.2f}) | {holds} |")
    held = sum(line.endswith(" yes |") for line in lines)
    return "\n".join(["Mean of f above its minimum after T steps:", "", *lines, "", f"The claim holds in {held} of {len(lines) - 2} rows."])
