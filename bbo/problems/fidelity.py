"""Problems that can be evaluated cheaper and less faithfully: by ``fidelity`` (or ``source``), whose target is the real thing.

`Optimum` is that of the target. Costs are those of a source where it states them; otherwise cheap levels are ours, a factor of ten apart.
Score a method by the regret, at the target, of the point it recommends, against the cost it has spent; not by its best value measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bbo.objectives import Objective
from bbo.problems import functions
from bbo.problems.borrowed import Borrowed
from bbo.problems.functions import HARTMANN_WEIGHTS, Array
from bbo.problems.making import Bounds, at, whole
from bbo.problems.problem import Optimum, TestProblem
from bbo.problems.synthetic import BRANIN, HARTMANN3, HARTMANN6
from bbo.space import Fidelity, Float, Source, Space

_UNIT = (0.0, 1.0)
_CORNER = "where L-BFGS-B from 60 starts ends; BoTorch's, which it gives to two decimals"


def forrester() -> TestProblem:
    """One variable; the cheap level is tilted, and its minimum misleads (Forrester, Sóbester and Keane, 2007)."""
    optimum = Optimum(-6.020740055767083, (at(0.757248757841856),), source="stationary point, polished")
    return _leveled("forrester", _forrester, [_UNIT], {"low": 1.0, "high": 10.0}, optimum, "Forrester, Sóbester and Keane (2007)")


def perdikaris() -> TestProblem:
    """One variable; the levels are related by a square, which no linear autoregression learns (Perdikaris et al., 2017)."""
    optimum = Optimum(-1.35200625981120, (at(0.06191468912838),), source="L-BFGS-B from 60 starts, polished")
    return _leveled("perdikaris", _perdikaris, [_UNIT], {"low": 1.0, "high": 10.0}, optimum, "Perdikaris et al. (2017)")


def branin_levels() -> TestProblem:
    """Branin's function in three levels, the lower two moved and bent (Perdikaris et al., 2017)."""
    levels = {"low": 1.0, "medium": 10.0, "high": 100.0}
    source = "Perdikaris et al. (2017); Emukit, at a hundredth of the scale"
    return _leveled("branin_levels", _branin_levels, [(-5, 10), (0, 15)], levels, BRANIN, source)


def currin() -> TestProblem:
    """Currin's exponential function, maximized; the cheap level averages four neighbours (Xiong, Qian and Wu, 2013)."""
    optimum = Optimum(13.798722044728434, (at(0.21666666, 0.0),), source="polished; the literature's 13.798")
    source = "Currin et al. (1991); Xiong, Qian and Wu (2013)"
    return _leveled("currin", _currin, [_UNIT] * 2, {"low": 1.0, "high": 10.0}, optimum, source, direction="maximize")


def hartmann3_levels() -> TestProblem:
    """Hartmann's function in three dimensions and three levels with other weights (Kandasamy et al., 2016, as in Emukit)."""
    levels = {"low": 1.0, "medium": 10.0, "high": 100.0}
    return _leveled("hartmann3_levels", _hartmann3, [_UNIT] * 3, levels, HARTMANN3, "Kandasamy et al. (2016); Emukit")


def hartmann6_levels() -> TestProblem:
    """Hartmann's function in six dimensions and four levels with other weights (Kandasamy et al., 2016).

    The weights move by as much from level to level as in `hartmann3_levels`; in the code that was released with the paper by a tenth.
    """
    levels = {"lowest": 1.0, "low": 10.0, "medium": 100.0, "high": 1000.0}
    return _leveled("hartmann6_levels", _hartmann6, [_UNIT] * 6, levels, HARTMANN6, "Kandasamy et al. (2016)")


def park() -> TestProblem:
    """Park's first function, maximized (Park, 1991; levels of Xiong, Qian and Wu, 2013).

    The root has x2 + x3², as Park has it. Emukit's code has x2 + x3.
    """
    value = (math.sqrt(3) - 1) / 2 + 4 * math.exp(1 + math.sin(1))
    optimum = Optimum(value, (at(1.0, 1.0, 1.0, 1.0),), source="the corner: the function grows in every variable")
    source = "Park (1991); Xiong, Qian and Wu (2013)"
    return _leveled("park", _park, [_UNIT] * 4, {"low": 1.0, "high": 10.0}, optimum, source, direction="maximize")


_BOREHOLE = {
    "rw": (0.05, 0.15),
    "r": (100.0, 50_000.0),
    "Tu": (63_070.0, 115_600.0),
    "Hu": (990.0, 1110.0),
    "Tl": (63.1, 116.0),
    "Hl": (700.0, 820.0),
    "L": (1120.0, 1680.0),
    "Kw": (9855.0, 12_045.0),
}


