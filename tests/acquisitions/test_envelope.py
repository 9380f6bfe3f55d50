"""The expected maximum of lines against closed forms, 50-digit arithmetic, quadrature, samples and differences."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from acquisitions.envelope import PARALLEL, ExpectedGain, upper_envelope


def gain(a, b, **settings):
    return ExpectedGain.of(np.atleast_2d(np.asarray(a, dtype=float)), np.atleast_2d(np.asarray(b, dtype=float)), **settings)


def exact(a, b):
    """In 50 digits, by the integral over each line's own stretch."""
    with mpmath.workdps(50):
        a, b = ([mpmath.mpf(float(v)) for v in line] for line in (a, b))
        cuts = sorted({(a[i] - a[j]) / (b[j] - b[i]) for i in range(len(a)) for j in range(i) if b[i] != b[j]})
        ends = [-mpmath.inf, *cuts, mpmath.inf]
        total = -max(a)
        for low, high in pairwise(ends):
            middle = high - 1 if low == -mpmath.inf else low + 1 if high == mpmath.inf else (low + high) / 2
            if not mpmath.isfinite(middle):  # no line crosses another
                middle = mpmath.mpf(0)
            top = max(range(len(a)), key=lambda i: a[i] + b[i] * middle)
            total += a[top] * (mpmath.ncdf(high) - mpmath.ncdf(low)) + b[top] * (mpmath.npdf(low) - mpmath.npdf(high))
        return total


def random_lines(m=60, k=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, k)), rng.standard_normal((m, k)) * rng.choice([0.1, 1.0, 3.0], (m, 1))


@pytest.mark.parametrize(
    "a, b, expected", [((0, 0), (0, 1), 0.3989422804), ((0, 0.5), (1, 0), 0.1977965574), ((1, 0.5, 0), (0, 0.5, 2), 0.3955931148)]
)
def test_closed_forms(a, b, expected):
    assert gain(a, b).value[0] == pytest.approx(expected, abs=5e-11)


def test_many_rows_against_the_exact_sum():
    a, b = random_lines()
    expected = [float(exact(*row)) for row in zip(a, b, strict=True)]
    np.testing.assert_allclose(gain(a, b).value, expected, rtol=1e-13)
    np.testing.assert_allclose(gain(a, b).log, np.log(expected), rtol=1e-13, atol=1e-13)


def test_quadrature():
    for a, b in zip(*random_lines(m=5), strict=True):
        cuts = [(a[i] - a[j]) / (b[j] - b[i]) for i in range(len(a)) for j in range(i)]
        points = [-12.0, *sorted(c for c in cuts if abs(c) < 12), 12.0]

        def integrand(z, a=a, b=b):
            return ((a + b * z).max() - a.max()) * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)

        total = sum(quad(integrand, low, high, epsabs=1e-14)[0] for low, high in pairwise(points))
        assert gain(a, b).value[0] == pytest.approx(total, rel=1e-10)


def test_samples():
    """Within four standard errors in all of 20 rows: by chance it fails once in 800 runs, were the seed free."""
    a, b = random_lines(m=20)
    z = np.random.default_rng(1).standard_normal(200_000)
    for row, value in zip(range(20), gain(a, b).value, strict=True):
        tops = (a[row] + np.multiply.outer(z, b[row])).max(1) - a[row].max()
        assert abs(tops.mean() - value) < 4 * tops.std() / np.sqrt(len(z))


@pytest.mark.parametrize("distance", [0.0, 1.0, 8.0, 30.0, 45.0, 1e3, 1e6])
def test_far_tails_in_logarithms(distance):
    """Two lines that cross at this many standard deviations, where the gain itself is zero in floating point."""
    with mpmath.workdps(60):
        u = mpmath.mpf(distance)
        if distance < 100:
            log_h = mpmath.log(mpmath.npdf(u) - u * mpmath.erfc(u / mpmath.sqrt(2)) / 2)
        else:
            log_h = -u * u / 2 - mpmath.log(2 * mpmath.pi) / 2 - 2 * mpmath.log(u) + mpmath.log1p(-3 / u**2 + 15 / u**4)
        expected = float(mpmath.log(mpmath.mpf(0.25)) + log_h)
    for a, b in (((0.25 * distance, 0), (0.5, 0.75)), ((0, 0.25 * distance), (0.75, 0.5)), ((0.25 * distance, 0), (0.5, 0.25))):
        found = gain(a, b)
        assert found.log[0] == pytest.approx(expected, rel=1e-13)
        d_a, d_b = found.log_gradient()
        assert np.isfinite(d_a).all() and np.isfinite(d_b).all()
    assert (found.value[0] == 0) == (distance > 38)


