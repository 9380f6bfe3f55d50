"""Design problems of the engineering literature: parameters by name in, the quantity to minimize and constraints ``g <= 0`` out.

A function whose published code differs from the literature takes the differing constants as arguments; its defaults are the
literature's.
"""

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


def welded_beam_of_ragsdell(params: Params) -> dict[str, float]:
    """Cost of a welded beam (Ragsdell and Phillips, 1976, as in Gandomi, Yang and Alavi, 2011): other constants, five constraints."""
    h, length, t, b = (params[name] for name in ("h", "l", "t", "b"))
    radius = math.sqrt((length**2 + (h + t) ** 2) / 4)
    primary = 6000 / (math.sqrt(2) * h * length)
    secondary = 6000 * (14 + length / 2) * radius / (2 * 0.707 * h * length * (length**2 / 12 + (h + t) ** 2 / 4))
    return {
        "cost": 1.10471 * h**2 * length + 0.04811 * t * b * (14 + length),
        "g_shear": math.sqrt(primary**2 + secondary**2 + length * primary * secondary / radius) - 13600,
        "g_bending": 504000 / (t**2 * b) - 30000,
        "g_order": h - b,
        "g_buckling": 6000 - 64746 * (1 - 0.0282346 * t) * t * b**3,
        "g_deflection": 2.1952 / (t**3 * b) - 0.25,
    }


def pressure_vessel(params: Params) -> dict[str, float]:
    """Cost of a pressure vessel (Kannan and Kramer, 1994); all four sizes in inches."""
    shell, head, r, length = (params[name] for name in ("shell", "head", "radius", "length"))
    return {
        "cost": 0.6224 * shell * r * length + 1.7781 * head * r**2 + 3.1661 * shell**2 * length + 19.84 * shell**2 * r,
        "g_shell": 0.0193 * r - shell,
        "g_head": 0.00954 * r - head,
        "g_volume": 1296000 - math.pi * r**2 * length - 4 / 3 * math.pi * r**3,
        "g_length": length - 240,
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


def speed_reducer(params: Params, *, first_shaft: float = 16.9e6) -> dict[str, float]:
    """Weight of a speed reducer (Golinski, 1973), eleven constraints; `first_shaft` is the constant in the stress of the first shaft."""
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
        "g5": math.sqrt((745 * x4 / (x2 * x3)) ** 2 + first_shaft) / (110 * x6**3) - 1,
        "g6": math.sqrt((745 * x5 / (x2 * x3)) ** 2 + 157.5e6) / (85 * x7**3) - 1,
        "g7": x2 * x3 / 40 - 1,
        "g8": 5 * x2 / x1 - 1,
        "g9": x1 / (12 * x2) - 1,
        "g10": (1.5 * x6 + 1.9) / x4 - 1,
        "g11": (1.1 * x7 + 1.9) / x5 - 1,
    }


def three_bar_truss(params: Params, *, slack: float = 1e-12) -> dict[str, float]:
    """Volume of a three-bar truss (Nowacki, 1973)."""
    a, b, stress = params["outer"], params["middle"], 2.0
    root = math.sqrt(2)
    sides = root * a**2 + 2 * a * b + slack  # no bars at all break whatever the load
    return {
        "volume": (2 * root * a + b) * 100,
        "g1": (root * a + b) / sides * 2 - stress,
        "g2": b / sides * 2 - stress,
        "g3": 2 / (a + root * b + slack) - stress,
    }


def concrete_beam(params: Params) -> dict[str, float]:
    """Cost of a reinforced concrete beam (Amir and Hasegawa, 1989): area of steel, height and width of the section in inches."""
    area, h, b = (params[name] for name in ("area", "height", "width"))
    return {
        "cost": 29.4 * area + 0.6 * b * h,
        "g_shape": h / b - 4,
        "g_moment": 180 + 7.35 * area**2 / b - area * h,
    }


def heat_exchanger(params: Params, *, second: float = 1250.0) -> dict[str, float]:
    """Area of a heat exchanger in three stages (Avriel and Williams, 1971; g10 of CEC 2006).

    `second` is the coefficient of x4 in the second stage.
    """
    x1, x2, x3, x4, x5, x6, x7, x8 = (params[f"x{i}"] for i in range(1, 9))
    return {
        "area": x1 + x2 + x3,
        "g1": 0.0025 * (x4 + x6) - 1,
        "g2": 0.0025 * (x5 + x7 - x4) - 1,
        "g3": 0.01 * (x8 - x5) - 1,
        "g4": 833.33252 * x4 + 100 * x1 - x1 * x6 - 83333.333,
        "g5": 1250 * x5 + x2 * x4 - x2 * x7 - second * x4,
        "g6": x3 * x5 - 2500 * x5 - x3 * x8 + 1250000,
    }


