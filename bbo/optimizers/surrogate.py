"""Independent Gaussian processes, one a target, and what is asked of them together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from bbo.optimizers.targets import WORKS, Target
from bbo.optimizers.tasks import alike
from surrogates.columns import Columns
from surrogates.exact_gp import ExactGP, Moments, OneTask, Settings, fit, gradients
from surrogates.exact_gp.one_task import OneTaskMoments
from surrogates.leave_one_out import LeaveOneOut

_PART = 512  # points asked at a time, where many are

_BOUND_FLOOR = 1e-8  # least variance of inferred noise of what is constrained: how close one can go to a bound is told by its square root

Array = NDArray[np.float64]
Memo = dict[str, Any]
Process = ExactGP | OneTask

_SMOOTH = 0.2  # least length scale of whether points work, in diagonals of the cube: a step seen from both sides would be fitted by
# ever shorter ones, and what lies beyond it be forgotten


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """Gaussian processes that are independent of each other; those of the objectives come first."""

    targets: tuple[Target, ...]
    gps: tuple[Process, ...]

    def memo(self) -> Memo:
        """The hyperparameters as plain JSON; `conditioned` takes them."""
        return {target.name: dict(gp.memo()) for target, gp in zip(self.targets, self.gps, strict=True)}

    @property
    def record(self) -> str:
        """What the fits did, by target; empty where they did nothing."""
        return "; ".join(f"{target.name}: {', '.join(gp.record)}" for target, gp in zip(self.targets, self.gps, strict=True) if gp.record)

    @property
    def constraints(self) -> tuple[OutcomeConstraint, ...]:
        """What makes a point feasible."""
        return tuple(OutcomeConstraint(gp, t.lower, t.upper) for t, gp in zip(self.targets, self.gps, strict=True) if t.bounded)

    @property
    def works(self) -> Process | None:
        """The process of whether a point can be evaluated; None where no trial has failed."""
        return next((gp for target, gp in zip(self.targets, self.gps, strict=True) if target.name == WORKS), None)

    @property
    def noise(self) -> float:
        """Variance of the noise of a new measurement of the first objective, in the units of the fit."""
        known = self.targets[0].variance
        return self.gps[0].noise if known is None else float(known.mean())

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome in its own units and sign, without the noise of a measurement, each `n x t`."""
        pairs = [target.native(*gp.predict(X)) for target, gp in zip(self.targets, self.gps, strict=True)]
        return np.column_stack([mean for mean, _ in pairs]), np.column_stack([sd for _, sd in pairs])

    def medians(self, X: Array) -> Array:
        """Median of each outcome in its own units and sign, `n x t`; a transform that is not affine moves means, and no medians."""
        parts = [self._in_parts(gp, X, lambda moments: moments.mean) for gp in self.gps]
        return np.column_stack([t.sign * t.transform.inverse(mean) for t, mean in zip(self.targets, parts, strict=True)])

    def slopes(self, X: Array) -> Array:
        """Gradients of the medians with respect to X, `n x t x d`."""
        found = []
        for target, gp in zip(self.targets, self.gps, strict=True):
            mean = self._in_parts(gp, X, lambda moments: moments.mean)
            gradient = self._in_parts(gp, X, lambda moments: moments.pull(np.ones(len(moments.mean)), None))
            stretch = target.sign / target.transform.derivative(target.transform.inverse(mean))
            found.append(stretch[:, None] * gradient)
        return np.stack(found, axis=1)

    def leave_one_out(self) -> dict[str, LeaveOneOut]:
        """Of each target that was measured, by name: its values beside what is expected of them from all others."""
        found = {}
        for target, gp in zip(self.targets, self.gps, strict=True):
            if target.comparisons is not None:
                continue
            n = len(target.y)  # of what may follow, derivatives, nothing is asked
            mean, variance = (part[:n] for part in gp.loo())
            noise = gp.noise if gp.yvar is None else float(np.mean(gp.yvar[:n]))
            spread = float(np.var(target.y, ddof=1)) if n > 1 else 0.0
            share = min(noise / spread, 1.0) if spread > 0 else 0.0
            found[target.name] = LeaveOneOut(gp.y[:n], mean, np.sqrt(variance), share)
        return found

    @staticmethod
    def _in_parts(gp: Process, X: Array, ask: Callable[[Moments | OneTaskMoments], Array]) -> Array:
        """Answers at few points at a time, so that what is worked on stays in the cache."""
        return np.concatenate([ask(gp.at(X[start : start + _PART])) for start in range(0, len(X), _PART)])

    def log_p_feasible(self, X: Array) -> Array:
        """Logarithm of the probability that every bounded target keeps its bounds, shape `n`."""
        return LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else np.zeros(len(X))

    def believing(self, X: Array) -> Surrogate:
        """As if the means at X had been measured: nothing new is to be found there."""
        if not len(X):
            return self
        return Surrogate(
            self.targets,
            tuple(
                gp.condition(X, gp.predict(X)[0], None if target.variance is None else np.full(len(X), target.variance.mean()))
                for target, gp in zip(self.targets, self.gps, strict=True)
            ),
        )


