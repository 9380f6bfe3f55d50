"""A Gaussian process with fixed hyperparameters: predictions, their gradients, and growth by new data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from surrogates.columns import Columns
from surrogates.exact_gp import arrays
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.averages import Averages
from surrogates.exact_gp.core import factorise, trend
from surrogates.exact_gp.joint import Joint
from surrogates.exact_gp.kernels.base import Features, Gram, Kernel
from surrogates.exact_gp.pairs import Pairs
from surrogates.exact_gp.settings import DEFAULT, Settings

TINY = 1e-14
"""Least variance that is returned: below it rounding decides, and a logarithm or a square root may follow."""

LEAST_VARIANCE = 1e-6
"""Known variances of the noise are at least this: GPyTorch's bound in double precision (`gpytorch.settings.min_fixed_noise`)."""

_CHUNK = 1024  # points predicted at a time: keeps what is worked on in the cache


class Memo(TypedDict):
    """Hyperparameters as plain JSON, logarithms except for the mean's weights. `noise` is None where it was known."""

    parameters: dict[str, float]
    noise: float | None
    mean: list[float]


@dataclass(frozen=True, eq=False, repr=False)
class Baseline:
    """Fixed points whose covariance with others is asked again and again.

    Args:
        X: `b x d`.
        mean: Posterior mean, `b`.
        covariance: Posterior covariance, `b x b`.
        features: The kernel's view of the training points with X below them: one matrix then has both covariances of a candidate.
        V: ``L^-1 k(training points, X)``, `n x b`.
    """

    X: Array
    mean: Array
    covariance: Array
    features: Features
    V: Array
    _L: Array

    @cached_property
    def weights(self) -> Array:
        """``K^-1 k(training points, X)``, `n x b`; only gradients need it."""
        return of(self._L).solve_upper(self._L, self.V)


@dataclass(frozen=True, eq=False, repr=False)
class Moments:
    """The posterior of the latent function at `m` points, and the way back from gradients of it to gradients of the points.

    What is not asked for is not computed: the mean alone costs O(m n), variance and covariance O(m n^2).

    Args:
        X: The points, `m x d`.
        mean: `m`.
        features: The kernel's view of X.
    """

    X: Array
    mean: Array
    features: Features
    _gp: ExactGP
    _gram: Gram
    _baseline: Baseline | None

    @cached_property
    def variance(self) -> Array:
        """`m`, at least `TINY`."""
        gp, xp = self._gp, of(self.mean)
        return xp.clip(gp.kernel.diagonal(gp.theta, self.features) - xp.squares(self.whitened, 0), TINY, None)

    @property
    def variance_bound(self) -> Array:
        """`m`, an upper bound on the variance at O(m n): what is left given the one training point that says most."""
        gp, xp = self._gp, of(self.mean)
        told = self._gram.matrix[:, : len(gp.X)] / gp.sd
        return xp.clip(gp.kernel.diagonal(gp.theta, self.features) - xp.amax(told * told, 1), TINY, None)

    @cached_property
    def covariance(self) -> Array | None:
        """With the baseline's points, `m x b`; None without a baseline."""
        if self._baseline is None:
            return None
        return self._gram.matrix[:, len(self._gp.X) :] - self.whitened.T @ self._baseline.V

    @cached_property
    def whitened(self) -> Array:
        """``L^-1 k(training points, X)``, `n x m`."""
        return of(self.mean).solve_lower(self._gp.L, self._gram.matrix[:, : len(self._gp.X)].T)

    @cached_property
    def weights(self) -> Array:
        """``K^-1 k(training points, X)``, `n x m`; only gradients need it."""
        return of(self.mean).solve_upper(self._gp.L, self.whitened)

    @cached_property
    def with_data(self) -> Gram:
        """The prior covariance of X with the training points."""
        gp = self._gp
        return self._gram if self._baseline is None else gp.kernel.gram(gp.theta, self.features, gp.features)

    def pull(self, d_mean: Array | None, d_variance: Array | None, d_covariance: Array | None = None) -> Array:
        """Gradient of ``sum(d_mean * mean) + sum(d_variance * variance) + sum(d_covariance * covariance)`` with respect to X.

        Costs O(m n^2) with d_variance and O(m n (d + b)) without. The gradient ignores that the variance is kept above `TINY`.

        Args:
            d_mean: `m`, or None for zeros.
            d_variance: `m`, or None for zeros.
            d_covariance: `m x b`, or None for zeros.

        Returns:
            `m x d`.
        """
        gp = self._gp
        xp = of(gp.L)
        W = xp.zeros(len(self.mean), len(gp.X)) if d_mean is None else xp.outer(d_mean, gp.alpha)
        direct: Array | None = None
        if d_variance is not None:
            W -= (2.0 * d_variance)[:, None] * self.weights.T
            direct = gp.kernel.pull_diagonal(gp.theta, self.features, d_variance)
        if d_covariance is not None:
            if self._baseline is None:
                raise ValueError("pull: d_covariance needs moments taken with a baseline, at(X, baseline)")
            W -= d_covariance @ self._baseline.weights.T
        if self._baseline is not None:
            beside = xp.zeros(len(self.mean), len(self._baseline.X)) if d_covariance is None else d_covariance
            W = xp.concatenate((W, beside), 1)
        gradient = self._gram.pull_inputs(W)
        if direct is not None:
            gradient = gradient + direct
        if d_mean is not None and len(gp.weights) > 1:
            gradient = gradient + xp.outer(d_mean, gp.weights[1:])
        return gradient


