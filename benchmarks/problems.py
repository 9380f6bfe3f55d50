"""Test problems with known optima. All are minimized."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import bbo


@dataclass(frozen=True)
class Problem:
    """A function on a space, and its least value."""

    name: str
    space: bbo.Space
    function: Callable[[Mapping[str, Any]], float]
    optimum: float


def branin(params: Mapping[str, Any]) -> float:
    """Branin (1972), with the constants of Dixon and Szegő (1978)."""
    x, y = params["x"], params["y"]
    valley = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_SCALES = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(params: Mapping[str, Any]) -> float:
    """Hartmann's function in six dimensions (Dixon and Szegő, 1978)."""
    x = np.array([params[f"x{i}"] for i in range(6)])
    return -float(HARTMANN_WEIGHTS @ np.exp(-(HARTMANN_SCALES * (x - HARTMANN_CENTRES) ** 2).sum(axis=1)))


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
