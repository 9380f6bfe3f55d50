"""Transforms of outcomes before a fit, and of predictions back: standardise, Yeo-Johnson, bilog, winsorise.

Each is fitted to values once (`fit`) and then fixed. `moments` turns a normal prediction in transformed units into mean and
variance in the units before: exactly where the transform is affine, by Gauss-Hermite quadrature where it is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from surrogates.exact_gp.arrays import Array

_GRIDS, _GRID = 3, 21  # grids of the search for a power, each between the neighbours of the best so far, and their points
_NODES = 32  # of the quadrature: exact for polynomials of degree 63


class OutputTransform(Protocol):
    """A fixed, increasing function of one outcome. All methods take and return arrays of one shape."""

    def forward(self, y: ArrayLike) -> Array:
        """From the units before to those of the fit."""

    def inverse(self, z: ArrayLike) -> Array:
        """Back again."""

    def derivative(self, y: ArrayLike) -> Array:
        """Of `forward`: variances of noise are multiplied by its square (delta method)."""

    def moments(self, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
        """Mean and variance of ``inverse(z)`` for normal z."""


@dataclass(frozen=True, slots=True)
class Standardise:
    """``(y - shift) / scale``."""

    shift: float
    scale: float

    @classmethod
    def fit(cls, y: ArrayLike) -> Standardise:
        """To mean zero and (sample) standard deviation one; values that are all alike, or nearly so, keep their scale."""
        values = np.asarray(y, dtype=float)
        shift = float(values.mean())
        scale = float(values.std(ddof=1)) if values.size > 1 else 0.0
        return cls(shift, scale if scale > 1e-14 * abs(shift) and math.isfinite(scale) else 1.0)

    def forward(self, y: ArrayLike) -> Array:
        return (np.asarray(y, dtype=float) - self.shift) / self.scale

    def inverse(self, z: ArrayLike) -> Array:
        return self.shift + self.scale * np.asarray(z, dtype=float)

    def derivative(self, y: ArrayLike) -> Array:
        return np.full(np.shape(y), 1.0 / self.scale)

    def moments(self, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
        return self.inverse(mean), self.scale**2 * np.asarray(variance, dtype=float)


@dataclass(frozen=True, slots=True)
class YeoJohnson:
    """The power transform of Yeo & Johnson (2000), Biometrika 87: towards a normal distribution, whatever the sign.

    Args:
        power: Their lambda. One is the identity.
    """

    power: float

    @classmethod
    def fit(cls, y: ArrayLike) -> YeoJohnson:
        """By maximum likelihood to three digits, for standardised values.

        The power is kept between 0 and 2, where the transform reaches every number, so that every prediction has a way back;
        beyond, tails longer than those of a log-normal distribution would be bent further.
        """
        values = np.asarray(y, dtype=float)
        if values.size < 3 or not values.std() > 0:
            return cls(1.0)
        sizes = np.sign(values) * np.log1p(np.abs(values))
        best, low, high = 1.0, 0.0, 2.0
        for _ in range(_GRIDS):
            powers = np.linspace(low, high, _GRID)[:, None]
            exponents = np.where(sizes >= 0, powers, 2.0 - powers)
            spread = _grown(np.abs(sizes), exponents) * np.sign(sizes)
            likelihood = (powers[:, 0] - 1.0) * sizes.sum() - 0.5 * values.size * np.log(np.maximum(spread.var(1), 1e-300))
            best, step = float(powers[likelihood.argmax(), 0]), (high - low) / (_GRID - 1)
            low, high = max(best - step, 0.0), min(best + step, 2.0)
        return cls(best)

    def forward(self, y: ArrayLike) -> Array:
        values = np.asarray(y, dtype=float)
        size = np.log1p(np.abs(values))
        return np.where(values >= 0, _grown(size, self.power), -_grown(size, 2.0 - self.power))

    def inverse(self, z: ArrayLike) -> Array:
        values = np.asarray(z, dtype=float)
        size = np.abs(values)
        return np.where(values >= 0, _expm1(_shrunk(size, self.power)), -_expm1(_shrunk(size, 2.0 - self.power)))

    def derivative(self, y: ArrayLike) -> Array:
        values = np.asarray(y, dtype=float)
        size = np.log1p(np.abs(values))
        return np.asarray(np.exp(np.where(values >= 0, self.power - 1.0, 1.0 - self.power) * size))

    def moments(self, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
        return quadrature(self, mean, variance)


@dataclass(frozen=True, slots=True)
class Bilog:
    """``sign(y) log(1 + |y|)``: large values come closer, zero stays zero and the sign is kept, as constraints need.

    Eriksson & Poloczek (2021), arXiv:2002.08526.
    """

    @classmethod
    def fit(cls, y: ArrayLike) -> Bilog:
        """Nothing is learned."""
        return cls()

    def forward(self, y: ArrayLike) -> Array:
        values = np.asarray(y, dtype=float)
        return np.asarray(np.sign(values) * np.log1p(np.abs(values)))

    def inverse(self, z: ArrayLike) -> Array:
        values = np.asarray(z, dtype=float)
        return np.asarray(np.sign(values) * _expm1(np.abs(values)))

    def derivative(self, y: ArrayLike) -> Array:
        return np.asarray(1.0 / (1.0 + np.abs(np.asarray(y, dtype=float))))

    def moments(self, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
        return quadrature(self, mean, variance)


@dataclass(frozen=True, slots=True)
class Winsorise:
    """Values beyond a fence count as standing at it; what is predicted is left alone.

    Args:
        low, high: The fences.
    """

    low: float
    high: float

    @classmethod
    def fit(cls, y: ArrayLike, *, tail: Literal["low", "high", "both"] = "low", reach: float = 3.0) -> Winsorise:
        """Fences at so many interquartile ranges from the quartiles; Tukey (1977): three are the outer fences, "far out".

        Args:
            y: Values.
            tail: Which of them to fence: ``low`` where large is good, so that no good value is ever hidden.
            reach: In interquartile ranges. Where that range is zero there is no fence.
        """
        values = np.asarray(y, dtype=float)
        first, third = (float(q) for q in np.quantile(values, [0.25, 0.75])) if values.size else (0.0, 0.0)
        width = reach * (third - first) if third > first else math.inf
        return cls(-math.inf if tail == "high" else first - width, math.inf if tail == "low" else third + width)

    def forward(self, y: ArrayLike) -> Array:
        return np.asarray(np.clip(np.asarray(y, dtype=float), self.low, self.high))

    def inverse(self, z: ArrayLike) -> Array:
        return np.array(z, dtype=float)

    def derivative(self, y: ArrayLike) -> Array:
        """One: what was moved to a fence is as noisy as before."""
        return np.ones(np.shape(y))

    def moments(self, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
        return np.array(mean, dtype=float), np.array(variance, dtype=float)


@dataclass(frozen=True, slots=True)
class Chain:
    """Transforms one after the other; moments come back by one quadrature through all of them."""

    steps: tuple[OutputTransform, ...]

    def forward(self, y: ArrayLike) -> Array:
        values = np.array(y, dtype=float)
        for step in self.steps:
            values = step.forward(values)
        return values

    def inverse(self, z: ArrayLike) -> Array:
        values = np.array(z, dtype=float)
        for step in reversed(self.steps):
            values = step.inverse(values)
        return values

    def derivative(self, y: ArrayLike) -> Array:
        values = np.array(y, dtype=float)
        product = np.ones(values.shape)
        for step in self.steps:
            product = product * step.derivative(values)
            values = step.forward(values)
        return product

    def moments(self, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
        mean, variance = np.asarray(mean, dtype=float), np.asarray(variance, dtype=float)
        steps = list(self.steps)
        while steps and isinstance(steps[-1], (Standardise, Winsorise)):  # these are exact
            mean, variance = steps.pop().moments(mean, variance)
        return quadrature(Chain(tuple(steps)), mean, variance) if steps else (mean, variance)


def fit_chain(y: ArrayLike, kinds: Sequence[Literal["standardise", "yeo_johnson", "bilog", "winsorise"]]) -> Chain:
    """Transforms fitted one after the other, each to what those before it made of y; to be maximized, so the low tail is fenced."""
    fits: dict[str, Callable[[Array], OutputTransform]] = {
        "standardise": Standardise.fit,
        "yeo_johnson": YeoJohnson.fit,
        "bilog": Bilog.fit,
        "winsorise": Winsorise.fit,
    }
    values, steps = np.asarray(y, dtype=float), list[OutputTransform]()
    for kind in kinds:
        step = fits[kind](values)
        values = step.forward(values)
        steps.append(step)
    return Chain(tuple(steps))


def quadrature(transform: OutputTransform, mean: ArrayLike, variance: ArrayLike) -> tuple[Array, Array]:
    """Mean and variance of ``inverse(z)`` for normal z by Gauss-Hermite quadrature; Abramowitz & Stegun (1964), 25.4.46."""
    nodes, weights = _hermite()
    centre, sd = np.asarray(mean, dtype=float)[..., None], np.sqrt(np.asarray(variance, dtype=float))[..., None]
    values = transform.inverse(centre + sd * nodes)
    first = values @ weights
    return first, (values - first[..., None]) ** 2 @ weights


@lru_cache
def _hermite() -> tuple[Array, Array]:
    """Nodes and weights for the standard normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def _grown(size: Array, power: ArrayLike) -> Array:
    """``(exp(power size) - 1) / power``, and its limit where the power is zero."""
    zero = np.abs(power) < 1e-12
    safe = np.where(zero, 1.0, power)
    return np.where(zero, size, np.expm1(safe * size) / safe)


def _shrunk(value: Array, power: float) -> Array:
    """The inverse of `_grown`."""
    return value if abs(power) < 1e-12 else np.log1p(power * value) / power


def _expm1(x: Array) -> Array:
    """``exp(x) - 1``, at most 1e150, whose square is still a number."""
    return np.asarray(np.expm1(np.minimum(x, 345.0)))
