"""The acquisition functions on the exact Gaussian process: gradients, and no data that they cannot bear."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisitions import (
    GIBBON,
    LogConstrainedExpectedImprovement,
    LogDiscreteKnowledgeGradient,
    LogEntropySearch,
    LogExpectedHypervolumeImprovement,
    LogExpectedImprovement,
    LogIntegratedVarianceReduction,
    LogKGCP,
    LogMaxValueEntropy,
    LogNoisyExpectedHypervolumeImprovement,
    LogNoisyExpectedImprovement,
    LogProbabilityOfFeasibility,
    LogProbabilityOfImprovement,
    OutcomeConstraint,
    PosteriorMean,
    Straddle,
    UpperConfidenceBound,
)
from surrogates.exact_gp import fit


def every(gps, X, Y):
    """One of each, over three outcomes."""
    f, g, h = gps
    bounds = [OutcomeConstraint(g, upper=0.3), OutcomeConstraint(h, lower=-0.5, upper=1.0)]
    best = Y[:, 0].max()
    return {
        "log_ei": LogExpectedImprovement(f, best),
        "log_pi": LogProbabilityOfImprovement(f, best),
        "straddle": Straddle(f, 0.1),
        "integrated_variance": LogIntegratedVarianceReduction(f, np.vstack([X, 1 - X]), 0.05),
        "ucb": UpperConfidenceBound(f, 4.0),
        "mean": PosteriorMean(f),
        "log_pof": LogProbabilityOfFeasibility(bounds),
        "log_cei": LogConstrainedExpectedImprovement(f, best, bounds),
        "log_nei": LogNoisyExpectedImprovement(f, X),
        "log_nei_bounded": LogNoisyExpectedImprovement(f, X, bounds),
        "kgcp": LogKGCP(f, X, 0.05),
        "kgcp_bounded": LogKGCP(f, X, 0.05, bounds),
        "knowledge_gradient": LogDiscreteKnowledgeGradient(f, np.vstack([X, 1 - X]), 0.05, candidate=True),
        "mes": LogMaxValueEntropy(f, X, 0.05, bounds),
        "gibbon": GIBBON(f, X, 0.05),
        "gibbon_pending": GIBBON(f, X, 0.05).with_pending(1 - X[:1]),
        "entropy_search": LogEntropySearch(f, np.vstack([X, 1 - X]), 0.05, bounds),
        "log_ehvi": LogExpectedHypervolumeImprovement([f, g], Y[:, :2], [-2, -2]),
        "log_nehvi": LogNoisyExpectedHypervolumeImprovement([f, g], X, [-2, -2]),
        "log_nehvi_bounded": LogNoisyExpectedHypervolumeImprovement([f, g, h], X, [-2, -2, -2], bounds[1:]),
    }


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(0)
    X = rng.random((20, 3))
    Y = np.column_stack([np.sin(5 * X).sum(1), np.cos(4 * X).sum(1), X.sum(1) ** 2])
    Y = (Y - Y.mean(0)) / Y.std(0) + 0.2 * rng.standard_normal(Y.shape)
    return [fit(X, y) for y in Y.T], X, Y


def test_gradients_by_differences(measured, check_gradient):
    for name, acquisition in every(*measured).items():
        if name == "entropy_search":  # which has edges; see its own test
            continue
        check_gradient(acquisition, np.random.default_rng(1).random((10, 3)), tolerance=1e-5)


@settings(max_examples=60)
@given(
    n=st.integers(1, 12),
    d=st.integers(1, 4),
    copies=st.integers(0, 5),
    spread=st.sampled_from([0.0, 1e-9, 1e-4, 1.0]),
    known=st.sampled_from([None, 0.0, 1e-12, 1e-4, 1.0]),
    scale=st.sampled_from([0.0, 1e-12, 1.0, 1e6]),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_data_break_them(n, d, copies, spread, known, scale, seed):
    """Repeated and crowded points, constant and huge outcomes, no noise and a lot."""
    rng = np.random.default_rng(seed)
    X = np.clip(0.5 + spread * (rng.random((n, d)) - 0.5), 0, 1)
    X = np.vstack([X, X[rng.integers(0, n, copies)]])
    Y = scale * rng.standard_normal((len(X), 3))
    yvar = None if known is None else np.full(len(X), known)
    gps = [fit(X, y, yvar) for y in Y.T]
    points = np.vstack([X[:3], X[:3] + 1e-10, rng.random((4, d)), np.zeros((1, d)), np.ones((1, d))])
    for name, acquisition in every(gps, X, Y).items():
        value, gradient = acquisition.value_and_gradient(points)
        worthless = value == -np.inf if name.startswith(("kgcp", "know", "integ", "entropy")) else False  # a known point tells nothing
        assert np.all(np.isfinite(value) | worthless), name
        assert np.all(np.isfinite(gradient)), name
        np.testing.assert_allclose(acquisition.value(points), value, rtol=1e-6, atol=1e-9, err_msg=name)


def test_no_torch_and_no_scipy_stats_are_loaded():
    """Over a second of imports, that a proposal on the CPU has no use for."""
    program = """
import sys
import numpy as np
from acquisitions import LogNoisyExpectedHypervolumeImprovement, LogNoisyExpectedImprovement
from surrogates.exact_gp import fit
X = np.random.default_rng(0).random((10, 2))
gps = [fit(X, y) for y in np.sin(5 * X).T]
LogNoisyExpectedImprovement(gps[0], X).value_and_gradient(X)
LogNoisyExpectedHypervolumeImprovement(gps, X, [-1, -1]).value_and_gradient(X)
assert not {"torch", "botorch", "scipy.stats"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
