"""What every compact convex set can do."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from acquisitions.domain.shape import TOLERANCE, Array, Mask


@dataclass(frozen=True, kw_only=True, repr=False)
class ConvexSet(ABC):
    """A compact convex set of arrays of one shape, in the units of the function that takes them.

    Methods take arrays whose last axes are those of a point; axes before them are a batch. Without a `shape`, a point is a vector
    (the last axis), and in a set of matrices a matrix (the last two); what needs to know the dimension then raises ValueError.

    A set is plain data: equal settings make equal sets.

    Args:
        shape: Shape of a point; a whole number for vectors.

    Raises:
        ValueError: A setting is malformed; so do the methods, for points of another shape, or (not `contains`) that are not finite.
    """

    shape: tuple[int, ...] | int | None = None
    matrix: ClassVar[bool] = False  # whether rows and columns mean something; elsewhere the entries are one vector

    def __post_init__(self) -> None:
        if self.shape is None:
            return
        shape = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        if not shape or not all(isinstance(k, int) and not isinstance(k, bool) and k > 0 for k in shape):
            raise ValueError(f"{self._name}: shape={self.shape!r} must be positive whole numbers")
        if self.matrix and len(shape) != 2:
            raise ValueError(f"{self._name}: shape={self.shape!r} must be (rows, columns)")
        object.__setattr__(self, "shape", shape)

    def __repr__(self) -> str:
        given = [repr(getattr(self, f.name)) for f in fields(self) if f.default is MISSING]
        options = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.default not in (MISSING, getattr(self, f.name))]
        return f"{self._name}({', '.join(given + options)})"

    def with_shape(self, shape: tuple[int, ...]) -> Self:
        """The same set among arrays of this shape.

        Raises:
            ValueError: Its points have another shape.
        """
        if self.shape is not None and self.shape != tuple(shape):
            raise ValueError(f"{self._name} holds points of shape {self.shape}, not {tuple(shape)}")
        return self if self.shape is not None else replace(self, shape=tuple(shape))

    def contains(self, X: ArrayLike, tol: float = TOLERANCE) -> Mask:
        """Which points lie in the set, up to `tol` relative to its size (so that 0 asks for it to the last digit).

        Returns:
            The shape of the batch; a 0-dimensional array for a single point.
        """
        bound, P, batch = self._rows(X)
        finite = np.isfinite(P).all(axis=tuple(range(1, P.ndim)))
        inside = np.zeros(len(P), dtype=bool)
        inside[finite] = bound._violation(P[finite]) <= tol
        return inside.reshape(batch)

    def project(self, X: ArrayLike) -> Array:
        """The nearest points of the set, in the Euclidean (Frobenius) norm."""
        bound, P, _ = self._rows(X, finite=True)
        return bound._project(P).reshape(np.shape(X))

    def lmo(self, G: ArrayLike) -> Array:
        """For each g an extreme point that minimizes ``<g, s>``: the linear minimization oracle of Frank and Wolfe (1956).

        Among equally good points the rule is fixed by the set, mostly the lowest index. The scale of g does not matter.
        """
        bound, P, _ = self._rows(G, finite=True)
        size = np.abs(P).max(axis=tuple(range(1, P.ndim)))
        exponent = np.frexp(size)[1].reshape(-1, *[1] * (P.ndim - 1))
        return bound._lmo(np.ldexp(P, -exponent)).reshape(np.shape(G))  # a power of two: nothing is rounded, nothing overflows

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent points, `n x shape`: uniform by volume where the class does not say otherwise."""
        return self._sample(n, rng).reshape(n, *self._shape)

    def tangent(self, D: ArrayLike) -> Array:
        """Directions projected onto the span of the differences of points, so that a small step along one keeps the equalities."""
        bound, P, _ = self._rows(D, finite=True)
        return np.array(bound._tangent(P)).reshape(np.shape(D))

    @property
    @abstractmethod
    def bounds(self) -> Array:
        """Ends of the smallest box around the set, `2 x shape`."""

    @property
    @abstractmethod
    def interior_point(self) -> Array:
        """A point as deep inside as `inradius` says, of the shape of a point."""

    @property
    @abstractmethod
    def inradius(self) -> float:
        """Radius of the ball around `interior_point` that, within the span of `tangent`, is inside; 0 for a single point."""

    @property
    @abstractmethod
    def diameter(self) -> float:
        """Largest Euclidean distance of two points, or where a class says so an upper bound."""

    @abstractmethod
    def _violation(self, P: Array) -> Array:
        """How far each of the points is outside, relative to the size of the set."""

    @abstractmethod
    def _project(self, P: Array) -> Array: ...

    @abstractmethod
    def _lmo(self, G: Array) -> Array: ...

    @abstractmethod
    def _sample(self, n: int, rng: np.random.Generator) -> Array: ...

    def _tangent(self, D: Array) -> Array:
        return D

    @property
    def dimension(self) -> int:
        """Dimension of the span of `tangent`: that of the space of points where the set has an interior, 0 for a single point."""
        return self._size

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def _shape(self) -> tuple[int, ...]:
        if self.shape is None:
            raise ValueError(f"{self._name} does not know the shape of its points; give it, as in {self._name}(..., shape=3)")
        assert isinstance(self.shape, tuple)
        return self.shape

    @property
    def _size(self) -> int:
        return math.prod(self._shape)

    def _rows(self, X: ArrayLike, *, finite: bool = False) -> tuple[Self, Array, tuple[int, ...]]:
        """The set with its shape, the points as `n x size` (matrices: `n x rows x columns`), and the shape of the batch."""
        points = np.asarray(X, dtype=float)
        axes = (2 if self.matrix else 1) if self.shape is None else len(self._shape)
        core = points.shape[points.ndim - axes :]
        if points.ndim < axes or (self.shape is not None and core != self.shape) or 0 in core:
            wanted = "(rows, columns)" if self.shape is None and self.matrix else self.shape or "(entries,)"
            raise ValueError(f"{self._name}: points have shape {points.shape}; it must end in {wanted}")
        if finite and not np.isfinite(points).all():
            raise ValueError(f"{self._name}: an entry is infinite or NaN")
        batch = points.shape[: points.ndim - axes]
        return self.with_shape(core), points.reshape(math.prod(batch), *(core if self.matrix else (math.prod(core),))), batch


def positive(value: Any, name: str) -> float:
    """`value` as a positive finite float.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r} must be a positive finite number")
    return float(value)


def numbers(value: ArrayLike, name: str) -> tuple[Any, tuple[int, ...]]:
    """An array of finite numbers as nested tuples (a float for a single number), and its shape.

    Raises:
        ValueError: It is no such array.
    """
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={value!r} must be an array of numbers") from None
    if not np.isfinite(array).all() or array.size == 0:
        raise ValueError(f"{name}={value!r} must hold finite numbers")
    return _nested(array.tolist()), array.shape


def _nested(value: Any) -> Any:
    return tuple(_nested(entry) for entry in value) if isinstance(value, list) else value
