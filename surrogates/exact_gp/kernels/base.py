"""What a kernel is: hyperparameters in one flat vector, a covariance matrix, and its vector-Jacobian products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from surrogates.exact_gp.arrays import Array, of


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Layout of a vector of hyperparameters, each the logarithm of what its name says unless told otherwise.

    The log prior density of entry t is ``-(t - location)^2 / (2 scale^2) - jacobian t`` up to a constant: a LogNormal density of
    ``exp(t)`` where jacobian is 1 (it is not turned into a density of t, so that its mode is BoTorch's), a normal density of t
    where it is 0, and no prior where scale is infinite.

    Args:
        names: Unique within the vector.
        start: Where a fit begins.
        lower, upper: Bounds of the fit.
        location, scale, jacobian: The priors.
    """

    names: tuple[str, ...]
    start: Array
    lower: Array
    upper: Array
    location: Array
    scale: Array
    jacobian: Array

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        *,
        lower: float,
        upper: float,
        location: float = 0.0,
        scale: float = np.inf,
        jacobian: float = 1.0,
        start: float | None = None,
    ) -> Parameters:
        """Entries that are alike; they start at the mode of their prior, clipped to the bounds, unless told where."""
        if start is None:
            start = location - jacobian * scale**2 if np.isfinite(scale) else 0.0
        values = (np.clip(start, lower, upper), lower, upper, location, scale, jacobian)
        return cls(tuple(names), *(np.full(len(names), float(value)) for value in values))

    @classmethod
    def lengthscales(cls, names: Sequence[str], d: int, *, lower: float, upper: float) -> Parameters:
        """Length scales between bounds (not their logarithms), with the prior LogNormal(sqrt(2) + ln(d) / 2, sqrt(3)).

        It grows with the number of dimensions, so that correlations do not vanish as they are added: Hvarfner, Hellsten & Nardi
        (2024), arXiv:2402.02229, with BoTorch's constants.
        """
        location = math.sqrt(2.0) + 0.5 * math.log(d)
        return cls.of(names, lower=math.log(lower), upper=math.log(upper), location=location, scale=math.sqrt(3.0))

    @classmethod
    def joined(cls, parts: Sequence[Parameters], prefixes: Sequence[str] | None = None) -> Parameters:
        """One layout after the other, names with their prefixes."""
        names = tuple(p + name for p, part in zip(prefixes or [""] * len(parts), parts, strict=True) for name in part.names)
        fields = ("start", "lower", "upper", "location", "scale", "jacobian")
        return cls(names, *(np.concatenate([np.empty(0), *(getattr(part, field) for part in parts)]) for field in fields))

    def log_prior(self, theta: Array) -> tuple[float, Array]:
        """Log prior density of a vector (NumPy), constants included, and its gradient."""
        has = np.isfinite(self.scale)
        scale = np.where(has, self.scale, 1.0)
        z = np.where(has, (theta - self.location) / scale, 0.0)
        constants = np.where(has, np.log(scale) + 0.5 * np.log(2 * np.pi), 0.0)
        jacobian = np.where(has, self.jacobian, 0.0)
        return float(-0.5 * z @ z - jacobian @ theta - constants.sum()), -z / scale - jacobian


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a kernel makes of points before any hyperparameter is known.

    Args:
        n: Number of points.
        width: Number of columns of the points.
        arrays: Of a kernel itself.
        parts: Of the kernels it is composed of.
    """

    n: int
    width: int
    arrays: tuple[Array, ...] = ()
    parts: tuple[Features, ...] = ()


class Gram(Protocol):
    """The covariance of `m` points with `n` points at one vector of hyperparameters, and its vector-Jacobian products.

    Where both sets are the same Features object, only sums over the matrix count: W need not be symmetric.
    """

    @property
    def matrix(self) -> Array:
        """`m x n`; not to be changed."""

    def pull_parameters(self, W: Array) -> Array:
        """Gradient of ``sum(W * matrix)`` with respect to the hyperparameters, W `m x n`."""

    def pull_inputs(self, W: Array) -> Array:
        """Gradient of ``sum(W * matrix)`` with respect to the first points, the second held fixed: `m x d`."""

    def transposed(self) -> Gram:
        """The covariance of the second points with the first."""


class Kernel(Protocol):
    """A positive definite function of two points."""

    @property
    def parameters(self) -> Parameters:
        """Layout of its hyperparameters."""

    @property
    def multimodal(self) -> bool:
        """Whether its likelihood is known to have several maxima worth starting from several points."""

    def features(self, X: Array) -> Features:
        """Points (`n x d`, unit cube), prepared."""

    def gram(self, theta: Array, A: Features, B: Features) -> Gram:
        """The covariance of points A with points B."""

    def diagonal(self, theta: Array, A: Features) -> Array:
        """The variance at each of the points, `n`."""

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        """Gradient of ``sum(w * diagonal)`` with respect to the points, `n x d`; None where it is zero."""


class Normalised:
    """What kernels share whose variance is one everywhere."""

    def diagonal(self, theta: Array, A: Features) -> Array:
        return of(theta).ones(A.n)

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return None


@runtime_checkable
class Exponential(Kernel, Protocol):
    """A kernel that may be ``exp(-|e(x) - e(z)|^2)`` for a map e of points, so that a product of such ones takes a single exponential."""

    @property
    def squared(self) -> bool:
        """Whether it is."""

    def embedded(self, theta: Array, A: Features) -> Array:
        """The map e of the points, `n x k`."""

    def within(self, theta: Array, A: Features, B: Features, S: Array, T: Array, whole: Array) -> Gram:
        """The gram of a product in which it is a factor, where its own hyperparameters and points alone count as variable.

        Args:
            theta: Its own hyperparameters.
            A: The first points.
            B: The second ones.
            S: e of the first points.
            T: e of the second points; S itself where A is B.
            whole: The product, `m x n`.
        """


@runtime_checkable
class Spectral(Kernel, Protocol):
    """A kernel that is stationary, times a constant, in a space that a map e takes points to: ``k(x, z) = s E[cos(w'(e(x) - e(z)))]``.

    The expectation is over frequencies w, of Bochner's spectral density.
    """

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        """Independent draws of w, `k x count` (NumPy); the features say how wide points are.

        Raises:
            NotImplementedError: It is composed of a kernel that is not stationary so.
        """

    def embedded(self, theta: Array, A: Features) -> Array:
        """The map e of the points, `n x k`."""

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        """Gradient of ``sum(G * embedded)`` with respect to the points, `n x d`, for G of `n x k`."""


def spectral(kernel: Kernel) -> Spectral:
    """The kernel as one that has frequencies.

    Raises:
        NotImplementedError: It has none.
    """
    if not isinstance(kernel, Spectral):
        raise NotImplementedError(f"the kernel {type(kernel).__name__} has no spectral density here, and no sample paths with it")
    return kernel


def matrix(kernel: Kernel, theta: Array, X: Array, Z: Array) -> Array:
    """Covariance of points X (`m x d`) with points Z (`n x d`), `m x n`."""
    return kernel.gram(theta, kernel.features(X), kernel.features(Z)).matrix


def scattered(part: Array, columns: tuple[int, ...], width: int) -> Array:
    """A gradient with respect to some columns (`m x k`) as one with respect to all (`m x width`)."""
    if columns == tuple(range(width)):
        return part
    whole = of(part).zeros(len(part), width)
    whole[:, list(columns)] = part
    return whole
