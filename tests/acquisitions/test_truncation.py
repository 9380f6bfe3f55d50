"""Truncated normals and what is learned of their bound: against integrals in many digits, limits, and differences."""

import mpmath
import numpy as np
import pytest

from acquisitions.truncation import Truncated, information_bound, log_information

G = [-30.0, -15.1, -14.9, -5.0, -1.0, 0.0, 0.3, 2.0, 6.0]
SIGNAL = [1e-4, 0.01, 0.3, 0.7, 0.97]


def phi(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def cdf(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def call(function, g, signal, noise=None):
    """At one point."""
    noise = 1.0 - signal if noise is None else noise
    return tuple(float(part[0]) for part in function(np.array([g]), np.array([signal]), np.array([noise])))


@pytest.mark.parametrize("g", [-1e3, -100.0, *G, 30.0])
def test_moments_by_their_definition(g):
    with mpmath.workdps(60 + int(max(g, 0.0) ** 2 / 2)):
        x = mpmath.mpf(g)
        r = phi(x) / cdf(x)
        q = x + r
        w = 1 - r * q
        expected = [mpmath.log(r), r, q, w, r * (q * q - w)]
        expected = [float(value) for value in expected]
    normal = Truncated(np.array([g]))
    found = [float(part[0]) for part in (normal.log_hazard, normal.hazard, normal.gap, normal.variance, normal.slope)]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-300)  # the slope loses most, just above -15


def test_moments_far_out_by_their_leading_order():
    for t in (1e4, 1e7, 1e10):
        normal = Truncated(np.array([-t]))
        found = [float(part[0]) for part in (normal.hazard, normal.gap, normal.variance, normal.slope)]
        np.testing.assert_allclose(found, [t, 1 / t, t**-2, 2 * t**-3], rtol=1e-6)
        assert normal.log_hazard[0] == pytest.approx(np.log(t), rel=1e-8)


@pytest.mark.parametrize("g", [-15.1, -5.0, -1.0, 0.3, 2.0, 6.0])
@pytest.mark.parametrize("signal", [1e-4, 0.3, 0.97])
def test_information_is_the_fall_of_the_entropy(g, signal):
    """By integrating ``p log p`` over z, on nodes of the truncated density's own scale."""
    value, *_ = call(log_information, g, signal)
    with mpmath.workdps(20):
        x, s = mpmath.mpf(g), mpmath.mpf(signal)
        rho, c, mass = mpmath.sqrt(s), mpmath.sqrt(1 - mpmath.mpf(signal)), cdf(mpmath.mpf(g))
        r = phi(x) / mass
        mean, sd = -rho * r, mpmath.sqrt(1 - s * r * (x + r))

        def gain(z):  # p log (p / phi): what is left of the entropy once the quadratic part is taken out
            log_ratio = mpmath.log(cdf((x - rho * z) / c)) - mpmath.log(mass)
            return phi(z) * mpmath.exp(log_ratio) * log_ratio

        nodes = [mean + sd * k for k in (-12, -8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 12)]
        expected = s * r * x / 2 + mpmath.quad(gain, nodes)  # E z^2 = 1 - rho^2 g r
        assert value == pytest.approx(float(mpmath.log(expected)), abs=1e-7)


@pytest.mark.parametrize("g", [-1e6, -40.0, -1.0, 0.0, 1.5, 6.0])
def test_without_noise_it_is_the_formula_of_wang_and_jegelka(g):
    with mpmath.workdps(60):
        x = mpmath.mpf(g)
        r = phi(x) / cdf(x) if g > -1e4 else -x - 1 / x + 2 / x**3
        log_cdf = mpmath.log(cdf(x)) if g > -1e4 else -x * x / 2 - mpmath.log(2 * mpmath.pi) / 2 - mpmath.log(r)
        expected = float(mpmath.log(x * r / 2 - log_cdf))
    assert call(log_information, g, 1.0, 0.0)[0] == pytest.approx(expected, rel=1e-12)
    assert call(log_information, g, 1.0, 1e-18)[0] == pytest.approx(expected, abs=1e-2)


def test_where_the_information_underflows():
    """``g phi(g) / 2`` and a little: the logarithm goes on, and scales with the signal."""
    for g in (30.0, 100.0, 1e4):
        value, d_g, _ = call(log_information, g, 1.0, 0.0)
        assert value == pytest.approx(-0.5 * g * g - 0.5 * np.log(2 * np.pi) + np.log(g / 2 + 1 / g), abs=3 / g**4 + 1e-12 * g * g)
        assert d_g == pytest.approx(-g + 1 / g, rel=1e-2)
        assert call(log_information, g, 1e-9)[0] == pytest.approx(value + np.log(1e-9), abs=2 / g**2 + 1e-6)


def test_the_bound_is_below_and_near_where_the_noise_rules():
    g, signal = (part.ravel() for part in np.meshgrid(np.linspace(-25, 8, 67), [1e-12, 1e-6, 1.1e-5, 1e-3, 0.1, 0.5, 0.9, 0.999, 1.0]))
    bound, exact = information_bound(g, signal, 1 - signal)[0], np.exp(log_information(g, signal, 1 - signal)[0])
    assert np.all(bound >= 0)
    assert np.all(bound <= exact * (1 + 1e-8))
    np.testing.assert_allclose(bound[signal < 2e-3], exact[signal < 2e-3], rtol=1e-5)
    assert np.any(bound[signal == 1.0] < 0.9 * exact[signal == 1.0])
    by_signal = exact.reshape(9, -1)
    assert np.all(np.diff(by_signal, axis=0) > 0)  # less noise, more information


@pytest.mark.parametrize("function", [information_bound, log_information])
@pytest.mark.parametrize("g", [-1e3, *G])
@pytest.mark.parametrize("signal", [1e-7, *SIGNAL])
def test_slopes_by_differences(function, g, signal):
    _, d_g, d_ratio = call(function, g, signal)
    h, odds = 1e-4 * max(1, abs(g)), np.log(signal / (1 - signal))

    def at(odds):
        return call(function, g, 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(odds)))[0]

    size = max(abs(at(odds)), 1e-12) if function is information_bound else 1.0
    tolerance = 1e-6 + 1e-11 / min(signal, 1) if function is log_information else 1e-6
    assert d_g == pytest.approx(
        (call(function, g + h, signal)[0] - call(function, g - h, signal)[0]) / (2 * h), rel=1e-5, abs=tolerance * size
    )
    assert d_ratio == pytest.approx((at(odds + 1e-4) - at(odds - 1e-4)) / 2e-4, rel=1e-5, abs=tolerance * size)


def test_nothing_breaks_them():
    near_underflow = np.linspace(36, 39, 301)
    g, signal = (
        part.ravel()
        for part in np.meshgrid([-1e10, -1e6, -20.0, 0.0, 20.0, *near_underflow, 1e4, 1e10], [1e-14, 1e-5, 0.5, 1 - 1e-12, 1.0])
    )
    for function in (information_bound, log_information):
        for part in function(g, signal, 1 - signal):
            assert np.all(np.isfinite(part))
