"""Functions of a point ``x`` (shape ``d``) with known least values."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], float]

HARTMANN_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
_HARTMANN3_A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_HARTMANN3_P = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
_SHEKEL_A = np.array([[4, 4], [1, 1], [8, 8], [6, 6], [3, 7], [2, 9], [5, 3], [8, 1], [6, 2], [7, 3.6]])[:, [0, 1, 0, 1]]
_SHEKEL_C = np.array([0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5])


def branin(x: Array) -> float:
    """Branin (1972) on [-5, 10] x [0, 15]; least value 0.39788735772973816."""
    valley = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    return float(valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10)


def hartmann6(x: Array, weights: Array = HARTMANN_WEIGHTS) -> float:
    """Hartmann's function (Dixon and Szegő, 1978) on the unit cube; least value -3.322368011415514."""
    return -float(weights @ np.exp(-(HARTMANN_A * (x - HARTMANN_P) ** 2).sum(axis=1)))


def hartmann3(x: Array, weights: Array = HARTMANN_WEIGHTS) -> float:
    """Hartmann's function in three dimensions; least value -3.862779787332660."""
    return -float(weights @ np.exp(-(_HARTMANN3_A * (x - _HARTMANN3_P) ** 2).sum(axis=1)))


def shekel(x: Array, m: int = 10) -> float:
    """Shekel's foxholes (Dixon and Szegő, 1978) on [0, 10]^4, the first m of ten."""
    return -float((1 / (((x - _SHEKEL_A[:m]) ** 2).sum(axis=1) + _SHEKEL_C[:m])).sum())


def goldstein_price(x: Array) -> float:
    """Goldstein and Price (1971) on [-2, 2]^2; least value 3 at (0, -1), values up to a million."""
    a, b = x
    one = 1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)
    two = 30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2)
    return float(one * two)


def levy(x: Array) -> float:
    """Levy and Montalvo (1985); least value 0 at (1, ..., 1)."""
    w = 1 + (x - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
    return float(math.sin(math.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2))


def ackley(x: Array) -> float:
    """Ackley (1987); least value 0 at the origin."""
    return float(20 * (1 - math.exp(-0.2 * math.sqrt((x**2).mean()))) + math.e - math.exp(np.cos(2 * math.pi * x).mean()))


def rastrigin(x: Array) -> float:
    """Rastrigin (1974); least value 0 at the origin."""
    return float((x**2 - 10 * np.cos(2 * math.pi * x) + 10).sum())


def rosenbrock(x: Array) -> float:
    """Rosenbrock (1960); least value 0 at (1, ..., 1)."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


STYBLINSKI_TANG_ROOT = -2.903534027771177
"""The least root of 4 x^3 - 32 x + 5."""
STYBLINSKI_TANG_LEAST = -39.16616570377142
"""The least value of one coordinate's term, there."""


def styblinski_tang(x: Array) -> float:
    """Styblinski and Tang (1990) less its least value: 0 at `STYBLINSKI_TANG_ROOT` in every coordinate."""
    return float((x**4 - 16 * x**2 + 5 * x).sum() / 2 - STYBLINSKI_TANG_LEAST * len(x))


def keane_bump(x: Array) -> float:
    """Keane (1994); 0 at the origin, where the formula has no value. Known optima are those under constraints."""
    size = math.sqrt(np.arange(1, len(x) + 1) @ x**2)
    squares = np.cos(x) ** 2
    return -abs(float((squares**2).sum() - 2 * squares.prod())) / size if size else 0.0


def waves(x: Array) -> float:
    """Gardner et al. (2014), simulation 1: the objective of constrained problems, least at -2."""
    return math.cos(2 * x[0]) * math.cos(x[1]) + math.sin(x[0])


def currin(x: Array) -> float:
    """Currin, Mitchell, Morris and Ylvisaker (1991) on the unit square: an exponential times a rational function."""
    a, b = float(x[0]), float(x[1])
    fade = 1 - math.exp(-1 / (2 * b)) if b > 0 else 1.0
    return fade * (2300 * a**3 + 1900 * a**2 + 2092 * a + 60) / (100 * a**3 + 500 * a**2 + 4 * a + 20)


def products_of_four(x: Array, centres: Array) -> float:
    """Sum over groups of four variables of the product of their distances from `centres`, shape ``d / 4 x 4``."""
    return float((x.reshape(-1, 4) - centres).prod(axis=1).sum())
