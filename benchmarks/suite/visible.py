"""The cases that may be looked at while optimizers are tuned."""

from __future__ import annotations

import math

import numpy as np

import bbo
from bbo.problems import fronts, functions
from benchmarks.suite import engineering, training, trees
from benchmarks.suite.boxes import bbob_case, box, embedded, moved, vector_valued
from benchmarks.suite.case import Case
from benchmarks.suite.mixed import binary_ackley, interacting

SEARCH = "least of 2,000 evaluations by benchmarks/best_known.py, 2026-11-22, scikit-learn 1.9.1"
SLSQP = "SLSQP from 50 to 400 starts; equals the literature's"
UNIT = (0.0, 1.0)


def cases() -> list[Case]:
    """All of them, in the order in which they are run."""
    return [*_bbob(), *_synthetic(), *_noisy(), *_many_dimensions(), *_mixed(), *_trained(), *_constrained(), *_several_objectives()]


def _bbob() -> list[Case]:
    numbers = {3: 4, 6: 6, 8: 5, 10: 4, 17: 5, 21: 4}
    return [bbob_case(number, d, seed=1, budget=50) for number, d in numbers.items()]


def _synthetic() -> list[Case]:
    tags = ("synthetic",)
    levy = moved(functions.levy, np.ones(8), 10.0, seed=11)
    ackley = moved(functions.ackley, np.zeros(10), 20.0, seed=12, rotated=True)
    tang = moved(functions.styblinski_tang, np.full(5, functions.STYBLINSKI_TANG_ROOT), 3.0, seed=13, rotated=True)
    return [
        box("branin", functions.branin, [(-5, 10), (0, 15)], budget=30, best=0.39788735772973816, tags=tags),
        box("goldstein_price", functions.goldstein_price, [(-2, 2)] * 2, budget=40, best=3.0, tags=tags),
        box("hartmann6", functions.hartmann6, [UNIT] * 6, budget=50, best=-3.322368011415514, tags=tags),
        box("levy8_shifted", levy, [(-1, 1)] * 8, budget=50, best=0.0, tags=tags),
        box("ackley10_rotated", ackley, [(-1, 1)] * 10, budget=60, best=0.0, tags=tags),
        box("styblinski_tang5_rotated", tang, [(-1, 1)] * 5, budget=50, best=0.0, tags=tags),
    ]


def _noisy() -> list[Case]:
    rosenbrock = moved(functions.rosenbrock, np.ones(4), 2.0, seed=21)
    return [
        box("branin_noisy", functions.branin, [(-5, 10), (0, 15)], budget=40, best=0.39788735772973816, noise=5.0, tags=("noisy",)),
        box("hartmann6_noisy", functions.hartmann6, [UNIT] * 6, budget=60, best=-3.322368011415514, noise=0.2, tags=("noisy",)),
        box("rosenbrock4_noisy", rosenbrock, [(-1, 1)] * 4, budget=50, best=0.0, noise=20.0, tags=("noisy",)),
    ]


def _many_dimensions() -> list[Case]:
    hartmann = embedded(functions.hartmann6, np.zeros(6), np.ones(6), 100, seed=31)
    levy = embedded(functions.levy, np.full(4, -10.0), np.full(4, 10.0), 200, seed=32)
    ackley = moved(functions.ackley, np.zeros(30), 10.0, seed=33)
    tags = ("many dimensions",)
    return [
        box("ackley30", ackley, [(-1, 1)] * 30, budget=60, best=0.0, tags=tags),
        box("hartmann6_of_100", hartmann, [UNIT] * 100, budget=60, best=-3.322368011415514, tags=tags),
        box("levy4_of_200", levy, [UNIT] * 200, budget=60, best=0.0, tags=tags),
    ]


def _mixed() -> list[Case]:
    tree = "a net of two layers: every term of its loss is 0"
    return [
        binary_ackley("ackley_5_switches", functions.ackley, bits=5, floats=3, seed=41, budget=50),
        interacting("interacting_levels", lambda z: float(z @ z), levels=5, floats=3, seed=42, budget=50),
        Case("pipeline_tree", trees.PIPELINE, trees.pipeline, 40, 0.0, tree, ("loss",), tags=("tree",)),
    ]


