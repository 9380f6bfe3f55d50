"""Problems whose designs meet an environment that nobody controls in service, or are set inexactly.

`Optimum` is that of the expectation over it, and `TestProblem.expectation` is that of any design, both in closed form or by a rule that is
exact to twelve digits. Score a method by the expectation of the design it recommends; its measured values are luck with the environment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from bbo.objectives import Objective
from bbo.problems import functions
from bbo.problems.functions import Array
from bbo.problems.making import at
from bbo.problems.problem import OfVector, Optimum, TestProblem
from bbo.space import Environment, Float, Normal, Space, Uniform

_REACH = 4.0  # standard deviations at which normal distributions are cut off, as `bbo.Normal` and `input_sd` are

_VALUE = (Objective("value"),)


def branin_williams() -> TestProblem:
    """The product of two of Branin's functions, each with one decision and one of three or four settings of the environment.

    The settings are independent, and so the expectation is a product of two functions of one decision.
    """
    space = Space(
        {
            "x1": Float(0, 1),
            "x2": Environment(_WILLIAMS[0]),
            "x3": Environment(_WILLIAMS[1]),
            "x4": Float(0, 1),
        }
    )
    value, (a, b) = WILLIAMS_BEST
    optimum = Optimum(value, ({"x1": a, "x4": b},), source="a product of two minima of one variable, by golden sections of a fine grid")
    source = "Williams, Santner and Notz (2000); Cakmak et al. (2020), arXiv 2007.05554"
    function = OfVector(_branin_williams, ("x1", "x2", "x3", "x4"))
    return TestProblem("branin_williams", space, function, _VALUE, (), optimum, source, expectation=_williams_expected)


def branin_environment() -> TestProblem:
    """Branin's function of its second argument, the first being uniform over its range; the design for its middle is another one."""
    space = Space({"x1": Environment(Uniform(-5, 10)), "x2": Float(0, 15)})
    optimum = Optimum(BRANIN_BEST[0], ({"x2": BRANIN_BEST[1]},), source="closed form")
    function = OfVector(functions.branin, ("x1", "x2"))
    return TestProblem("branin_environment", space, function, _VALUE, (), optimum, "Branin (1972)", expectation=_branin_expected)


def hartmann6_environment() -> TestProblem:
    """Hartmann's function in six dimensions, the fourth and fifth of which are normal.

    The best design for their means is worth 2 % less than the best over all of them.
    """
    chance = Environment(Normal(*_HARTMANN_NORMAL))
    names = tuple(f"x{i + 1}" for i in range(6))
    space = Space({name: chance if i in _HARTMANN_CHANCE else Float(0, 1) for i, name in enumerate(names)})
    points = (dict(zip([name for i, name in enumerate(names) if i not in _HARTMANN_CHANCE], HARTMANN_BEST[1], strict=True)),)
    optimum = Optimum(HARTMANN_BEST[0], points, source="closed form of the expectation, L-BFGS-B from 60 starts, polished")
    function = OfVector(functions.hartmann6, names)
    return TestProblem(
        "hartmann6_environment", space, function, _VALUE, (), optimum, "Dixon and Szegő (1978)", expectation=_hartmann_expected
    )


def forrester_inexact() -> TestProblem:
    """Forrester's function in one variable that is set inexactly: beside its least value it rises steeply (Forrester et al., 2008)."""
    space = Space({"x1": Float(0, 1, input_sd=_FORRESTER_SD)})
    optimum = Optimum(FORRESTER_BEST[0], (at(FORRESTER_BEST[1]),), source="Gauss-Legendre rule of 100 nodes, grid polished")
    source = "Forrester, Sóbester and Keane (2008)"
    return TestProblem(
        "forrester_inexact", space, OfVector(_forrester, ("x1",)), _VALUE, (), optimum, source, expectation=_forrester_expected
    )


_WILLIAMS: tuple[dict[Any, float], dict[Any, float]] = ({0.25: 0.25, 0.5: 0.5, 0.75: 0.25}, {0.2: 0.15, 0.4: 0.35, 0.6: 0.35, 0.8: 0.15})
_HARTMANN_NORMAL = (0.4, 0.1)
_HARTMANN_CHANCE = (3, 4)
_FORRESTER_SD = 0.1

