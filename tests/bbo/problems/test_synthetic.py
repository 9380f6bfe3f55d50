"""Classical functions: their optima, and their agreement with BoTorch."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bbo import problems
from bbo.problems.borrowed import Borrowed, make

CLASSICAL = [name for name, path in problems.REGISTRY.items() if path.startswith("bbo.problems.synthetic:")]
BOXES = [name for name in CLASSICAL if not problems.get(name).outcome_constraints]
OPTIONS = {
    "michalewicz": {"d": 10},
    "shekel": {"m": 5},
    "dixon_price": {"d": 5},
    "powell": {"d": 8},
    **{name: {"d": 7} for name in ("ackley", "rosenbrock", "levy", "rastrigin", "griewank", "styblinski_tang")},
}


def cases() -> list[problems.TestProblem]:
    return (
        [problems.get(name) for name in CLASSICAL]
        + [problems.get(name, **options) for name, options in OPTIONS.items()]
        + [problems.get("constrained_waves", bound=-0.6)]
    )


@pytest.mark.parametrize("problem", cases(), ids=lambda problem: f"{problem.name}{problem.dimension}")
def test_the_optimum_is_where_it_is_said_and_nothing_near_is_better(problem: problems.TestProblem) -> None:
    assert problem.optimum is not None and problem.optimum.points
    sign, name = problem.objectives[0].sign, problem.objectives[0].name
    low = np.array([p.low for p in problem.space.parameters.values()], dtype=float)  # type: ignore[attr-defined]
    high = np.array([p.high for p in problem.space.parameters.values()], dtype=float)  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    for point in problem.optimum.points:
        assert problem.space.contains(point)
        values = problem.evaluate(point)
        assert values[name] == pytest.approx(problem.optimum.value, rel=1e-9, abs=1e-9)
        assert problem.feasible(values, tolerance=1e-5)
        x = np.array(list(point.values()))
        around = [x + size * (high - low) * rng.standard_normal((40, len(x))) for size in (1e-4, 1e-2)]
        for other in np.vstack([*around, rng.uniform(low, high, (100, len(x)))]).clip(low, high):
            found = problem.evaluate(dict(zip(point, other.tolist(), strict=True)))
            if problem.feasible(found):
                assert sign * found[name] >= sign * problem.optimum.value - 1e-8 * max(1, abs(problem.optimum.value))


BOTORCH = {
    "branin": ("Branin", {}),
    "hartmann3": ("Hartmann", {"dim": 3}),
    "hartmann6": ("Hartmann", {"dim": 6}),
    "ackley": ("Ackley", {"dim": 2}),
    "rosenbrock": ("Rosenbrock", {"dim": 2}),
    "levy": ("Levy", {"dim": 2}),
    "rastrigin": ("Rastrigin", {"dim": 2}),
    "styblinski_tang": ("StyblinskiTang", {"dim": 2}),
    "shekel": ("Shekel", {"m": 10}),
}
OURS_ALONE = {"constrained_waves", "goldstein_price", "polynomial_draw", "welded_beam_coello"}


def test_every_classical_function_is_compared_with_botorch() -> None:
    borrowed = {name for name in CLASSICAL if isinstance(problems.get(name).function, Borrowed)}
    assert borrowed | set(BOTORCH) | OURS_ALONE == set(CLASSICAL)


@pytest.mark.parametrize("name", BOTORCH)
def test_numpy_versions_agree_with_botorch(name: str) -> None:
    cls, arguments = BOTORCH[name]
    problem = problems.get(name)
    theirs = Borrowed(f"synthetic:{cls}", tuple(problem.space.parameters), arguments=tuple(arguments.items()))
    for point in problem.space.sobol(20, seed=0):  # BoTorch has some constants in single precision
        assert problem.evaluate(point)["value"] == pytest.approx(theirs(point)["value"], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", [name for name in BOXES if name not in OURS_ALONE])
def test_ranges_and_optima_are_botorchs_to_its_digits(name: str) -> None:
    problem = problems.get(name)
    if isinstance(problem.function, Borrowed):
        function = make(problem.function.path, problem.function.arguments)
    else:
        cls, arguments = BOTORCH[name]
        function = make(f"synthetic:{cls}", tuple(arguments.items()))
    bounds = [(p.low, p.high) for p in problem.space.parameters.values()]  # type: ignore[attr-defined]
    assert np.allclose(function.bounds.T.numpy(), bounds, rtol=1e-14)
    assert problem.optimum is not None
    assert problem.optimum.value == pytest.approx(function.optimal_value, rel=1e-4, abs=1e-6)
    assert function.is_minimization_problem == (problem.objectives[0].direction == "minimize")


def test_goldstein_price_by_hand() -> None:
    problem = problems.get("goldstein_price")
    assert problem.evaluate({"x1": 0, "x2": 0})["value"] == (1 + 19) * 30
    assert problem.evaluate({"x1": 1, "x2": 1})["value"] == (1 + 9 * (19 - 28 + 3 + 6 + 3)) * (30 + 1 * (18 - 32 + 12 + 48 - 36 + 27))


def test_a_polynomial_draw_by_hand() -> None:
    problem = problems.get("polynomial_draw", d=8, seed=3)
    zero, one = (problem.evaluate(dict.fromkeys(problem.space.parameters, value))["value"] for value in (0.0, 1.0))
    c = problem.function.function.keywords["centres"]  # type: ignore[attr-defined]
    assert c.shape == (2, 4)
    assert zero == pytest.approx(c[0].prod() + c[1].prod())
    assert one == pytest.approx((1 - c[0]).prod() + (1 - c[1]).prod())
    other = problems.get("polynomial_draw", d=8, seed=4)
    assert other.optimum != problem.optimum == problems.get("polynomial_draw", d=8, seed=3).optimum
    corners = itertools.product((0.0, 1.0), repeat=8)
    least = min(problem.evaluate(dict(zip(problem.space.parameters, x, strict=True)))["value"] for x in corners)
    assert problem.optimum is not None
    assert least == pytest.approx(problem.optimum.value)


@pytest.mark.parametrize(
    ("bound", "value", "place", "share"),
    [
        (0.5, -2.0, (1.5 * math.pi, 0), 0.665),
        (-0.2, -1.9601703, (1.5 * math.pi, 6), 0.435),
        (-0.6, -1.8342451, (4.60049, 5.75158), None),
    ],
)
def test_waves_as_stated(bound: float, value: float, place: tuple[float, float], share: float | None) -> None:
    """``cos 2 x1 cos x2 + sin x1`` where ``cos(x1 + x2) <= bound``: no point of a fine grid is better, and as much is feasible."""
    problem = problems.get("gkxwc1") if bound == 0.5 else problems.get("constrained_waves", bound=bound)
    assert problem.optimum is not None
    assert problem.optimum.value == pytest.approx(value, abs=5e-8)
    assert list(problem.optimum.points[0].values()) == pytest.approx(place, abs=5e-6)
    x, y = np.meshgrid(*[np.linspace(0, 6, 1201)] * 2)
    waves = np.where(np.cos(x + y) <= bound, np.cos(2 * x) * np.cos(y) + np.sin(x), np.inf)
    assert problem.optimum.value - 1e-12 <= waves.min() < problem.optimum.value + 0.01
    u = (np.arange(1200) + 0.5) / 100  # the constraint is of the sum alone, whose density is triangular
    kept = [problem.evaluate({"x1": s / 2, "x2": s / 2})["g"] <= 0 for s in u.tolist()]
    density = np.minimum(u, 12 - u) / 36
    if share is not None:
        assert density[kept].sum() * 0.01 == pytest.approx(share, abs=1e-3)


def test_botorchs_welded_beam_is_not_coellos() -> None:
    """Its buckling load is 36 times too large: a feasible point of its own lies below the optimum it stores."""
    import torch

    theirs = make("synthetic:WeldedBeamSO")
    point = torch.tensor([[0.168, 4.0671, 10.0, 0.16801]], dtype=torch.float64)
    assert theirs.evaluate_slack_true(point).min() >= 0
    assert theirs.evaluate_true(point).item() == pytest.approx(1.5872, abs=1e-4)
    assert theirs.optimal_value == 1.728226
    ours = problems.get("welded_beam_coello")
    values = ours.evaluate(dict(zip("hltb", point[0].tolist(), strict=True)))
    assert values["cost"] == pytest.approx(theirs.evaluate_true(point).item())
    assert values["g_buckling"] > 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ackley", {"d": 0}, "at least 1"),
        ("michalewicz", {"d": 11}, "1 to 10"),
        ("powell", {"d": 6}, "a multiple of 4"),
        ("polynomial_draw", {"d": 10}, "a multiple of 4"),
        ("polynomial_draw", {"seed": -1}, "at least 0"),
        ("shekel", {"m": 6}, "one of 5, 7, 10"),
    ],
)
def test_what_is_refused(name: str, options: dict[str, int], message: str) -> None:
    import bbo

    with pytest.raises(bbo.InvalidStudy, match=message):
        problems.get(name, **options)
