"""`pareto_mes` and `pareto_jes` of BoTorch: by moments of truncated normals, as a bound of an information, by differences."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from botorch.acquisition.multi_objective.joint_entropy_search import qLowerBoundMultiObjectiveJointEntropySearch
from botorch.acquisition.multi_objective.max_value_entropy_search import qLowerBoundMultiObjectiveMaxValueEntropySearch
from botorch.acquisition.multi_objective.utils import compute_sample_box_decomposition
from botorch.models import ModelListGP, SingleTaskGP
from scipy.stats import norm, truncnorm

from acquisitions.botorch.pareto_joint_entropy_search import ParetoJointEntropySearch, noise_is_known
from acquisitions.maximizer.botorch import BoTorchAcquisition
from bbo.best import nondominated
from surrogates.exact_gp import fit
from surrogates.exact_gp.model import ExactGPModel, Output
from surrogates.exact_gp.transforms import Standardise

NOISE, FRONTS, LENGTH = 0.03, 4, 4


@pytest.fixture(scope="module")
def gps():
    rng = np.random.default_rng(0)
    X = rng.random((8, 2))
    return [fit(X, np.sin(5 * X + shift).sum(1), np.full(8, NOISE)) for shift in (0.0, 2.0)]


@pytest.fixture(scope="module")
def sampled(gps):
    """Where the front of each of some joint samples is, and what it is there."""
    rng = np.random.default_rng(0)
    P = rng.random((40, 2))
    Y = np.stack([rng.multivariate_normal(gp.predict(P)[0], gp.covariance(P, P), FRONTS, method="eigh") for gp in gps], -1)
    fronts = [np.resize(np.flatnonzero(nondominated(-y)), LENGTH) for y in Y]  # a part of each, some points twice
    return np.stack([P[rows] for rows in fronts]), np.stack([y[rows] for y, rows in zip(Y, fronts, strict=True)])


@pytest.fixture(scope="module")
def points():
    return 0.05 + 0.9 * np.random.default_rng(1).random((6, 2))


def boxes(front):
    """``{f : some point of the front is at least f in both}`` as ``(low, high] x (-inf, top]``, without BoTorch's decomposition."""
    edges = [-np.inf, *np.unique(front[:, 0])]
    return [(low, high, front[front[:, 0] >= high, 1].max()) for low, high in pairwise(edges)]


def bound(front, m, v, noise):
    """Entropy of the normal distribution with the covariance that y has where f is below the front."""
    s, total, first, second = np.sqrt(v), 0.0, np.zeros(2), np.zeros((2, 2))
    for low, high, top in boxes(front):
        one = truncnorm((low - m[0]) / s[0], (high - m[0]) / s[0], m[0], s[0])
        two = truncnorm(-np.inf, (top - m[1]) / s[1], m[1], s[1])
        weight = (norm.cdf(high, m[0], s[0]) - norm.cdf(low, m[0], s[0])) * norm.cdf(top, m[1], s[1])
        mean = np.array([one.mean(), two.mean()])
        total, first = total + weight, first + weight * mean
        second += weight * (np.outer(mean, mean) + np.diag([one.var(), two.var()]))
    covariance = second / total - np.outer(first, first) / total**2 + noise * np.eye(2)
    return 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]


def moments(gps, x):
    return np.array([[part[0] for part in gp.predict(x[None])] for gp in gps]).T


def prior_entropy(gps, x):
    return 0.5 * np.log(2 * np.pi * np.e * (moments(gps, x)[1] + NOISE)).sum()


def model(gps):
    return ExactGPModel([Output(gp, Standardise(0.0, 1.0)) for gp in gps])


def mes(gps, fronts):
    return qLowerBoundMultiObjectiveMaxValueEntropySearch(model(gps), compute_sample_box_decomposition(torch.tensor(fronts)))


def jes(gps, sets, fronts):
    tensor = torch.tensor(fronts)
    return qLowerBoundMultiObjectiveJointEntropySearch(model(gps), torch.tensor(sets), tensor, compute_sample_box_decomposition(tensor))


def test_max_value_entropy_is_that_of_truncated_moments(gps, sampled, points):
    fronts = sampled[1]
    expected = [prior_entropy(gps, x) - np.mean([bound(Z, *moments(gps, x), NOISE) for Z in fronts]) for x in points]
    found = BoTorchAcquisition(mes(gps, fronts)).value(points)
    np.testing.assert_allclose(found, expected, atol=2e-5)  # they add 1e-6 to variances
    assert found.max() > 0.03 > found.min() + 0.02


