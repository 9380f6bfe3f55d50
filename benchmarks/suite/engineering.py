"""Design problems with nonlinear constraints on what is measured (g <= 0)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Params = Mapping[str, Any]


def welded_beam(params: Params) -> dict[str, float]:
    """Cost of a welded beam (Rao, 1996; the variant of Coello, 2000, with seven constraints)."""
    h, length, t, b = (params[name] for name in ("h", "l", "t", "b"))
    load, arm, elastic, shear = 6000.0, 14.0, 30e6, 12e6
    primary = load / (math.sqrt(2) * h * length)
    radius = math.sqrt(length**2 / 4 + ((h + t) / 2) ** 2)
    moment = load * (arm + length / 2)
    polar = 2 * math.sqrt(2) * h * length * (length**2 / 12 + ((h + t) / 2) ** 2)
    secondary = moment * radius / polar
    stress = math.sqrt(primary**2 + primary * secondary * length / radius + secondary**2)
    bending = 6 * load * arm / (b * t**2)
    deflection = 4 * load * arm**3 / (elastic * t**3 * b)
    buckling = 4.013 * elastic * math.sqrt(t**2 * b**6 / 36) / arm**2 * (1 - t / (2 * arm) * math.sqrt(elastic / (4 * shear)))
    return {
        "cost": 1.10471 * h**2 * length + 0.04811 * t * b * (14 + length),
        "deflection": deflection,
        "g_shear": stress - 13600,
        "g_bending": bending - 30000,
        "g_order": h - b,
        "g_material": 0.10471 * h**2 + 0.04811 * t * b * (14 + length) - 5,
        "g_weld": 0.125 - h,
        "g_deflection": deflection - 0.25,
        "g_buckling": load - buckling,
    }


def pressure_vessel(params: Params) -> dict[str, float]:
    """Cost of a pressure vessel (Kannan and Kramer, 1994); thicknesses in sixteenths of an inch."""
    shell, head, r, length = 0.0625 * params["shell"], 0.0625 * params["head"], params["radius"], params["length"]
    return {
        "cost": 0.6224 * shell * r * length + 1.7781 * head * r**2 + 3.1661 * shell**2 * length + 19.84 * shell**2 * r,
        "g_shell": 0.0193 * r - shell,
        "g_head": 0.00954 * r - head,
        "g_volume": 1296000 - math.pi * r**2 * length - 4 / 3 * math.pi * r**3,
    }


def tension_spring(params: Params) -> dict[str, float]:
    """Weight of a tension spring (Belegundu, 1982): wire and coil diameter in inches, number of coils."""
    d, D, N = params["wire"], params["coil"], params["turns"]
    return {
        "weight": (N + 2) * D * d**2,
        "g_deflection": 1 - D**3 * N / (71785 * d**4),
        "g_shear": (4 * D**2 - d * D) / (12566 * (D * d**3 - d**4)) + 1 / (5108 * d**2) - 1,
        "g_surge": 1 - 140.45 * d / (D**2 * N),
        "g_size": (d + D) / 1.5 - 1,
    }


def speed_reducer(params: Params) -> dict[str, float]:
    """Weight of a speed reducer (Golinski, 1973), eleven constraints."""
    x1, x2, x3, x4, x5, x6, x7 = (params[f"x{i}"] for i in range(1, 8))
    weight = (
        0.7854 * x1 * x2**2 * (3.3333 * x3**2 + 14.9334 * x3 - 43.0934)
        - 1.508 * x1 * (x6**2 + x7**2)
        + 7.4777 * (x6**3 + x7**3)
        + 0.7854 * (x4 * x6**2 + x5 * x7**2)
    )
    return {
        "weight": weight,
        "g1": 27 / (x1 * x2**2 * x3) - 1,
        "g2": 397.5 / (x1 * x2**2 * x3**2) - 1,
        "g3": 1.93 * x4**3 / (x2 * x3 * x6**4) - 1,
        "g4": 1.93 * x5**3 / (x2 * x3 * x7**4) - 1,
        "g5": math.sqrt((745 * x4 / (x2 * x3)) ** 2 + 16.9e6) / (110 * x6**3) - 1,
        "g6": math.sqrt((745 * x5 / (x2 * x3)) ** 2 + 157.5e6) / (85 * x7**3) - 1,
        "g7": x2 * x3 / 40 - 1,
        "g8": 5 * x2 / x1 - 1,
        "g9": x1 / (12 * x2) - 1,
        "g10": (1.5 * x6 + 1.9) / x4 - 1,
        "g11": (1.1 * x7 + 1.9) / x5 - 1,
    }


def three_bar_truss(params: Params) -> dict[str, float]:
    """Volume of a three-bar truss (Nowacki, 1973)."""
    a, b, stress = params["outer"], params["middle"], 2.0
    root = math.sqrt(2)
    sides = root * a**2 + 2 * a * b + 1e-12  # no bars at all break whatever the load
    return {
        "volume": (2 * root * a + b) * 100,
        "g1": (root * a + b) / sides * 2 - stress,
        "g2": b / sides * 2 - stress,
        "g3": 2 / (a + root * b + 1e-12) - stress,
    }


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
