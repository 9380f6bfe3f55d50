"""The maximizer beside SciPy: evaluations, time outside the function, and optima, from equal starts; and what its choices cost.

Run it on one pinned core with one thread: ``OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.maximizer``. Times are process
times, the best of three, of both in turn; the time in the function itself is taken off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats.qmc import Sobol

from acquisitions import LogExpectedImprovement, maximize
from acquisitions.domain import Box, Domain, Linear
from acquisitions.maximizer import ClimbSettings, MaximizerSettings, climb
from acquisitions.maximizer.screening import best_apart, latin_hypercube
from surrogates.columns import Column, Columns
from surrogates.exact_gp import fit

Array = NDArray[np.float64]
Function = Callable[[Array], tuple[Array, Array]]

STARTS = 10
REPEATS = 3
SEEDS = 5
SIZES = ((2, 20), (6, 50), (6, 200), (20, 50), (20, 200))
LEVELS = {0: (0.0, 0.5, 1.0), 1: (0.25, 0.75)}


def rosenbrock(X: Array) -> tuple[Array, Array]:
    X = 4 * X - 2
    a = X[:, 1:] - X[:, :-1] ** 2
    gradient = np.zeros_like(X)
    gradient[:, 1:] += 200 * a
    gradient[:, :-1] += -400 * a * X[:, :-1] - 2 * (1 - X[:, :-1])
    return -np.sum(100 * a**2 + (1 - X[:, :-1]) ** 2, axis=1), -4 * gradient


def quadratic(d: int, condition: float = 1e4) -> Function:
    rng = np.random.default_rng(d)
    Q = np.linalg.qr(rng.normal(size=(d, d))).Q
    A, centre = (Q * np.geomspace(1, condition, d)) @ Q.T, rng.uniform(-0.3, 1.3, d)
    return lambda X: (-0.5 * np.einsum("bi,ij,bj->b", X - centre, A, X - centre), -(X - centre) @ A)


def improvement(d: int, n: int, seed: int, domain: Domain | None = None) -> tuple[LogExpectedImprovement, Array]:
    """An acquisition function, and the three best points known."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d)) if domain is None else domain.columns.snap(rng.random((n, d)))
    y = np.sin(4 * X @ rng.normal(size=d) / np.sqrt(d)) + (X - rng.random(d)) ** 2 @ rng.normal(size=d) + 0.01 * rng.normal(size=n)
    y = (y - y.mean()) / y.std()
    gp = fit(X, y, columns=None if domain is None else domain.columns, seed=0)
    return LogExpectedImprovement(gp, float(y.max())), X[np.argsort(-y)[:3]]


def cube(d: int, constraints: tuple[Linear, ...] = (), levels: dict[int, tuple[float, ...]] | None = None) -> Domain:
    of = [(levels or {}).get(i, ()) for i in range(d)]
    columns = Columns(tuple(Column(f"x{i}", "categorical" if of[i] else "continuous", of[i]) for i in range(d)))
    return Domain(columns, np.array([[0.0] * d, [1.0] * d]), constraints, (Box(tuple(range(d)), (0.0,) * d, (1.0,) * d, tuple(of)),))


@dataclass
class Timed:
    """A function that counts the points it was asked for, and the time it took."""

    function: Function
    points: int = 0
    seconds: float = 0.0

    def __call__(self, X: Array) -> tuple[Array, Array]:
        start = time.process_time()
        result = self.function(X)
        self.seconds += time.process_time() - start
        self.points += len(X)
        return result


@dataclass(frozen=True)
class Run:
    points: int
    overhead: float
    best: float


def ours(function: Function, starts: Array, settings: ClimbSettings) -> Run:
    timed, d = Timed(function), starts.shape[1]
    start = time.process_time()
    found = climb(lambda X, rows: timed(X), starts, np.zeros(d), np.ones(d), settings)
    return Run(timed.points, time.process_time() - start - timed.seconds, float(found.values.max()))


def theirs(function: Function, starts: Array) -> Run:
    timed, best = Timed(function), -np.inf

    def negative(x: Array) -> tuple[float, Array]:
        values, gradients = timed(x[None])
        return -float(values[0]), -gradients[0]

    start = time.process_time()
    for x in starts:
        best = max(best, -float(minimize(negative, x, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * len(x)).fun))
    return Run(timed.points, time.process_time() - start - timed.seconds, best)


