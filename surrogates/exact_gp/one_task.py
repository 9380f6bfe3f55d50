"""One task of a process over several, seen as a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.gp import Baseline, ExactGP, Memo, Moments
from surrogates.exact_gp.pairs import Pairs


@dataclass(frozen=True, eq=False)
class OneTask:
    """A process over points (`d` columns) and tasks (the last column) at one of its tasks, as far as acquisition functions ask.

    Data that are added are that task's.

    Args:
        gp: The process over d + 1 columns.
        task: Value of the last column.
        first: Index of the first row of data that is the task's; those before are other tasks', and all after it are its own.
    """

    gp: ExactGP
    task: float
    first: int

    @property
    def y(self) -> Array:
        """The task's own values, `n`."""
        return self.gp.y[self.first :]

    @property
    def yvar(self) -> Array | None:
        """Variances of their noise, `n`; None where it was inferred."""
        return None if self.gp.yvar is None else self.gp.yvar[self.first :]

    @property
    def noise(self) -> float:
        """The inferred variance of the noise, of all tasks; zero where it is known."""
        return self.gp.noise

    @property
    def record(self) -> tuple[str, ...]:
        """What was done that a user may want to know."""
        return self.gp.record

    def memo(self) -> Memo:
        """The hyperparameters of the whole process."""
        return self.gp.memo()

    def loo(self) -> tuple[Array, Array]:
        """As `ExactGP.loo`, of the task's own values; the other tasks' are among what is given."""
        mean, variance = self.gp.loo()
        return mean[self.first :], variance[self.first :]

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the latent function at X (`m x d`), each `m`."""
        return self.gp.predict(self._at(X))

    def covariance(self, X: Array, Z: Array) -> Array:
        """Posterior covariance between X (`m x d`) and Z (`b x d`), `m x b`."""
        return self.gp.covariance(self._at(X), self._at(Z))

    def baseline(self, B: Array) -> Baseline:
        """Points (`b x d`) for `at`."""
        return self.gp.baseline(self._at(B))

    def at(self, X: Array, baseline: Any = None) -> OneTaskMoments:
        """The posterior at X (`m x d`), to be differentiated."""
        return OneTaskMoments(self.gp.at(self._at(X), baseline))

    def pairs(self, here: OneTaskMoments, there: OneTaskMoments) -> OneTaskPairs:
        """Covariances of each of m points with the same of others; both are of this process's `at`."""
        return OneTaskPairs(self.gp.pairs(here.inner, there.inner))

    def condition(self, X_new: Array, y_new: Array, yvar_new: Array | None = None) -> OneTask:
        """The process with q more data of the task: `q x d`, `q`, and the variances of their noise."""
        return replace(self, gp=self.gp.condition(self._at(X_new), y_new, yvar_new))

    def _at(self, X: Array) -> Array:
        xp = of(self.gp.L)
        points = xp.asarray(X)
        return xp.concatenate((points, self.task * xp.ones(len(points), 1)), 1)


@dataclass(frozen=True, slots=True, eq=False)
class OneTaskMoments:
    """Moments whose task is not to be moved."""

    inner: Moments

    @property
    def mean(self) -> Array:
        return self.inner.mean

    @property
    def variance(self) -> Array:
        return self.inner.variance

    @property
    def variance_bound(self) -> Array:
        return self.inner.variance_bound

    @property
    def covariance(self) -> Array | None:
        return self.inner.covariance

    def pull(self, d_mean: Array | None, d_variance: Array | None, d_covariance: Array | None = None) -> Array:
        return self.inner.pull(d_mean, d_variance, d_covariance)[:, :-1]


@dataclass(frozen=True, slots=True, eq=False)
class OneTaskPairs:
    """Pairs whose task is not to be moved."""

    inner: Pairs

    @property
    def covariance(self) -> Array:
        return self.inner.covariance

    def pull(self, d: Array) -> tuple[Array, Array]:
        first, second = self.inner.pull(d)
        return first[:, :-1], second[:, :-1]
