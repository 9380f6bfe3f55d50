"""Fifteen constrained problems, the benchmark of Yu, Picard and Ahmed (2025), each as published and corrected.

``variant="as_published"`` computes what the authors' repository does (github.com/rosenyu304/BOEngineeringBenchmark, commit 8e843f2), its
slips included, in double precision; ``variant="corrected"`` has the constants and ranges of the literature. Where nothing is wrong the two
are one. The repository maximizes; here everything is minimized.

Optima without a closed form are the least of 60 to 150 runs of SLSQP from random starts (2026-11), several of which agree to nine digits;
`Optimum.source` adds the literature's value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from bbo.errors import InvalidStudy
from bbo.objectives import Objective
from bbo.problems import engineering
from bbo.problems.functions import Array, ackley, waves
from bbo.problems.functions import keane_bump as bump
from bbo.problems.making import Bounds, at, below_zero, box, floats, of_box, whole
from bbo.problems.problem import Optimum, TestProblem

_YU = "Yu, Picard and Ahmed (2025), doi 10.1007/s00158-025-03987-z"
_JETTON = f"Jetton, Li and Hoyle (2023); {_YU}"
_GARDNER = f"Gardner, Kusner, Xu, Weinberger and Cunningham (2014); {_YU}"
_SEARCH = "SLSQP from 60 to 150 starts"
_FORMULA = "closed form"

_THICKNESS = (0.0625, 6.1875)


def jlh1(*, variant: str = "corrected") -> TestProblem:
    """A paraboloid whose centre a line cuts off."""
    optimum = Optimum(0.03125, (at(0.375, 0.375),), source=_FORMULA)
    return _of_vector("jlh1", _jlh1, [(0, 1)] * 2, ("g",), optimum, _JETTON, variant)


def jlh2(*, variant: str = "corrected") -> TestProblem:
    """Waves within an ellipse."""
    edge = math.sqrt(10) - 5  # the end of the ellipse's axis
    optimum = Optimum(math.cos(2 * edge) + math.sin(edge), (at(edge, 0.0),), source=f"{_FORMULA}; {_SEARCH}")
    return _of_vector("jlh2", _jlh2, [(-5, 0), (-5, 5)], ("g",), optimum, _JETTON, variant)


def gkxwc1(*, variant: str = "corrected") -> TestProblem:
    """Waves, feasible in bands."""
    optimum = Optimum(-2.0, (at(1.5 * math.pi, 0.0),), source=_FORMULA)
    return _of_vector("gkxwc1", _gkxwc1, [(0, 6)] * 2, ("g",), optimum, _GARDNER, variant)


def gkxwc2(*, variant: str = "corrected") -> TestProblem:
    """A slope, feasible in two small islands: 1.8 % of the square."""
    optimum = Optimum(math.asin(0.95) - 1, (at(1.5 * math.pi, math.asin(0.95)),), source=_FORMULA)
    return _of_vector("gkxwc2", _gkxwc2, [(0, 6)] * 2, ("g",), optimum, _GARDNER, variant)


def constrained_ackley(*, d: int = 10, variant: str = "corrected") -> TestProblem:
    """Ackley's function within a ball and a half space whose edge goes through the optimum. The paper takes d = 2, 6 and 10."""
    whole("constrained_ackley", "d", d, 1)
    source = f"Eriksson and Poloczek (2021), arXiv 2002.08526; {_YU}"
    optimum = Optimum(0.0, (at(*[0.0] * d),), source=_FORMULA)
    return _of_vector("constrained_ackley", _constrained_ackley, [(-5, 10)] * d, ("g_sum", "g_norm"), optimum, source, variant)


_BUMPS = {
    2: (1.6008604355,),
    10: (3.1238903858, 3.0691548818, 3.0142823223, 2.9575883719, 1.4660413606, 0.3680585165, 0.3634823250, 0.3591206332, 0.3549542839),
    18: (
        *(3.1603255765, 3.1221770313, 3.0846763731, 3.0472770939, 3.0094367577, 2.9705439552, 2.9298155197, 0.5137438977, 0.5053967012),
        *(0.4977645524, 0.4907220408, 0.4841758089, 0.4780541812, 0.4723008084, 0.4668704260, 0.4617260732, 0.4568370989),
    ),
    20: (
        *(3.1624606424, 3.1283314470, 3.0947921542, 3.0614506153, 3.0279291877, 2.9938260820, 2.9586687333, 2.9218422775, 0.4948251299),
        *(0.4883571103, 0.4823164248, 0.4766447251, 0.4712955070, 0.4662309995, 0.4614200558, 0.4568366437, 0.4524587615, 0.4482676155),
        0.4442470030,
    ),
}
"""Best points known, but for the last entry, which makes the product 0.75."""


