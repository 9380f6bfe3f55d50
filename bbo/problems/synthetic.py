"""Classical functions of numbers in a box. One that bbo has in NumPy is used from there, the others are called in BoTorch.

Hartmann's and Shekel's functions are in NumPy because BoTorch keeps their constants in single precision, which moves the least values in
the eighth to tenth digit.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np

from bbo.errors import InvalidStudy
from bbo.objectives import Objective
from bbo.problem import derive
from bbo.problems import engineering, functions
from bbo.problems.borrowed import Borrowed
from bbo.problems.functions import STYBLINSKI_TANG_LEAST, STYBLINSKI_TANG_ROOT, Array, Function
from bbo.problems.making import Bounds, at, below_zero, box, floats, of_box, whole
from bbo.problems.problem import Optimum, TestProblem

_UNIT = (0.0, 1.0)
_POLISHED = "the literature's, polished by SLSQP"
BRANIN = Optimum(0.39788735772973816, (at(-math.pi, 12.275), at(math.pi, 2.275), at(3 * math.pi, 2.475)))
HARTMANN3 = Optimum(-3.86277978733266, (at(0.11458888, 0.55564889, 0.85254698),), source=_POLISHED)
HARTMANN6 = Optimum(-3.322368011415514, (at(0.20168951, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730053),), source=_POLISHED)
_MICHALEWICZ = (
    *(2.202905520142923, math.pi / 2, 1.2849915705136004, 1.9230584698297473, 1.7204697725280094),
    *(math.pi / 2, 1.4544139713242783, 1.7560865209214074, 1.6557174167795692, math.pi / 2),
)
"""Where each term of Michalewicz's sum is least on [0, pi]: the variables do not interact."""


def branin() -> TestProblem:
    """Three equal minima in curved valleys."""
    return _ours("branin", functions.branin, [(-5, 10), (0, 15)], BRANIN, "Branin (1972)")


def hartmann3() -> TestProblem:
    """Four local minima on the unit cube."""
    return _ours("hartmann3", functions.hartmann3, [_UNIT] * 3, HARTMANN3, "Hartmann (1973); Dixon and Szegő (1978)")


def hartmann6() -> TestProblem:
    """Six local minima on the unit cube."""
    return _ours("hartmann6", functions.hartmann6, [_UNIT] * 6, HARTMANN6, "Hartmann (1973); Dixon and Szegő (1978)")


def ackley(*, d: int = 2) -> TestProblem:
    """A needle in a plain of ripples."""
    whole("ackley", "d", d, 1)
    return _ours("ackley", functions.ackley, [(-32.768, 32.768)] * d, Optimum(0.0, (at(*[0.0] * d),)), "Ackley (1987)")


def rosenbrock(*, d: int = 2) -> TestProblem:
    """A bent narrow valley."""
    whole("rosenbrock", "d", d, 2)
    return _ours("rosenbrock", functions.rosenbrock, [(-5, 10)] * d, Optimum(0.0, (at(*[1.0] * d),)), "Rosenbrock (1960)")


def levy(*, d: int = 2) -> TestProblem:
    """Waves on a bowl."""
    whole("levy", "d", d, 1)
    return _ours("levy", functions.levy, [(-10, 10)] * d, Optimum(0.0, (at(*[1.0] * d),)), "Levy and Montalvo (1985)")


def rastrigin(*, d: int = 2) -> TestProblem:
    """A lattice of minima on a bowl."""
    whole("rastrigin", "d", d, 1)
    return _ours("rastrigin", functions.rastrigin, [(-5.12, 5.12)] * d, Optimum(0.0, (at(*[0.0] * d),)), "Rastrigin (1974)")


def griewank(*, d: int = 2) -> TestProblem:
    """A wide bowl with many small minima."""
    whole("griewank", "d", d, 1)
    return _theirs("griewank", "Griewank", [(-600, 600)] * d, Optimum(0.0, (at(*[0.0] * d),)), "Griewank (1981)", dim=d)


def styblinski_tang(*, d: int = 2) -> TestProblem:
    """Two minima in every coordinate."""
    whole("styblinski_tang", "d", d, 1)
    optimum = Optimum(STYBLINSKI_TANG_LEAST * d, (at(*[STYBLINSKI_TANG_ROOT] * d),))
    return _ours("styblinski_tang", _styblinski_tang, [(-5, 5)] * d, optimum, "Styblinski and Tang (1990)")


def goldstein_price() -> TestProblem:
    """Values from 3 to a million."""
    return _ours("goldstein_price", functions.goldstein_price, [(-2, 2)] * 2, Optimum(3.0, (at(0.0, -1.0),)), "Goldstein and Price (1971)")


