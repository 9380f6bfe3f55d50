"""The knowledge gradient in BoTorch: the values and gradients of the NumPy classes, on BoTorch's models and on bbo's."""

import numpy as np
import pytest
import torch
from botorch.acquisition.input_constructors import get_acqf_input_constructor
from botorch.acquisition.objective import ScalarizedPosteriorTransform
from botorch.exceptions.errors import UnsupportedError
from botorch.models import ModelListGP
from botorch.models.ensemble import EnsembleModel
from botorch.models.map_saas import EnsembleMapSaasSingleTaskGP
from botorch.optim import optimize_acqf
from botorch.utils.datasets import SupervisedDataset

import acquisitions
from acquisitions.botorch import LogDiscreteKnowledgeGradient, LogKGCP
from acquisitions.botorch.knowledge_gradient import MOST
from acquisitions.envelope import ExpectedGain
from surrogates.exact_gp import fit
from surrogates.exact_gp.model import ExactGPModel, Output
from surrogates.exact_gp.transforms import Standardise

NOISE = 1e-2
PAIRS = {
    "discrete": (
        lambda gp, X: acquisitions.LogDiscreteKnowledgeGradient(gp, X, NOISE),
        lambda model, X, **settings: LogDiscreteKnowledgeGradient(model, X, **settings),
    ),
    "with the candidate": (
        lambda gp, X: acquisitions.LogDiscreteKnowledgeGradient(gp, X, NOISE, candidate=True),
        lambda model, X, **settings: LogDiscreteKnowledgeGradient(model, X, candidate=True, **settings),
    ),
    "kgcp": (lambda gp, X: acquisitions.LogKGCP(gp, X, NOISE), LogKGCP),
}


@pytest.fixture
def X():
    return np.random.default_rng(5).random((30, 3))


def agree(ours, theirs, X, rtol=1e-8):
    points = torch.tensor(X[:, None], requires_grad=True)
    expected = theirs(points)
    assert expected.shape == (len(X),)
    expected.sum().backward()
    value, gradient = ours.value_and_gradient(X)
    np.testing.assert_allclose(expected.detach().numpy(), value, rtol=rtol, atol=rtol)
    scale = np.abs(gradient).max(1, keepdims=True) + 1e-12
    np.testing.assert_allclose(points.grad[:, 0].numpy() / scale, gradient / scale, atol=100 * rtol)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("best", [True, False])
def test_equals_the_fast_path_on_a_model_of_botorch(name, best, make_case, X):
    ours, theirs = PAIRS[name]
    case = make_case(noise=NOISE)
    order = np.argsort(case.Y[:, 0])
    chosen = case.X[order[-10:] if best else order[:10]]  # candidates lead where the best are left out
    agree(ours(case.gps[0], chosen), theirs(case.model, torch.tensor(chosen)), X)


@pytest.mark.parametrize("name", PAIRS)
def test_equals_the_fast_path_on_the_exact_gp(name, X):
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(0)
    measured = rng.random((20, 3))
    gp = fit(measured, np.sin(5 * measured).sum(1) + 0.1 * rng.standard_normal(20), np.full(20, NOISE))
    model = ExactGPModel([Output(gp, Standardise(0.0, 1.0))])
    agree(ours(gp, measured), theirs(model, torch.tensor(measured)), X)


@pytest.mark.parametrize("name", PAIRS)
def test_batches_and_one_of_several_outcomes(name, make_case, X):
    _, make = PAIRS[name]
    case = make_case(outcomes=2, noise=NOISE)
    model, points = case.model, torch.tensor(X[:24]).reshape(4, 6, 1, 3)
    chosen = torch.tensor(case.X)
    first = make(model, chosen, posterior_transform=ScalarizedPosteriorTransform(torch.tensor([1.0, 0.0], dtype=torch.float64)))
    with torch.no_grad():
        alone = make(model.models[0], chosen)(points.reshape(24, 1, 3))
        assert first(points).shape == (4, 6)
        np.testing.assert_allclose(first(points).reshape(-1), alone, rtol=1e-8)
    with pytest.raises(UnsupportedError, match="posterior transform"):
        make(ModelListGP(*model.models), chosen)