def keane_bump(*, d: int = 18, variant: str = "corrected") -> TestProblem:
    """Keane's bump: many ridges, and an optimum on the edge of the feasible region. The paper takes d = 18.

    No optimum is proven. BoTorch's `KeaneBumpFunction` stores -0.6737 for d = 10, which is wrong (a feasible point has -0.747310), and
    nothing for d = 18.
    """
    whole("keane_bump", "d", d, 2)
    optimum = None
    if d in _BUMPS:
        last = math.nextafter(0.75 / math.prod(_BUMPS[d]), 1)
        x = np.array([*_BUMPS[d], last])
        optimum = Optimum(bump(x), (at(*x.tolist()),), exact=False, source="SLSQP from 100 (d = 2), 3,000 (10) and 4,000 (18, 20) starts")
    return _of_vector("keane_bump", _keane, [(0, 10)] * d, ("g_product", "g_sum"), optimum, f"Keane (1994); {_YU}", variant)


def three_bar_truss(*, variant: str = "corrected") -> TestProblem:
    """Least volume of a three-bar truss: cross sections in cm²."""
    published = _is_published("three_bar_truss", variant)
    root = math.sqrt(3)  # the volume is stationary along g1 = 0
    optimum = Optimum(
        100 * (math.sqrt(2) + math.sqrt(1.5)), ({"outer": (3 + root) / 6, "middle": 1 / math.sqrt(6)},), source=f"{_FORMULA}; {_SEARCH}"
    )
    return TestProblem(
        "three_bar_truss",
        floats(outer=(0, 1), middle=(0, 1)),
        _published_truss if published else engineering.three_bar_truss,
        (Objective("volume"),),
        below_zero("g1", "g2", "g3"),
        optimum,
        f"Nowacki (1973); {_YU}",
        variant,
        note="As published a bar is at least 1e-5 thick; elsewhere the two agree.",
    )


def concrete_beam(*, variant: str = "corrected") -> TestProblem:
    """Least cost of a reinforced concrete beam; here all sizes are continuous."""
    _is_published("concrete_beam", variant)
    point = {"area": 6.470521669954161, "height": 33.49749904472835, "width": 8.374374761182088}
    return TestProblem(
        "concrete_beam",
        floats(area=(0.2, 15), height=(28, 40), width=(5, 10)),
        engineering.concrete_beam,
        (Objective("cost"),),
        below_zero("g_shape", "g_moment"),
        Optimum(358.545703434, (point,), source=f"{_SEARCH}; with bars and sizes from a catalogue the literature has 359.208"),
        f"Amir and Hasegawa (1989); Gandomi, Yang and Alavi (2011); {_YU}",
        variant,
    )


def tension_spring(*, variant: str = "corrected") -> TestProblem:
    """Least weight of a tension spring."""
    _is_published("tension_spring", variant)
    point = {"wire": 0.05168905813767471, "coil": 0.35671766894835516, "turns": 11.288969905392793}
    return TestProblem(
        "tension_spring",
        floats(wire=(0.05, 1), coil=(0.25, 1.3), turns=(2, 15)),
        engineering.tension_spring,
        (Objective("weight"),),
        below_zero("g_deflection", "g_shear", "g_surge", "g_size"),
        Optimum(0.012665232788, (point,), source=f"{_SEARCH}; the literature's 0.0126652"),
        f"Belegundu (1982); Gandomi, Yang and Alavi (2011); {_YU}",
        variant,
    )


def pressure_vessel(*, variant: str = "corrected") -> TestProblem:
    """Least cost of a pressure vessel; here thicknesses are continuous."""
    published = _is_published("pressure_vessel", variant)
    if published:
        place, value = (0.7923763182188847, 0.3916720246532738, 41.05576778336193, 190.0), 5910.064472393
    else:
        place, value = (0.7781686413750545, 0.38464916262788323, 40.31961872409689, 200.0), 5885.332773616
    return TestProblem(
        "pressure_vessel",
        floats(shell=_THICKNESS, head=_THICKNESS, radius=(10, 200), length=(0, 190) if published else (10, 200)),
        engineering.pressure_vessel,
        (Objective("cost"),),
        below_zero("g_shell", "g_head", "g_volume", "g_length"),
        Optimum(value, (dict(zip(("shell", "head", "radius", "length"), place, strict=True)),), source=_SEARCH),
        f"Kannan and Kramer (1994); Gandomi, Yang and Alavi (2011); {_YU}",
        variant,
        note="As published the length is from 0 to 190, in the literature from 10 to 200.",
    )


