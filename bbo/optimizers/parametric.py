"""From the log to the parameters of a family: what GO-UCB knows, and shows the study as its model.

The family is fitted to some trials, the *first* ones, which also fix the units; from then on it is linearised trial by trial, in the order
of their numbers. So the estimate is a function of the trials as they stand and of which of them were the first, and the order in which
results came in changes nothing: one that comes late takes its place in the sequence. The memo of a proposal names the first trials, and
the fit is made again from the log. What was computed before is kept as long as it is the same.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.history import History
from bbo.problem import Problem

if TYPE_CHECKING:
    from acquisitions.feasibility import OutcomeConstraint
    from acquisitions.parametric_optimism import LinearisedBound
    from bbo.optimizers.go_ucb import GOUCB
    from surrogates.exact_gp.transforms import Standardise
    from surrogates.leave_one_out import LeaveOneOut
    from surrogates.parametric import Family, LinearisedPosterior

Array = NDArray[np.float64]

FARTHEST = 1.0
"""Of the length of the fitted parameters, or of one where they are shorter: no calibrated ellipsoid reaches farther from its centre."""

_DRAWN = 128  # points by which the radius is calibrated


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What the first trials fix.

    Args:
        family: Over encoded points.
        transform: From gains (minus the losses) to the units of the family.
        posterior: The fitted parameters, ``w_0``, and their precision.
        beta: Squared radius of the ellipsoid.
    """

    family: Family
    transform: Standardise
    posterior: LinearisedPosterior
    beta: float


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The parameters after some trials beyond the first.

    Args:
        start: What the first trials fixed.
        posterior: Estimate and precision of the parameters.
        surprises: Sum of the squared errors of the predictions of those trials, each over its variance in units of the noise's.
        rows: Those trials, encoded point and value each.
    """

    start: Start
    posterior: LinearisedPosterior
    surprises: float = 0.0
    rows: tuple[tuple[float, ...], ...] = ()

    def after(self, row: tuple[float, ...]) -> Estimate:
        """With one more trial."""
        x, y = np.array(row[:-1])[None], row[-1]
        value, slope = self.start.family.weight_gradient(self.posterior.weights, x)
        error = float(y - value[0])
        variance = 1.0 + max(float(slope[0] @ self.posterior.solve(slope)[0]), 0.0)
        posterior = self.posterior.append(slope[0], error)
        return Estimate(self.start, posterior, self.surprises + error**2 / variance, (*self.rows, row))

    @property
    def noise(self) -> float:
        """Standard deviation of the noise in the units of the family, from the predictions of trials before they were run.

        The estimate of maximum likelihood of a linear model, with the spread of the first trials counted as one more prediction.
        """
        return math.sqrt((1.0 + self.surprises) / (1 + len(self.rows)))


_UNWANTED = (State.FAILED, State.PRUNED)


@dataclass(slots=True)
class Learning(History):
    """A history that keeps what was last computed from it, and in which a measured point may be proposed again, as bandits do."""

    _started: tuple[tuple[GOUCB, bytes, bytes], Start] | None = field(default=None, compare=False)
    _latest: Estimate | None = field(default=None, compare=False)

    def estimate(self, settings: GOUCB, memo: Mapping[str, Any] | None, *, renew: bool) -> tuple[Estimate, dict[str, Any]]:
        """The parameters as all trials have it, and the memo that says to which of them the family was fitted.

        Args:
            settings: Family, fit and ellipsoid.
            memo: Of an earlier proposal; None for a fit to all trials.
            renew: Whether the family may be fitted anew where trials have grown.
        """
        from surrogates.exact_gp.transforms import Standardise

        done = self.finished(State.DONE)
        named = set(memo["first"]) if memo else set[int]()
        first = [record for record in done if record.number in named]
        grown = renew and settings.growth is not None and len(done) >= settings.growth * len(first)
        if len(first) < 2 or grown:
            first, named = done, {record.number for record in done}
        X, gains = self._encoded(first)
        key = (settings, X.tobytes(), gains.tobytes())
        if self._started is None or self._started[0] != key:
            self._started = key, _start(self.problem, settings, X, gains, Standardise.fit(gains))
        start = self._started[1]
        later = [record for record in done if record.number not in named]
        rows = tuple((*x, y) for x, y in self._rows(later, start.transform))
        estimate = self._latest
        if estimate is None or estimate.start is not start or rows[: len(estimate.rows)] != estimate.rows:
            estimate = Estimate(start, start.posterior)
        for row in rows[len(estimate.rows) :]:
            estimate = estimate.after(row)
        self._latest = estimate
        return estimate, {"first": sorted(record.number for record in first)}

    def known(self, params: Mapping[str, Any]) -> bool:
        """Whether a point was told as failed, or pruned."""
        key = self.problem.space.key

        def unwanted() -> set[Hashable]:
            records = [record for state in _UNWANTED for record in self.finished(state)]
            return {key(params) for record in records for params in (record.params, record.planned)}

        return key(params) in self.once("unwanted", unwanted)

    def _encoded(self, records: Sequence[Record]) -> tuple[Array, Array]:
        X = self.problem.space.encode([record.params for record in records])
        return X, -np.array([self.problem.losses(record.values)[0] for record in records])

    def _rows(self, records: Sequence[Record], transform: Standardise) -> list[tuple[list[float], float]]:
        if not records:
            return []
        X, gains = self._encoded(records)
        return list(zip(X.tolist(), transform.forward(gains).tolist(), strict=True))


def _start(problem: Problem, settings: GOUCB, X: Array, gains: Array, transform: Standardise) -> Start:
    from surrogates.parametric import LinearisedPosterior, OneHot, fit

    columns = problem.space.columns
    family = OneHot(columns, settings.build) if columns.indices("categorical") else settings.build(len(columns))
    rng = problem.rng("go_ucb", "fit", len(X))
    weights = fit(family, X, transform.forward(gains), rng=rng, weight_decay=settings.weight_decay)
    posterior = LinearisedPosterior.prior(weights, settings.ridge)
    if settings.count_first:
        for slope in family.weight_gradient(weights, X)[1]:
            posterior = posterior.append(slope)
    beta = settings.beta
    if beta is None:
        points = problem.space.encode(problem.space.sample(_DRAWN, problem.rng("go_ucb", "beta", len(X))))
        beta = calibrated(family, posterior, points)
    return Start(family, transform, posterior, beta)


def calibrated(family: Family, posterior: LinearisedPosterior, X: Array) -> float:
    """The beta with which ``sqrt(beta) |g_x|`` in the norm of ``Sigma^-1`` has a median of one over points X (`m x d`).

    One is the spread of the first trials. No parameters of the ellipsoid are farther from its centre than ``sqrt(beta / lambda)``, which
    is capped (`FARTHEST`).
    """
    weights = posterior.weights
    median = float(np.median(np.linalg.norm(posterior.whiten(family.weight_gradient(weights, X)[1]), axis=1)))
    most = FARTHEST * max(float(np.linalg.norm(weights)), 1.0) * math.sqrt(posterior.ridge)
    return min(1.0 / median, most) ** 2 if median > 0 else most**2


@dataclass(frozen=True, slots=True, eq=False)
class FamilyModel:
    """The family at its estimate, in the study's own settings (see `bbo.model.CubeModel`).

    Standard deviations are those of the linearised family, in units of the noise that its own predictions show.

    Args:
        problem: What is optimized.
        estimate: Of the parameters.
        trials: Numbers of the trials it rests on.
    """

    problem: Problem
    estimate: Estimate
    trials: tuple[int, ...]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The objective's name alone."""
        return self.problem.outcomes

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation at each point (`n x 1`), native units and sign, without measurement noise."""
        from bbo.optimizers.fitting import one_thread

        with one_thread():
            X, estimate = self.problem.space.encode(rows), self.estimate
            values, slopes = estimate.start.family.weight_gradient(estimate.posterior.weights, X)
            sds = estimate.noise * np.linalg.norm(estimate.posterior.whiten(slopes), axis=1)
            return self._native(values)[:, None], estimate.start.transform.scale * sds[:, None]

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Zero: it has no model of failures."""
        return np.zeros(len(rows))

    # -- for `bbo.model.CubeModel`; whoever calls these limits the threads

    @property
    def score(self) -> LinearisedBound:
        """The family at its estimate, to be maximized, in its own units."""
        from acquisitions.parametric_optimism import LinearisedBound

        return LinearisedBound(self.estimate.start.family, self.estimate.posterior, 0.0)

    @property
    def constraints(self) -> Mapping[str, OutcomeConstraint]:
        """None."""
        return {}

    def medians(self, X: Array) -> Array:
        """The family at its estimate at encoded points (`n x d`), native units and sign, `n x 1`."""
        return self._native(self.estimate.start.family.value(self.estimate.posterior.weights, X))[:, None]

    def slopes(self, X: Array) -> Array:
        """Gradients of these with respect to encoded points (`n x d`), `n x 1 x d`."""
        _, slopes = self.estimate.start.family.point_gradient(self.estimate.posterior.weights, X)
        return -self.problem.objectives[0].sign * self.estimate.start.transform.scale * slopes[:, None, :]

    def leave_one_out(self) -> Mapping[str, LeaveOneOut]:
        """Of no outcome: without one of the first trials the fit would have to be made again."""
        return {}

    def _native(self, values: Array) -> Array:
        return np.asarray(-self.problem.objectives[0].sign * self.estimate.start.transform.inverse(values))