def test_far_tails_of_several_lines():
    """Both sides of the highest line, where one crossing is far nearer than the others."""
    a, b = np.array([-40.0, -15.0, 0.0, -13.0, -60.0]), np.array([-1.0, -0.3, 0.1, 0.4, 1.5])
    with mpmath.workdps(400):
        expected = float(mpmath.log(by_its_envelope(a, b)))
    assert gain(a, b).log[0] == pytest.approx(expected, rel=1e-12)


def by_its_envelope(a, b):
    """The sum over crossings in mpmath, of the lines that are found to be on the envelope."""
    order = np.argsort(b)
    lines = upper_envelope(a[None], b[None])[0]
    assert list(lines) == [int(i) for i in order if i in lines]
    total = mpmath.mpf(0)
    for i, j in pairwise(lines):
        width = mpmath.mpf(float(b[j])) - mpmath.mpf(float(b[i]))
        u = abs((mpmath.mpf(float(a[i])) - mpmath.mpf(float(a[j]))) / width)
        total += width * (mpmath.npdf(u) - u * mpmath.erfc(u / mpmath.sqrt(2)) / 2)
    return total


def test_a_newcomer_that_leads_gains_its_lead():
    a, b = random_lines()
    a[:30, -1] += 2.0
    lead = a[:, -1] - a[:, :-1].max(1)
    found = gain(a, b, newcomer=True)
    np.testing.assert_allclose(found.value, gain(a, b).value + np.maximum(lead, 0), rtol=1e-13)
    assert 20 < (lead > 0).sum() < 50
    assert gain((0, 3), (1, 1), newcomer=True).value[0] == pytest.approx(3)
    assert gain((3, 0), (1, 1), newcomer=True).log[0] == -np.inf
    d_a, _ = gain((0, 3), (1, 1), newcomer=True).gradient()
    np.testing.assert_allclose(d_a, [[-1, 1]])


@pytest.mark.parametrize("newcomer", [False, True])
@pytest.mark.parametrize("log", [False, True])
def test_gradient_by_differences(log, newcomer):
    a, b = random_lines(m=20, k=8)
    if log:
        a[10:, 0] += 12.0  # log gains around -100 among them
    a[:5, -1] += 3.0
    found, h = gain(a, b, newcomer=newcomer), 1e-6
    gradients = found.log_gradient() if log else found.gradient()
    for which, gradient in enumerate(gradients):
        for i in range(a.shape[1]):
            moved = [[a.copy(), b.copy()] for _ in range(2)]
            moved[0][which][:, i] += h
            moved[1][which][:, i] -= h
            up, down = ((g.log if log else g.value) for g in (gain(*pair, newcomer=newcomer) for pair in moved))
            scale = np.maximum(np.abs(gradient).max(1), 1e-4)
            np.testing.assert_allclose(gradient[:, i] / scale, (up - down) / (2 * h) / scale, atol=1e-5)


def test_gradients_are_probabilities_and_move_with_the_lines():
    """The derivative of ``E max`` in a_i is the probability that line i is the largest."""
    a, b = random_lines()
    d_a, d_b = gain(a, b).gradient()
    np.testing.assert_allclose(d_a.sum(1), 0, atol=1e-14)  # shifts change nothing
    np.testing.assert_allclose(d_b.sum(1), 0, atol=1e-14)
    probability = d_a + (a == a.max(1, keepdims=True))
    assert probability.min() > -1e-14
    np.testing.assert_allclose((d_a * a + d_b * b).sum(1), gain(a, b).value, rtol=1e-12)  # homogeneous (Euler)


def test_order_and_dominated_lines_do_not_matter():
    a, b = random_lines()
    value = gain(a, b).value
    order = np.random.default_rng(2).permutation(a.shape[1])
    np.testing.assert_allclose(gain(a[:, order], b[:, order]).value, value, rtol=1e-14)
    mixed = 0.3 * a + 0.7 * a[:, order] - 0.1, 0.3 * b + 0.7 * b[:, order]  # below a convex function
    more = gain(np.hstack([mixed[0], a, a, a - 1]), np.hstack([mixed[1], b, b, b]))
    np.testing.assert_allclose(more.value, value, rtol=1e-14)
    d_a, _ = more.log_gradient()
    assert not d_a[:, : a.shape[1]].any() and not d_a[:, -a.shape[1] :].any()