def welded_beam(*, variant: str = "corrected") -> TestProblem:
    """Least cost of a welded beam, with five constraints."""
    _is_published("welded_beam", variant)
    point = {"h": 0.24436898474847246, "l": 6.21860631257322, "t": 8.291471238701499, "b": 0.24436898474847246}
    return TestProblem(
        "welded_beam",
        floats(h=(0.125, 10), l=(0.1, 15), t=(0.1, 10), b=(0.1, 10)),
        engineering.welded_beam_of_ragsdell,
        (Objective("cost"),),
        below_zero("g_shear", "g_bending", "g_order", "g_buckling", "g_deflection"),
        Optimum(2.381134249, (point,), source=f"{_SEARCH}; the literature's 2.3811"),
        f"Ragsdell and Phillips (1976); Gandomi, Yang and Alavi (2011); {_YU}",
        variant,
    )


def speed_reducer(*, variant: str = "corrected") -> TestProblem:
    """Least weight of a speed reducer; here the number of teeth is continuous."""
    published = _is_published("speed_reducer", variant)
    ranges = [(2.6, 3.6), (0.7, 0.8), (17, 28), (7.3, 8.3), (7.3, 8.3), (2.9, 3.9), (5.0, 5.5)]
    if published:
        place, value = (3.5, 0.7, 17.0, 7.3, 7.3, 2.9, 5.286517921717163), 2885.179265920
    else:
        place, value = (3.5, 0.7, 17.0, 7.3, 7.715319911478248, 3.350214666096448, 5.286654464980222), 2994.471066147
    return TestProblem(
        "speed_reducer",
        box(ranges),
        partial(engineering.speed_reducer, first_shaft=1.69e6) if published else engineering.speed_reducer,
        (Objective("weight"),),
        below_zero(*(f"g{i}" for i in range(1, 10 if published else 12))),
        Optimum(value, (at(*place),), source=_SEARCH),
        f"Golinski (1973); Yang and Gandomi (2012); {_YU}",
        variant,
        note="As published the first shaft's stress has 1.69e6 for 16.9e6, and the two constraints on the shafts' lengths are missing.",
    )


def heat_exchanger(*, variant: str = "corrected") -> TestProblem:
    """Least area of a heat exchanger in three stages: few points are feasible."""
    published = _is_published("heat_exchanger", variant)
    if published:
        place = (100.0, 2231.455960866, 5981.455896813, 121.428676887, 260.741764127, 278.571323112, 260.686912760, 360.741764127)
    else:
        place = (579.306712453, 1359.970685268, 5109.970622793, 182.017701922, 295.601175088, 217.982298078, 286.416526834, 395.601175088)
    high = 10_900 if published else 10_000
    return TestProblem(
        "heat_exchanger",
        floats(x1=(100, 10_000), x2=(1000, high), x3=(1000, high), **{f"x{i}": (10, 1000) for i in range(4, 9)}),
        partial(engineering.heat_exchanger, second=125.0) if published else engineering.heat_exchanger,
        (Objective("area"),),
        below_zero(*(f"g{i}" for i in range(1, 7))),
        Optimum(
            8312.911857679 if published else 7049.248020514,
            (at(*place),),
            source=_SEARCH if published else f"{_SEARCH}; g10 of CEC 2006",
        ),
        f"Avriel and Williams (1971); Yang and Gandomi (2012); {_YU}",
        variant,
        note="As published the second stage has 125 x4 for 1250 x4, and x2 and x3 reach 10,900 instead of 10,000.",
    )