def borehole() -> TestProblem:
    """Least flow of water through a borehole, in two levels (Xiong, Qian and Wu, 2013)."""
    corner = {"rw": 0.05, "r": 50_000.0, "Tu": 63_070.0, "Hu": 990.0, "Tl": 63.1, "Hl": 820.0, "L": 1680.0, "Kw": 9855.0}
    value = _borehole(np.array(list(corner.values())), "high")
    optimum = Optimum(value, (corner,), source="the corner that every variable's sign leads to")
    source = "Morris, Mitchell and Ylvisaker (1993); Xiong, Qian and Wu (2013)"
    return _problem("borehole", _borehole, _BOREHOLE, Fidelity({"low": 1.0, "high": 10.0}), optimum, source)


def augmented_branin() -> TestProblem:
    """Branin's function with a continuous fidelity. Costs are those of BoTorch's `AffineFidelityCostModel` by default."""
    return _continuous("augmented_branin", _augmented_branin, [(-5, 10), (0, 15)], (0.01, 1.01), BRANIN, "Wu et al. (2019); BoTorch")


def augmented_hartmann6() -> TestProblem:
    """Hartmann's function in six dimensions with a continuous fidelity. Costs are those of BoTorch's tutorial, 5 + fidelity."""
    return _continuous("augmented_hartmann6", _augmented_hartmann6, [_UNIT] * 6, (5.0, 6.0), HARTMANN6, "Wu et al. (2019); BoTorch")


def augmented_rosenbrock(*, d: int = 2) -> TestProblem:
    """Rosenbrock's function with two continuous fidelities, whose costs multiply."""
    whole("augmented_rosenbrock", "d", d, 2)
    names = tuple(f"x{i + 1}" for i in range(d))
    fidelities = {name: Fidelity(0.0, 1.0, cost=(0.1, 1.0)) for name in ("fidelity1", "fidelity2")}
    return TestProblem(
        "augmented_rosenbrock",
        Space({**{name: Float(-5, 10) for name in names}, **fidelities}),
        Borrowed("multi_fidelity:AugmentedRosenbrock", (*names, *fidelities), arguments=(("dim", d + 2),)),
        (Objective("value"),),
        (),
        Optimum(0.0, (at(*[1.0] * d),)),
        "Wu et al. (2019); BoTorch",
    )


def borehole_chen() -> TestProblem:
    """The borehole from five sources without an order (Chen et al., 2024): ranges differ from those of `borehole`."""
    ranges = {
        "rw": (0.05, 0.15),
        "r": (100.0, 10_000.0),
        "Tu": (100.0, 1000.0),
        "Tl": (10.0, 500.0),
        "Hu": (990.0, 1110.0),
        "Hl": (700.0, 820.0),
        "L": (1000.0, 2000.0),
        "Kw": (6000.0, 12_000.0),
    }
    role = {"source": Source({"lf4": 10.0, "lf2": 10.0, "lf3": 100.0, "lf1": 100.0, "hf": 1000.0})}
    corner = {"rw": 0.05, "r": 10_000.0, "Tu": 100.0, "Tl": 10.0, "Hu": 990.0, "Hl": 820.0, "L": 2000.0, "Kw": 6000.0}
    return _chen("borehole_chen", "BoreholeMultiFidelity", ranges, role, Optimum(3.985463803284515, (corner,), source=_CORNER))


def wing_weight() -> TestProblem:
    """Least weight of a light aircraft's wing, in four levels (Forrester, Sóbester and Keane, 2008; Chen et al., 2024)."""
    ranges = {
        "Sw": (150.0, 200.0),
        "Wfw": (220.0, 300.0),
        "A": (6.0, 10.0),
        "sweep": (-10.0, 10.0),
        "q": (16.0, 45.0),
        "taper": (0.5, 1.0),
        "tc": (0.08, 0.18),
        "Nz": (2.5, 6.0),
        "Wdg": (1700.0, 2500.0),
        "Wp": (0.025, 0.08),
    }
    role = {"fidelity": Fidelity({"lf3": 1.0, "lf2": 10.0, "lf1": 100.0, "hf": 1000.0})}
    corner = {
        "Sw": 150.0,
        "Wfw": 220.0,
        "A": 6.0,
        "sweep": 0.0,
        "q": 16.0,
        "taper": 0.5,
        "tc": 0.18,
        "Nz": 2.5,
        "Wdg": 1700.0,
        "Wp": 0.025,
    }
    return _chen("wing_weight", "WingWeightMultiFidelity", ranges, role, Optimum(123.25367170091783, (corner,), source=_CORNER))


def _forrester(x: Array, level: str) -> float:
    high = float((6 * x[0] - 2) ** 2 * math.sin(12 * x[0] - 4))
    return high if level == "high" else float(0.5 * high + 10 * (x[0] - 0.5) - 5)


def _perdikaris(x: Array, level: str) -> float:
    low = math.sin(8 * math.pi * x[0])
    return low if level == "low" else float((x[0] - math.sqrt(2)) * low**2)


def _branin_levels(x: Array, level: str) -> float:
    if level == "high":
        return functions.branin(x)
    if level == "medium":
        return float(10 * math.sqrt(functions.branin(x - 2)) + 2 * (x[0] - 0.5) - 3 * (3 * x[1] - 1) - 1)
    return float(_branin_levels(1.2 * (x + 2), "medium") - 3 * x[1] + 1)


