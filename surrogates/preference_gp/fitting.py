"""Hyperparameters of a Gaussian process of comparisons by maximum a posteriori."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogates.columns import Columns
from surrogates.exact_gp.kernels.base import Features, Kernel, Parameters
from surrogates.exact_gp.settings import DEFAULT, Settings
from surrogates.preference_gp.comparisons import Comparisons
from surrogates.preference_gp.expectation_propagation import infer
from surrogates.preference_gp.gp import Memo, PreferenceGP

Array = NDArray[np.float64]

NOISE = (-3.0, 1.5)
"""Location and scale of the LogNormal prior of the variance of the noise of one judged utility, whose own is one: a standard
deviation of 0.05 to 1 lies within one and a half scales. Few comparisons say little of it, many that agree push it down.
"""

THRESHOLD = (0.0, 1.0)
"""The same of the threshold below which differences pass for ties, in standard deviations of the noise."""

_LEAST_NOISE = 1e-4  # with less, rankings that contradict each other are so improbable that expectation propagation does not settle
_THRESHOLDS = 0.05, 5.0  # outside, the same goes for ties: their sites are needles, or wins have to lie far apart

_COLD, _WARM = {"ftol": 1e-7, "gtol": 1e-4}, {"ftol": 1e-5, "gtol": 1e-3}


def fit(
    X: ArrayLike,
    comparisons: Comparisons,
    *,
    columns: Columns | None = None,
    settings: Settings = DEFAULT,
    warm: Memo | None = None,
) -> PreferenceGP:
    """Fit a Gaussian process to comparisons of points by maximum a posteriori.

    The evidence of expectation propagation is searched by L-BFGS-B with its gradient: length scales and what else the kernel has, the
    noise of judgements and, where there are ties, their threshold. The variance of the utility is one: comparisons tell it in units of
    their noise only. One start will do: on 15 made-up data sets (20 pairs, 5 rankings of 8, up to one of 50) four starts from a noise of
    1e-5 to 0.3 ended in one and the same maximum.

    Args:
        X: Points, `n x d`, unit cube.
        comparisons: Of its rows, at least one.
        columns: What the columns of X mean; all continuous by default.
        settings: Kernel and its priors; those of mean and noise are of no use here.
        warm: A memo to start from.

    Raises:
        ValueError: There is no comparison, or an entry is not finite.
    """
    points = np.ascontiguousarray(X, dtype=float)
    if not len(comparisons) or not np.all(np.isfinite(points)):
        raise ValueError(f"fit: {len(comparisons)} comparisons of {len(points)} points; there has to be one, and points are finite")
    problem = Evidence(settings.build(columns, points.shape[1]), points, comparisons)
    theta, evaluations = _searched(problem, warm)
    done = f"{'cold' if warm is None else 'warm'} fit, {evaluations} evaluations"
    return PreferenceGP.of(points, comparisons, problem.memo(theta), columns=columns, settings=settings, record=(done,))


def _searched(problem: Evidence, warm: Memo | None) -> tuple[Array, int]:
    from scipy.optimize import minimize

    bounds = list(zip(problem.parameters.lower.tolist(), problem.parameters.upper.tolist(), strict=True))
    options = {"maxiter": 100, **(_COLD if warm is None else _WARM)}
    result = minimize(problem, problem.start(warm), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(result.x, dtype=float), int(result.nfev)


@dataclass(eq=False)
class Evidence:
    """Minus the log posterior density of the hyperparameters a comparison, as a function of their logarithms.

    Each evaluation begins with the sites of the one before, which moves its value by no more than the tolerance.
    """

    kernel: Kernel
    X: Array
    comparisons: Comparisons
    parameters: Parameters = field(init=False)
    _features: Features = field(init=False)
    _B: Array = field(init=False)
    _errors: Array = field(init=False)
    _sites: tuple[Array, Array] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        own = [Parameters.of(["noise"], lower=math.log(_LEAST_NOISE), upper=math.log(1e2), location=NOISE[0], scale=NOISE[1])]
        if self.comparisons.tied.any():
            low, high = map(math.log, _THRESHOLDS)
            own.append(Parameters.of(["threshold"], lower=low, upper=high, location=THRESHOLD[0], scale=THRESHOLD[1]))
        self.parameters = Parameters.joined([self.kernel.parameters, *own])
        self._features = self.kernel.features(self.X)
        self._B, self._errors = self.comparisons.of_utilities(len(self.X)), self.comparisons.of_errors()

    def split(self, theta: Array) -> tuple[Array, float, float]:
        """The kernel's hyperparameters, the noise and the threshold; zero where there are no ties."""
        k = len(self.kernel.parameters)
        noise = math.exp(theta[k])
        return theta[:k], noise, math.sqrt(noise) * math.exp(theta[k + 1]) if len(theta) > k + 1 else 0.0

    def memo(self, theta: Array) -> Memo:
        """The hyperparameters as plain JSON."""
        kernel, noise, threshold = self.split(theta)
        parameters = dict(zip(self.kernel.parameters.names, kernel.tolist(), strict=True))
        return {"parameters": parameters, "noise": noise, "mean": [0.0], "threshold": threshold}

    def start(self, warm: Memo | None) -> Array:
        """A memo, or the modes of the priors."""
        layout = self.parameters
        known = dict(warm["parameters"]) if warm is not None else {}
        if warm is not None and warm["noise"]:
            known["noise"] = math.log(warm["noise"])
        if warm is not None and warm["noise"] and warm.get("threshold"):
            known["threshold"] = math.log(warm["threshold"]) - 0.5 * known["noise"]
        start = np.array([known.get(name, value) for name, value in zip(layout.names, layout.start, strict=True)])
        clipped: Array = np.clip(start, layout.lower, layout.upper)
        return clipped

    def __call__(self, theta: Array) -> tuple[float, Array]:
        kernel, noise, threshold = self.split(theta)
        gram = self.kernel.gram(kernel, self._features, self._features)
        G = self._B @ gram.matrix @ self._B.T + noise * self._errors
        found = infer(G, self.comparisons.tied, threshold, self._sites)
        self._sites = found.tau, found.nu
        prior, d_prior = self.parameters.log_prior(theta)
        W = found.d_covariance
        moved = threshold * found.d_threshold
        own = [noise * float(np.sum(W * self._errors)) + 0.5 * moved, moved][: len(theta) - len(kernel)]
        gradient = np.concatenate([gram.pull_parameters(self._B.T @ W @ self._B), own])
        c = len(self.comparisons)
        return -(found.log_evidence + prior) / c, -(gradient + d_prior) / c
