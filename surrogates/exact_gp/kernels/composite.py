"""Products, sums and multiples of kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate, pairwise
from operator import add, mul

import numpy as np

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Exponential, Features, Gram, Kernel, Parameters, Spectral, spectral
from surrogates.exact_gp.kernels.stationary import Profiled


@dataclass(frozen=True, eq=False)
class _Composite:
    """What sums and products of kernels share."""

    parts: tuple[Kernel, ...]

    @cached_property
    def parameters(self) -> Parameters:
        return joined(self.parts)

    @property
    def multimodal(self) -> bool:
        return any(part.multimodal for part in self.parts)

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], parts=tuple(part.features(X) for part in self.parts))


@dataclass(frozen=True, eq=False)
class Product(_Composite):
    """The product of kernels, each of which may look at columns of its own."""

    def gram(self, theta: Array, A: Features, B: Features) -> Gram:
        if self._exponential is None:
            return ProductGram(_grams(self.parts, theta, A, B))
        xp, thetas = of(theta), pieces(self.parts, theta)
        S = [part.embedded(piece, a) for part, piece, a in zip(self._exponential, thetas, A.parts, strict=True)]
        T = S if A is B else [part.embedded(piece, b) for part, piece, b in zip(self._exponential, thetas, B.parts, strict=True)]
        first = xp.concatenate(S, 1)
        whole = Profiled.between("rbf", first, first if A is B else xp.concatenate(T, 1)).matrix
        together = zip(self._exponential, thetas, A.parts, B.parts, S, T, strict=True)
        return AdditiveGram(whole, tuple(part.within(piece, a, b, s, t, whole) for part, piece, a, b, s, t in together))

    @cached_property
    def _exponential(self) -> tuple[Exponential, ...] | None:
        """The parts, where all of them are exponentials of squared distances."""
        found = tuple(part for part in self.parts if isinstance(part, Exponential) and part.squared)
        return found if len(found) == len(self.parts) else None

    def diagonal(self, theta: Array, A: Features) -> Array:
        return reduce(mul, _diagonals(self.parts, theta, A))

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        diagonals = _diagonals(self.parts, theta, A)
        weights = [reduce(mul, (d for j, d in enumerate(diagonals) if j != k), w) for k in range(len(self.parts))]
        return _pull_diagonals(self.parts, theta, A, weights)

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        return np.concatenate([part.frequencies(piece, a, count, rng) for part, piece, a in self._spectral(theta, A)])

    def embedded(self, theta: Array, A: Features) -> Array:
        return of(theta).concatenate([part.embedded(piece, a) for part, piece, a in self._spectral(theta, A)], 1)

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        pulled, start = of(G).zeros(A.n, A.width), 0
        for part, piece, a in self._spectral(theta, A):
            width = part.embedded(piece, a).shape[1]
            pulled = pulled + part.pull_embedded(piece, a, G[:, start : start + width])
            start += width
        return pulled

    def _spectral(self, theta: Array, A: Features) -> list[tuple[Spectral, Array, Features]]:
        return [(spectral(part), piece, a) for part, piece, a in zip(self.parts, pieces(self.parts, theta), A.parts, strict=True)]


@dataclass(frozen=True, eq=False)
class ProductGram:
    """The elementwise product of covariances."""

    parts: tuple[Gram, ...]

    @cached_property
    def matrix(self) -> Array:
        return reduce(mul, (part.matrix for part in self.parts))

    def pull_parameters(self, W: Array) -> Array:
        pulled = [part.pull_parameters(self._without(k, W)) for k, part in enumerate(self.parts)]
        return of(W).concatenate(pulled, 0)

    def pull_inputs(self, W: Array) -> Array:
        return reduce(add, (part.pull_inputs(self._without(k, W)) for k, part in enumerate(self.parts)))

    def transposed(self) -> ProductGram:
        return ProductGram(tuple(part.transposed() for part in self.parts))

    def _without(self, k: int, W: Array) -> Array:
        return reduce(mul, (part.matrix for j, part in enumerate(self.parts) if j != k), W)


@dataclass(frozen=True, eq=False)
class AdditiveGram:
    """A covariance whose hyperparameters and points act through one of its parts each, with weights that all parts share.

    So do those of a sum, and those of a product of exponentials, which is the exponential of a sum.
    """

    matrix: Array
    parts: tuple[Gram, ...]

    def pull_parameters(self, W: Array) -> Array:
        return of(W).concatenate([part.pull_parameters(W) for part in self.parts], 0)

    def pull_inputs(self, W: Array) -> Array:
        return reduce(add, (part.pull_inputs(W) for part in self.parts))

    def transposed(self) -> AdditiveGram:
        return AdditiveGram(self.matrix.T, tuple(part.transposed() for part in self.parts))


@dataclass(frozen=True, eq=False)
class Sum(_Composite):
    """The sum of kernels, each of which may look at columns of its own."""

    def gram(self, theta: Array, A: Features, B: Features) -> AdditiveGram:
        grams = _grams(self.parts, theta, A, B)
        return AdditiveGram(reduce(add, (gram.matrix for gram in grams)), grams)

    def diagonal(self, theta: Array, A: Features) -> Array:
        return reduce(add, _diagonals(self.parts, theta, A))

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return _pull_diagonals(self.parts, theta, A, [w] * len(self.parts))


@dataclass(frozen=True, eq=False)
class Scaled:
    """A multiple of a kernel; its factor has a standard normal prior on its logarithm, and bounds a thousandfold either way."""

    part: Kernel

    @cached_property
    def parameters(self) -> Parameters:
        factor = Parameters.of(["outputscale"], lower=-math.log(1e3), upper=math.log(1e3), scale=1.0, jacobian=0.0)
        return Parameters.joined([self.part.parameters, factor])

    @property
    def multimodal(self) -> bool:
        return self.part.multimodal

    def features(self, X: Array) -> Features:
        return self.part.features(X)

    def gram(self, theta: Array, A: Features, B: Features) -> ScaledGram:
        return ScaledGram(self.part.gram(theta[:-1], A, B), of(theta).exp(theta[-1:]))

    def diagonal(self, theta: Array, A: Features) -> Array:
        return of(theta).exp(theta[-1:]) * self.part.diagonal(theta[:-1], A)

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return self.part.pull_diagonal(theta[:-1], A, of(theta).exp(theta[-1:]) * w)

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        return spectral(self.part).frequencies(theta[:-1], A, count, rng)

    def embedded(self, theta: Array, A: Features) -> Array:
        return spectral(self.part).embedded(theta[:-1], A)

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        return spectral(self.part).pull_embedded(theta[:-1], A, G)


@dataclass(frozen=True, eq=False)
class ScaledGram:
    """A covariance times a factor (an array of one entry)."""

    part: Gram
    factor: Array

    @cached_property
    def matrix(self) -> Array:
        return self.factor * self.part.matrix

    def pull_parameters(self, W: Array) -> Array:
        whole: Array = (W * self.matrix).sum().reshape(1)
        return of(W).concatenate((self.part.pull_parameters(self.factor * W), whole), 0)

    def pull_inputs(self, W: Array) -> Array:
        return self.part.pull_inputs(self.factor * W)

    def transposed(self) -> ScaledGram:
        return ScaledGram(self.part.transposed(), self.factor)


def joined(parts: Sequence[Kernel]) -> Parameters:
    """The layouts one after the other; names begin with the number of their kernel where two would be alike."""
    layouts = [part.parameters for part in parts]
    names = [name for layout in layouts for name in layout.names]
    alike = len(set(names)) < len(names)
    return Parameters.joined(layouts, [f"{k}." for k in range(len(parts))] if alike else None)


def pieces(parts: Sequence[Kernel], theta: Array) -> list[Array]:
    """The hyperparameters of each."""
    ends = list(accumulate((len(part.parameters) for part in parts), initial=0))
    return [theta[start:end] for start, end in pairwise(ends)]


def _grams(parts: Sequence[Kernel], theta: Array, A: Features, B: Features) -> tuple[Gram, ...]:
    together = zip(parts, pieces(parts, theta), A.parts, B.parts, strict=True)
    return tuple(part.gram(piece, a, b) for part, piece, a, b in together)


def _diagonals(parts: Sequence[Kernel], theta: Array, A: Features) -> list[Array]:
    return [part.diagonal(piece, a) for part, piece, a in zip(parts, pieces(parts, theta), A.parts, strict=True)]


def _pull_diagonals(parts: Sequence[Kernel], theta: Array, A: Features, weights: Sequence[Array]) -> Array | None:
    together = zip(parts, pieces(parts, theta), A.parts, weights, strict=True)
    pulled = [found for part, piece, a, w in together if (found := part.pull_diagonal(piece, a, w)) is not None]
    return reduce(add, pulled) if pulled else None
