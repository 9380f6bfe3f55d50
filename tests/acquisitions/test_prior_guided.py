"""Beliefs where the optimum lies: densities against quadrature, slopes against differences, the weighed score against BoTorch's."""

import numpy as np
import pytest
import torch
from botorch.acquisition.analytic import LogExpectedImprovement as OfBoTorch
from botorch.acquisition.prior_guided import PriorGuidedAcquisitionFunction
from botorch.models import SingleTaskGP
from scipy.integrate import quad

from acquisitions import LogExpectedImprovement, LogNoisyExpectedImprovement
from acquisitions.maximizer.botorch import BoTorchAcquisition
from acquisitions.prior_guided import LevelsMarginal, LogOptimumPrior, NormalMarginal, PriorGuided, prior_guided
from acquisitions.protocol import Rough
from surrogates.columns import INACTIVE, Column, Columns, Parent
from surrogates.exact_gp import fit
from tests.acquisitions.differences import slope

NORMALS = [NormalMarginal(0, 0.3, 0.1), NormalMarginal(0, 0.0, 0.4), NormalMarginal(0, 0.9, 25.0), NormalMarginal(0, 1.0, 1e-3)]
LEVELS = LevelsMarginal(1, (0.125, 0.375, 0.625, 0.875), (1.0, 4.0, 2.0, 1.0))
CUBE = Columns(tuple(Column(f"x{i}") for i in range(3)))
TREE = Columns(
    (
        Column("x"),
        Column("kind", "categorical", LEVELS.levels),
        Column("z", parent=Parent((1,), ((0.375,), (0.625,)))),
    )
)


def density(marginal, u):
    return float(np.exp(marginal.log_density(np.array([u]))[0][0]))


@pytest.mark.parametrize("marginal", NORMALS)
def test_a_normal_belief_is_relative_to_the_uniform_one(marginal):
    peak = [p for k in (-9, -3, 0, 3, 9) if 0 < (p := marginal.mean + k * marginal.sd) < 1]
    assert quad(lambda u: density(marginal, u), 0, 1, points=peak or None, limit=200)[0] == pytest.approx(1.0, rel=1e-9)
    one_away = marginal.mean + (1 if marginal.mean < 0.5 else -1) * marginal.sd
    ratio = density(marginal, one_away) / density(marginal, marginal.mean)
    assert ratio == pytest.approx(np.exp(-0.5), rel=1e-12)


@pytest.mark.parametrize("marginal", NORMALS)
@pytest.mark.parametrize("p", [0.0, 1e-3, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_of_a_normal_belief(marginal, p):
    u = marginal.quantile(p)
    assert 0 <= u <= 1
    near = [q for k in (-9, -3, 0, 3, 9) if 0 < (q := marginal.mean + k * marginal.sd) < u]
    assert quad(lambda v: density(marginal, v), 0, u, points=near or None, limit=200)[0] == pytest.approx(p, abs=1e-8)


def test_a_belief_about_levels():
    values = LEVELS.log_density(np.array([*LEVELS.levels, 0.4]))[0]
    np.testing.assert_allclose(np.exp(values), [0.5, 2.0, 1.0, 0.5, 2.0])
    assert [LEVELS.quantile(p) for p in (0.0, 0.12, 0.13, 0.62, 0.63, 0.87, 0.88, 1.0)] == [
        0.125,
        0.125,
        0.375,
        0.375,
        0.625,
        0.625,
        0.875,
        0.875,
    ]


def test_slopes():
    X = np.random.default_rng(0).random((9, 3))
    prior = LogOptimumPrior((NormalMarginal(0, 0.3, 0.2), NormalMarginal(2, 0.9, 0.5)), CUBE)
    value, gradient = prior.value_and_gradient(X)
    np.testing.assert_array_equal(prior.value(X), value)
    np.testing.assert_allclose(gradient, slope(prior.value, X), rtol=1e-7, atol=1e-7)
    assert not gradient[:, 1].any()


def test_what_is_inactive_adds_nothing():
    z = NormalMarginal(2, 0.8, 0.1)
    prior = LogOptimumPrior((LEVELS, z), TREE)
    X = np.array([[0.1, 0.125, INACTIVE], [0.1, 0.375, 0.8], [0.1, 0.625, 0.7]])
    value, gradient = prior.value_and_gradient(X)
    about_z = z.log_density(np.array([0.8, 0.7]))[0]
    np.testing.assert_allclose(value, [np.log(0.5), np.log(2.0) + about_z[0], about_z[1]], atol=1e-14)
    assert gradient[0, 2] == 0.0
    assert gradient[2, 2] == pytest.approx(10.0)


def test_the_weighed_score_is_botorchs():
    rng = np.random.default_rng(1)
    X = rng.random((12, 3))
    y = np.sin(4 * X).sum(1, keepdims=True)
    model = SingleTaskGP(torch.tensor(X), torch.tensor((y - y.mean()) / y.std(ddof=1)), outcome_transform=None).eval()
    inner = OfBoTorch(model, best_f=1.0)
    mean, sd = torch.tensor([0.2, 0.6, 0.9], dtype=torch.float64), torch.tensor([0.1, 0.3, 1.0], dtype=torch.float64)
    theirs = PriorGuidedAcquisitionFunction(
        inner, lambda P: torch.distributions.Normal(mean, sd).log_prob(P).sum(-1), log=True, prior_exponent=0.7
    )
    ours = PriorGuided(
        BoTorchAcquisition(inner),
        LogOptimumPrior([NormalMarginal(j, float(mean[j]), float(sd[j])) for j in range(3)], CUBE),
        0.7,
    )
    P = rng.random((8, 3))
    value, gradient = ours.value_and_gradient(P)
    there = torch.tensor(P)[:, None, :].requires_grad_()
    expected = theirs(there)
    (slopes,) = torch.autograd.grad(expected.sum(), there)
    offset = value - expected.detach().numpy()  # theirs is not cut off at the ends of the cube
    np.testing.assert_allclose(offset, offset[0], rtol=1e-9)
    np.testing.assert_allclose(gradient, slopes[:, 0].numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(ours.value(P), value)


@pytest.fixture(scope="module")
def gp():
    X = np.random.default_rng(0).random((10, 3))
    return fit(X, np.sin(5 * X).sum(1) - 1.5, np.full(10, 1e-4))


def test_the_belief_fades(gp):
    X = np.random.default_rng(3).random((3_000, 3))
    gain, prior = LogExpectedImprovement(gp, 1.0), LogOptimumPrior((NormalMarginal(0, 0.95, 0.03),), CUBE)

    def best(n):
        return int(np.argmax(prior_guided(gain, prior, 10.0 / n).value(X)))

    alone = int(np.argmax(gain.value(X)))
    assert abs(X[best(1), 0] - 0.95) < 0.1
    assert best(1) != alone
    assert best(100_000) == alone


def test_screening_is_weighed_where_it_is_cheap(gp):
    X, prior = np.random.default_rng(4).random((50, 3)), LogOptimumPrior((NormalMarginal(1, 0.5, 0.1),), CUBE)
    gain = LogNoisyExpectedImprovement(gp, gp.X, (), seed=1)
    assert isinstance(gain, Rough)
    cheap = prior_guided(gain, prior, 0.3)
    assert isinstance(cheap, Rough)
    np.testing.assert_allclose(cheap.rough(X) - gain.rough(X), 0.3 * prior.value(X), atol=1e-12)
    assert not isinstance(prior_guided(LogExpectedImprovement(gp, 1.0), prior, 0.3), Rough)
