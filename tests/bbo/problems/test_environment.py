"""Problems with an environment, or inexact settings: expectations by another way, and optima that nothing nearby beats."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

import bbo
from bbo import problems
from bbo.optimizers import robust
from bbo.problem import Problem

NAMES = [row["name"] for row in problems.table() if row["family"] == "environment"]
MASS = 1 - 2 * norm.cdf(-4)


def expectation(problem: problems.TestProblem, design: dict[str, Any]) -> float:
    """From the function itself: sums over cases, products of Gauss-Legendre rules, for inexact settings adaptive quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    axes: dict[str, list[tuple[Any, float]]] = {}
    for name, parameter in problem.space.parameters.items():
        match getattr(parameter, "distribution", None):
            case bbo.Uniform(low, high):
                axes[name] = [(low + (high - low) * (1 + x) / 2, w / 2) for x, w in zip(nodes, weights, strict=True)]
            case bbo.Normal(mean, sd):
                axes[name] = [(mean + 4 * sd * x, 4 * w * norm.pdf(4 * x) / MASS) for x, w in zip(nodes, weights, strict=True)]
            case None:
                continue
            case table:
                axes[name] = list(table.items())
    if not axes:
        (name,) = problem.space.names
        low, high = (getattr(problem.space.parameters[name], end) for end in ("low", "high"))
        sd = problem.space.parameters[name].input_sd  # type: ignore[attr-defined]
        kinks = [z for end in (low, high) if abs(z := (end - design[name]) / sd) < 4]

        def weighed(z: float) -> float:
            return problem.evaluate({name: float(np.clip(design[name] + sd * z, low, high))})["value"] * norm.pdf(z) / MASS

        return float(quad(weighed, -4, 4, points=kinks, limit=500, epsabs=1e-12)[0])
    return sum(
        float(np.prod([p for _, p in combination]))
        * problem.evaluate({**design, **dict(zip(axes, (v for v, _ in combination), strict=True))})["value"]
        for combination in itertools.product(*axes.values())
    )


def decisions(problem: problems.TestProblem) -> dict[str, tuple[float, float]]:
    return {name: (p.low, p.high) for name, p in problem.space.parameters.items() if p.role == "decision"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_the_expectation_is_that_of_the_function(name: str) -> None:
    problem = problems.get(name)
    assert problem.expectation is not None
    rng, ranges = np.random.default_rng(0), decisions(problem)
    for _ in range(2):
        design = {key: float(rng.uniform(*ends)) for key, ends in ranges.items()}
        assert problem.expectation(design) == pytest.approx(expectation(problem, design), rel=1e-9, abs=1e-9)
    if name == "forrester_inexact":  # where what results is held inside the range
        assert problem.expectation({"x1": 0.02}) == pytest.approx(expectation(problem, {"x1": 0.02}), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_no_design_is_better_than_the_optimum(name: str) -> None:
    problem = problems.get(name)
    assert problem.optimum is not None and problem.expectation is not None
    (best,) = problem.optimum.points
    assert problem.expectation(best) == pytest.approx(problem.optimum.value, rel=1e-12)
    ranges, rng = decisions(problem), np.random.default_rng(1)
    assert set(best) == set(ranges)

    def loss(x: Any) -> float:
        return problem.expectation(dict(zip(ranges, map(float, x), strict=True)))  # type: ignore[misc]  # it is not None

    starts = [list(best.values()), *([rng.uniform(*ends) for ends in ranges.values()] for _ in range(15))]
    ends = [minimize(loss, start, bounds=list(ranges.values()), method="L-BFGS-B").fun for start in starts]
    assert min(ends) >= problem.optimum.value - 1e-9 * abs(problem.optimum.value)
    assert sorted(ends)[1] == pytest.approx(problem.optimum.value, rel=1e-6)  # found from elsewhere too


@pytest.mark.parametrize("name", [name for name in NAMES if name != "branin_williams"])
def test_the_best_design_for_the_nominal_environment_is_another_one(name: str) -> None:
    problem = problems.get(name)
    assert problem.optimum is not None and problem.expectation is not None
    ranges, nominal, rng = decisions(problem), robust.nominal(problem.space), np.random.default_rng(2)

    def at_nominal(x: Any) -> float:
        return problem.evaluate({**nominal, **dict(zip(ranges, map(float, x), strict=True))})["value"]

    starts = [[rng.uniform(*ends) for ends in ranges.values()] for _ in range(12)]
    found = min((minimize(at_nominal, start, bounds=list(ranges.values()), method="L-BFGS-B") for start in starts), key=lambda r: r.fun)
    design = dict(zip(ranges, map(float, found.x), strict=True))
    assert problem.expectation(design) > problem.optimum.value + 0.02 * abs(problem.optimum.value)


@pytest.mark.parametrize("name", NAMES)
def test_bayes_takes_them_with_conditions_that_come_close(name: str) -> None:
    problem = problems.get(name)
    stated = Problem(problem.space, problem.objectives)
    assert bbo.Bayes().supports(stated) is None
    conditions = robust.scenarios(stated)
    assert conditions is not None and problem.optimum is not None
    (best,) = problem.optimum.points
    rows = conditions.expand(problem.space.encode([{**robust.nominal(problem.space), **best}]))
    values = [problem.evaluate(row)["value"] for row in problem.space.decode(rows)]
    assert conditions.weights @ values == pytest.approx(problem.optimum.value, rel=0.01)


def test_compare_refuses_what_measured_values_cannot_tell() -> None:
    with pytest.raises(bbo.InvalidStudy, match=r"environment 'x1' makes luck of that"):
        bbo.compare(problems.get("branin_environment"), ["sobol"], n_trials=3)