def fitted(targets: Sequence[Target], columns: Columns, settings: Settings, *, warm: Mapping[str, Any] | None, seed: int) -> Surrogate:
    """Hyperparameters of greatest posterior density, from those of an earlier fit or from scratch."""
    gps = [_fitted(target, columns, _settings(target, columns, settings), _memo(warm, target), seed) for target in targets]
    return Surrogate(tuple(targets), tuple(gps))


def _fitted(target: Target, columns: Columns, settings: Settings, warm: Any, seed: int) -> Process:
    if target.comparisons is not None:
        from surrogates.preference_gp import fit as fit_preferences

        return fit_preferences(target.X, target.comparisons, columns=columns, settings=settings, warm=warm)
    if target.gradients is not None:
        data = target.X, target.y, target.gradients, target.variance
        return gradients.fit(*data, columns=columns, settings=settings, warm=warm, seed=seed)
    X, y, variance, table = _data(target, columns)
    return _own(fit(X, y, variance, columns=table, settings=settings, warm=warm, seed=seed), target)


def conditioned(targets: Sequence[Target], columns: Columns, settings: Settings, memo: Mapping[str, Any]) -> Surrogate:
    """The surrogate with hyperparameters of an earlier fit; targets that were not part of it are left out."""
    kept = [target for target in targets if _memo(memo, target) is not None]
    gps = [_conditioned(target, columns, _settings(target, columns, settings), memo[target.name]) for target in kept]
    return Surrogate(tuple(kept), tuple(gps))


def _conditioned(target: Target, columns: Columns, settings: Settings, memo: Any) -> Process:
    if target.comparisons is not None:
        from surrogates.preference_gp import PreferenceGP

        return PreferenceGP.of(target.X, target.comparisons, memo, columns=columns, settings=settings)
    if target.gradients is not None:
        data = target.X, target.y, target.gradients, target.variance
        return gradients.from_memo(*data, memo, columns=columns, settings=settings)
    X, y, variance, table = _data(target, columns)
    return _own(ExactGP.from_memo(X, y, variance, memo, columns=table, settings=settings), target)


def _data(target: Target, columns: Columns) -> tuple[Array, Array, Array | None, Columns]:
    """What a process is fitted to: a target's data, or where there are finished studies theirs and its own."""
    if not target.before:
        return target.X, target.y, target.variance, alike(columns) if target.name == WORKS else columns
    from bbo.optimizers.transfer import stacked, with_task

    return *stacked(target), with_task(columns, len(target.before))


def _own(gp: ExactGP, target: Target) -> Process:
    """The process of the outcome in this study."""
    if not target.before:
        return gp
    from bbo.optimizers.transfer import task_levels

    return OneTask(gp, task_levels(len(target.before))[-1], sum(len(study.y) for study in target.before))


def fits(targets: Sequence[Target], memo: Mapping[str, Any]) -> bool:
    """Whether a memo has the hyperparameters of every target."""
    return all(_memo(memo, target) is not None for target in targets)


def _memo(memo: Mapping[str, Any] | None, target: Target) -> Any:
    """A target's part of a memo; None where it has none, or one for the other kind of noise, or of data with or without gradients."""
    part = None if memo is None else memo.get(target.name)
    if part is None or (part["noise"] is None) != (target.variance is not None):
        return None
    inferred = target.gradients is not None and target.gradients.variance is None
    scaled = target.gradients is not None
    alike = ("derivative_noise" in part["parameters"], "outputscale" in part["parameters"]) == (inferred, scaled)
    return part if alike else None


def _settings(target: Target, columns: Columns, settings: Settings) -> Settings:
    if target.gradients is not None:  # these tell a long smooth wave from a short one, which one variance for all would not let be long
        return replace(settings, outputscale=True)
    if target.anchored:
        return replace(settings, mean="zero")
    if target.name != WORKS:
        return replace(settings, noise_floor=_BOUND_FLOOR) if target.bounded else settings
    return Settings(kernel="rbf", lengthscale_floor=_SMOOTH * math.sqrt(len(columns)))
