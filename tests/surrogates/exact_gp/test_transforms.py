"""Output transforms: there and back, derivatives, moments by closed forms and by sampling, SciPy's Yeo-Johnson."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogates.exact_gp.transforms import Bilog, Chain, Standardise, Winsorise, YeoJohnson, fit_chain, quadrature

SMOOTH = [
    Standardise(3.0, 0.2),
    *(YeoJohnson(power) for power in (0.0, 0.4, 1.0, 1.7, 2.0)),
    Bilog(),
    Chain((Standardise(3.0, 5.0), YeoJohnson(0.3), Standardise(-1.0, 0.5))),
]
Y = np.linspace(-7.3, 9.1, 41)


@pytest.mark.parametrize("transform", SMOOTH, ids=str)
def test_there_and_back_and_how_fast(transform):
    Z = transform.forward(Y)
    assert np.all(np.diff(Z) > 0)
    np.testing.assert_allclose(transform.inverse(Z), Y, rtol=1e-12, atol=1e-12)
    h = 1e-6
    slope = (transform.forward(Y + h) - transform.forward(Y - h)) / (2 * h)
    np.testing.assert_allclose(transform.derivative(Y), slope, rtol=1e-7)


@pytest.mark.parametrize("transform", SMOOTH, ids=str)
def test_moments_are_those_of_samples(transform):
    rng = np.random.default_rng(0)
    mean, variance = np.array([-0.5, 0.1, 0.8]), np.array([0.3, 0.02, 0.1])
    samples = transform.inverse(mean + np.sqrt(variance) * rng.standard_normal((400_000, 3)))
    found = transform.moments(mean, variance)
    np.testing.assert_allclose(found[0], samples.mean(0), atol=5 * (samples.std(0) / np.sqrt(4e5)).max())
    np.testing.assert_allclose(np.sqrt(found[1]), samples.std(0), rtol=0.02)


def test_moments_by_closed_forms():
    # Where the power is zero and the values are positive, 1 + y is log-normal.
    mean, variance = np.array([4.0]), np.array([0.25])
    found = YeoJohnson(0.0).moments(mean, variance)
    expected = np.exp(4.125)
    np.testing.assert_allclose(1 + found[0], expected, rtol=1e-10)
    np.testing.assert_allclose(found[1], expected**2 * np.expm1(0.25), rtol=1e-8)
    affine = Standardise(2.0, 3.0)
    for ours, theirs in zip(affine.moments(mean, variance), quadrature(affine, mean, variance), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_yeo_johnson_is_scipys():
    from scipy.stats import yeojohnson

    y = np.random.default_rng(0).gamma(2.0, size=80) - 1.5
    values, power = yeojohnson(y)
    assert 0 < power < 2
    fitted = YeoJohnson.fit(y)
    assert fitted.power == pytest.approx(power, abs=1e-3)
    np.testing.assert_allclose(YeoJohnson(power).forward(y), values, rtol=1e-12)


def test_far_values_on_the_bad_side_are_moved_to_the_fence():
    y = np.array([-1e9, -2.0, -1.0, 0.0, 1.0, 2.0, 1e9])
    low, high = np.quantile(y, [0.25, 0.75])
    fence = low - 3 * (high - low)
    np.testing.assert_array_equal(Winsorise.fit(y).forward(y), [fence, *y[1:]])
    assert Winsorise.fit(y, tail="high").forward(y)[0] == -1e9
    assert np.abs(Winsorise.fit(y, tail="both").forward(y)).max() < 100
    np.testing.assert_array_equal(Winsorise.fit([1.0, 1.0, 1.0, 5.0]).forward([1.0, 5.0]), [1.0, 5.0])


def test_a_chain_makes_skewed_values_normal_and_brings_predictions_back():
    rng = np.random.default_rng(0)
    y = -np.exp(2 * rng.standard_normal(200))
    chain = fit_chain(y, ("winsorise", "standardise", "yeo_johnson", "standardise"))
    z = chain.forward(y)
    assert abs(z.mean()) < 1e-9 and z.std(ddof=1) == pytest.approx(1)
    skew = lambda v: np.mean((v - v.mean()) ** 3) / v.std() ** 3
    assert abs(skew(z)) < 1.1 < 3 < abs(skew(y))
    fenced = chain.steps[0].forward(y)
    np.testing.assert_allclose(chain.inverse(z), fenced, rtol=1e-9)
    np.testing.assert_allclose(chain.moments(z, np.full(200, 1e-12))[0], fenced, rtol=1e-5, atol=1e-6)


@given(
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20),
    st.sampled_from([("standardise",), ("winsorise", "standardise", "yeo_johnson", "standardise"), ("bilog", "standardise")]),
)
def test_any_values_have_finite_transforms_and_moments(y, kinds):
    chain = fit_chain(y, kinds)
    z = chain.forward(y)
    assert np.all(np.isfinite(z))
    assert all(np.all(np.isfinite(moment)) for moment in chain.moments(z, np.ones(len(y))))
