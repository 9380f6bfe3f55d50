"""The augmented upper confidence bound: at the target the plain one, elsewhere arithmetic, BoTorch's but for its signs, and differences."""

import numpy as np
import pytest

from acquisitions import AugmentedUpperConfidenceBound, UpperConfidenceBound
from acquisitions.at_target import moved
from acquisitions.per_cost import ColumnCost, PerCost
from surrogates.exact_gp import fit
from tests.acquisitions.differences import slope

TARGET, BETA, BEST = {2: 1.0}, 2.5, -0.8
COST = ColumnCost(2, (0.0, 1.0), (1.0, 20.0))


@pytest.fixture(scope="module")
def gp():
    rng = np.random.default_rng(0)
    X = rng.random((14, 3))
    return fit(X, np.sin(5 * X).sum(1) - 1.5, np.full(14, 0.05))


@pytest.fixture
def X():
    return np.random.default_rng(1).random((40, 3))


def test_at_the_target_it_is_what_the_plain_bound_promises(gp, X):
    score, plain = AugmentedUpperConfidenceBound(gp, BEST, BETA, TARGET), UpperConfidenceBound(gp, BETA)
    there = moved(X, TARGET)
    (value, gradient), (expected, climb) = score.value_and_gradient(there), plain.value_and_gradient(there)
    np.testing.assert_allclose(value, expected - BEST, rtol=1e-12)
    np.testing.assert_allclose(gradient[:, :2], climb[:, :2], rtol=1e-9)
    assert not gradient[:, 2].any()
    np.testing.assert_allclose(AugmentedUpperConfidenceBound(gp, BEST, BETA).value(X), plain.value(X) - BEST, rtol=1e-12)


def test_it_is_the_formula_that_botorch_documents_and_does_not_compute(gp, X):
    """BoTorch's function, given less than nothing to improve on and twice relieved of the discrepancy, is right where there is a gain."""
    import torch
    from botorch.models import SingleTaskGP
    from botorch_community.acquisition.augmented_multisource import AugmentedUpperConfidenceBound as OfBoTorch

    def at(level):
        return lambda X: gp.predict(np.column_stack([X.detach().numpy().reshape(-1, 2), np.full(len(X), level)]))

    class Source(SingleTaskGP):
        def __init__(self, level):
            super().__init__(torch.zeros(1, 2).double(), torch.zeros(1, 1).double())
            self.level = level

        def posterior(self, X, **kwargs):
            from types import SimpleNamespace

            mean, variance = (torch.tensor(part)[:, None, None] for part in at(self.level)(X))
            return SimpleNamespace(mean=mean, variance=variance)

    levels, costs = (0.0, 0.5, 1.0), {0: 1.0, 1: 10.5, 2: 20.0}
    model = Source(1.0)
    model.models = torch.nn.ModuleList([Source(level) for level in levels])
    theirs = OfBoTorch(model, cost=costs, best_f=-BEST, beta=torch.tensor(BETA, dtype=torch.float64))
    ours = PerCost(AugmentedUpperConfidenceBound(gp, BEST, BETA, TARGET), COST)
    for source, level in enumerate(levels):
        points = np.column_stack([X[:, :2], np.full(len(X), level)])
        asked = torch.tensor(np.column_stack([X[:, :2], np.full(len(X), float(source))]))[:, None]
        off = 1 + np.abs(gp.predict(moved(points, TARGET))[0] - gp.predict(points)[0])
        expected = theirs(asked).detach().numpy() / off**2
        some = expected > 0
        assert some.any() and not some.all()
        np.testing.assert_allclose(ours.value(points)[some], expected[some], rtol=1e-9)


def test_deficits_are_worse_the_further_off_and_the_dearer(gp, X):
    score = AugmentedUpperConfidenceBound(gp, 9.0, BETA, TARGET)
    mean, variance = gp.predict(moved(X, TARGET))
    off = 1 + np.abs(mean - gp.predict(X)[0])
    np.testing.assert_allclose(score.value(X), (mean + np.sqrt(BETA * variance) - 9.0) * off, rtol=1e-12)
    assert np.all(PerCost(score, COST).value(X) < score.value(X))


@pytest.mark.parametrize("best", [-3.0, BEST, 9.0])
def test_gradient(gp, X, best):
    score = AugmentedUpperConfidenceBound(gp, best, BETA, TARGET)
    value, gradient = score.value_and_gradient(X)
    np.testing.assert_allclose(value, score.value(X), rtol=1e-12)
    np.testing.assert_allclose(gradient, slope(score.value, X), rtol=1e-5, atol=1e-6)


def test_pending_points_count_as_measured_at_their_means(gp, X):
    free = AugmentedUpperConfidenceBound(gp, -1.0, BETA, TARGET, noise=0.05)
    pending = moved(X[:2], TARGET)
    ours = free.with_pending(pending[:1]).with_pending(pending[1:])
    grown = gp.condition(pending, gp.predict(pending)[0], np.full(2, 0.05))
    best = max(-1.0, gp.predict(pending)[0].max())
    np.testing.assert_allclose(ours.value(X), AugmentedUpperConfidenceBound(grown, best, BETA, TARGET).value(X), rtol=1e-6, atol=1e-8)
    assert np.all(ours.value(pending) < free.value(pending))
    assert free.with_pending(X[:0]) is free


def test_a_weight_that_is_none(gp):
    with pytest.raises(ValueError, match="beta is -1"):
        AugmentedUpperConfidenceBound(gp, 0.0, -1.0)
