"""Problems with several objectives, all minimized."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.suite.functions import Array, branin


def zdt1(x: Array) -> tuple[float, float]:
    """Zitzler, Deb and Thiele (2000), problem 1: a convex front."""
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - math.sqrt(x[0] / g)))


def dtlz2(x: Array, objectives: int) -> tuple[float, ...]:
    """Deb, Thiele, Laumanns and Zitzler (2002), problem 2: the front is the positive part of the unit sphere."""
    k = objectives - 1
    g = ((x[k:] - 0.5) ** 2).sum()
    angles = x[:k] * math.pi / 2
    values = []
    for i in range(objectives):
        value = (1 + g) * np.cos(angles[: k - i]).prod()
        values.append(float(value * (math.sin(angles[k - i]) if i else 1.0)))
    return tuple(values)


def branin_currin(x: Array) -> tuple[float, float]:
    """Branin and Currin's function on the unit square (Belakaria, Deshwal and Doppa, 2019)."""
    a, b = float(x[0]), float(x[1])
    fade = 1 - math.exp(-1 / (2 * b)) if b > 0 else 1.0
    currin = fade * (2300 * a**3 + 1900 * a**2 + 2092 * a + 60) / (100 * a**3 + 500 * a**2 + 4 * a + 20)
    return branin(np.array([15 * a - 5, 15 * b])), currin
