"""Rules of distributions: moments, tails and quantiles in closed form."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import truncnorm

from acquisitions.quadrature import Standard, product

NORMAL, UNIFORM = Standard(4.0), Standard()


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_gauss_rules_integrate_polynomials(n):
    for rule, distribution in ((NORMAL, truncnorm(-4, 4)), (UNIFORM, None)):
        nodes, weights = rule.gauss(n)
        for degree in range(min(2 * n, 12)):
            moment = 1 / (degree + 1) if distribution is None else distribution.moment(degree) if degree else 1.0
            assert weights @ nodes**degree == pytest.approx(moment, rel=1e-9, abs=1e-9)
        assert np.all(weights > 0) and nodes.min() > rule.ends[0] and nodes.max() < rule.ends[1]


def test_the_mean_of_an_rbf_kernel_over_a_normal_distribution():
    """The closed integral of a Gaussian over a cut-off one, to the digits that `bbo.optimizers.robust` states."""
    nodes, weights = NORMAL.gauss(16)
    for length, tolerance in ((0.1, 1e-8), (0.05, 1e-3)):
        scale = 8 * length  # in standard deviations
        for centre in np.linspace(-4, 4, 9):
            spread = np.sqrt(1 + scale**2)
            mean, sd = centre / spread**2, scale / spread
            mass = ndtr((4 - mean) / sd) - ndtr((-4 - mean) / sd)
            closed = scale / spread * np.exp(-0.5 * (centre / spread) ** 2) * mass / (ndtr(4) - ndtr(-4))
            assert weights @ np.exp(-0.5 * ((nodes - centre) / scale) ** 2) == pytest.approx(closed, abs=tolerance)


def test_strata_have_exact_tail_means():
    for rule, draw in ((NORMAL, truncnorm(-4, 4)), (UNIFORM, None)):
        nodes, weights = rule.strata(20)
        assert np.all(np.diff(nodes) > 0) and weights.sum() == pytest.approx(1.0)
        edge = rule.quantile(np.array([0.1]))[0]
        tail = edge / 2 if draw is None else draw.expect(lambda z: z, ub=edge) / 0.1
        assert nodes[:2].mean() == pytest.approx(tail, rel=1e-6)


def test_quantiles_and_lattices_reach_the_ends():
    for rule in (NORMAL, UNIFORM):
        np.testing.assert_allclose(rule.quantile(np.array([0.0, 1.0])), rule.ends, atol=1e-9)
        np.testing.assert_allclose(rule.lattice(5)[0][[0, -1]], rule.ends)
    np.testing.assert_allclose(NORMAL.quantile(np.array([0.3])), truncnorm(-4, 4).ppf([0.3]), atol=1e-9)


def test_products():
    nodes, weights = product([UNIFORM.gauss(3), NORMAL.gauss(4)])
    assert nodes.shape == (12, 2) and weights.sum() == pytest.approx(1.0)
    assert weights @ (nodes[:, 0] ** 2 * nodes[:, 1] ** 2) == pytest.approx(truncnorm(-4, 4).moment(2) / 3)
    nodes, weights = product([])
    assert nodes.shape == (1, 0) and weights.tolist() == [1.0]
