"""Whole maximizations with known optima."""

from __future__ import annotations

import numpy as np
import pytest

from acquisitions import maximize
from acquisitions.domain import Box, Domain
from acquisitions.maximizer import MaximizerSettings
from surrogates.columns import Column, Columns


class Bowl:
    """``-|x - c|^2`` with a gradient."""

    def __init__(self, centre):
        self.centre = np.asarray(centre, dtype=float)

    def value(self, X):
        return -np.sum((X - self.centre) ** 2, axis=1)

    def value_and_gradient(self, X):
        return self.value(X), -2 * (X - self.centre)


class Blind:
    """The same without a gradient."""

    def __init__(self, centre):
        self.bowl = Bowl(centre)

    def value(self, X):
        return self.bowl.value(X)


def box(low, high):
    d = len(low)
    columns = Columns(tuple(Column(f"x{i}") for i in range(d)))
    return Domain(columns, np.array([low, high], dtype=float), (), (Box(tuple(range(d)), tuple(low), tuple(high), ((),) * d),))


def rng():
    return np.random.default_rng(3)


def test_the_optimum_inside_and_on_the_bounds_of_a_box():
    found = maximize(Bowl([0.3, 1.7, -0.2]), box([0.0] * 3, [1.0] * 3), rng=rng())
    assert np.abs(found.x - [0.3, 1.0, 0.0]).max() < 1e-6
    assert found.value == pytest.approx(-(0.7**2) - 0.2**2, abs=1e-10)
    assert found.path.startswith("box: 3,000 screened, 10 climbed")


def test_native_units_of_very_different_widths():
    found = maximize(Bowl([250.0, 3e-3]), box([0.0, 1e-3], [1000.0, 1e-2]), rng=rng())
    assert np.abs(found.x - [250.0, 3e-3]).max() < 1e-2


def test_evaluations_are_counted_and_the_same_generator_gives_the_same_answer():
    counted = 0

    class Counting(Bowl):
        def value(self, X):
            nonlocal counted
            counted += len(X)
            return super().value(X)

        def value_and_gradient(self, X):
            nonlocal counted
            counted += len(X)
            return super().value(X), -2 * (X - self.centre)

    first = maximize(Counting([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng())
    assert first.evaluations == counted
    second = maximize(Bowl([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng())
    assert np.array_equal(first.x, second.x) and np.array_equal(first.optima, second.optima)


def test_a_score_without_a_gradient():
    found = maximize(Blind([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng())
    assert np.abs(found.x - [0.3, 0.8]).max() < 1e-2
    assert "no gradient" in found.path


def test_fixed_columns_stand_still():
    found = maximize(Bowl([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng(), fixed={1: 0.25})
    assert found.x[1] == 0.25 and abs(found.x[0] - 0.3) < 1e-6


def test_seeds_take_on_fixed_values():
    seen = []

    class Watched(Bowl):
        def value(self, X):
            seen.append(X)
            return super().value(X)

    maximize(Watched([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng(), seeds=[[0.31, 0.6]], fixed={1: 0.25})
    assert np.any(np.all(seen[0] == [0.31, 0.25], axis=1))


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_tiny_and_huge_scores_are_climbed_as_well(size):
    class Sized(Bowl):
        def value(self, X):
            return size * super().value(X)

        def value_and_gradient(self, X):
            return self.value(X), -2 * size * (X - self.centre)

    found = maximize(Sized([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng())
    assert np.abs(found.x - [0.3, 0.8]).max() < 1e-5
    assert found.value == Sized([0.3, 0.8]).value(found.x[None])[0] or abs(found.value) < 1e-9 * size


def test_the_pool_alone():
    pool = np.array([[0.9, 0.9], [0.2, 0.7]])
    found = maximize(
        Blind([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng(), pool=pool, settings=MaximizerSettings(screened=0, perturbations=0)
    )
    assert np.array_equal(found.x, [0.2, 0.7])


def test_what_may_be_chosen_holds_for_the_answer():
    found = maximize(Bowl([0.3, 0.8]), box([0.0] * 2, [1.0] * 2), rng=rng(), feasible=lambda X: X[:, 0] > 0.5)
    assert found.x[0] > 0.5
    assert abs(found.x[1] - 0.8) < 0.1


def test_no_finite_score_is_an_error():
    class Nowhere(Bowl):
        def value(self, X):
            return np.full(len(X), np.nan)

    with pytest.raises(ArithmeticError, match="finite score"):
        maximize(Nowhere([0.5]), box([0.0], [1.0]), rng=rng())


class Misjudged:
    """Peaks of 1 and of 2, of which a rough score takes the second one for the lower."""

    centres, widths = np.array([[0.3, 0.3], [0.8, 0.7]]), np.array([4.0, 10.0])

    def _peaks(self, X, heights):
        return heights - self.widths * np.sum((X[:, None] - self.centres) ** 2, axis=2)

    def value(self, X):
        return self._peaks(X, [1.0, 2.0]).max(1)

    def rough(self, X):
        return self._peaks(X, [1.0, 0.9]).max(1)

    def value_and_gradient(self, X):
        k = self._peaks(X, [1.0, 2.0]).argmax(1)
        return self.value(X), -2 * self.widths[k, None] * (X - self.centres[k])


def test_a_peak_that_a_rough_score_puts_second_is_looked_at():
    acquisition, domain = Misjudged(), box([0.0] * 2, [1.0] * 2)
    P = rng().random((3000, 2))
    first = P[np.argsort(-acquisition.rough(P))[:100]]
    assert np.linalg.norm(first - acquisition.centres[0], axis=1).max() < 0.2
    found = maximize(acquisition, domain, rng=rng())
    assert np.abs(found.x - acquisition.centres[1]).max() < 1e-6
    assert found.evaluations < 4000