def _trained() -> list[Case]:
    tags = ("trained", "mixed")
    return [
        Case("svm_diabetes", training.SVM, training.svm, 30, 53.138896, SEARCH, ("loss",), tags=tags),
        Case("network_digits", training.NETWORK, training.network, 40, 0.0837466, SEARCH, ("loss",), tags=tags),
        Case("boosting_diabetes", training.BOOSTING, training.boosting, 40, 55.04262, SEARCH, ("loss",), tags=tags),
        Case("forest_cancer", training.FOREST, training.forest, 30, 0.108925, SEARCH, ("loss",), tags=tags),
        Case("choice_digits", training.CHOICE, training.choice, 40, 0.0802625, SEARCH, ("loss",), tags=("trained", "tree")),
    ]


def _constrained() -> list[Case]:
    beam = bbo.Space({"h": bbo.Float(0.1, 2), "l": bbo.Float(0.1, 10), "t": bbo.Float(0.1, 10), "b": bbo.Float(0.1, 2)})
    vessel = bbo.Space({"shell": bbo.Int(1, 99), "head": bbo.Int(1, 99), "radius": bbo.Float(10, 200), "length": bbo.Float(10, 200)})
    spring = bbo.Space({"wire": bbo.Float(0.05, 2), "coil": bbo.Float(0.25, 1.3), "turns": bbo.Float(2, 15)})
    ranges = {"x1": (2.6, 3.6), "x2": (0.7, 0.8), "x4": (7.3, 8.3), "x5": (7.3, 8.3), "x6": (2.9, 3.9), "x7": (5.0, 5.5)}
    reducer = bbo.Space({**{name: bbo.Float(*ends) for name, ends in ranges.items()}, "x3": bbo.Int(17, 28)})
    vertex = "the point of 13 and 7 sixteenths where shell and volume bind; equals the literature's"
    return [
        Case(
            *("welded_beam", beam, engineering.welded_beam, 60, 1.7248523, SLSQP, ("cost",)),
            constraints=("g_shear", "g_bending", "g_order", "g_material", "g_weld", "g_deflection", "g_buckling"),
            fallback=5.48,
            tags=("constrained",),
        ),
        Case(
            *("pressure_vessel", vessel, engineering.pressure_vessel, 50, 6059.714335, vertex, ("cost",)),
            constraints=("g_shell", "g_head", "g_volume"),
            fallback=143_000.0,
            tags=("constrained", "mixed"),
        ),
        Case(
            *("tension_spring", spring, engineering.tension_spring, 50, 0.01266523, SLSQP, ("weight",)),
            constraints=("g_deflection", "g_shear", "g_surge", "g_size"),
            fallback=0.0723,
            tags=("constrained",),
        ),
        Case(
            *("speed_reducer", reducer, engineering.speed_reducer, 60, 2994.471066, SLSQP, ("weight",)),
            constraints=tuple(f"g{i}" for i in range(1, 12)),
            fallback=4190.0,
            tags=("constrained", "mixed"),
        ),
    ]


def _several_objectives() -> list[Case]:
    tags, exact = ("several objectives",), "the front's formula, integrated"
    swept = "SLSQP at 120 deflections, joined on logarithmic axes and integrated"
    beam = bbo.Space({"h": bbo.Float(0.125, 5), "l": bbo.Float(0.1, 10), "t": bbo.Float(0.1, 10), "b": bbo.Float(0.125, 5)})
    dtlz = vector_valued("dtlz2_5d", lambda x: fronts.dtlz2_of(x, 3), 5, reference=(1.5, 1.5, 1.5), best=1.5**3 - math.pi / 6, source=exact)
    currin = "botorch.test_functions.BraninCurrin of release 0.18.1"
    return [
        vector_valued("branin_currin", fronts.branin_currin_of, 2, reference=(18.0, 6.0), best=59.36011874867746, source=currin, budget=40),
        vector_valued("zdt1_6d", fronts.zdt1_of, 6, reference=(1.1, 6.0), best=6.6 - 1 / 3, source=exact),
        dtlz,
        Case(
            *("welded_beam_2", beam, engineering.welded_beam, 60, 0.3300462, swept, ("cost", "deflection")),
            constraints=("g_shear", "g_bending", "g_order", "g_buckling"),
            reference=(40.0, 0.01),
            tags=(*tags, "constrained"),
        ),
    ]