def compare(name: str, cases: list[tuple[Function, Array]], settings: ClimbSettings) -> None:
    evaluations, overheads, gaps, cost = [], [], [], []
    for function, starts in cases:
        pairs = [(ours(function, starts, settings), theirs(function, starts)) for _ in range(REPEATS)]
        mine, other = (min(side, key=lambda run: run.overhead) for side in zip(*pairs, strict=True))
        evaluations.append(mine.points / other.points)
        overheads.append((mine.overhead / mine.points) / (other.overhead / other.points))
        cost.append(mine.overhead / mine.points * 1e6)
        gaps.append(mine.best - other.best)
    print(
        f"{name:<22} evaluations x{geometric(evaluations):.2f}  overhead a point x{geometric(overheads):.2f} ({np.median(cost):.0f} us)"
        f"  optimum from {min(gaps):+.0e} to {max(gaps):+.0e}"
    )


def geometric(ratios: list[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def climbs() -> None:
    print(f"Climbs from {STARTS} equal starts, ours / SciPy's L-BFGS-B from each start:")
    plain = ClimbSettings(lag=np.inf)
    for d in (2, 6, 20):
        starts = np.random.default_rng(0).random((STARTS, d))
        compare(f"Rosenbrock d={d}", [(rosenbrock, starts)], plain)
        compare(f"quadratic 1e4 d={d}", [(quadratic(d), starts)], plain)
    for d, n in SIZES:
        cases: list[tuple[Function, Array]] = []
        for seed in range(SEEDS):
            acq, _ = improvement(d, n, seed)
            pool = latin_hypercube(1000, d, np.random.default_rng(seed))
            cases.append((acq.value_and_gradient, pool[best_apart(pool, acq.value(pool), STARTS, np.ones(d))]))
        compare(f"log EI d={d} n={n}", cases, plain)
        compare("  lagging rows dropped", cases, ClimbSettings())
        compare("  memory 5", cases, replace(plain, memory=5))
        compare("  first step 0.05", cases, replace(plain, first_step=0.05))


def constraints() -> None:
    print("Whole maximizations of log EI, process time / that of the plain box:")
    for d, n in SIZES[1:]:
        half = np.ones(d)
        domains = {
            "box": cube(d),
            "one inequality": cube(d, (Linear(half, -np.inf, 0.5 * d),)),
            "one equality": cube(d, (Linear(half, 0.5 * d, 0.5 * d),)),
            "two columns of levels": cube(d, (), LEVELS),
        }
        seconds: dict[str, list[float]] = {name: [] for name in domains}
        for seed in range(SEEDS):
            for name, domain in domains.items():
                acq, seeds = improvement(d, n, seed, domain)
                taken = []
                for _ in range(REPEATS):
                    start = time.process_time()
                    maximize(acq, domain, rng=np.random.default_rng(seed), seeds=seeds)
                    taken.append(time.process_time() - start)
                seconds[name].append(min(taken))
        plain = np.median(seconds["box"])
        print(f"d={d} n={n}: box {plain * 1e3:.1f} ms", *(f"{name} x{np.median(s) / plain:.2f}" for name, s in seconds.items()), sep=", ")


def screening() -> None:
    print("Screening by a Latin hypercube and by scrambled Sobol points (1,500 each, no seeds): best screened, best found after climbs:")
    few = MaximizerSettings(screened=0)
    for d, n in SIZES:
        screened, found = [], []
        for seed in range(4 * SEEDS):
            acq, _ = improvement(d, n, seed)
            pools = latin_hypercube(1500, d, np.random.default_rng(seed)), Sobol(d, rng=np.random.default_rng(seed)).random(2048)[:1500]
            screened.append(np.subtract(*(acq.value(pool).max() for pool in pools)))
            found.append(
                np.subtract(*(maximize(acq, cube(d), rng=np.random.default_rng(0), pool=pool, settings=few).value for pool in pools))
            )
        better, worse = (np.mean(sign * np.array(found) > 1e-6) for sign in (1, -1))
        print(
            f"d={d} n={n}: hypercube better in {np.mean(np.array(screened) > 0):.0%} of screenings;"
            f" after climbs better in {better:.0%}, worse in {worse:.0%}"
        )


if __name__ == "__main__":
    climbs()
    constraints()
    screening()