WILLIAMS_BEST = (323.01173850061645, (0.20263389302165055, 0.25445273621271625))
BRANIN_BEST = (30.498023906423455, 5.250739151302133)
HARTMANN_BEST = (-2.2556499433961856, (0.4044409386302945, 0.8813196636801756, 0.7586291377086343, 0.03975777192827894))
FORRESTER_BEST = (-2.665775877654749, 0.7113395708162609)


def _branin_williams(x: Array) -> float:
    one = functions.branin(np.array([15 * x[0] - 5, 15 * x[1]]))
    return one * functions.branin(np.array([15 * x[2] - 5, 15 * x[3]]))


def _williams_expected(params: Mapping[str, Any]) -> float:
    first = sum(p * functions.branin(np.array([15 * params["x1"] - 5, 15 * w])) for w, p in _WILLIAMS[0].items())
    return first * sum(p * functions.branin(np.array([15 * w - 5, 15 * params["x4"]])) for w, p in _WILLIAMS[1].items())


def _branin_expected(params: Mapping[str, Any]) -> float:
    """By the mean and the variance of the valley's place, a parabola of what is uniform, and the mean of a cosine."""
    (mean, variance), cosine = _valley(), (math.sin(10) + math.sin(5)) / 15
    return float((params["x2"] - mean) ** 2) + variance + 10 * (1 - 1 / (8 * math.pi)) * cosine + 10


def _valley() -> tuple[float, float]:
    """Mean and variance of ``a x^2 + b x + 6`` for x uniform on [-5, 10], by its moments."""
    a, b = 5.1 / (4 * math.pi**2), -5 / math.pi
    one, two, three, four = ((10 ** (k + 1) - (-5) ** (k + 1)) / (15 * (k + 1)) for k in (1, 2, 3, 4))
    return a * two + b * one + 6, a**2 * (four - two**2) + 2 * a * b * (three - two * one) + b**2 * (two - one**2)


def _hartmann_expected(params: Mapping[str, Any]) -> float:
    """By the integral of ``exp(-a (w - p)^2)`` over a normal distribution that is cut off."""
    terms = functions.HARTMANN_WEIGHTS.copy()
    for i, (a, p) in enumerate(zip(functions.HARTMANN_A.T, functions.HARTMANN_P.T, strict=True)):
        if i in _HARTMANN_CHANCE:
            terms *= [_bump(*pair, *_HARTMANN_NORMAL) for pair in zip(a.tolist(), p.tolist(), strict=True)]
        else:
            terms *= np.exp(-a * (params[f"x{i + 1}"] - p) ** 2)
    return -float(terms.sum())


def _bump(a: float, p: float, mean: float, sd: float) -> float:
    """``E exp(-a (w - p)^2)`` for w normal, cut off at `_REACH` standard deviations: the product of two bumps is a third one."""
    spread = 1 + 2 * a * sd**2
    centre, width = 2 * a * sd * (p - mean) / spread, math.sqrt(spread)  # in standard deviations from the mean
    inside = 0.5 * (math.erf((_REACH - centre) * width / math.sqrt(2)) + math.erf((_REACH + centre) * width / math.sqrt(2)))
    return math.exp(-a * (mean - p) ** 2 / spread) / width * inside / math.erf(_REACH / math.sqrt(2))


def _forrester(x: Array) -> float:
    return float(_curve(x)[0])


def _curve(x: Array) -> Array:
    return np.asarray((6 * x - 2) ** 2 * np.sin(12 * x - 4))


def _forrester_expected(params: Mapping[str, Any]) -> float:
    """In parts between the points where what is set would leave the range, and stays at its end."""
    x = float(params["x1"])
    cuts = sorted({-_REACH, _REACH, *(z for end in (0.0, 1.0) if abs(z := (end - x) / _FORRESTER_SD) < _REACH)})
    nodes, weights = _legendre()
    total = 0.0
    for low, high in pairwise(cuts):
        off = 0.5 * (low + high) + 0.5 * (high - low) * nodes
        density = np.exp(-0.5 * off * off) / math.sqrt(2 * math.pi) / math.erf(_REACH / math.sqrt(2))
        total += 0.5 * (high - low) * float(weights @ (density * _curve(np.clip(x + _FORRESTER_SD * off, 0.0, 1.0))))
    return total


@cache
def _legendre() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(100)
    return nodes, weights