@dataclass(frozen=True, eq=False, repr=False)
class ExactGP:
    """A Gaussian process conditioned on data; made by `fit` or `from_memo`.

    Arrays are NumPy's, or torch tensors of one device where it was fitted there; float64.

    Args:
        X: Training points, `n x d`, unit cube; `n x (d + 1)` where `Settings.derivatives` says so, see `kernels.derivatives`.
        y: Training values, `n`, in the caller's standardised units.
        yvar: Variances of the noise, `n`; None where it was inferred, unless there are derivatives.
        noise: The inferred variance of the noise; zero where it is known.
        kernel: The covariance.
        theta: Its hyperparameters.
        weights: Of the mean: a constant, or a constant and a slope for each column.
        features: The kernel's view of X.
        L: Lower Cholesky factor of the training covariance with noise and jitter, `n x n`.
        alpha: ``K^-1 (y - mean)``, `n`.
        record: What was done that a user may want to know, such as jitter.
        settings: As fitted.
        columns: As fitted.
    """

    X: Array
    y: Array
    yvar: Array | None
    noise: float
    kernel: Kernel
    theta: Array
    weights: Array
    features: Features
    L: Array
    alpha: Array
    record: tuple[str, ...]
    settings: Settings
    columns: Columns | None

    @classmethod
    def from_memo(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        yvar: ArrayLike | None,
        memo: Memo,
        *,
        columns: Columns | None = None,
        settings: Settings = DEFAULT,
        device: str = "cpu",
    ) -> ExactGP:
        """The process with the hyperparameters of an earlier fit, conditioned on these data.

        Args:
            X: `n x d`, unit cube.
            y: `n`, standardised as for that fit.
            yvar: Known variances of the noise, `n`, or None.
            memo: What `memo` returned.
            columns: As they were fitted.
            settings: As they were fitted.
            device: ``cpu`` (NumPy), ``torch`` (tensors on the CPU) or a torch device.

        Raises:
            ValueError: The memo is of another kernel, mean or noise; or an array is of the wrong shape or not finite.
        """
        X, y, yvar = checked(X, y, yvar, columns)
        kernel = settings.build(columns, X.shape[1])
        names = kernel.parameters.names
        if unlike := set(names).symmetric_difference(memo["parameters"]):
            raise ValueError(f"memo: it is of another kernel; {', '.join(sorted(unlike))} only one of them has")
        if len(memo["mean"]) != settings.n_weights(X.shape[1]) or (memo["noise"] is None) != (yvar is not None):
            raise ValueError("memo: it is of another mean or another kind of noise than these data and settings")
        theta = np.array([memo["parameters"][name] for name in names], dtype=float)
        noise = 0.0 if memo["noise"] is None else memo["noise"]
        return cls.conditioned(kernel, theta, X, y, yvar, noise, columns, settings, weights=np.array(memo["mean"]), device=device)

    @classmethod
    def conditioned(
        cls,
        kernel: Kernel,
        theta: Array,
        X: Array,
        y: Array,
        yvar: Array | None,
        noise: float,
        columns: Columns | None,
        settings: Settings,
        *,
        weights: Array | None = None,
        record: tuple[str, ...] = (),
        device: str = "cpu",
    ) -> ExactGP:
        """The process with these hyperparameters (NumPy arrays, as checked), and the best weights of the mean unless given."""
        arrays.keep_memory()
        xp = arrays.on(device)
        X, y, theta = xp.asarray(X), xp.asarray(y), xp.asarray(theta)
        yvar = None if yvar is None else xp.asarray(yvar)
        features = kernel.features(X)
        factor = factorise(kernel.gram(theta, features, features).matrix, noise if yvar is None else yvar)
        if factor.jitter:
            record = (*record, f"jitter of {factor.jitter:.1e} on the diagonal of the covariance")
        H = basis(X, settings)
        weights = trend(factor.L, y, H, settings.ridge(X)).weights if weights is None else xp.asarray(weights)
        alpha = xp.solve_upper(factor.L, xp.solve_lower(factor.L, y - H @ weights))  # one way for both: a memo is exact
        return cls(X, y, yvar, noise, kernel, theta, weights, features, factor.L, alpha, record, settings, columns)

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"ExactGP({n} x {d}, {self.settings}, {'; '.join(self.record)})"

    def memo(self) -> Memo:
        """The hyperparameters as plain JSON: `from_memo` gives the same process back bit for bit, `fit` starts from them."""
        xp = of(self.L)
        return {
            "parameters": dict(zip(self.kernel.parameters.names, xp.numpy(self.theta).tolist(), strict=True)),
            "noise": None if self._known else self.noise,
            "mean": xp.numpy(self.weights).tolist(),
        }

    @property
    def _known(self) -> bool:
        """Whether the variances of the noise of the values were known."""
        return self.yvar is not None and (self.settings.derivatives == "none" or self.noise == 0)

    # -- predictions ------------------------------------------------------------------------------------------------------------

    def predict(self, X: ArrayLike) -> tuple[Array, Array]:
        """Mean and variance of the latent function at X (`m x d`), each `m`; variances are at least `TINY`."""
        xp = of(self.L)
        points = xp.asarray(X)
        if len(points) <= _CHUNK:
            moments = self.at(points)
            return moments.mean, moments.variance
        parts = [self.at(points[start : start + _CHUNK]) for start in range(0, len(points), _CHUNK)]
        return xp.concatenate([p.mean for p in parts], 0), xp.concatenate([p.variance for p in parts], 0)

    def covariance(self, X: ArrayLike, Z: ArrayLike) -> Array:
        """Posterior covariance of the latent function between X (`m x d`) and Z (`b x d`), `m x b`."""
        xp = of(self.L)
        A, B = (self.kernel.features(xp.asarray(points)) for points in (X, Z))
        return self.kernel.gram(self.theta, A, B).matrix - self._whitened(A).T @ self._whitened(B)

    def at(self, X: ArrayLike, baseline: Baseline | None = None) -> Moments:
        """The posterior at X (`m x d`), and with it its covariance with the baseline's points."""
        xp = of(self.L)
        points = xp.asarray(X)
        features = self.kernel.features(points)
        gram = self.kernel.gram(self.theta, features, self.features if baseline is None else baseline.features)
        return Moments(points, self.mean(points) + gram.matrix[:, : len(self.X)] @ self.alpha, features, self, gram, baseline)

    def baseline(self, B: ArrayLike) -> Baseline:
        """Points (`b x d`) for `at`, with what their covariances need computed once."""
        xp = of(self.L)
        points = xp.asarray(B)
        features = self.kernel.features(points)
        gram = self.kernel.gram(self.theta, features, self.features)
        V = xp.solve_lower(self.L, gram.matrix.T)
        covariance = self.kernel.gram(self.theta, features, features).matrix - V.T @ V
        mean, both = self.mean(points) + gram.matrix @ self.alpha, self.kernel.features(xp.concatenate((self.X, self._rows(points)), 0))
        return Baseline(points, mean, covariance, both, V, self.L)

    def pairs(self, here: Moments, there: Moments) -> Pairs:
        """Covariances of each of m points with the same of others, to be differentiated; both are of this process's `at`."""
        return Pairs(here, there, self)

    def averages(self, X: ArrayLike, Z: ArrayLike, weights: ArrayLike) -> Averages:
        """Weighted averages over q rows of Z (`(m q) x d`) for each row of X (`m x d`), and their covariances, to be differentiated."""
        xp = of(self.L)
        return Averages(xp.asarray(X), xp.asarray(Z), xp.asarray(weights), self)

    def joint(self, X: ArrayLike, partials: tuple[int, ...], baseline: Baseline | None = None) -> Joint:
        """The value and the derivatives by these columns at each row of X (`m x d`), of a process fitted by `gradients.fit`."""
        return Joint.of(self, of(self.L).asarray(X), partials, baseline)

    def loo(self) -> tuple[Array, Array]:
        """Mean and variance of each training value given the others, noise included; Rasmussen & Williams (2006), equation 5.12."""
        precision = of(self.L).inverse_diagonal(self.L)
        return self.y - self.alpha / precision, 1.0 / precision

    @cached_property
    def sd(self) -> Array:
        """Prior standard deviations of the training values, noise and jitter included, `n`: what the factor has."""
        xp = of(self.L)
        return xp.sqrt(xp.squares(self.L, 1))

    @cached_property
    def log_marginal_likelihood(self) -> float:
        """``log p(y | X)`` at the hyperparameters and the mean's weights."""
        xp = of(self.L)
        residual = self.y - basis(self.X, self.settings) @ self.weights
        log_det = 2.0 * float(xp.log(xp.diagonal(self.L)).sum())
        return -0.5 * (float(residual @ self.alpha) + log_det + len(self.y) * float(np.log(2.0 * np.pi)))

    # -- growth -----------------------------------------------------------------------------------------------------------------

    def condition(self, X_new: ArrayLike, y_new: ArrayLike, yvar_new: ArrayLike | None = None) -> ExactGP:
        """The process with q more data and the same hyperparameters, mean included: the factor is appended to, O(n^2 q).

        Args:
            X_new: `q x d`.
            y_new: `q`.
            yvar_new: Variances of their noise, `q`; needed where the noise is known. Where it is inferred, they are the variances
                of these data alone, and the others keep the inferred one.
        """
        xp = of(self.L)
        X, y = self._rows(xp.asarray(np.atleast_2d(X_new) if isinstance(X_new, list) else X_new)), xp.asarray(y_new).reshape(-1)
        if X.shape != (len(y), self.X.shape[1]):
            raise ValueError(f"condition: X_new is {tuple(X.shape)}, and y_new has {len(y)} values; {self.X.shape[1]} columns are known")
        if not len(y):
            return self
        if yvar_new is None and self._known:
            raise ValueError("condition: yvar_new is missing; the noise of the other data is known")
        added: Array | float = self.noise
        if yvar_new is not None:
            added = xp.clip(xp.copy(xp.asarray(yvar_new)).reshape(-1), LEAST_VARIANCE, None)
        features = self.kernel.features(X)
        V = xp.solve_lower(self.L, self.kernel.gram(self.theta, features, self.features).matrix.T)
        factor = factorise(self.kernel.gram(self.theta, features, features).matrix - V.T @ V, added)
        n, q = V.shape
        L = xp.grown(self.L, V.T, factor.L)
        yvar = self.yvar
        if yvar_new is not None or yvar is not None:
            yvar = xp.concatenate((xp.ones(n) * self.noise if self.yvar is None else self.yvar, xp.ones(q) * added), 0)
        X, y = xp.concatenate((self.X, X), 0), xp.concatenate((self.y, y), 0)
        alpha = xp.solve_upper(L, xp.solve_lower(L, y - basis(X, self.settings) @ self.weights))
        record = (*self.record, f"jitter of {factor.jitter:.1e} on the diagonal of added rows") if factor.jitter else self.record
        return replace(self, X=X, y=y, yvar=yvar, features=self.kernel.features(X), L=L, alpha=alpha, record=record)

    def _whitened(self, features: Features) -> Array:
        return of(self.L).solve_lower(self.L, self.kernel.gram(self.theta, self.features, features).matrix)

    def mean(self, X: Array) -> Array:
        """The mean before any data at X (`m x d`): a number, or `m`."""
        if self.settings.derivatives != "none" and X.shape[1] == self.X.shape[1]:
            return basis(X, self.settings) @ self.weights
        mean: Array = self.weights[0] if len(self.weights) == 1 else self.weights[0] + X @ self.weights[1:]
        return mean

    def _rows(self, X: Array) -> Array:
        """Points as the training points stand: where those may be derivatives, values are marked as such."""
        if self.settings.derivatives == "none" or X.shape[1] == self.X.shape[1]:
            return X
        xp = of(X)
        return xp.concatenate((X, xp.zeros(len(X), 1)), 1)


