"""Mixed spaces: choices and whole numbers that matter, and interact with the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import bbo
from bbo.problems.functions import Function
from benchmarks.suite.case import Case


def interacting(name: str, shape: Function, *, levels: int, floats: int, seed: int, budget: int) -> Case:
    """Two choices, two whole numbers and some reals; the first choice moves where the best reals are.

    The loss is ``offset[a, b] + shape((x - centre[a]) / 0.25) / shape at (1, ..., 1) + quadratic in the whole numbers``, where one
    entry of `offset` is 0, so that the least value is 0.

    Args:
        name: The case's name.
        shape: At least 0, and 0 at the origin.
        levels: How many choices each categorical parameter has.
        floats: How many reals, on [0, 1].
        seed: Of offsets and centres.
        budget: Evaluations of a run.
    """
    rng = np.random.default_rng(seed)
    offset = rng.uniform(0.2, 2.0, (levels, levels))
    offset.flat[rng.integers(levels**2)] = 0.0
    centre = rng.uniform(0.2, 0.8, floats) + rng.uniform(-0.15, 0.15, (levels, floats))
    unit, best = shape(np.ones(floats)), rng.integers(2, 18, 2)
    names = [chr(ord("a") + k) for k in range(levels)]
    space = bbo.Space(
        {
            "first": bbo.Categorical(names),
            "second": bbo.Categorical(names),
            "m": bbo.Int(1, 20),
            "n": bbo.Int(1, 20),
            **{f"x{i}": bbo.Float(0, 1) for i in range(floats)},
        }
    )

    def loss(params: Mapping[str, Any]) -> Mapping[str, float]:
        a, b = names.index(params["first"]), names.index(params["second"])
        x = np.array([params[f"x{i}"] for i in range(floats)])
        m, n = (params["m"] - best[0]) / 10, (params["n"] - best[1]) / 10
        return {"value": offset[a, b] + shape((x - centre[a]) / 0.25) / unit + m**2 + n**2 - m * n}

    return Case(name, space, loss, budget, 0.0, "the formula's least value", tags=("mixed", "synthetic"))


def binary_ackley(name: str, ackley: Function, *, bits: int, floats: int, seed: int, budget: int) -> Case:
    """Ackley's function of switches and reals on [-1, 1], shifted and with some switches turned over (MCBO, arXiv 2306.09803)."""
    rng = np.random.default_rng(seed)
    flip, place = rng.random(bits) < 0.5, rng.uniform(-0.8, 0.8, floats)
    switches = {f"b{i}": bbo.Bool() for i in range(bits)}
    space = bbo.Space({**switches, **{f"x{i}": bbo.Float(-1, 1) for i in range(floats)}})

    def value(params: Mapping[str, Any]) -> Mapping[str, float]:
        b = np.array([params[f"b{i}"] for i in range(bits)]) != flip
        x = np.array([params[f"x{i}"] for i in range(floats)]) - place
        return {"value": ackley(np.concatenate([b.astype(float), x]))}

    return Case(name, space, value, budget, 0.0, "the formula's least value", tags=("mixed", "synthetic"))
