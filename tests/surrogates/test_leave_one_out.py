"""Leave-one-out summaries against SciPy, and leave-one-out predictions against refits without the point."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from surrogates.exact_gp import ExactGP, Settings, fit
from surrogates.leave_one_out import LeaveOneOut


def entry(measured: list[float], mean: list[float], sd: float = 1.0) -> LeaveOneOut:
    return LeaveOneOut(np.array(measured), np.array(mean), np.full(len(mean), sd), 0.0)


def test_rank_correlation_is_spearmans_with_ties() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(0, 6, (2, 15)).astype(float)
        assert entry(list(a), list(b)).rank_correlation == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert entry([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]).rank_correlation == 0.0
    assert entry([1.0, 2.0, 3.0], [1.0, 4.0, 9.0]).rank_correlation == pytest.approx(1.0)


def test_residuals_and_coverage_count_in_standard_deviations() -> None:
    given = entry([0.0, 1.0, 3.0, -5.0], [0.0, 0.0, 0.0, 0.0], sd=2.0)
    assert list(given.residuals) == [0.0, 0.5, 1.5, -2.5]
    assert given.coverage() == 0.75
    assert given.coverage(1.0) == 0.5


def test_each_value_is_expected_from_the_others() -> None:
    rng = np.random.default_rng(1)
    X = rng.random((12, 2))
    y = np.sin(5 * X[:, 0]) + 0.3 * rng.standard_normal(12)
    gp = fit(X, y)
    mean, variance = gp.loo()
    for i in range(12):
        rest = np.arange(12) != i
        without = ExactGP.from_memo(X[rest], y[rest], None, gp.memo(), settings=Settings())
        m, v = without.predict(X[[i]])
        assert mean[i] == pytest.approx(m[0], abs=1e-8)
        assert variance[i] == pytest.approx(v[0] + gp.noise, rel=1e-8)
