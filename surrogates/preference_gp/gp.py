"""The posterior of a utility given comparisons, as a Gaussian process that acquisition functions can ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NotRequired

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr, solve_triangular

from surrogates.columns import Columns
from surrogates.exact_gp import ExactGP
from surrogates.exact_gp.gp import Memo as ExactMemo
from surrogates.exact_gp.settings import DEFAULT, Settings
from surrogates.preference_gp.comparisons import Comparisons
from surrogates.preference_gp.expectation_propagation import TOLERANCE, Approximation, infer

Array = NDArray[np.float64]

_LEAST = 1e-12  # information about each single utility, without which what is known of differences alone has no factor


class Memo(ExactMemo):
    """Hyperparameters as plain JSON: those of the kernel, the variance of the noise of judgements, and the threshold of ties."""

    threshold: NotRequired[float]


@dataclass(frozen=True, eq=False, repr=False)
class PreferenceGP(ExactGP):
    """An `ExactGP` whose data are comparisons; made by `fit` or `from_memo`.

    The approximate posterior is normal: that of measurements of the training points whose noise is correlated, and nearly infinite
    for all of them together, since comparisons say nothing of the level. `y` are these measurements and `L` is the factor of their
    covariance; all that is asked of an exact process is asked of this one, but `loo`. `noise` is that of judgements.

    The utility has no unit: before any comparison its mean is zero and its variance one, everywhere.

    Args:
        comparisons: Of rows of X.
        threshold: Difference of utilities, as seen, below which two points pass for equally good.
        inference: What expectation propagation found.
    """

    comparisons: Comparisons
    threshold: float
    inference: Approximation

    @classmethod
    def of(
        cls,
        X: ArrayLike,
        comparisons: Comparisons,
        memo: Memo,
        *,
        columns: Columns | None = None,
        settings: Settings = DEFAULT,
        record: tuple[str, ...] = (),
    ) -> PreferenceGP:
        """The process with the hyperparameters of a memo, conditioned on comparisons of the rows of X (`n x d`, unit cube).

        Raises:
            ValueError: The memo is of another kernel.
        """
        points, settings = np.ascontiguousarray(X, dtype=float), replace(settings, mean="zero")
        kernel = settings.build(columns, points.shape[1])
        if unlike := set(kernel.parameters.names).symmetric_difference(memo["parameters"]):
            raise ValueError(f"memo: it is of another kernel; {', '.join(sorted(unlike))} only one of them has")
        theta, noise = np.array([memo["parameters"][name] for name in kernel.parameters.names], dtype=float), memo["noise"]
        threshold = memo.get("threshold", 0.0)
        assert noise is not None  # of comparisons it never is known
        features, B = kernel.features(points), comparisons.of_utilities(len(points))
        G = B @ kernel.gram(theta, features, features).matrix @ B.T + noise * comparisons.of_errors()
        found = infer(G, comparisons.tied, threshold)
        if found.change > TOLERANCE:
            record = (*record, f"expectation propagation still moved by {found.change:.1e} after {found.sweeps} sweeps")
        L, alpha = _factor(found.half @ B), B.T @ found.weights
        y = L @ (L.T @ alpha)
        weights = np.zeros(1)
        return cls(
            points, y, None, noise, kernel, theta, weights, features, L, alpha, record, settings, columns, comparisons, threshold, found
        )

    def memo(self) -> Memo:
        """The hyperparameters as plain JSON: `of` gives the same process back bit for bit, `fit` starts from them."""
        return {**super().memo(), "noise": self.noise, "threshold": self.threshold}

    def loo(self) -> tuple[Array, Array]:
        """Refused: what was told are no values of single points that others could foretell."""
        raise TypeError("comparisons have no value a point, of which the others could tell the mean and variance")


def _factor(A: Array) -> Array:
    """L, lower triangular, with ``L^-T L^-1 = A'A + _LEAST I`` (`n x n`): by QR, since A'A has no inverse."""
    n = A.shape[1]
    (R,) = qr(np.vstack([A, np.sqrt(_LEAST) * np.eye(n)])[:, ::-1], mode="r")
    inverse = R[:n][::-1, ::-1]
    inverse = inverse * np.sign(np.diag(inverse))[:, None]
    return np.asfortranarray(solve_triangular(inverse, np.eye(n), lower=True))
