"""Gaussian tails against 60-digit arithmetic."""

import mpmath
import numpy as np
import pytest

from acquisitions.tails import log_cdf, log_h, log_interval

mpmath.mp.dps = 60
POINTS = [-1e4, -1e3, -100.0, -40.0, -20.5, -19.5, -10.0, -5.0, -1.001, -0.999, -0.3, 0.0, 0.3, 1.0, 5.0, 10.0, 37.6, 40.0, 41.0, 1e4]


def phi(z):
    return mpmath.exp(-(mpmath.mpf(z) ** 2) / 2) / mpmath.sqrt(2 * mpmath.pi)


def cdf(z):
    return mpmath.erfc(-mpmath.mpf(z) / mpmath.sqrt(2)) / 2


def h(z):
    if z < -50:  # 60 digits do not survive the cancellation: t^-2 (1 - 3 t^-2 + ...), whose next term is below 1e-14
        s = mpmath.mpf(z) ** -2
        return phi(z) * s * (1 - 3 * s + 15 * s**2 - 105 * s**3 + 945 * s**4 - 10395 * s**5)
    return phi(z) + z * cdf(z)


@pytest.mark.parametrize("z", POINTS)
def test_h_and_cdf(z):
    value, slope = log_h(np.array([z]))
    np.testing.assert_allclose(value[0], float(mpmath.log(h(z))), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(slope[0], float(cdf(z) / h(z)), rtol=5e-13)
    value, slope = log_cdf(np.array([z]))
    np.testing.assert_allclose(value[0], float(mpmath.log(cdf(z))), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(slope[0], float(phi(z) / cdf(z)), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("z", [1e8, -1e8, 1e10, -1e10])
def test_h_leading_order_far_out(z):
    value, slope = log_h(np.array([z]))
    expected = np.log(z) if z > 0 else -0.5 * z * z - 0.5 * np.log(2 * np.pi) - 2 * np.log(-z)
    assert value[0] == pytest.approx(expected, rel=1e-14)
    assert slope[0] == pytest.approx(1 / z if z > 0 else -z, rel=1e-12)


def test_h_rises_without_a_jump():
    z = np.sort(np.concatenate([np.linspace(-60, 60, 20001), *(b + np.linspace(-1e-6, 1e-6, 2001) for b in (-20, -1, 0, 40))]))
    value, slope = log_h(z)
    gap = np.diff(z)
    assert np.all(np.diff(value)[gap > 0] > 0)
    trapezium = 0.5 * (slope[1:] + slope[:-1]) * gap
    np.testing.assert_allclose(np.diff(value), trapezium, rtol=1e-3, atol=1e-12)


def test_h_agrees_with_botorch():
    import torch
    from botorch.acquisition.analytic import _log_ei_helper

    z = torch.linspace(-100, 100, 4001, dtype=torch.float64, requires_grad=True)
    expected = _log_ei_helper(z)
    expected.sum().backward()
    value, slope = log_h(z.detach().numpy())
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(slope, z.grad.numpy(), rtol=1e-9)


@pytest.mark.parametrize("a, b", [(-1, 2), (-40, -39), (39, 40), (-1e4, -9999), (9999, 1e4), (-10, 10), (-50, 60), (3, 3.001), (-0.1, 0.1)])
def test_interval(a, b):
    mass = mpmath.mpf(0)
    lo, hi = (-b, -a) if a > 0 else (a, b)
    mass = cdf(hi) - cdf(lo)
    value, d_a, d_b = log_interval(np.array([float(a)]), np.array([float(b)]))
    np.testing.assert_allclose(value[0], float(mpmath.log(mass)), rtol=1e-12, atol=1e-24)
    np.testing.assert_allclose(d_a[0], float(-phi(a) / mass), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(d_b[0], float(phi(b) / mass), rtol=1e-9, atol=1e-300)
