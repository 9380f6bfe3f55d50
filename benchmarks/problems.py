"""Test problems with known optima. All are minimized."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import bbo
from bbo.problems import functions


@dataclass(frozen=True)
class Problem:
    """A function on a space, and its least value."""

    name: str
    space: bbo.Space
    function: Callable[[Mapping[str, Any]], float]
    optimum: float


def branin(params: Mapping[str, Any]) -> float:
    """See `bbo.problems.functions.branin`."""
    return functions.branin(np.array([params["x"], params["y"]]))


def hartmann6(params: Mapping[str, Any]) -> float:
    """See `bbo.problems.functions.hartmann6`."""
    return functions.hartmann6(np.array([params[f"x{i}"] for i in range(6)]))


def pipeline(params: Mapping[str, Any]) -> float:
    """A choice of three models with parameters of their own: smooth bowls, whose least value 0 the net takes at two layers."""
    shared = 0.1 * (math.log10(params["rate"]) + 2) ** 2
    if params["model"] == "linear":
        return shared + 0.35 + 0.05 * (math.log10(params["penalty"]) + 1) ** 2
    if params["model"] == "forest":
        return shared + 0.15 + 2 * ((params["depth"] - 8) / 11) ** 2 + (params["features"] - 0.4) ** 2
    activation = {"relu": 0.0, "tanh": 0.1, "sigmoid": 0.3}[params["activation"]]
    dropout = 2 * (params["dropout"] - 0.2) ** 2 if "dropout" in params else 0.0
    return shared + activation + dropout + 0.1 * abs(params["layers"] - 2) + 0.5 * (math.log2(params["width"] / 64) / 3) ** 2


BRANIN = Problem("branin", bbo.Space({"x": bbo.Float(-5, 10), "y": bbo.Float(0, 15)}), branin, 0.39788735772973816)
HARTMANN6 = Problem("hartmann6", bbo.Space({f"x{i}": bbo.Float(0, 1) for i in range(6)}), hartmann6, -3.322368011391339)
PIPELINE = Problem(
    "pipeline",
    bbo.Space(
        {
            "model": bbo.Categorical(["linear", "forest", "net"]),
            "rate": bbo.Float(1e-4, 1, log=True),
            "penalty": bbo.Float(1e-4, 10, log=True, when={"model": "linear"}),
            "depth": bbo.Int(1, 12, when={"model": "forest"}),
            "features": bbo.Float(0.1, 1, when={"model": "forest"}),
            "activation": bbo.Categorical(["sigmoid", "tanh", "relu"], when={"model": "net"}),
            "layers": bbo.Int(1, 3, when={"model": "net"}),
            "width": bbo.Int(8, 512, log=True, when={"model": "net"}),
            "dropout": bbo.Float(0, 0.5, when="layers >= 2"),
        }
    ),
    pipeline,
    0.0,
)

PROBLEMS = {problem.name: problem for problem in (BRANIN, HARTMANN6, PIPELINE)}
