"""Problems with several objectives, all minimized: `Optimum.value` is the largest hypervolume over the reference points.

Reference points are BoTorch's, but for `welded_beam_2`; `Optimum.source` says where a hypervolume is from. Those of `vehicle_safety`,
`car_side_impact_4` and `penicillin` rest on fronts that others approximated: a run may pass them by a little. BoTorch's own numbers for
Branin and Currin, with and without the disc, and for DTLZ1 (where it subtracts a cube for a simplex) are too small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bbo.errors import InvalidStudy
from bbo.objectives import Objective
from bbo.problems import engineering, functions
from bbo.problems.borrowed import Borrowed
from bbo.problems.functions import Array
from bbo.problems.making import Bounds, below_zero, box, floats, of_box, whole
from bbo.problems.problem import Evaluation, Optimum, TestProblem

_UNIT = (0.0, 1.0)
_ZDT = "Zitzler, Deb and Thiele (2000)"
_DTLZ = "Deb, Thiele, Laumanns and Zitzler (2002)"
_TANABE = "Tanabe and Ishibuchi (2020)"
_FORMULA = "the front's formula, integrated"


def branin_currin() -> TestProblem:
    """Branin's and Currin's functions on the unit square."""
    optimum = Optimum(59.4066, exact=False, source="random search about a front of millions of points; BoTorch's NSGA-II has 59.3601")
    source = "Belakaria, Deshwal and Doppa (2019)"
    return _ours("branin_currin", branin_currin_of, [_UNIT] * 2, (18.0, 6.0), optimum, source)


def zdt1(*, d: int = 6) -> TestProblem:
    """A convex front."""
    whole("zdt1", "d", d, 2)
    return _ours("zdt1", zdt1_of, [_UNIT] * d, (11.0, 11.0), Optimum(120 + 2 / 3, source=_FORMULA), _ZDT)


def zdt2(*, d: int = 6) -> TestProblem:
    """A concave front."""
    whole("zdt2", "d", d, 2)
    return _theirs("zdt2", "ZDT2", [_UNIT] * d, (11.0, 11.0), Optimum(120 + 1 / 3, source=_FORMULA), _ZDT, dim=d)


def zdt3(*, d: int = 6) -> TestProblem:
    """A front in five pieces."""
    whole("zdt3", "d", d, 2)
    return _theirs("zdt3", "ZDT3", [_UNIT] * d, (11.0, 11.0), Optimum(128.7781161306908, source=_FORMULA), _ZDT, dim=d)


def dtlz1(*, d: int = 5, objectives: int = 2) -> TestProblem:
    """A flat front behind many local ones."""
    _dtlz("dtlz1", d, objectives)
    optimum = Optimum(400.0**objectives - 0.5**objectives / math.factorial(objectives), source=_FORMULA)
    return _theirs("dtlz1", "DTLZ1", [_UNIT] * d, (400.0,) * objectives, optimum, _DTLZ, dim=d, num_objectives=objectives)


def dtlz2(*, d: int = 6, objectives: int = 2) -> TestProblem:
    """The front is the positive part of the unit sphere."""
    _dtlz("dtlz2", d, objectives)
    ball = math.pi ** (objectives / 2) / math.gamma(objectives / 2 + 1) / 2**objectives
    optimum = Optimum(1.1**objectives - ball, source=_FORMULA)
    return _ours("dtlz2", partial(dtlz2_of, objectives=objectives), [_UNIT] * d, (1.1,) * objectives, optimum, _DTLZ)


def dtlz5(*, d: int = 20) -> TestProblem:
    """Three objectives, and a front that is a curve."""
    _dtlz("dtlz5", d, 3)
    # At height z of the third objective the curve has the other two at sqrt((1 - z²) / 2).
    optimum = Optimum(1000 - 10 * math.sqrt(2) * math.pi / 4 + 1 / 3, source=_FORMULA)
    return _theirs("dtlz5", "DTLZ5", [_UNIT] * d, (10.0,) * 3, optimum, _DTLZ, dim=d, num_objectives=3)


def vehicle_safety() -> TestProblem:
    """Mass, acceleration and intrusion of a car in a crash (RE3-5-4)."""
    optimum = Optimum(246.81607081187002, exact=False, source="an approximate front (Tanabe and Ishibuchi, 2020)")
    reference = (1864.72022, 11.81993945, 0.2903999384)
    return _theirs("vehicle_safety", "VehicleSafety", [(1, 3)] * 5, reference, optimum, f"Liao et al. (2008); {_TANABE}")


def car_side_impact_4() -> TestProblem:
    """Weight, forces and velocity of a car in a side impact, and how much its ten limits are broken (RE4-7-1)."""
    bounds = [(0.5, 1.5), (0.45, 1.35), (0.5, 1.5), (0.5, 1.5), (0.875, 2.625), (0.4, 1.2), (0.4, 1.2)]
    optimum = Optimum(484.72654347642793, exact=False, source="an approximate front (Tanabe and Ishibuchi, 2020)")
    reference = (45.4872, 4.5114, 13.3394, 10.3942)
    return _theirs("car_side_impact_4", "CarSideImpact", bounds, reference, optimum, f"Jain and Deb (2014); {_TANABE}")


def penicillin() -> TestProblem:
    """Yield (negative), carbon dioxide and time of a fermentation: a simulation, which takes a tenth of a second."""
    bounds = [(60, 120), (0.05, 18), (293, 303), (0.05, 18), (0.01, 0.5), (500, 700), (5, 6.5)]
    optimum = Optimum(2183455.909507436, exact=False, source="NSGA-II, as BoTorch stores it")
    return _theirs("penicillin", "Penicillin", bounds, (25.935, 57.612, 935.5), optimum, "Liang and Lai (2021)")


def disc_brake() -> TestProblem:
    """Mass and stopping time of a disc brake, under four constraints (RE3-4-3's with constraints kept)."""
    bounds = [(55, 80), (75, 110), (1000, 3000), (11, 20)]
    optimum = Optimum(11.223, exact=False, source="SLSQP at 120 masses, joined and integrated; agrees with a grid")
    constraints = ("g1", "g2", "g3", "g4")
    return _theirs("disc_brake", "DiscBrake", bounds, (5.7771, 3.9651), optimum, f"Ray and Liew (2002); {_TANABE}", constraints)


def constr() -> TestProblem:
    """A hyperbola and a line: part of the front is on a constraint."""
    best = 19 * 5 / 18 - 7 * math.log(12 / 7) + 10 * 28 / 3 - math.log(15)
    bounds, constraints = [(0.1, 10), (0.0, 5.0)], ("g1", "g2")
    source = "Deb et al. (2002); Garrido-Merchán and Hernández-Lobato (2020)"
    return _theirs("constr", "CONSTR", bounds, (10.0, 10.0), Optimum(best, source=_FORMULA), source, constraints)


def constrained_branin_currin() -> TestProblem:
    """Branin's and Currin's functions within a disc."""
    optimum = Optimum(609.389, exact=False, source="random search about a front of millions of points; BoTorch's NSGA-II has 608.4004")
    source = "Gelbart, Snoek and Adams (2014); BoTorch"
    return _theirs("constrained_branin_currin", "ConstrainedBraninCurrin", [_UNIT] * 2, (80.0, 12.0), optimum, source, ("g",))


def c2dtlz2(*, d: int = 4) -> TestProblem:
    """Two objectives: the quarter of a circle, feasible in three pieces."""
    whole("c2dtlz2", "d", d, 3)
    optimum = Optimum(0.40005, exact=False, source="the front on a grid of 100,001 angles and 400 radii; BoTorch's NSGA-II has 0.39964")
    return _theirs("c2dtlz2", "C2DTLZ2", [_UNIT] * d, (1.1, 1.1), optimum, "Jain and Deb (2014)", ("g",), dim=d, num_objectives=2)


def mw7(*, d: int = 4) -> TestProblem:
    """A front in pieces, partly on a constraint."""
    whole("mw7", "d", d, 2)
    optimum = Optimum(0.504405, exact=False, source="the front on a grid of 10 million angles")
    return _theirs("mw7", "MW7", [_UNIT] * d, (1.2, 1.2), optimum, "Ma and Wang (2019)", ("g1", "g2"), dim=d)


def osy() -> TestProblem:
    """Six constraints; the front runs along five edges of the feasible region."""
    bounds = [(0, 10), (0, 10), (1, 5), (0, 6), (1, 5), (0, 10)]
    optimum = Optimum(10108.41, source="the front's formulas (Deb, 2001), integrated")
    return _theirs("osy", "OSY", bounds, (-75.0, 75.0), optimum, "Osyczka and Kundu (1995)", tuple(f"g{i}" for i in range(1, 7)))


def welded_beam_2() -> TestProblem:
    """Cost and deflection of a welded beam, under four constraints.

    BoTorch's `WeldedBeam` of release 0.18.1 returns its constraints with the wrong sign, so that what breaks them counts as feasible.
    """
    space = floats(h=(0.125, 5), l=(0.1, 10), t=(0.1, 10), b=(0.125, 5))
    swept = "SLSQP at 120 deflections, joined on logarithmic axes and integrated"
    return TestProblem(
        "welded_beam_2",
        space,
        engineering.welded_beam,
        (Objective("cost", reference=40.0), Objective("deflection", reference=0.01)),
        below_zero("g_shear", "g_bending", "g_order", "g_buckling"),
        Optimum(0.3300462, exact=False, source=swept),
        "Deb (2000); Rao (1996)",
    )


def zdt1_of(x: Array) -> tuple[float, float]:
    """Zitzler, Deb and Thiele (2000), problem 1: a convex front."""
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - math.sqrt(x[0] / g)))