def test_joint_entropy_conditions_on_the_sampled_points_as_measurements(gps, sampled, points):
    """By processes with the sampled values among the data: with the noise of measurements, though the values are latent ones."""
    expected = []
    for x in points:
        conditional = []
        for S, Z in zip(*sampled, strict=True):
            told = [gp.condition(S, z, np.full(len(S), NOISE)) for gp, z in zip(gps, Z.T, strict=True)]
            conditional.append(bound(Z, *moments(told, x), NOISE))
        expected.append(prior_entropy(gps, x) - np.mean(conditional))
    found = BoTorchAcquisition(jes(gps, *sampled)).value(points)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.all(found >= BoTorchAcquisition(mes(gps, sampled[1])).value(points) - 0.02) and found.max() > 0.2


@pytest.mark.filterwarnings("ignore:Data .outcome observations. is not standardized")
@pytest.mark.parametrize("kind", ["list", "joint", "scaled"])
def test_joint_entropy_of_models_of_known_noise(kind, gps, sampled, points):
    """BoTorch's class refuses them; ours has its value on the same processes."""
    twins = model(gps).to_gpytorch()
    size, known = 1.0, twins
    if kind == "joint":  # of one kernel for both outcomes
        (X, y, z), noise = (torch.tensor(part) for part in (gps[0].X, gps[0].y, gps[1].y)), torch.full((8, 2), NOISE).double()
        known = SingleTaskGP(X, torch.stack([y, z], -1), noise, outcome_transform=None).eval()
        twins = ModelListGP(*(known.subset_output([k]) for k in range(2)))
    if kind == "scaled":
        size = 7.0
        known = ExactGPModel([Output(gp, Standardise(3.0, size)) for gp in gps]).to_gpytorch()
    sets, fronts = (torch.tensor(part) for part in sampled)
    assert noise_is_known(known) and not noise_is_known(model(gps))
    assert not noise_is_known(SingleTaskGP(sets[0], fronts[0], outcome_transform=None))
    with pytest.raises(RuntimeError, match="requires a `noise` kwarg"):
        qLowerBoundMultiObjectiveJointEntropySearch(known, sets, fronts, compute_sample_box_decomposition(fronts))
    shifted = fronts if kind != "scaled" else 3.0 + size * fronts
    score = BoTorchAcquisition(ParetoJointEntropySearch(known, sets, shifted, compute_sample_box_decomposition(shifted)))
    found = score.value(points)
    if kind == "joint":
        expected = BoTorchAcquisition(ParetoJointEntropySearch(twins, sets, fronts, compute_sample_box_decomposition(fronts))).value(points)
    else:
        expected = BoTorchAcquisition(jes(gps, *sampled)).value(points)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert found.max() > 0.2
    check = score.value_and_gradient(points)[1]
    h = 1e-5 * np.eye(2)
    slopes = np.stack([(score.value(points + e) - score.value(points - e)) / 2e-5 for e in h], 1)
    np.testing.assert_allclose(check, slopes, atol=1e-4 * np.abs(check).max())


def test_they_are_bounds_of_the_information_in_a_measurement(gps, sampled, points):
    """The entropy of y where f is below a front, by samples of y and the density of it; within three standard errors above the bound."""
    fronts, rng = sampled[1], np.random.default_rng(2)
    below = BoTorchAcquisition(mes(gps, fronts)).value(points)
    gaps = []
    for x, value in zip(points, below, strict=True):
        (m, v), information, variance = moments(gps, x), [], []
        left, share = np.sqrt(v * NOISE / (v + NOISE)), v / (v + NOISE)  # of f once y is known
        for Z in fronts:
            f = rng.normal(m, np.sqrt(v), (40_000, 2))
            f = f[(f[:, None] <= Z).all(-1).any(1)]
            y = f + np.sqrt(NOISE) * rng.standard_normal(f.shape)
            given, inside, chance = m + share * (y - m), 0.0, 0.0
            for low, high, top in boxes(Z):
                for part, mean, sd in ((0, given, left), (1, m[None], np.sqrt(v))):
                    p = (norm.cdf(high, mean[:, 0], sd[0]) - norm.cdf(low, mean[:, 0], sd[0])) * norm.cdf(top, mean[:, 1], sd[1])
                    inside, chance = (inside + p, chance) if part == 0 else (inside, chance + p)
            surprise = -norm.logpdf(y, m, np.sqrt(v + NOISE)).sum(1) - np.log(inside) + np.log(chance)
            information.append(surprise.mean())
            variance.append(surprise.var() / len(y))
        exact, error = prior_entropy(gps, x) - np.mean(information), np.sqrt(np.mean(variance) / FRONTS)
        gaps.append((exact - value) / error)
        assert exact < value + 0.3 * abs(value) + 0.02  # and not far below
    assert min(gaps) > -3 and max(gaps) > 3


@pytest.mark.parametrize("name", ["mes", "jes"])
def test_gradient_by_differences(name, gps, sampled, points, check_gradient):
    score = BoTorchAcquisition(mes(gps, sampled[1]) if name == "mes" else jes(gps, *sampled))
    check_gradient(score, points, h=1e-5, tolerance=1e-4)
