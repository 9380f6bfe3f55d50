"""Two-step lookahead: by plain sampling, its limits, and its gradient."""

import numpy as np
import pytest
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.models import SingleTaskGP

from acquisitions.botorch import LogTwoStepLookahead
from acquisitions.expected_improvement import ExpectedImprovement
from surrogates.exact_gp.model import fit_model

P = torch.tensor(np.random.default_rng(3).random((15, 2)))
CANDIDATES = torch.tensor(np.random.default_rng(4).random((6, 1, 2)))


def case(noise=1e-2, n=8):
    rng = np.random.default_rng(0)
    X = rng.random((n, 2))
    y = np.sin(5 * X).sum(1)
    return fit_model(X, ((y - y.mean()) / y.std(ddof=1))[:, None], np.full((n, 1), noise))


def by_sampling(model, x, samples=4_000):
    """EI of x, and of the best second point after each of many results, by conditioning anew."""
    gp, X = model.outputs[0].gp, model.train_inputs[0].numpy()
    noise = float(gp.yvar.mean())
    mean, variance = gp.predict(x)
    total = ExpectedImprovement(gp, gp.predict(X)[0].max()).value(x)[0]
    # of results the means at all points are linear in one normal, so that one condition is enough
    after = gp.condition(x, mean, np.array([noise]))
    Z = np.random.default_rng(1).standard_normal(samples)
    slope = lambda S: gp.covariance(S, x)[:, 0] / np.sqrt(variance[0] + noise)
    best = (gp.predict(np.vstack([X, x]))[0] + Z[:, None] * slope(np.vstack([X, x]))).max(1)
    from scipy.stats import norm

    m, s = gp.predict(P.numpy())[0] + Z[:, None] * slope(P.numpy()), np.sqrt(after.predict(P.numpy())[1])
    z = (m - best[:, None]) / s
    second = (s * (norm.pdf(z) + z * norm.cdf(z))).max(1)
    return total + second.mean(), second.std() / np.sqrt(samples)


@pytest.mark.parametrize("noise", [1e-4, 0.1])
def test_it_is_what_samples_say(noise):
    model = case(noise)
    assert model.outputs[0].scaling.scale == pytest.approx(1.0)
    with torch.no_grad():
        found = LogTwoStepLookahead(model, P, model.train_inputs[0])(CANDIDATES).exp().numpy()
    for value, x in zip(found, CANDIDATES.numpy(), strict=True):
        expected, error = by_sampling(model, x)
        assert abs(value - expected) < 4 * error + 0.03 * expected  # the quadrature of a function with kinks leaves some percent


@pytest.mark.parametrize("noise", [1e-4, 0.1])
def test_with_many_nodes_it_is_what_samples_say_within_their_error(noise, monkeypatch):
    """Three standard errors of 20,000 results; what the kinks cost 101 nodes is a tenth of a percent."""
    monkeypatch.setattr("acquisitions.botorch.two_step_lookahead.NODES", 101)
    model = case(noise)
    with torch.no_grad():
        found = LogTwoStepLookahead(model, P, model.train_inputs[0])(CANDIDATES).exp().numpy()
    for value, x in zip(found, CANDIDATES.numpy(), strict=True):
        expected, error = by_sampling(model, x, samples=20_000)
        assert abs(value - expected) < 3 * error + 1e-3 * expected
        assert error < 0.01 * expected


def test_a_candidate_that_tells_nothing_leaves_the_best_single_improvement():
    """Known without noise, it improves nothing, and the second evaluation is the best one by expected improvement."""
    model = case(noise=0.0)
    best = model.outputs[0].gp.predict(model.train_inputs[0].numpy())[0].max()
    with torch.no_grad():
        found = LogTwoStepLookahead(model, P, model.train_inputs[0])(model.train_inputs[0].unsqueeze(1))
        single = LogExpectedImprovement(model, best_f=best)
        np.testing.assert_allclose(found, float(single(P.unsqueeze(1)).max()), atol=0.02)
        both = LogTwoStepLookahead(model, P, model.train_inputs[0])(P.unsqueeze(1))
    assert np.all(both.exp().numpy() > single(P.unsqueeze(1)).exp().numpy())  # two evaluations are worth more than one


def test_gradient():
    model = case()
    score = LogTwoStepLookahead(model, P, model.train_inputs[0])
    points = CANDIDATES.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score(points).sum(), points)
    for j in range(2):
        shift = 1e-6 * torch.eye(2, dtype=torch.float64)[j]
        with torch.no_grad():
            slope = (score(points + shift) - score(points - shift)) / 2e-6
        np.testing.assert_allclose(gradient[:, 0, j], slope, atol=1e-4 * float(gradient.abs().max()))


def test_candidates_do_not_depend_on_each_other_and_models_of_botorch_agree():
    model = case()
    score = LogTwoStepLookahead(model, P, model.train_inputs[0])
    twin = model.to_gpytorch()
    with torch.no_grad():
        np.testing.assert_allclose(score(CANDIDATES), torch.cat([score(x[None]) for x in CANDIDATES]), atol=1e-9)
        np.testing.assert_allclose(score(CANDIDATES), LogTwoStepLookahead(twin, P, model.train_inputs[0])(CANDIDATES), atol=1e-3)
    assert isinstance(twin, SingleTaskGP)
    with pytest.raises(ValueError, match="X and X_baseline have a point each"):
        LogTwoStepLookahead(model, P[:0], P)
