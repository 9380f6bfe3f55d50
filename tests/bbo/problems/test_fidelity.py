"""Problems with fidelities: the target's optimum, the cheap levels, the costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bbo
from bbo import problems
from bbo.problems.borrowed import make

ALL = [name for name, path in problems.REGISTRY.items() if path.startswith("bbo.problems.fidelity:")]


def at_target(problem: problems.TestProblem, point: dict[str, float]) -> float:
    return problem.evaluate({**point, **problem.space.targets})["value"]


@pytest.mark.parametrize("name", ALL)
def test_the_optimum_is_the_targets(name: str) -> None:
    problem = problems.get(name)
    decisions = {key: p for key, p in problem.space.parameters.items() if p.role == "decision"}
    assert set(problem.space.targets) == set(problem.space.parameters) - set(decisions) != set()
    low, high = (np.array([getattr(p, end) for p in decisions.values()], dtype=float) for end in ("low", "high"))
    sign = problem.objectives[0].sign
    assert problem.optimum is not None and problem.optimum.points
    rng = np.random.default_rng(0)
    for point in problem.optimum.points:
        assert list(point) == list(decisions)
        assert problem.space.contains({**point, **problem.space.targets})
        assert at_target(problem, dict(point)) == pytest.approx(problem.optimum.value, rel=1e-11, abs=1e-11)
        x = np.array(list(point.values()))
        for other in np.vstack([x + 1e-3 * (high - low) * rng.standard_normal((50, len(x))), rng.uniform(low, high, (100, len(x)))]):
            found = at_target(problem, dict(zip(decisions, other.clip(low, high).tolist(), strict=True)))
            assert sign * found >= sign * problem.optimum.value - 1e-9


@pytest.mark.parametrize("name", ALL)
def test_the_target_costs_most_and_costs_reach_the_study(name: str) -> None:
    problem = problems.get(name)
    point = problem.space.sobol(1, seed=0)[0]
    costs = [problem.cost(p) for p in problem.space.sobol(32, seed=1)]
    target = {**point, **problem.space.targets}
    assert all(cost is not None and 0 < cost <= problem.cost(target) for cost in costs)
    assert len(set(costs)) > 1
    assert problem(target) == bbo.Result(problem.evaluate(target), cost=problem.cost(target))
    study = problem.study(optimizer="sobol", seed=0)
    study.optimize(problem, n_trials=100, max_cost=2.5 * problem.cost(target), progress=False)
    assert len(study.trials) == 3  # an optimizer that knows of no fidelity runs the target


def test_forrester_as_stated() -> None:
    problem = problems.get("forrester")
    assert problem.optimum is not None
    assert problem.optimum.value == pytest.approx(-6.0207401, abs=5e-8)
    assert problem.optimum.points[0]["x1"] == pytest.approx(0.7572488, abs=5e-8)
    grid = np.linspace(0, 1, 100_001)
    low = [problem.evaluate({"x1": x, "fidelity": "low"})["value"] for x in grid.tolist()]
    assert grid[int(np.argmin(low))] == pytest.approx(0.092393, abs=1e-5)  # far from the target's


def test_targets_and_costs_as_stated() -> None:
    """Least values at the target and the costs of levels, as BoTorch's documentation has them."""
    stated = {
        "augmented_branin": (0.397887, 6),
        "augmented_hartmann6": (-3.32237, 5),
        "augmented_rosenbrock": (0.0, 9),
        "wing_weight": (123.25, 2),
        "borehole_chen": (3.98, 2),
    }
    for name, (value, digits) in stated.items():
        optimum = problems.get(name).optimum
        assert optimum is not None
        assert optimum.value == pytest.approx(value, abs=(1.0 if name != "borehole_chen" else 0.6) * 10**-digits)
    for name, costs in (("wing_weight", (1000, 100, 10, 1)), ("borehole_chen", (1000, 100, 10, 100, 10))):
        problem = problems.get(name)
        ((parameter, target),) = problem.space.targets.items()
        point = problem.space.sobol(1, seed=0)[0]
        assert target == "hf"
        levels = ["hf", *(f"lf{k}" for k in range(1, len(costs)))]
        assert [problem.cost({**point, parameter: level}) for level in levels] == list(costs)


