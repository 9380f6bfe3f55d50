"""Functions of the BBOB suite (Hansen, Finck, Ros and Auger, 2009, INRIA report RR-6829), numbered as there.

The formulas are those of the report; optimum, rotations and peaks are drawn by NumPy from a seed, so instances differ from COCO's.
All live on [-5, 5]^d and have their least value 0 at the point named `optimum`.
"""

from __future__ import annotations

import math

import numpy as np

from bbo.problems.functions import Array, Function, rastrigin
from benchmarks.suite.rotation import rotation


def instance(number: int, d: int, seed: int) -> tuple[Function, Array]:
    """Function `number` of the suite in `d` dimensions, and where its least value 0 is."""
    rng = np.random.default_rng([number, d, seed])
    Q, R = rotation(d, rng), rotation(d, rng)
    optimum = rng.uniform(-3 if number == 8 else -4, 3 if number == 8 else 4, d)
    if number in (21, 22):
        return _gallagher(101 if number == 21 else 21, optimum, R, rng)
    ramp = np.arange(d) / max(d - 1, 1)
    stretch10 = np.diag(10 ** (0.5 * ramp))

    def f(x: Array) -> float:
        z = x - optimum
        match number:
            case 3:
                return rastrigin(stretch10 @ _asymmetric(_oscillate(z), 0.2))
            case 6:
                z = Q @ stretch10 @ R @ z
                z = np.where(z * optimum > 0, 100.0, 1.0) * z
                return float(_oscillate(np.array([z @ z]))[0] ** 0.9)
            case 8:
                z = max(1.0, math.sqrt(d) / 8) * z + 1
                return float((100 * (z[:-1] ** 2 - z[1:]) ** 2 + (z[:-1] - 1) ** 2).sum())
            case 10:
                return float(10 ** (6 * ramp) @ _oscillate(R @ z) ** 2)
            case 11:
                z = _oscillate(R @ z)
                return float(1e6 * z[0] ** 2 + (z[1:] ** 2).sum())
            case 13:
                z = Q @ stretch10 @ R @ z
                return float(z[0] ** 2 + 100 * math.sqrt((z[1:] ** 2).sum()))
            case 15:
                return rastrigin(R @ stretch10 @ Q @ _asymmetric(_oscillate(R @ z), 0.2))
            case 17 | 18:
                stretch = 10 ** ((0.5 if number == 17 else 1.5) * ramp)
                z = stretch * (Q @ _asymmetric(R @ z, 0.5))
                s = np.sqrt(z[:-1] ** 2 + z[1:] ** 2)
                return float((np.sqrt(s) * (1 + np.sin(50 * s**0.2) ** 2)).mean() ** 2 + 10 * _outside(x))
        raise ValueError(f"function {number} is not among those written here")

    return f, optimum


def _oscillate(x: Array) -> Array:
    """T_osz of the report."""
    magnitude = np.log(np.abs(np.where(x == 0, 1.0, x)))
    c1, c2 = np.where(x > 0, 10.0, 5.5), np.where(x > 0, 7.9, 3.1)
    y: Array = np.sign(x) * np.exp(magnitude + 0.049 * (np.sin(c1 * magnitude) + np.sin(c2 * magnitude)))
    return y


def _asymmetric(x: Array, beta: float) -> Array:
    """T_asy of the report."""
    ramp = np.arange(len(x)) / max(len(x) - 1, 1)
    positive = np.maximum(x, 0)
    return np.where(x > 0, positive ** (1 + beta * ramp * np.sqrt(positive)), x)


def _outside(x: Array) -> float:
    """f_pen of the report: how far a point lies outside the box."""
    return float((np.maximum(0, np.abs(x) - 5) ** 2).sum())


def _gallagher(peaks: int, optimum: Array, R: Array, rng: np.random.Generator) -> tuple[Function, Array]:
    """Functions 21 and 22: Gaussian peaks, of which the highest, of height 10, stands at the optimum."""
    d = len(optimum)
    heights = np.append(10.0, 1.1 + 8 * np.arange(peaks - 1) / (peaks - 2))
    conditions = np.append(1000.0 if peaks == 101 else 1000.0**2, 1000.0 ** (2 * rng.permutation(peaks - 1) / (peaks - 2)))
    ramp = np.arange(d) / max(d - 1, 1)
    scales = np.stack([rng.permutation(a ** (0.5 * ramp)) / a**0.25 for a in conditions])
    wide = 5.0 if peaks == 101 else 4.9
    centres = np.vstack([optimum, rng.uniform(-wide, wide, (peaks - 1, d))])

    def f(x: Array) -> float:
        z = (x - centres) @ R.T
        highest = float((heights * np.exp(-(scales * z**2).sum(axis=1) / (2 * d))).max())
        return float(_oscillate(np.array([10 - highest]))[0] ** 2 + _outside(x))

    return f, optimum
