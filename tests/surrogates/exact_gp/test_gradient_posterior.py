"""The gradient's posterior beside finite differences of the function's."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.exact_gp import ExactGP, Settings, fit
from surrogates.exact_gp.gradient_posterior import gradient_posterior
from surrogates.exact_gp.kernels.stationary import Profile

D = 3
SCALES = np.array([0.3, 0.8, 2.0])


def process(profile: Profile, *, noise: float = 1e-3, n: int = 12, mean: str = "constant") -> ExactGP:
    rng = np.random.default_rng(0)
    X = rng.random((n, D))
    settings = Settings(kernel=profile, mean=mean)  # type: ignore[arg-type]
    return ExactGP.conditioned(
        settings.build(None, D), np.log(SCALES), X, np.sin(5 * X[:, 0]) + X[:, 1] ** 2 - X[:, 2], None, noise, None, settings
    )


@pytest.mark.parametrize("mean", ["constant", "linear"])
@pytest.mark.parametrize("profile", ["rbf", "matern52"])
def test_its_mean_is_the_slope_of_the_mean(profile: Profile, mean: str) -> None:
    gp, X, step = process(profile, mean=mean), np.random.default_rng(1).random((4, D)), 1e-5
    slopes = [(gp.predict(X + step * e)[0] - gp.predict(X - step * e)[0]) / (2 * step) for e in np.eye(D)]
    assert gradient_posterior(gp, X)[0] == pytest.approx(np.transpose(slopes), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("profile", ["rbf", "matern52"])
def test_its_variance_is_that_of_a_small_difference(profile: Profile) -> None:
    gp, X, step = process(profile), np.random.default_rng(2).random((4, D)), 1e-3
    found = gradient_posterior(gp, X)[1]
    for k, x in enumerate(X):
        for a, e in enumerate(np.eye(D)):
            ends = np.array([x + step * e, x - step * e])
            C = gp.covariance(ends, ends)
            assert found[k, a] == pytest.approx((C[0, 0] - 2 * C[0, 1] + C[1, 1]) / (2 * step) ** 2, rel=1e-3)


def test_it_is_the_prior_far_from_data_and_next_to_nothing_among_many() -> None:
    gp = process("rbf")
    mean, variance = gradient_posterior(gp, np.full((1, D), 1e3))
    assert mean == pytest.approx(np.zeros((1, D)), abs=1e-12)
    assert variance[0] == pytest.approx(SCALES**-2)
    gp = process("rbf", noise=1e-6, n=150)
    assert np.all(gradient_posterior(gp, np.full((1, D), 0.5))[1] < 1e-2 * SCALES**-2)


def test_many_points_are_as_each_alone() -> None:
    gp, X = process("matern52"), np.random.default_rng(3).random((2000, D))
    mean, variance = gradient_posterior(gp, X)
    for k in (0, 1365, 1999):
        alone = gradient_posterior(gp, X[k : k + 1])
        assert mean[k] == pytest.approx(alone[0][0], rel=1e-10)
        assert variance[k] == pytest.approx(alone[1][0], rel=1e-10)


def test_refuses_kernels_without_derivatives() -> None:
    X, y = np.random.default_rng(4).random((5, 2)), np.arange(5.0)
    with pytest.raises(ValueError, match="stationary in columns of numbers"):
        gradient_posterior(fit(X, y, settings=Settings(warp=True)), X)
    with pytest.raises(ValueError, match="rbf or matern52"):
        gradient_posterior(fit(X, y, settings=Settings(kernel="matern32")), X)
