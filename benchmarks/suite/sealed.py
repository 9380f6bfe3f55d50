"""The cases that nobody looks at while optimizers are tuned: a third of all, run once at the end (`run.py --suite sealed --sealed`).

Other functions, other instances and other data than the visible ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import bbo
from bbo.problems import functions
from bbo.problems.functions import Array
from benchmarks.suite import engineering, training
from benchmarks.suite.boxes import bbob_case, box, embedded, moved, vector_valued
from benchmarks.suite.case import Case
from benchmarks.suite.mixed import binary_ackley, interacting

SEARCH = "least of 2,000 evaluations by benchmarks/best_known.py, 2026-11-22, scikit-learn 1.9.1"
EXACT = "the formula's least value"


def cases() -> list[Case]:
    """All of them."""
    return [*_boxes(), *_others(), *_constrained(), *_several_objectives()]


def _boxes() -> list[Case]:
    numbers = {11: 5, 13: 4, 15: 3, 22: 6}
    rosenbrock = moved(functions.rosenbrock, np.ones(7), 2.0, seed=101, rotated=True)
    levy = moved(functions.levy, np.ones(6), 10.0, seed=102)
    wide = moved(functions.rastrigin, np.zeros(40), 2.0, seed=103)
    tang = embedded(functions.styblinski_tang, np.full(5, -5.0), np.full(5, 5.0), 150, seed=104)
    return [
        *(bbob_case(number, d, seed=7, budget=50) for number, d in numbers.items()),
        box("camel", _camel, [(-3, 3), (-2, 2)], budget=30, best=-1.031628453489877, tags=("synthetic",)),
        box("rosenbrock7_rotated", rosenbrock, [(-1, 1)] * 7, budget=60, best=0.0, tags=("synthetic",)),
        box("levy6_noisy", levy, [(-1, 1)] * 6, budget=60, best=0.0, noise=5.0, tags=("noisy",)),
        box("rastrigin40", wide, [(-1, 1)] * 40, budget=60, best=0.0, tags=("many dimensions",)),
        box("styblinski_tang5_of_150", tang, [(0, 1)] * 150, budget=60, best=0.0, tags=("many dimensions",)),
    ]


def _others() -> list[Case]:
    tags = ("trained", "tree")
    return [
        binary_ackley("ackley_8_switches", functions.ackley, bits=8, floats=4, seed=111, budget=60),
        interacting("interacting_rosenbrock", _valley, levels=4, floats=4, seed=112, budget=50),
        Case("ridge_diabetes", training.RIDGE, training.ridge, 40, 53.497965, SEARCH, ("loss",), tags=tags),
        Case("neighbours_digits", training.NEIGHBOURS, training.neighbours, 40, 0.1065553, SEARCH, ("loss",), tags=("trained", "mixed")),
    ]


def _constrained() -> list[Case]:
    truss = bbo.Space({"outer": bbo.Float(0, 1), "middle": bbo.Float(0, 1)})
    ranges = {"x1": (78, 102), "x2": (33, 45), "x3": (27, 45), "x4": (27, 45), "x5": (27, 45)}
    himmelblau = bbo.Space({name: bbo.Float(*ends) for name, ends in ranges.items()})
    slsqp = "SLSQP from 50 starts; equals the literature's"
    return [
        Case(
            *("three_bar_truss", truss, engineering.three_bar_truss, 30, 263.8958425, slsqp, ("volume",)),
            constraints=("g1", "g2", "g3"),
            fallback=304.0,
            tags=("constrained",),
        ),
        Case(
            *("himmelblau", himmelblau, engineering.himmelblau, 50, -30665.538672, slsqp, ("value",)),
            constraints=("g1", "g2", "g3", "g4", "g5", "g6"),
            fallback=-26_600.0,
            tags=("constrained",),
        ),
    ]


def _several_objectives() -> list[Case]:
    exact = "the front's formula, integrated"
    binh = bbo.Space({"x0": bbo.Float(0, 5), "x1": bbo.Float(0, 3)})
    return [
        vector_valued("zdt2_5d", _zdt2, 5, reference=(1.1, 6.0), best=6.6 - 2 / 3, source=exact),
        Case(
            *("binh_korn", binh, _binh_korn, 40, 5285.0, "the least f2 for each f1 on a fine grid, integrated", ("f1", "f2")),
            constraints=("g1", "g2"),
            reference=(140.0, 50.0),
            tags=("several objectives", "constrained"),
        ),
    ]


def _camel(x: Array) -> float:
    """The six-hump camel back (Dixon and Szegő, 1978)."""
    a, b = x
    return float((4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (4 * b**2 - 4) * b**2)


def _valley(z: Array) -> float:
    """Rosenbrock's function with its least value 0 at the origin."""
    return functions.rosenbrock(z + 1)


def _zdt2(x: Array) -> tuple[float, float]:
    """Zitzler, Deb and Thiele (2000), problem 2: a concave front."""
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - (x[0] / g) ** 2))


def _binh_korn(params: Mapping[str, Any]) -> dict[str, float]:
    """Binh and Korn (1997)."""
    x, y = params["x0"], params["x1"]
    return {
        "f1": 4 * x**2 + 4 * y**2,
        "f2": (x - 5) ** 2 + (y - 5) ** 2,
        "g1": (x - 5) ** 2 + y**2 - 25,
        "g2": 7.7 - (x - 8) ** 2 - (y + 3) ** 2,
    }
