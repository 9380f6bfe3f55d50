"""The design that the model believes best under all conditions it may meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from acquisitions.conditioning import joint_samples
from acquisitions.feasibility import EVEN
from acquisitions.risk_of_mean import RiskOfMean
from bbo.optimizers import robust
from surrogates.exact_gp.transforms import Standardise

if TYPE_CHECKING:
    from acquisitions.risk_measures import RiskMeasure
    from acquisitions.scenarios import Scenarios
    from bbo.optimizers.candidates import Params
    from bbo.optimizers.fitted import Model
    from bbo.problem import Problem

Array = NDArray[np.float64]

_SAMPLES = 512  # of the latent function under all conditions, of each design; the same normal numbers for all designs


@dataclass(frozen=True, eq=False)
class Designs:
    """What a model says of designs as they will be used.

    Args:
        problem: With conditions that designs meet (`bbo.optimizers.robust`).
        model: Of its outcomes.
        scenarios: The conditions.
    """

    problem: Problem
    model: Model
    scenarios: Scenarios

    @cached_property
    def measure(self) -> RiskMeasure:
        """What counts of the objective."""
        return robust.measure(self.problem)

    @cached_property
    def score(self) -> RiskOfMean:
        """What is climbed, in the units of the fit: the measure of the mean."""
        return RiskOfMean(self.model.surrogate.gps[0], self.scenarios, self.measure)

    def log_p_feasible(self, X: Array) -> Array:
        """Log probability that a design (`m x d`) can be evaluated and keeps the outcome constraints in a condition that it meets, `m`."""
        if not self.model.constraints:
            return np.zeros(len(X))
        logs = self.scenarios.by_row(self.model.surrogate.log_p_feasible(self.scenarios.expand(X)))
        return np.asarray(logsumexp(logs, axis=1, b=self.scenarios.weights))

    def expected(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome's measure at designs (`m x d`), native units and sign, each `m x t`.

        Constraints are averaged. What is no average of straight lines is taken from samples.
        """
        rows = [self._of_one(x) for x in X]
        means, sds = (np.array(part) for part in zip(*rows, strict=True))
        return means, sds

    def _of_one(self, x: Array) -> tuple[list[float], list[float]]:
        points, weights = self.scenarios.expand(x[None]), self.scenarios.weights
        means, sds = [], []
        surrogate = self.model.surrogate
        for k, (target, gp) in enumerate(zip(surrogate.targets, surrogate.gps, strict=True)):
            if (k > 0 or self.measure.kind == "expectation") and isinstance(target.transform, Standardise):
                baseline = gp.baseline(points)
                variance = max(float(weights @ baseline.covariance @ weights), 0.0)
                mean, sd = target.native(np.array([baseline.mean @ weights]), np.array([variance]))
                means.append(float(mean[0]))
                sds.append(float(sd[0]))
                continue
            gains = target.transform.inverse(joint_samples(gp, points, _SAMPLES, np.random.default_rng(0)))
            values = self.measure.of(gains, weights) if k == 0 else gains @ weights
            means.append(target.sign * float(values.mean()))
            sds.append(float(values.std()))
        return means, sds

    def best_first(self, points: Sequence[Params]) -> list[Params]:
        """Designs as full points by their lack of an even chance of being feasible, then by their expected measure."""
        X = self.problem.space.encode(points)
        loss = self.problem.objectives[0].sign * self.expected(X)[0][:, 0]
        return [points[k] for k in np.lexsort((loss, self._lack(X)))]

    def likeliest(self, points: Sequence[Params], n: int) -> list[Params]:
        """The n designs that the measure of the mean puts first: what is worth samples."""
        X = self.problem.space.encode(points)
        return [points[k] for k in np.lexsort((-self.score.value(X), self._lack(X)))[:n]]

    def _lack(self, X: Array) -> Array:
        return np.asarray(np.maximum(EVEN - self.log_p_feasible(X), 0))
