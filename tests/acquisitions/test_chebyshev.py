"""The augmented Chebyshev scalarization: BoTorch's, what its best points are, and its noise."""

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.scalarization import get_chebyshev_scalarization

from acquisitions.chebyshev import AugmentedChebyshev, random_weights


@pytest.mark.parametrize("m", [2, 3, 6])
def test_equals_botorchs_where_the_front_spans_what_was_measured(m: int) -> None:
    rng = np.random.default_rng(m)
    Y, weights = rng.normal(size=(30, m)) * 10.0 ** np.arange(m), random_weights(m, rng)
    expected = get_chebyshev_scalarization(torch.as_tensor(weights), torch.as_tensor(Y))(torch.as_tensor(Y)).numpy()
    found = AugmentedChebyshev.over(Y, weights).value(Y)
    np.testing.assert_allclose(found - found[0], expected - expected[0], rtol=1e-9, atol=1e-9)


def test_by_hand() -> None:
    scalarization = AugmentedChebyshev.over(np.array([[0.0, 4.0], [2.0, 0.0]]), np.array([0.25, 0.75]))
    assert scalarization.value(np.array([[1.0, 1.0]]))[0] == pytest.approx(-(0.75**2 + 0.05 * (0.25 * 0.5 + 0.75**2)))
    np.testing.assert_allclose(scalarization.value(np.array([[2.0, 4.0], [4.0, 4.0]])), [0.0, 0.0125])  # beyond the ideal the sum counts


def test_the_best_points_are_all_those_of_a_concave_front_and_no_others() -> None:
    """A weighted sum finds the two ends of this front only."""
    t = np.linspace(0, 1, 9)
    front = np.column_stack([t, (1 - t) / (1 + 3 * t)])  # to be maximized: its middle hangs below the line between the ends
    Y = np.vstack([front, front - [0.05, 0.0], front - [0.0, 0.05]])  # dominated, as little as can be, and not found
    rng = np.random.default_rng(0)
    best, by_sum = set(), set()
    for _ in range(2000):
        weights = random_weights(2, rng)
        best.add(int(AugmentedChebyshev.over(front, weights).value(Y).argmax()))
        by_sum.add(int((Y @ weights).argmax()))
    assert best == set(range(len(front)))
    assert by_sum == {0, len(front) - 1}


def test_an_objective_that_is_the_same_everywhere_is_left_in_its_units() -> None:
    scalarization = AugmentedChebyshev.over(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([0.5, 0.5]))
    np.testing.assert_array_equal(scalarization.range, [2.0, 1.0])
    assert np.all(np.isfinite(scalarization.value(np.array([[1.0, 5.0], [0.0, 4.0]]))))


def test_variance_is_that_of_small_noise() -> None:
    rng = np.random.default_rng(2)
    scalarization = AugmentedChebyshev.over(rng.normal(size=(5, 3)), np.array([0.5, 0.3, 0.2]))
    Y, variance = rng.normal(size=(6, 3)), 1e-8 * np.array([1.0, 4.0, 9.0]) * np.ones((6, 1))
    noise = rng.standard_normal((200_000, 3))
    sampled = np.array([scalarization.value(y + np.sqrt(v) * noise).var() for y, v in zip(Y, variance, strict=True)])
    np.testing.assert_allclose(scalarization.variance(Y, variance), sampled, rtol=0.02)  # three standard errors are 0.01


def test_weights_are_uniform_on_the_simplex() -> None:
    rng = np.random.default_rng(1)
    weights = np.array([random_weights(3, rng) for _ in range(20_000)])
    np.testing.assert_allclose(weights.sum(1), 1.0)
    np.testing.assert_allclose(weights.mean(0), 1 / 3, atol=0.01)
    np.testing.assert_allclose(weights.var(0), 1 / 18, rtol=0.05)  # of Beta(1, 2)
