"""Classical functions that tell their gradients with their values, as an adjoint solver does; the gradients by formulas.

The functions, ranges and optima are those of the problems without gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bbo.problems import functions, synthetic
from bbo.problems.functions import Array
from bbo.problems.problem import OfVector, TestProblem


def branin_gradients() -> TestProblem:
    """Three equal minima in curved valleys."""
    return _told(synthetic.branin(), branin)


def hartmann3_gradients() -> TestProblem:
    """Four local minima on the unit cube."""
    return _told(synthetic.hartmann3(), hartmann3)


def hartmann6_gradients() -> TestProblem:
    """Six local minima on the unit cube."""
    return _told(synthetic.hartmann6(), hartmann6)


def rosenbrock_gradients(*, d: int = 2) -> TestProblem:
    """A bent narrow valley."""
    return _told(synthetic.rosenbrock(d=d), rosenbrock)


def branin(x: Array) -> Array:
    """Gradient of `functions.branin`."""
    a, b, c = 5.1 / (4 * math.pi**2), 5 / math.pi, 10 * (1 - 1 / (8 * math.pi))
    valley = x[1] - a * x[0] ** 2 + b * x[0] - 6
    return np.array([2 * valley * (b - 2 * a * x[0]) - c * math.sin(x[0]), 2 * valley])


def hartmann3(x: Array) -> Array:
    """Gradient of `functions.hartmann3`."""
    return _hartmann(x, functions.HARTMANN3_A, functions.HARTMANN3_P)


def hartmann6(x: Array) -> Array:
    """Gradient of `functions.hartmann6`."""
    return _hartmann(x, functions.HARTMANN_A, functions.HARTMANN_P)


def rosenbrock(x: Array) -> Array:
    """Gradient of `functions.rosenbrock`."""
    step = x[1:] - x[:-1] ** 2
    gradient = np.zeros(len(x))
    gradient[:-1] = -400 * x[:-1] * step - 2 * (1 - x[:-1])
    gradient[1:] += 200 * step
    return gradient


def _hartmann(x: Array, A: Array, P: Array) -> Array:
    parts = functions.HARTMANN_WEIGHTS * np.exp(-(A * (x - P) ** 2).sum(axis=1))
    slopes: Array = 2 * parts @ (A * (x - P))
    return slopes


def _told(problem: TestProblem, gradient: Callable[[Array], Array]) -> TestProblem:
    """The problem with a gradient, under its name with an ending."""
    names = tuple(problem.space.parameters)
    return replace(problem, name=f"{problem.name}_gradients", gradient=OfVector(gradient, names, names))
