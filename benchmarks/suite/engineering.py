"""Design problems with nonlinear constraints on what is measured (g <= 0): those of `bbo.problems`, and two more."""

from __future__ import annotations

from bbo.problems import engineering
from bbo.problems.engineering import Params, speed_reducer, tension_spring, three_bar_truss, welded_beam

__all__ = ["himmelblau", "pressure_vessel", "speed_reducer", "tension_spring", "three_bar_truss", "welded_beam"]


def pressure_vessel(params: Params) -> dict[str, float]:
    """Cost of a pressure vessel (Kannan and Kramer, 1994); thicknesses in sixteenths of an inch."""
    return engineering.pressure_vessel({**params, "shell": 0.0625 * params["shell"], "head": 0.0625 * params["head"]})


def himmelblau(params: Params) -> dict[str, float]:
    """Himmelblau's constrained problem (1972) in the version of the CEC 2006 suite (g04)."""
    x1, x2, x3, x4, x5 = (params[f"x{i}"] for i in range(1, 6))
    u = 85.334407 + 0.0056858 * x2 * x5 + 0.0006262 * x1 * x4 - 0.0022053 * x3 * x5
    v = 80.51249 + 0.0071317 * x2 * x5 + 0.0029955 * x1 * x2 + 0.0021813 * x3**2
    w = 9.300961 + 0.0047026 * x3 * x5 + 0.0012547 * x1 * x3 + 0.0019085 * x3 * x4
    return {
        "value": 5.3578547 * x3**2 + 0.8356891 * x1 * x5 + 37.293239 * x1 - 40792.141,
        "g1": u - 92,
        "g2": -u,
        "g3": v - 110,
        "g4": 90 - v,
        "g5": w - 25,
        "g6": 20 - w,
    }