def dtlz2_of(x: Array, objectives: int) -> tuple[float, ...]:
    """Deb, Thiele, Laumanns and Zitzler (2002), problem 2: the front is the positive part of the unit sphere."""
    k = objectives - 1
    g = ((x[k:] - 0.5) ** 2).sum()
    angles = x[:k] * math.pi / 2
    values = []
    for i in range(objectives):
        value = (1 + g) * np.cos(angles[: k - i]).prod()
        values.append(float(value * (math.sin(angles[k - i]) if i else 1.0)))
    return tuple(values)


def branin_currin_of(x: Array) -> tuple[float, float]:
    """Branin and Currin's function on the unit square (Belakaria, Deshwal and Doppa, 2019)."""
    a, b = float(x[0]), float(x[1])
    return functions.branin(np.array([15 * a - 5, 15 * b])), functions.currin(x)


def _dtlz(name: str, d: int, objectives: int) -> None:
    whole(name, "objectives", objectives, 2)
    whole(name, "d", d, 2)
    if d <= objectives:
        raise InvalidStudy(f"problem {name!r}: d is {d}; it is more than the {objectives} objectives")


def _objectives(reference: tuple[float, ...]) -> tuple[Objective, ...]:
    return tuple(Objective(f"f{i + 1}", reference=each) for i, each in enumerate(reference))


def _ours(
    name: str,
    function: Callable[[Array], tuple[float, ...]],
    bounds: Bounds,
    reference: tuple[float, ...],
    optimum: Optimum,
    source: str,
) -> TestProblem:
    objectives = _objectives(reference)
    evaluation: Evaluation = of_box(function, bounds, tuple(o.name for o in objectives))
    return TestProblem(name, box(bounds), evaluation, objectives, (), optimum, source)


def _theirs(
    name: str,
    cls: str,
    bounds: Bounds,
    reference: tuple[float, ...],
    optimum: Optimum | None,
    source: str,
    constraints: tuple[str, ...] = (),
    **arguments: Any,
) -> TestProblem:
    space, objectives = box(bounds), _objectives(reference)
    outcomes = (*(o.name for o in objectives), *constraints)
    function = Borrowed(f"multi_objective:{cls}", tuple(space.parameters), outcomes, tuple(arguments.items()))
    return TestProblem(name, space, function, objectives, below_zero(*constraints), optimum, source)
