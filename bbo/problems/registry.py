"""Problems by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from bbo.errors import InvalidStudy
from bbo.problems.problem import TestProblem

_MODULES = {
    "bbo.problems.synthetic": (
        "branin hartmann3 hartmann6 ackley rosenbrock levy rastrigin griewank styblinski_tang goldstein_price six_hump_camel "
        "three_hump_camel beale bukin cosine8 dixon_price drop_wave egg_holder holder_table michalewicz powell shekel polynomial_draw "
        "constrained_gramacy constrained_waves welded_beam_coello"
    ),
    "bbo.problems.gradients": "branin_gradients hartmann3_gradients hartmann6_gradients rosenbrock_gradients",
    "bbo.problems.fidelity": (
        "forrester perdikaris branin_levels currin hartmann3_levels hartmann6_levels park borehole augmented_branin "
        "augmented_hartmann6 augmented_rosenbrock borehole_chen wing_weight"
    ),
    "bbo.problems.fronts": (
        "branin_currin zdt1 zdt2 zdt3 dtlz1 dtlz2 dtlz5 vehicle_safety car_side_impact_4 penicillin disc_brake constr "
        "constrained_branin_currin c2dtlz2 mw7 osy welded_beam_2"
    ),
    "bbo.problems.environment": "branin_williams branin_environment hartmann6_environment forrester_inexact",
    "bbo.problems.constrained": (
        "jlh1 jlh2 gkxwc1 gkxwc2 constrained_ackley keane_bump three_bar_truss concrete_beam tension_spring pressure_vessel welded_beam "
        "speed_reducer heat_exchanger cantilever car_side_impact"
    ),
}
REGISTRY: dict[str, str] = {name: f"{module}:{name}" for module, listed in _MODULES.items() for name in listed.split()}
"""Name to ``module:function``; the function makes the problem, and its keyword arguments are the problem's options."""


def names() -> list[str]:
    """Names that `get` takes."""
    return sorted(REGISTRY)


def get(name: str, *, noise: float = 0.0, **options: Any) -> TestProblem:
    """A problem of the registry.

    Args:
        name: One of `names`.
        noise: Standard deviation of what is added to each objective as it is measured.
        options: What the problem lets one choose: ``d`` (how many parameters), ``objectives`` (how many), ``variant``
            (``"corrected"``, the default, or ``"as_published"``). `table` tells which problem has which.

    Raises:
        InvalidStudy: There is no such problem or option, or an option's value is not possible.

    Examples:
        >>> import bbo
        >>> problem = bbo.problems.get("branin")
        >>> study = problem.study(seed=0, optimizer="sobol")
        >>> _ = study.optimize(problem, n_trials=20, progress=False)
        >>> study.best_value >= problem.optimum.value
        True
    """
    make = _factory(name)
    known = list(make.__kwdefaults__ or ())
    for option in options:
        if option not in known:
            near = get_close_matches(option, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidStudy(f"problems.get: {name!r} has no option {option!r}; its options: {', '.join([*known, 'noise'])}{hint}")
    made: TestProblem = make(**options)
    return replace(made, noise=noise) if noise else made


def options_of(name: str) -> dict[str, Any]:
    """The options of a problem, with their defaults."""
    return dict(_factory(name).__kwdefaults__ or {})


def table() -> list[dict[str, Any]]:
    """One row a problem, as `get` makes it by default, in the order of the registry.

    Each has ``family, name, dimension, objectives, constraints, optimum, exact, options, source``: ``"synthetic"``, ``"gradients"``,
    ``"fidelity"``, ``"fronts"``, ``"environment"`` or ``"constrained"``; counts; the best value known (with several objectives the
    hypervolume) and
    whether it is exact; options with their defaults; and where the problem is from.
    """
    rows = []
    for name in REGISTRY:
        problem = get(name)
        rows.append(
            {
                "family": REGISTRY[name].partition(":")[0].rpartition(".")[2],
                "name": name,
                "dimension": problem.dimension,
                "objectives": len(problem.objectives),
                "constraints": len(problem.outcome_constraints),
                "optimum": None if problem.optimum is None else problem.optimum.value,
                "exact": problem.optimum is not None and problem.optimum.exact,
                "options": options_of(name),
                "source": problem.source,
            }
        )
    return rows


def _factory(name: str) -> Callable[..., TestProblem]:
    if name not in REGISTRY:
        near = get_close_matches(str(name), REGISTRY, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(names())}"
        raise InvalidStudy(f"problems.get: no problem is called {name!r}; {hint}")
    module, _, attribute = REGISTRY[name].partition(":")
    make: Callable[..., TestProblem] = getattr(import_module(module), attribute)
    return make
