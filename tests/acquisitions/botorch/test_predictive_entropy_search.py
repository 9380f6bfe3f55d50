"""Predictive entropy search: BoTorch's values, its gradient where there is one, and zeros where there is none."""

import numpy as np
import torch
from botorch.acquisition.predictive_entropy_search import qPredictiveEntropySearch

from acquisitions.botorch import PredictiveEntropySearch
from acquisitions.maximizer.botorch import BoTorchAcquisition


def test_equals_botorch_and_has_gradients_everywhere(make_case):
    case = make_case()
    rng = np.random.default_rng(0)
    best, X = torch.tensor(rng.random((8, 3))), torch.tensor(rng.random((30, 1, 3)))
    found = []
    for kind in (qPredictiveEntropySearch, PredictiveEntropySearch):
        points = X.clone().requires_grad_()
        acquisition = kind(case.model, best)
        acquisition.set_X_pending(best[:1] + 0.01)
        values = acquisition(points)
        found.append((values.detach(), *torch.autograd.grad(values.sum(), points)))
    (expected, slopes), (values, gradients) = found
    np.testing.assert_array_equal(values, expected)
    broken = slopes.isnan()
    assert 0 < broken.sum() < slopes.numel()  # what this class is for
    np.testing.assert_array_equal(gradients[~broken], slopes[~broken])
    assert not gradients[broken].any()
    with torch.no_grad():
        assert acquisition(X).shape == (30,)


def test_gradient_by_differences(make_case, check_gradient):
    case = make_case(n=8, d=2, noise=0.03)
    best = torch.tensor(np.random.default_rng(0).random((8, 2)))
    score = BoTorchAcquisition(PredictiveEntropySearch(case.model, best))
    X = 0.05 + 0.9 * np.random.default_rng(1).random((5, 2))
    value, gradient = score.value_and_gradient(X)
    check_gradient(score, X[gradient.any(1)], tolerance=1e-4)
    assert gradient.any(1).sum() >= 4 and value.max() > 0.1
