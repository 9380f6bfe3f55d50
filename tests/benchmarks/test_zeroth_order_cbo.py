"""The measurement of CBO: its formulas are the setting's, its swarm is that of a study, and its report counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bbo
from bbo.problems.functions import rastrigin
from benchmarks.zeroth_order import cbo


def test_the_function_is_rastrigins() -> None:
    x = np.random.default_rng(0).uniform(-5, 5, size=(5, 4))
    np.testing.assert_allclose(cbo.rastrigin(x), [rastrigin(row) for row in x], rtol=1e-12)
    np.testing.assert_array_equal(cbo.rastrigin(np.zeros((1, 4)), 2.5), [0.0])


@pytest.mark.parametrize("drifted", [False, True])
@pytest.mark.parametrize("memory", [None, 0.0, 0.4])
def test_steps_are_those_of_the_setting_written_out(drifted: bool, memory: float | None) -> None:
    setting = cbo.Setting(particles=7, end=0.03, drifted=drifted, memory=memory)
    rng = np.random.default_rng((2017, 5))
    x = 4 + 4 * rng.standard_normal((7, 4))
    best, least = x.copy(), cbo.rastrigin(x)
    for _ in range(3):
        f = cbo.rastrigin(x) if memory is None else least
        weights = np.exp(-1000 * (f - f.min()))
        c = weights @ (x if memory is None else best) / weights.sum()
        z = rng.standard_normal((7, 4))
        own = rng.standard_normal((7, 4)) if memory else np.zeros((7, 4))
        new = x.copy()
        for i in range(7):
            for k in range(4):
                distance = x[i, k] - c[k]
                felt = distance * (0.99 if drifted else 1)
                new[i, k] += -0.01 * distance + math.sqrt(1.6) * 0.1 * felt * z[i, k]
                if memory:
                    away = x[i, k] - best[i, k]
                    new[i, k] += -memory * 0.01 * away + memory * math.sqrt(1.6) * 0.1 * away * own[i, k]
        x = new
        better = cbo.rastrigin(x) < least
        best[better], least[better] = x[better], cbo.rastrigin(x)[better]
    f = cbo.rastrigin(x) if memory is None else least
    weights = np.exp(-1000 * (f - f.min()))
    centre = weights @ (x if memory is None else best) / weights.sum()
    assert cbo.by_formulas(setting, 5)["from_minimum"] == pytest.approx(float(np.abs(centre).max()), rel=1e-12)


def test_the_swarm_without_a_log_is_that_of_a_study() -> None:
    settings = bbo.CBO(particles=10)
    space = bbo.Space({f"x{k}": bbo.Float(*cbo.BOX) for k in range(4)})
    study = bbo.Study(space, {"f": "minimize"}, optimizer=settings, seed=3)
    study.optimize(lambda trial: float(cbo.rastrigin(np.array([*trial.params.values()]))), n_trials=60, progress=False)
    assert study.trials
    centre = space.decode(study._replica.state.centre[None, :])[0]
    assert cbo.by_swarm(cbo.Ours(settings, 60), 3)["from_minimum"] == pytest.approx(max(map(abs, centre.values())), rel=1e-9)


def test_the_report_counts_what_came_near() -> None:
    rows = [
        {"case": "bbo.CBO()", "seed": seed, "from_minimum": 0.1 if seed % 10 else 0.3, "evaluations": 20_000}
        for seed in (*cbo.TEN, *cbo.FRESH)
    ]
    assert cbo.report(rows).splitlines()[2] == "| bbo.CBO() | 20,000 | 9 of 10 | 45 of 50 | 0.79 to 0.96 |"
    assert len({tuple(key.values()) for key, _ in cbo.jobs()}) == 60 * len(cbo.CASES)