def six_hump_camel() -> TestProblem:
    """Six minima, two of them least."""
    a, b = 0.08984201310031806, -0.7126564030207396
    optimum = Optimum(-1.0316284534898774, (at(a, b), at(-a, -b)), source=_POLISHED)
    return _theirs("six_hump_camel", "SixHumpCamel", [(-3, 3), (-2, 2)], optimum, "Dixon and Szegő (1978)")


def three_hump_camel() -> TestProblem:
    """Three minima."""
    return _theirs("three_hump_camel", "ThreeHumpCamel", [(-5, 5)] * 2, Optimum(0.0, (at(0.0, 0.0),)), "Dixon and Szegő (1978)")


def beale() -> TestProblem:
    """Flat, with peaks at the corners."""
    return _theirs("beale", "Beale", [(-4.5, 4.5)] * 2, Optimum(0.0, (at(3.0, 0.5),)), "Beale (1958)")


def bukin() -> TestProblem:
    """A valley as sharp as a knife."""
    return _theirs("bukin", "Bukin", [(-15, -5), (-3, 3)], Optimum(0.0, (at(-10.0, 1.0),)), "Bukin (1997), function 6")


def cosine8() -> TestProblem:
    """Cosine mixture in eight dimensions: this one is maximized."""
    optimum = Optimum(0.8, (at(*[0.0] * 8),))
    return _theirs("cosine8", "Cosine8", [(-1, 1)] * 8, optimum, "Breiman and Cutler (1993)", direction="maximize")


def dixon_price(*, d: int = 2) -> TestProblem:
    """A valley like Rosenbrock's, with unequal weights."""
    whole("dixon_price", "d", d, 2)
    optimum = Optimum(0.0, (at(*(2.0 ** (2.0 ** (1 - i) - 1) for i in range(1, d + 1))),))
    return _theirs("dixon_price", "DixonPrice", [(-10, 10)] * d, optimum, "Dixon and Price (1989)", dim=d)


def drop_wave() -> TestProblem:
    """Rings about the optimum."""
    return _theirs("drop_wave", "DropWave", [(-5.12, 5.12)] * 2, Optimum(-1.0, (at(0.0, 0.0),)), "Molga and Smutnicki (2005)")


def egg_holder() -> TestProblem:
    """Deep ripples, least in a corner."""
    optimum = Optimum(-959.640662720851, (at(512.0, 404.2318051351),), source=_POLISHED)
    return _theirs("egg_holder", "EggHolder", [(-512, 512)] * 2, optimum, "Whitley, Rana, Dzubera and Mathias (1996)")


def holder_table() -> TestProblem:
    """Four equal minima at the corners."""
    a, b = 8.0550234772, 9.6645900066
    points = tuple(at(i * a, j * b) for i in (1, -1) for j in (1, -1))
    optimum = Optimum(-19.20850256788675, points, source=_POLISHED)
    return _theirs("holder_table", "HolderTable", [(-10, 10)] * 2, optimum, "Mishra (2006)")


def michalewicz(*, d: int = 2) -> TestProblem:
    """Steep crossing valleys; d up to 10."""
    whole("michalewicz", "d", d, 1, 10)
    point = _MICHALEWICZ[:d]
    value = -sum(math.sin(x) * math.sin((i + 1) * x**2 / math.pi) ** 20 for i, x in enumerate(point))
    optimum = Optimum(value, (at(*point),), source="each variable's own minimum, polished")
    return _theirs("michalewicz", "Michalewicz", [(0, math.pi)] * d, optimum, "Michalewicz (1992)", dim=d)


def powell(*, d: int = 4) -> TestProblem:
    """A singular Hessian at the optimum; d is a multiple of 4."""
    whole("powell", "d", d, 4)
    if d % 4:
        raise InvalidStudy(f"problem 'powell': d is {d}; it is a multiple of 4")
    return _theirs("powell", "Powell", [(-4, 5)] * d, Optimum(0.0, (at(*[0.0] * d),)), "Powell (1962)", dim=d)


_SHEKEL = {
    5: (-10.15319967905823, (4.00003715, 4.00013327, 4.00003715, 4.00013327)),
    7: (-10.40291533677774, (4.00057280, 3.99960620, 4.00057280, 3.99960620)),
    10: (-10.53644315348353, (4.00074653, 3.99950948, 4.00074653, 3.99950948)),
}


def shekel(*, m: int = 10) -> TestProblem:
    """Foxholes: m of them, 5, 7 or 10."""
    if m not in _SHEKEL:
        raise InvalidStudy(f"problem 'shekel': m is {m!r}; it is one of {', '.join(map(str, _SHEKEL))}")
    value, point = _SHEKEL[m]
    optimum = Optimum(value, (at(*point),), source=_POLISHED)
    return _ours("shekel", partial(functions.shekel, m=m), [(0, 10)] * 4, optimum, "Shekel (1971); Dixon and Szegő (1978)")