def test_botorch_climbs_it(make_case):
    case = make_case(noise=NOISE)
    acquisition = LogKGCP(case.model, torch.tensor(case.X))
    bounds = torch.tensor([[0.0] * 3, [1.0] * 3], dtype=torch.float64)
    torch.manual_seed(0)
    _, found = optimize_acqf(acquisition, bounds, q=1, num_restarts=4, raw_samples=64)
    with torch.no_grad():
        random = acquisition(torch.rand(500, 1, 3, dtype=torch.float64))
    assert found > random.max() - 1e-6


@pytest.mark.parametrize("name", PAIRS)
def test_input_constructors(name, make_case, X):
    case = make_case(noise=NOISE)
    model, kind = case.model, type(PAIRS[name][1](case.model, torch.tensor(case.X)))
    construct, measured = get_acqf_input_constructor(kind), torch.tensor(case.X)
    data = SupervisedDataset(measured, torch.tensor(case.Y), feature_names=["a", "b", "c"], outcome_names=["y"])
    points = torch.tensor(X[:, None])
    expected = (LogKGCP(model, measured) if kind is LogKGCP else LogDiscreteKnowledgeGradient(model, measured, candidate=True))(points)
    for given in ({"training_data": data}, {"X_baseline": measured}, {"X_baseline": measured, "training_data": data}):
        np.testing.assert_allclose(kind(**construct(model, **given))(points).detach(), expected.detach(), rtol=1e-12)
    fewer = kind(**construct(model, X_baseline=measured[:3], training_data=data))
    assert len(fewer.X) == 3
    many = torch.tensor(np.random.default_rng(7).random((100, 3)))
    chosen = kind(**construct(model, X_baseline=many)).X
    mean = model.posterior(many).mean[:, 0]
    assert set(map(tuple, chosen.tolist())) == set(map(tuple, many[mean >= mean.sort().values[100 - MOST]].tolist()))
    assert len(chosen) == MOST
    with pytest.raises(ValueError, match="are missing"):
        construct(model)


def test_the_mean_over_an_ensemble_of_models(make_case, X):
    """Two models in one, as BoTorch's fully Bayesian ones: the gain of each, then their mean."""
    case = make_case(noise=NOISE)
    measured, y = torch.tensor(case.X), torch.tensor(case.Y)
    model = EnsembleMapSaasSingleTaskGP(measured, y, torch.full_like(y, NOISE), num_taus=2, outcome_transform=None, input_transform=None)
    model.covar_module.base_kernel.lengthscale = torch.tensor([0.4, 1.5], dtype=torch.float64).reshape(2, 1, 1).expand(2, 1, 3)
    model.eval()
    points = torch.tensor(X[:, None])
    with torch.no_grad():
        found = LogKGCP(model, measured)(points)
        posterior = model.posterior(torch.cat([measured.expand(len(X), -1, -1), points], -2)).distribution
        noise = model.posterior(points, observation_noise=True).variance[..., 0]
    mean, covariance = posterior.mean, posterior.covariance_matrix[..., -1, :].detach()
    slopes = covariance / noise.sqrt()
    gains = [ExpectedGain.of(mean[:, k].detach().numpy(), slopes[:, k].numpy(), newcomer=True).value for k in range(2)]
    np.testing.assert_allclose(found.exp(), np.mean(gains, 0), rtol=1e-8)
    assert np.abs(gains[0] / gains[1] - 1).max() > 1e-3


def test_what_is_refused(make_case):
    case = make_case(noise=NOISE)
    for kind in (LogKGCP, LogDiscreteKnowledgeGradient):
        with pytest.raises(ValueError, match="X has no points"):
            kind(case.model, torch.empty(0, 3))
        with pytest.raises(UnsupportedError, match="X_pending"):
            kind(case.model, torch.tensor(case.X)).set_X_pending(torch.zeros(1, 3))

    class Two(EnsembleModel):
        def __init__(self):
            super().__init__()
            self._num_outputs = 1

        def forward(self, X):
            return torch.stack([X.sum(-1, keepdim=True), X.prod(-1, keepdim=True)], -3)

    with pytest.raises(UnsupportedError, match="joint Gaussian posteriors, and those of the model are EnsemblePosterior"):
        LogKGCP(Two(), torch.tensor(case.X))(torch.zeros(1, 1, 3))
