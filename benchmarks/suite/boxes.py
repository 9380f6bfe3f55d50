"""Cases on a box of real numbers: shifted, rotated, noisy, and in many dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import bbo
from bbo.problems.functions import Array, Function
from benchmarks.suite import bbob
from benchmarks.suite.case import Case
from benchmarks.suite.rotation import rotation

FORMULA = "the formula's least value"


def box(
    name: str,
    function: Function,
    bounds: Sequence[tuple[float, float]],
    *,
    budget: int,
    best: float,
    noise: float = 0.0,
    source: str = FORMULA,
    tags: tuple[str, ...] = (),
) -> Case:
    """A function of a point in a box."""
    space = bbo.Space({f"x{i}": bbo.Float(low, high) for i, (low, high) in enumerate(bounds)})

    def on_params(params: Mapping[str, Any]) -> Mapping[str, float]:
        return {"value": function(np.array([params[f"x{i}"] for i in range(len(bounds))]))}

    return Case(name, space, on_params, budget, best, source, noise=noise, tags=("box", *tags))


def vector_valued(
    name: str,
    function: Callable[[Array], Sequence[float]],
    d: int,
    *,
    reference: tuple[float, ...],
    best: float,
    source: str,
    budget: int = 50,
) -> Case:
    """Several objectives f1, f2, ... of a point in the unit cube."""
    space = bbo.Space({f"x{i}": bbo.Float(0, 1) for i in range(d)})
    names = tuple(f"f{i + 1}" for i in range(len(reference)))

    def on_params(params: Mapping[str, Any]) -> Mapping[str, float]:
        return dict(zip(names, function(np.array([params[f"x{i}"] for i in range(d)])), strict=True))

    return Case(name, space, on_params, budget, best, source, names, reference=reference, tags=("several objectives",))


def bbob_case(number: int, d: int, *, seed: int, budget: int) -> Case:
    """A function of the BBOB suite, raised by a number drawn from the seed so that its least value is no round one."""
    function, _ = bbob.instance(number, d, seed)
    level = round(float(np.random.default_rng([seed, number, d, 1]).uniform(-100, 100)), 2)
    return box(f"bbob_f{number}_{d}d", lambda x: function(x) + level, [(-5.0, 5.0)] * d, budget=budget, best=level, tags=("bbob",))


def moved(function: Function, optimum: Array, half: float, *, seed: int, rotated: bool = False) -> Function:
    """`function` on [-1, 1]^d scaled by `half`, its optimum moved to a drawn place within the middle 80 %, perhaps rotated about it.

    Args:
        function: Its least value is at `optimum`.
        optimum: Shape ``d``.
        half: Units of the function in one unit of the box.
        seed: Of the place and the rotation.
        rotated: Whether the axes are turned.
    """
    rng = np.random.default_rng(seed)
    place = rng.uniform(-0.8, 0.8, len(optimum))
    Q = rotation(len(optimum), rng) if rotated else np.eye(len(optimum))
    return lambda x: function(half * (Q @ (x - place)) + optimum)


def embedded(function: Function, lows: Array, highs: Array, d: int, *, seed: int) -> Function:
    """A function of few coordinates of the cube [0, 1]^d; which ones, is drawn. The others do nothing (Wang et al., 2016)."""
    axes = np.random.default_rng(seed).choice(d, len(lows), replace=False)
    return lambda x: function(lows + (highs - lows) * x[axes])
