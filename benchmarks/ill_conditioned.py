"""Fits of Gaussian processes to data that break others: no exception and no number that is not finite, over many random cases.

Clustered and repeated points, values of any size, with outliers, constant, with known noise of any size; all kernels and settings.
Case i is made from i alone, so that a run goes on where the last one ended, and a failure can be looked at again:

    python -m benchmarks.ill_conditioned --state totals.json --minutes 10
    python -m benchmarks.ill_conditioned --case 1234

Totals are kept in the file after every 100 cases and printed at the end.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surrogates.columns import INACTIVE, Column, Columns, Parent
from surrogates.exact_gp import Settings, fit

Array = NDArray[np.float64]

MOST = 32  # points of a case
WRITTEN = 100  # cases from one writing of the totals to the next
TREE = Columns(
    (
        Column("x"),
        Column("c", "categorical", (0.0, 0.5, 1.0)),
        Column("z", parent=Parent((1,), ((0.0,),))),
        Column("k", "integer", (0.0, 0.25, 0.5, 0.75, 1.0)),
    )
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a process is fitted to, and how."""

    X: Array
    y: Array
    yvar: Array | None
    columns: Columns | None
    settings: Settings

    @classmethod
    def numbered(cls, i: int) -> Case:
        """The i-th case."""
        rng = np.random.default_rng((1, i))
        n, columns = int(rng.integers(1, MOST + 1)), TREE if rng.random() < 0.3 else None
        d = int(rng.integers(1, 8)) if columns is None else len(columns)
        X = np.clip(rng.random(d) + 10.0 ** rng.integers(-16, 1) * rng.standard_normal((n, d)), 0.0, 1.0)
        if rng.random() < 0.3:
            X = X[rng.integers(0, n, n)]  # repeated points
        if rng.random() < 0.2:
            X = np.round(2 * X) / 2  # on a grid, where distances are equal
        if columns is not None:
            X = columns.snap(X)
            X[~columns.active(X)] = INACTIVE
        y = 10.0 ** rng.integers(-13, 13) * (rng.standard_normal(n) * (rng.random() < 0.9) + rng.integers(-3, 3))
        if rng.random() < 0.1:
            y[0] *= 1e9
        yvar = None if rng.random() < 0.7 else 10.0 ** rng.integers(-9, 3) * rng.random(n)
        settings = Settings(
            kernel=(("rbf", "matern12", "matern32", "matern52"))[int(rng.integers(4))],
            categorical="latent" if rng.random() < 0.5 else "hamming",
            warp=bool(rng.random() < 0.3),
            outputscale=bool(rng.random() < 0.3),
            mean="linear" if rng.random() < 0.5 else "constant",
            noise_floor=1e-8 if rng.random() < 0.5 else 1e-4,
        )
        return cls(X, y, yvar, columns, settings)

    def numbers(self, seed: int) -> Iterator[tuple[str, Array]]:
        """All that a caller may ask of the fitted process, by name."""
        gp = fit(self.X, self.y, self.yvar, columns=self.columns, settings=self.settings, seed=seed)
        Z = np.vstack([self.X[:3], np.random.default_rng((2, seed)).random((4, self.X.shape[1]))])
        moments = gp.at(Z, gp.baseline(self.X[:2]))
        assert moments.covariance is not None
        yield "mean", moments.mean
        yield "log variance", np.log(moments.variance)
        yield "covariance", moments.covariance
        yield "gradient", moments.pull(np.ones(len(Z)), np.ones(len(Z)), np.ones_like(moments.covariance))
        mean, variance = gp.loo()
        yield "leave-one-out mean", mean
        yield "log of leave-one-out variance", np.log(variance)
        yield "log marginal likelihood", np.array([gp.log_marginal_likelihood])
        grown = gp.condition(Z, np.zeros(len(Z)), None if self.yvar is None else np.zeros(len(Z)))
        mean, variance = grown.predict(Z)
        yield "mean after growth", mean
        yield "log variance after growth", np.log(variance)


@dataclass(slots=True)
class Totals:
    """What was run, and what went wrong: number of the case and what it was."""

    cases: int = 0
    seconds: float = 0.0
    failures: list[tuple[int, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.cases:,} cases in {self.seconds:,.0f} s of processor time, {len(self.failures)} failures"


def failure(i: int) -> str | None:
    """What goes wrong in the i-th case; None where nothing does. Warnings of NumPy's count too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, values in Case.numbered(i).numbers(i):
                if not np.all(np.isfinite(values)):
                    return f"{name} is not finite"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return f"{type(error).__name__}: {error}"
    return None


def run(state: Path, minutes: float, most: int) -> Totals:
    """Go on from the totals in a file until the minutes are over or so many cases are done in all."""
    totals = Totals()
    if state.exists():
        known = json.loads(state.read_text())
        totals = Totals(known["cases"], known["seconds"], [(i, what) for i, what in known["failures"]])
    end = time.monotonic() + 60 * minutes
    while totals.cases < most and time.monotonic() < end:
        begun = time.process_time()
        for i in range(totals.cases, min(totals.cases + WRITTEN, most)):
            if (what := failure(i)) is not None:
                totals.failures.append((i, what))
            totals.cases = i + 1
        totals.seconds += time.process_time() - begun
        state.write_text(json.dumps(asdict(totals)))
    return totals


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit many ill-conditioned data sets.")
    parser.add_argument("--state", type=Path, default=Path("ill_conditioned.json"), help="where totals are kept")
    parser.add_argument("--minutes", type=float, default=10.0, help="when to stop")
    parser.add_argument("--most", type=int, default=100_000, help="cases in all")
    parser.add_argument("--case", type=int, help="look at this case alone")
    arguments = parser.parse_args()
    if arguments.case is not None:
        print(failure(arguments.case) or "nothing is wrong")
        return
    totals = run(arguments.state, arguments.minutes, arguments.most)
    print(totals)
    for i, what in totals.failures:
        print(f"case {i}: {what}")


if __name__ == "__main__":
    main()