def test_shifts_and_scales():
    a, b = random_lines()
    value = gain(a, b).value
    np.testing.assert_allclose(gain(a + 5.0, b - 3.0).value, value, rtol=1e-12)
    for scale in (7.0, 1e-5, 1e5):
        np.testing.assert_allclose(gain(scale * a, scale * b).value, scale * value, rtol=1e-13)
    np.testing.assert_allclose(gain(a, -b).value, value, rtol=1e-13)


def test_more_lines_gain_more_where_none_is_higher():
    a, b = random_lines()
    a[:, 0] = a.max(1) + 0.1
    gains = np.array([gain(a[:, :k], b[:, :k]).log for k in range(1, a.shape[1] + 1)])
    assert np.all(gains[1:] >= gains[:-1] - 1e-14)
    assert (gains[-1] > gains[1]).mean() > 0.9


@pytest.mark.parametrize("b", [(0.3, 0.3, 0.3), (0.3,), (0.3, 0.3 + 0.9 * PARALLEL, 0.3)])
def test_parallel_lines_gain_nothing(b):
    found = gain(np.arange(len(b)), b)
    assert found.value[0] == 0
    assert found.log[0] == -np.inf
    for gradient in (*found.log_gradient(), *found.gradient()):
        np.testing.assert_array_equal(gradient, np.zeros((1, len(b))))


def test_of_equal_slopes_the_higher_line_counts():
    assert gain((0, -1, 2, 0), (0, 1, 1, 0)).value[0] == pytest.approx(gain((0, 2), (0, 1)).value[0], rel=1e-15)
    assert list(upper_envelope(np.array([[0.0, -1, 2, 0.5]]), np.array([[0.0, 1, 1, 0]]))[0]) == [3, 2]


def test_slopes_that_are_rounding_do_not_hide_the_highest_line():
    """Slopes of 1e-12 and less, intercepts of one and more: all but one line stand still."""
    a = np.array([0.0, 1.0, 6.0, 2.0, 0.0])
    for noise in (0.9e-12, 1e-13, 1e-300):
        b = np.array([0.0, 1.0, 1.6, -1.0, 0.0]) * noise
        b[-1] = 1.0
        assert gain(a, b).log[0] == pytest.approx(gain((6, 0), (0, 1)).log[0], rel=1e-10)


def test_rows_do_not_depend_on_each_other():
    a, b = random_lines(m=30)
    b[::3] = 0.5
    b[1::3, 4:] = 0.0
    together = gain(a, b)
    for row in range(30):
        alone = gain(a[row], b[row])
        np.testing.assert_array_equal(alone.log[0], together.log[row])
        np.testing.assert_array_equal(alone.log_gradient()[1][0], together.log_gradient()[1][row])
    assert gain(np.empty((0, 3)), np.empty((0, 3))).log.shape == (0,)


def test_all_lines_on_the_envelope():
    """Tangents of a parabola."""
    x = np.sort(np.random.default_rng(0).random((3, 40)) * 4 - 2, axis=1)
    order = np.random.default_rng(1).permutation(40)
    lines = upper_envelope(-(x**2)[:, order], 2 * x[:, order])
    np.testing.assert_array_equal(order[lines], np.tile(np.arange(40), (3, 1)))
    expected = [float(exact(-(row**2), 2 * row)) for row in x]
    np.testing.assert_allclose(gain(-(x**2), 2 * x).value, expected, rtol=1e-12)


@settings(max_examples=200)
@given(
    st.integers(1, 6), st.integers(0, 2**32 - 1), st.sampled_from([1e-14, 1e-6, 1.0, 1e6]), st.sampled_from([0.0, 1e-310, 1e-13, 1.0, 1e6])
)
def test_finite_and_never_negative(k, seed, height, steepness):
    rng = np.random.default_rng(seed)
    a, b = np.round(height * rng.standard_normal((8, k)), 20), steepness * rng.integers(-2, 3, (8, k)) * rng.random((8, 1))
    found = gain(a, b)
    assert np.all(found.value >= 0) and not np.isnan(found.log).any() and np.all(found.log < np.inf)
    for gradient in (*found.log_gradient(), *found.gradient()):
        assert np.isfinite(gradient).all()
    spread = b.max(1) - b.min(1)
    assert np.all(found.value <= 0.4 * spread + 1e-300)  # no more than lines that all meet at zero