def _currin(x: Array, level: str) -> float:
    if level == "high":
        return functions.currin(x)
    a, b = x
    return sum(functions.currin(np.array([a + i, max(0.0, b + j)])) for i in (0.05, -0.05) for j in (0.05, -0.05)) / 4


def _hartmann3(x: Array, level: str) -> float:
    return functions.hartmann3(x, _weights(level))


def _hartmann6(x: Array, level: str) -> float:
    return functions.hartmann6(x, _weights(level))


def _weights(level: str) -> Array:
    steps = ("high", "medium", "low", "lowest").index(level)
    return np.asarray(HARTMANN_WEIGHTS + steps * np.array([0.01, -0.01, -0.1, 0.1]))


def _park(x: Array, level: str) -> float:
    a, b, c, d = map(float, x)
    # Park's a / 2 (sqrt(1 + (b + c²) d / a²) - 1), written so that a may be 0.
    high = (math.sqrt(a**2 + (b + c**2) * d) - a) / 2 + (a + 3 * d) * math.exp(1 + math.sin(c))
    return high if level == "high" else (1 + math.sin(a) / 10) * high - 2 * a + b**2 + c**2 + 0.5


def _borehole(x: Array, level: str) -> float:
    rw, r, Tu, Hu, Tl, Hl, L, Kw = map(float, x)
    factor, one = (2 * math.pi, 1.0) if level == "high" else (5.0, 1.5)
    log = math.log(r / rw)
    return factor * Tu * (Hu - Hl) / (log * (one + 2 * L * Tu / (log * rw**2 * Kw) + Tu / Tl))


def _augmented_branin(x: Array, s: float) -> float:
    shift = 0.1 * (1 - s) * x[0] ** 2  # the coefficient of x1² is that much smaller
    return functions.branin(np.array([x[0], x[1] + shift]))


def _augmented_hartmann6(x: Array, s: float) -> float:
    return functions.hartmann6(x, HARTMANN_WEIGHTS - np.array([0.1 * (1 - s), 0, 0, 0]))


@dataclass(frozen=True)
class AtFidelity:
    """A function of a vector and the parameter ``fidelity``.

    Args:
        function: Takes shape ``d`` and the fidelity.
        parameters: Names of the entries of the vector.
    """

    function: Callable[[Array, Any], float]
    parameters: tuple[str, ...]

    def __call__(self, params: Mapping[str, Any]) -> Mapping[str, float]:
        x = np.array([params[name] for name in self.parameters], dtype=float)
        return {"value": self.function(x, params["fidelity"])}


@dataclass(frozen=True)
class _Chen:
    """A function of BoTorch whose last variable is the number of a level, 0 the target, by the levels' names."""

    function: Borrowed
    parameter: str
    levels: tuple[str, ...]

    def __call__(self, params: Mapping[str, Any]) -> Mapping[str, float]:
        return self.function({**params, self.parameter: self.levels.index(params[self.parameter])})


def _problem(
    name: str,
    function: Callable[[Array, Any], float],
    ranges: Mapping[str, tuple[float, float]],
    fidelity: Fidelity,
    optimum: Optimum,
    source: str,
    direction: Any = "minimize",
) -> TestProblem:
    space = Space({key: Float(*ends) for key, ends in ranges.items()} | {"fidelity": fidelity})
    return TestProblem(name, space, AtFidelity(function, tuple(ranges)), (Objective("value", direction),), (), optimum, source)


def _leveled(
    name: str,
    function: Callable[[Array, Any], float],
    bounds: Bounds,
    costs: Mapping[str, float],
    optimum: Optimum,
    source: str,
    direction: Any = "minimize",
) -> TestProblem:
    ranges = {f"x{i + 1}": each for i, each in enumerate(bounds)}
    return _problem(name, function, ranges, Fidelity(costs), optimum, source, direction)


def _continuous(
    name: str, function: Callable[[Array, Any], float], bounds: Bounds, cost: tuple[float, float], optimum: Optimum, source: str
) -> TestProblem:
    ranges = {f"x{i + 1}": each for i, each in enumerate(bounds)}
    return _problem(name, function, ranges, Fidelity(0.0, 1.0, cost=cost), optimum, source)


def _chen(
    name: str, cls: str, ranges: Mapping[str, tuple[float, float]], role: Mapping[str, Fidelity | Source], optimum: Optimum
) -> TestProblem:
    ((parameter, played),) = role.items()
    levels = ("hf", *sorted(level for level in played.inner.choices if level != "hf"))  # type: ignore[attr-defined]  # it is a Categorical
    function = _Chen(Borrowed(f"multi_fidelity:{cls}", (*ranges, parameter)), parameter, levels)
    space = Space({**{key: Float(*ends) for key, ends in ranges.items()}, **role})
    return TestProblem(name, space, function, (Objective("value"),), (), optimum, "Chen et al. (2024); BoTorch")