def cantilever(*, variant: str = "corrected") -> TestProblem:
    """Least volume of a stepped cantilever. As published it has no feasible point.

    There the modulus of 2e7 N/cm² became 2 * 107 and the second moments are missing, so that the deflection is 9.7e7 cm whatever the
    design. A value of 61914.79 in circulation is the optimum without the constraint on the deflection.
    """
    published = _is_published("cantilever", variant)
    widths = (3.0577283091996974, 2.81326649571218, 2.523586298609961, 2.204555691541846, 1.7497570119380041)
    point = {f"b{i + 1}": b for i, b in enumerate(widths)} | {f"h{i + 1}": 20 * b for i, b in enumerate(widths)}
    sides = {f"b{i}": (1.0, 5.0) for i in range(1, 6)} | {f"h{i}": (30.0, 65.0) for i in range(1, 6)}
    sunk = 50_000 * 100**3 * (1 + 7 + 19 + 37 + 61) / 100 / (3 * 2 * 107)
    numbers = range(1, 6)
    return TestProblem(
        "cantilever",
        floats(**sides),
        partial(engineering.cantilever, deflection=sunk) if published else engineering.cantilever,
        (Objective("volume"),),
        below_zero(*(f"g_stress{i}" for i in numbers), "g_deflection", *(f"g_shape{i}" for i in numbers)),
        None if published else Optimum(63108.747986491, (point,), source=_SEARCH),
        f"Vanderplaats (1984); Yang and Gandomi (2012); {_YU}",
        variant,
        note="As published the deflection is a constant that breaks its limit: no point is feasible.",
    )


def car_side_impact(*, variant: str = "corrected") -> TestProblem:
    """Least weight of a car that withstands a side impact; here materials (x8, x9) are continuous. The optimum is not unique.

    Limit and coefficient of the viscous criteria are corrected to those of Deb et al. (2009), Jain and Deb (2014) and BoTorch's problem
    with four objectives.
    """
    published = _is_published("car_side_impact", variant)
    barrier = (-20, 0) if published else (-30, 30)
    place = (0.5, 1.1163655915180861, 0.5, 1.3021971829693884, 0.5, 1.5, 0.5, 0.345, 0.20430326137343321, -19.561529249700254, -6.61e-07)
    ranges = {f"x{i}": (0.5, 1.5) for i in range(1, 8)} | {"x2": (0.45, 1.35), "x8": (0.192, 0.345), "x9": (0.192, 0.345)}
    loads = ("load", "upper_viscous", "middle_viscous", "lower_viscous", "upper_rib", "middle_rib", "lower_rib", "force", "pillar", "door")
    return TestProblem(
        "car_side_impact",
        floats(**ranges, x10=barrier, x11=barrier),
        partial(engineering.car_side_impact, reinforcement=0.061, viscous=0.9) if published else engineering.car_side_impact,
        (Objective("weight"),),
        below_zero(*(f"g_{each}" for each in loads)),
        Optimum(22.842969199, (at(*place),), source=f"{_SEARCH}; the literature's 22.843"),
        f"Gu et al. (2001); Gandomi, Yang and Alavi (2011); {_YU}",
        variant,
        note="As published x10 and x11 are from -20 to 0 instead of -30 to 30, the limit of the viscous criteria is 0.9 instead of 0.32, "
        "and one of them has 0.061 x2 for 0.61 x2. The optimum is the same.",
    )


def _jlh1(x: Array) -> tuple[float, float]:
    return float(((x - 0.5) ** 2).sum()), float(x.sum() - 0.75)


def _jlh2(x: Array) -> tuple[float, float]:
    return waves(x), (x[0] + 5) ** 2 / 4 + x[1] ** 2 / 100 - 2.5


def _gkxwc1(x: Array) -> tuple[float, float]:
    return waves(x), math.cos(x[0] + x[1]) - 0.5


def _gkxwc2(x: Array) -> tuple[float, float]:
    return math.sin(x[0]) + x[1], math.sin(x[0]) * math.sin(x[1]) + 0.95


def _constrained_ackley(x: Array) -> tuple[float, float, float]:
    return ackley(x), float(x.sum()), math.sqrt(x @ x) - 5


def _keane(x: Array) -> tuple[float, float, float]:
    return bump(x), 0.75 - float(x.prod()), float(x.sum()) - 7.5 * len(x)


def _published_truss(params: Mapping[str, Any]) -> dict[str, float]:
    thick = {name: max(params[name], 1e-5) for name in ("outer", "middle")}
    return engineering.three_bar_truss(thick, slack=0.0)


def _of_vector(
    name: str,
    function: Any,
    bounds: Bounds,
    constraints: tuple[str, ...],
    optimum: Optimum | None,
    source: str,
    variant: str,
) -> TestProblem:
    """A problem in x1, x2, ..., the same in both variants."""
    _is_published(name, variant)
    evaluation = of_box(function, bounds, ("value", *constraints))
    return TestProblem(name, box(bounds), evaluation, (Objective("value"),), below_zero(*constraints), optimum, source, variant)


def _is_published(name: str, variant: str) -> bool:
    if variant not in ("as_published", "corrected"):
        raise InvalidStudy(f"problem {name!r}: variant is {variant!r}; it is 'as_published' or 'corrected'")
    return variant == "as_published"
