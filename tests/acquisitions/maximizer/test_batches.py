"""Batches, one point after another and all together, and BoTorch's acquisition functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement, qLogExpectedImprovement
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler

from acquisitions import maximize
from acquisitions.domain import Box, Domain, Linear, Opaque, Simplex
from acquisitions.maximizer import ClimbSettings, MaximizerSettings, climb, from_botorch, maximize_sequential, power
from acquisitions.maximizer.screening import best_apart
from acquisitions.protocol import Climbable
from surrogates.columns import Column, Columns, Parent

SMALL = MaximizerSettings(screened=300, starts=5)


def cube(d, constraints=()):
    columns = Columns(tuple(Column(f"x{i}") for i in range(d)))
    return Domain(columns, np.array([[0.0] * d, [1.0] * d]), constraints, (Box(tuple(range(d)), (0.0,) * d, (1.0,) * d, ((),) * d),))


def model(d, n, seed):
    r = np.random.default_rng(seed)
    X = r.random((n, d))
    y = np.sin(4 * X @ r.normal(size=d) / np.sqrt(d)) + (X - r.random(d)) ** 2 @ r.normal(size=d)
    gp = SingleTaskGP(torch.from_numpy(X), torch.from_numpy((y - y.mean()) / y.std())[:, None])
    gp.covar_module.lengthscale = 0.3 * np.sqrt(d)
    gp.likelihood.noise = 1e-3
    gp.eval()
    return gp, torch.tensor(((y - y.mean()) / y.std()).max())


def agree_with_botorch(seeds):
    for seed in seeds:
        d = (2, 3, 6)[seed % 3]
        gp, best = model(d, 8 * d, seed)
        acqf = LogExpectedImprovement(gp, best)
        acq, r = from_botorch(acqf), np.random.default_rng(seed)
        pool = r.random((500, d))
        starts = pool[best_apart(pool, acq.value(pool), 10, np.ones(d))]
        found = climb(lambda X, rows, acq=acq: acq.value_and_gradient(X), starts, np.zeros(d), np.ones(d), ClimbSettings(lag=np.inf))
        bounds = torch.tensor([[0.0] * d, [1.0] * d], dtype=torch.float64)
        _, theirs = optimize_acqf(
            acqf, bounds, q=1, num_restarts=10, batch_initial_conditions=torch.from_numpy(starts)[:, None], options={"factr": 1e4}
        )
        assert abs(found.values.max() - float(theirs)) < 1e-6, seed


def test_the_optimum_is_optimize_acqfs_from_equal_starts():
    agree_with_botorch(range(4))


@pytest.mark.slow
def test_the_optimum_is_optimize_acqfs_in_fifty_cases():
    agree_with_botorch(range(50))


def test_a_botorch_function_is_climbable_with_its_gradient():
    gp, best = model(3, 12, 0)
    acq = from_botorch(LogExpectedImprovement(gp, best))
    assert isinstance(acq, Climbable)
    X = np.random.default_rng(0).random((4, 3))
    values, gradient = acq.value_and_gradient(X)
    assert np.allclose(values, acq.value(X))
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-5
        assert np.allclose(gradient[:, i], (acq.value(X + step) - acq.value(X - step)) / 2e-5, rtol=1e-5, atol=1e-6)


def test_a_joint_batch_is_a_row_of_a_larger_domain():
    gp, best = model(2, 8, 1)
    acqf = qLogExpectedImprovement(gp, best, sampler=SobolQMCNormalSampler(torch.Size([64]), seed=0))
    domain = cube(2, (Linear(np.array([1.0, 1.0]), -np.inf, 1.4),))
    found = maximize(from_botorch(acqf, q=2), power(domain, 2), rng=np.random.default_rng(0), settings=SMALL)
    both = found.x.reshape(2, 2)
    assert domain.contains(both).all()
    alone = maximize(from_botorch(acqf), domain, rng=np.random.default_rng(0), settings=SMALL)
    assert found.value >= alone.value


def test_a_power_of_a_domain_contains_what_its_points_do():
    columns = Columns(
        (
            Column("a", "categorical", (0.25, 0.75)),
            Column("b", parent=Parent((0,), ((0.75,),))),
            Column("m0", group="mix"),
            Column("m1", group="mix"),
        )
    )
    shapes = (Box((0, 1), (0.0, 0.0), (1.0, 1.0), ((0.25, 0.75), ())), Simplex((2, 3)))
    domain = Domain(columns, np.array([[0.0] * 4, [1.0] * 4]), (Opaque(lambda X: X[:, 2] < 0.8, "m0"),), shapes)
    three, r = power(domain, 3), np.random.default_rng(0)
    X = three.sample(50, r)
    assert domain.contains(X.reshape(150, 4)).all()
    X[:, 6] = np.where(np.arange(50) % 2 == 0, 0.9, X[:, 6])
    X[:, 7] = 1 - X[:, 6]
    assert np.array_equal(three.contains(X), domain.contains(X.reshape(150, 4)).reshape(50, 3).all(axis=1))
    assert three.columns.groups == {"mix[0]": (2, 3), "mix[1]": (6, 7), "mix[2]": (10, 11)}


def test_points_one_after_another_see_those_before():
    class Apart:
        """Highest in the middle, and low near points that are chosen."""

        def __init__(self, chosen):
            self.chosen = chosen

        def value(self, X):
            near = np.exp(-50 * np.sum((X[:, None] - self.chosen) ** 2, axis=2)).sum(axis=1)
            return -np.sum((X - 0.5) ** 2, axis=1) - near

    calls = []

    def build(chosen):
        calls.append(len(chosen))
        return Apart(chosen)

    found = maximize_sequential(build, cube(2), 3, rng=np.random.default_rng(0), settings=SMALL)
    X = np.stack([one.x for one in found])
    assert calls == [0, 1, 2]
    assert np.abs(X[0] - 0.5).max() < 0.02
    assert min(np.linalg.norm(X[i] - X[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > 0.1