def polynomial_draw(*, d: int = 200, seed: int = 0) -> TestProblem:
    """A random polynomial in many variables: products of four (x - c) with normal c, added up; d is a multiple of 4.

    Li, Rudner and Wilson (2024) draw one such; this is another draw. Each product is linear in every variable, so that the least value is
    that of the best corner.
    """
    whole("polynomial_draw", "d", d, 4)
    whole("polynomial_draw", "seed", seed, 0)
    if d % 4:
        raise InvalidStudy(f"problem 'polynomial_draw': d is {d}; it is a multiple of 4")
    c = np.random.Generator(np.random.Philox(key=derive("polynomial draw", seed, bits=128))).standard_normal((d // 4, 4))
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=4)))
    products = (corners - c[:, None]).prod(axis=2)  # group x corner
    best = corners[products.argmin(axis=1)].ravel()
    optimum = Optimum(float(products.min(axis=1).sum()), (at(*best.tolist()),), source="the best corner of each group of four")
    function = partial(functions.products_of_four, centres=c)
    return _ours("polynomial_draw", function, [_UNIT] * d, optimum, "Li, Rudner and Wilson (2024), arXiv 2305.20028")


def constrained_gramacy() -> TestProblem:
    """A plane under two constraints, one of them wavy."""
    optimum = Optimum(0.599788052003, (at(0.1951226865846, 0.4046653654181),), source="SLSQP from 40 starts; the literature's 0.5998")
    return TestProblem(
        "constrained_gramacy",
        box([_UNIT] * 2),
        Borrowed("synthetic:ConstrainedGramacy", ("x1", "x2"), ("value", "g1", "g2")),
        (Objective("value"),),
        below_zero("g1", "g2"),
        optimum,
        "Gramacy et al. (2016), arXiv 1403.4890",
    )


def constrained_waves(*, bound: float = -0.2) -> TestProblem:
    """Waves where ``cos(x1 + x2) <= bound``: the optimum in a corner of the box (-0.2) or on the edge of a band (-0.6).

    With a bound of 0.5 it is `gkxwc1`.
    """
    if bound not in _WAVES:
        raise InvalidStudy(f"problem 'constrained_waves': bound is {bound!r}; it is {' or '.join(map(str, _WAVES))}")
    optimum = Optimum(_WAVES[bound][0], (at(*_WAVES[bound][1]),), source="closed form")
    return TestProblem(
        "constrained_waves",
        box([(0, 6)] * 2),
        of_box(partial(_waves, bound), [(0, 6)] * 2, ("value", "g")),
        (Objective("value"),),
        below_zero("g"),
        optimum,
        "Gardner et al. (2014); Xu et al. (2023), arXiv 2211.00162",
    )


_WAVES = {
    -0.2: (-1.0 - math.cos(6.0), (1.5 * math.pi, 6.0)),
    -0.6: (-1.8342450587658323, (4.600490972658853, 5.751582206112139)),  # stationary along x1 + x2 = 3 pi + acos(0.6)
}


def _waves(bound: float, x: Array) -> tuple[float, float]:
    return functions.waves(x), math.cos(x[0] + x[1]) - bound


def welded_beam_coello() -> TestProblem:
    """Least cost of a welded beam, with seven constraints.

    BoTorch's `WeldedBeamSO` is meant to be this one, but its load of buckling is 36 times too large (a factor 6 for a divisor 6): by its
    formula there is a feasible point of 1.5871, below the 1.7282 it stores.
    """
    constraints = ("g_shear", "g_bending", "g_order", "g_material", "g_weld", "g_deflection", "g_buckling")
    point = {"h": 0.20572963978, "l": 3.47048866563, "t": 9.03662391036, "b": 0.20572963978}
    return TestProblem(
        "welded_beam_coello",
        floats(h=(0.1, 2), l=(0.1, 10), t=(0.1, 10), b=(0.1, 2)),
        engineering.welded_beam,
        (Objective("cost"),),
        below_zero(*constraints),
        Optimum(1.724852309, (point,), source="SLSQP from 50 to 400 starts; the literature's 1.724852"),
        "Rao (1996); Coello (2000)",
    )


def _styblinski_tang(x: Array) -> float:
    """With its own least value, which `functions.styblinski_tang` is shifted by."""
    return functions.styblinski_tang(x) + STYBLINSKI_TANG_LEAST * len(x)


def _ours(name: str, function: Function, bounds: Bounds, optimum: Optimum, source: str) -> TestProblem:
    return TestProblem(name, box(bounds), of_box(function, bounds), (Objective("value"),), (), optimum, source)


def _theirs(
    name: str, cls: str, bounds: Bounds, optimum: Optimum, source: str, *, direction: Any = "minimize", **arguments: Any
) -> TestProblem:
    space = box(bounds)
    function = Borrowed(f"synthetic:{cls}", tuple(space.parameters), arguments=tuple(arguments.items()))
    return TestProblem(name, space, function, (Objective("value", direction),), (), optimum, source)