def basis(X: Array, settings: Settings) -> Array:
    """Basis functions of the mean at X: a constant, which has no derivative, and the columns where it is linear."""
    xp = of(X)
    if settings.derivatives != "none":
        return xp.where(X[:, -1:] == 0.0, 1.0, 0.0)
    one = xp.ones(len(X), 1)
    return xp.concatenate((one, X), 1) if settings.mean == "linear" else one


def checked(X: ArrayLike, y: ArrayLike, yvar: ArrayLike | None, columns: Columns | None) -> tuple[Array, Array, Array | None]:
    """The data as NumPy arrays of float64.

    Raises:
        ValueError: Shapes do not fit, there is no row, or an entry is not finite.
    """
    points, values = np.ascontiguousarray(X, dtype=float), np.array(y, dtype=float).reshape(-1)
    if points.ndim != 2 or len(points) != len(values) or not len(values):
        raise ValueError(f"fit: X is {points.shape} and y has {len(values)} values; X is n x d and y is n, n at least 1")
    if columns is not None and len(columns) != points.shape[1]:
        raise ValueError(f"fit: X has {points.shape[1]} columns, and {len(columns)} are described")
    noise = None if yvar is None else np.array(yvar, dtype=float).reshape(-1)
    if noise is not None and (len(noise) != len(values) or not np.all(noise >= 0)):
        raise ValueError(f"fit: yvar has {len(noise)} values for {len(values)} points; it is one non-negative variance a point")
    for name, array in (("X", points), ("y", values), ("yvar", noise)):
        if array is not None and not np.all(np.isfinite(array)):
            raise ValueError(f"fit: {name} has entries that are not finite; leave those rows out")
    return points, values, None if noise is None else np.maximum(noise, LEAST_VARIANCE)