def test_levels_by_hand() -> None:
    def value(name: str, **params: object) -> float:
        return problems.get(name).evaluate(params)["value"]

    assert value("perdikaris", x1=0.0625, fidelity="low") == pytest.approx(1)
    assert value("perdikaris", x1=0.0625, fidelity="high") == pytest.approx(0.0625 - math.sqrt(2))
    # At (pi + 2, 4.275) the shifted Branin is at its least value.
    moved = 10 * math.sqrt(0.39788735772973816) + 2 * (math.pi + 1.5) - 3 * (3 * 4.275 - 1) - 1
    assert value("branin_levels", x1=math.pi + 2, x2=4.275, fidelity="medium") == pytest.approx(moved)
    x1, x2 = (math.pi + 2) / 1.2 - 2, 4.275 / 1.2 - 2
    assert value("branin_levels", x1=x1, x2=x2, fidelity="low") == pytest.approx(moved - 3 * x2 + 1)
    assert value("currin", x1=0.0, x2=0.5, fidelity="high") == pytest.approx((1 - math.exp(-1)) * 3)
    four = [value("currin", x1=0.5 + i, x2=0.5 + j, fidelity="high") for i in (0.05, -0.05) for j in (0.05, -0.05)]
    assert value("currin", x1=0.5, x2=0.5, fidelity="low") == pytest.approx(sum(four) / 4)
    assert value("park", x1=0.0, x2=1.0, x3=0.0, x4=1.0, fidelity="high") == pytest.approx(0.5 + 3 * math.e)
    assert value("park", x1=0.0, x2=1.0, x3=0.0, x4=1.0, fidelity="low") == pytest.approx(0.5 + 3 * math.e + 1.5)
    level = [value("hartmann3_levels", x1=0.1091, x2=0.8732, x3=0.5547, fidelity=f) for f in ("low", "medium", "high")]
    assert np.diff(level) == pytest.approx([-0.1, -0.1], abs=2e-3)  # at the third centre its weight is what counts
    sixth = {f"x{i + 1}": v for i, v in enumerate((0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381))}
    level = [value("hartmann6_levels", **sixth, fidelity=f) for f in ("lowest", "low", "medium", "high")]
    assert np.diff(level) == pytest.approx([0.1] * 3, abs=2e-3)  # at the fourth, whose weight falls towards the target


def test_currins_and_parks_greatest_values_are_the_literatures() -> None:
    values = [problems.get(name).optimum for name in ("currin", "park")]
    assert [round(optimum.value, 4) for optimum in values if optimum] == [13.7987, 25.5893]
    assert {problems.get(name).objectives[0].direction for name in ("currin", "park")} == {"maximize"}


def test_the_boreholes_flow_by_the_formula() -> None:
    params = {"rw": 0.1, "r": 1000.0, "Tu": 1e5, "Hu": 1000.0, "Tl": 100.0, "Hl": 800.0, "L": 1500.0, "Kw": 10_000.0}
    log = math.log(1e4)
    through = 2 * 1500 * 1e5 / (log * 0.01 * 10_000)
    problem = problems.get("borehole")
    assert problem.evaluate({**params, "fidelity": "high"})["value"] == pytest.approx(2 * math.pi * 2e7 / (log * (1 + through + 1000)))
    assert problem.evaluate({**params, "fidelity": "low"})["value"] == pytest.approx(5 * 2e7 / (log * (1.5 + through + 1000)))


@pytest.mark.parametrize(("name", "cls"), [("augmented_branin", "AugmentedBranin"), ("augmented_hartmann6", "AugmentedHartmann")])
def test_continuous_fidelities_agree_with_botorch(name: str, cls: str) -> None:
    import torch

    problem, theirs = problems.get(name), make(f"multi_fidelity:{cls}")
    for point in problem.space.sobol(20, seed=0):
        x = torch.tensor([list(point.values())], dtype=torch.float64)
        assert problem.evaluate(point)["value"] == pytest.approx(theirs.evaluate_true(x).item(), rel=1e-6)
    assert problem.optimum is not None
    assert problem.optimum.value == pytest.approx(theirs.optimal_value, abs=3e-6)


@pytest.mark.parametrize(("name", "cls"), [("borehole_chen", "BoreholeMultiFidelity"), ("wing_weight", "WingWeightMultiFidelity")])
def test_named_levels_are_botorchs_numbers(name: str, cls: str) -> None:
    import torch

    problem, theirs = problems.get(name), make(f"multi_fidelity:{cls}")
    numbers = {"hf": 0.0, "lf1": 1.0, "lf2": 2.0, "lf3": 3.0, "lf4": 4.0}
    ends = [[p.low, p.high] for p in problem.space.parameters.values() if p.role == "decision"]  # type: ignore[attr-defined]
    assert theirs.bounds.T.tolist()[:-1] == ends
    for point in problem.space.sobol(20, seed=0):
        x = torch.tensor([[*list(point.values())[:-1], numbers[list(point.values())[-1]]]], dtype=torch.float64)
        assert problem.evaluate(point)["value"] == theirs.evaluate_true(x).item()
        assert problem.cost(point) == theirs.cost(x).item()
    assert problem.optimum is not None
    assert problem.optimum.value == pytest.approx(theirs.optimal_value, abs=6e-3)  # it is told to two decimals


def test_compare_counts_the_target_alone() -> None:
    problem = problems.get("forrester")
    table = bbo.compare(problem, ["sobol"], n_trials=8, n_initial=5, seeds=2)
    assert table["best"].min() >= problem.optimum.value
    low = [problem.evaluate({"x1": x, "fidelity": "low"})["value"] for x in np.linspace(0, 1, 200).tolist()]
    assert min(low) < problem.optimum.value  # so that a cheap value would have been taken for a record