def cantilever(params: Params, *, deflection: float | None = None) -> dict[str, float]:
    """Volume (cm³) of a stepped cantilever of five segments under a load at its tip (Vanderplaats, 1984), eleven constraints.

    Segment i, from the wall, is 100 cm long, ``b<i>`` wide and ``h<i>`` high. The tip sinks by P l³ / (3 E) (61/I1 + 37/I2 + 19/I3 +
    7/I4 + 1/I5) with second moments I = b h³ / 12, which may be 2.7 cm; `deflection` stands for it where given.
    """
    b, h = ([params[f"{side}{i}"] for i in range(1, 6)] for side in "bh")
    load, elastic, length = 50_000.0, 2e7, 100.0
    if deflection is None:
        shares = zip((61, 37, 19, 7, 1), b, h, strict=True)
        deflection = load * length**3 / (3 * elastic) * sum(share * 12 / (w * t**3) for share, w, t in shares)
    stresses = {f"g_stress{i + 1}": 6 * load * length * (5 - i) / (b[i] * h[i] ** 2) - 14000 for i in range(5)}
    slenderness = {f"g_shape{i + 1}": h[i] / b[i] - 20 for i in range(5)}
    volume = length * sum(w * t for w, t in zip(b, h, strict=True))
    return {"volume": volume, **stresses, "g_deflection": deflection - 2.7, **slenderness}


def car_side_impact(params: Params, *, reinforcement: float = 0.61, viscous: float = 0.32) -> dict[str, float]:
    """Weight of a car's doors and pillars that withstand a side impact (Gu et al., 2001; Youn et al., 2004), ten constraints.

    `reinforcement` is the coefficient of x2 in the lower viscous criterion, `viscous` the limit of all three (m/s). Some sources add
    0.00184 x9 x10 - 0.018 x2² to the middle one, which does not matter at the optimum.
    """
    x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11 = (params[f"x{i}"] for i in range(1, 12))
    load = 1.16 - 0.3717 * x2 * x4 - 0.00931 * x2 * x10 - 0.484 * x3 * x9 + 0.01343 * x6 * x10
    upper_viscous = (
        *(0.261, -0.0159 * x1 * x2, -0.188 * x1 * x8, -0.019 * x2 * x7, 0.0144 * x3 * x5, 0.0008757 * x5 * x10),
        *(0.08045 * x6 * x9, 0.00139 * x8 * x11, 0.00001575 * x10 * x11),
    )
    middle_viscous = (
        *(0.214, 0.00817 * x5, -0.131 * x1 * x8, -0.0704 * x1 * x9, 0.03099 * x2 * x6, -0.018 * x2 * x7, 0.0208 * x3 * x8),
        *(0.121 * x3 * x9, -0.00364 * x5 * x6, 0.0007715 * x5 * x10, -0.0005354 * x6 * x10, 0.00121 * x8 * x11),
    )
    lower_viscous = 0.74 - reinforcement * x2 - 0.163 * x3 * x8 + 0.001232 * x3 * x10 - 0.166 * x7 * x9 + 0.227 * x2**2
    upper_rib = 28.98 + 3.818 * x3 - 4.2 * x1 * x2 + 0.0207 * x5 * x10 + 6.63 * x6 * x9 - 7.7 * x7 * x8 + 0.32 * x9 * x10
    middle_rib = (
        *(33.86, 2.95 * x3, 0.1792 * x10, -5.057 * x1 * x2, -11.0 * x2 * x8, -0.0215 * x5 * x10, -9.98 * x7 * x8),
        22.0 * x8 * x9,
    )
    lower_rib = 46.36 - 9.9 * x2 - 12.9 * x1 * x8 + 0.1107 * x3 * x10
    force = 4.72 - 0.5 * x4 - 0.19 * x2 * x3 - 0.0122 * x4 * x10 + 0.009325 * x6 * x10 + 0.000191 * x11**2
    pillar = 10.58 - 0.674 * x1 * x2 - 1.95 * x2 * x8 + 0.02054 * x3 * x10 - 0.0198 * x4 * x10 + 0.028 * x6 * x10
    door = 16.45 - 0.489 * x3 * x7 - 0.843 * x5 * x6 + 0.0432 * x9 * x10 - 0.0556 * x9 * x11 - 0.000786 * x11**2
    return {
        "weight": 1.98 + 4.90 * x1 + 6.67 * x2 + 6.98 * x3 + 4.01 * x4 + 1.78 * x5 + 2.73 * x7,
        "g_load": load - 1,
        "g_upper_viscous": sum(upper_viscous) - viscous,
        "g_middle_viscous": sum(middle_viscous) - viscous,
        "g_lower_viscous": lower_viscous - viscous,
        "g_upper_rib": upper_rib - 32,
        "g_middle_rib": sum(middle_rib) - 32,
        "g_lower_rib": lower_rib - 32,
        "g_force": force - 4,
        "g_pillar": pillar - 9.9,
        "g_door": door - 15.7,
    }
