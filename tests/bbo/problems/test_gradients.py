"""Gradients of test problems: derivatives of their functions, zero at optima within, and told to the study."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bbo
from bbo import problems

NAMES = [name for name in problems.names() if name.endswith("_gradients")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"d": 4}])
def test_it_is_the_derivative_of_the_function(name: str, options: dict[str, int]) -> None:
    if options and name != "rosenbrock_gradients":
        return
    problem, plain = problems.get(name, **options), problems.get(name.removesuffix("_gradients"), **options)
    assert problem.gradient is not None
    for point in problem.space.sobol(8, seed=1):
        assert problem.evaluate(point) == plain.evaluate(point)
        slopes = problem.gradient(point)
        assert set(slopes) == set(problem.space.parameters)
        for key, slope in slopes.items():
            above, below = (problem.evaluate({**point, key: point[key] + step})["value"] for step in (1e-5, -1e-5))
            assert slope == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-6)
    assert problem.optimum is not None
    for best in problem.optimum.points:
        assert list(problem.gradient(best).values()) == pytest.approx([0.0] * problem.dimension, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_told(name: str) -> None:
    problem = problems.get(name, noise=0.1)
    study = problem.study(optimizer="sobol", seed=0)
    study.optimize(problem, n_trials=2, progress=False)
    assert problem.gradient is not None
    for trial in study.trials:
        assert trial.gradient == {"value": {key: float(slope) for key, slope in problem.gradient(trial.params).items()}}
        assert trial.value != problem.evaluate(trial.params)["value"]


def test_of_several_objectives_it_is_refused() -> None:
    with pytest.raises(bbo.InvalidStudy, match="the only objective"):
        replace(problems.get("branin_currin"), gradient=lambda params: {})
