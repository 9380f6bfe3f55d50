"""A conformance kit for surrogates: what every model owes to the acquisition functions that stand on it.

``check_surrogate(fit)`` raises AssertionError, with the broken promise as its message, or returns the names of the checks it made.
Imports torch and BoTorch.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from botorch.models.model import Model
from numpy.typing import NDArray
from torch import Tensor

from surrogates.columns import INACTIVE, Column, Columns, Parent

Array = NDArray[np.float64]

TREE = Columns(
    (
        Column("x"),
        Column("kind", "categorical", (0.0, 0.5, 1.0)),
        Column("z", parent=Parent((1,), ((0.0,),))),
        Column("k", "integer", (0.0, 0.25, 0.5, 0.75, 1.0)),
    )
)
"""A number, a category, a number that is active with the first category only, an integer."""


class Fit(Protocol):
    """A surrogate's way in: points `n x d` in the unit cube, outcomes `n x m` in their own units, to a BoTorch model."""

    def __call__(
        self, X: Array, Y: Array, Yvar: Array | None = None, *, columns: Columns | None = None, warm: Any = None, seed: int = 0
    ) -> Model: ...


def check_surrogate(fit: Fit, *, n: int = 40, seed: int = 0) -> list[str]:
    """Check a surrogate against its contract, on made-up data over boxes and over a tree of mixed columns.

    Args:
        fit: See `Fit`. Its models have ``memo() -> dict``, plain JSON that it takes as ``warm``.
        n: Observations of each fit.
        seed: Of the data.

    Returns:
        Names of the checks made.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    checks: tuple[Callable[[Fit, int, int], None], ...] = (
        check_posterior,
        check_repeatable,
        check_learning,
        check_gradients,
        check_noise,
        check_units,
        check_memo,
        check_conditioning,
        check_mixed,
        check_mishaps,
    )
    for check in checks:
        check(fit, n, seed)
    return [check.__name__.removeprefix("check_") for check in checks]


def check_learning(fit: Fit, n: int, seed: int) -> None:
    """It predicts better than the mean of what was seen, and its standard deviations are of the size of its errors."""
    X, Y = _data(2 * n, seed)
    posterior = _posterior(fit(X[:n], Y[:n]), _tensor(X[n:]), observation_noise=True)
    mean, sd = posterior.mean.detach().numpy(), posterior.variance.detach().sqrt().numpy()
    errors = mean - Y[n:]
    share = np.sqrt(np.mean(errors**2, axis=0)) / Y.std(axis=0)
    assert np.all(share < 0.7), f"learning: its errors are {share} of the spread of the outcomes, where a constant's are about 1"
    inside = np.mean(np.abs(errors) < 3 * sd, axis=0)
    assert np.all(inside > 0.8), f"learning: {inside} of the errors are within three standard deviations; 0.99 were to be expected"


def check_posterior(fit: Fit, n: int, seed: int) -> None:
    """Shapes are `... x q x m`; a point's moments do not depend on what it is asked with; covariances are positive semidefinite."""
    X, Y = _data(n, seed)
    before = np.hstack([X, Y])
    model = fit(X, Y)
    assert np.array_equal(before, np.hstack([X, Y])), "posterior: the fit changed the caller's arrays"
    assert model.num_outputs == 2, f"posterior: num_outputs is {model.num_outputs} for two outcomes"
    points = _points((5, 3, 2), seed)
    posterior = _posterior(model, points)
    for name in ("mean", "variance"):
        found = getattr(posterior, name)
        assert found.shape == (5, 3, 2), f"posterior: the {name} at 5 x 3 points is of shape {tuple(found.shape)}, not 5 x 3 x 2"
        assert bool(torch.isfinite(found).all()), f"posterior: a {name} is not finite"
        alone = getattr(_posterior(model, points[2, 1:2]), name)
        assert torch.allclose(alone[0], found[2, 1], rtol=1e-5, atol=1e-8), f"posterior: a point's {name} depends on what it is asked with"
    assert bool((posterior.variance > 0).all()), "posterior: a variance is not positive"
    one = _posterior(model, points, output_indices=[1])
    assert torch.allclose(one.mean, posterior.mean[..., 1:]), "posterior: output_indices=[1] is not the second outcome"
    samples = posterior.rsample(torch.Size([7]))
    assert samples.shape == (7, 5, 3, 2), f"posterior: 7 samples at 5 x 3 points are of shape {tuple(samples.shape)}"
    covariance = getattr(getattr(_posterior(model, points, output_indices=[0]), "distribution", None), "covariance_matrix", None)
    if covariance is not None:
        least = float(torch.linalg.eigvalsh(covariance.detach()).min())
        assert least > -1e-6 * float(covariance.detach().abs().max()), f"posterior: a covariance matrix has the eigenvalue {least}"


def check_gradients(fit: Fit, n: int, seed: int) -> None:
    """Where mean and variance are differentiable for autograd, the gradient is that of their values."""
    X, Y = _data(n, seed)
    model = fit(X, Y[:, :1])

    def total(points: Tensor) -> Tensor:
        posterior = _posterior(model, points)
        weighted: Tensor = posterior.mean + posterior.variance / float(Y[:, 0].std())
        return weighted.sum()

    points = _points((4, 1, 2), seed).requires_grad_()
    value = total(points)
    if not value.requires_grad:
        return
    (gradient,) = torch.autograd.grad(value, points)
    step, h = torch.zeros_like(points), 1e-4
    for i in range(2):
        step.zero_()
        step[..., i] = h
        with torch.no_grad():
            slope = float((total(points + step) - total(points - step)) / (2 * h))
        found = float(gradient[..., i].sum())
        assert abs(found - slope) <= 1e-3 * (abs(slope) + float(Y.std())), f"gradients: autograd says {found}, differences {slope}"


def check_noise(fit: Fit, n: int, seed: int) -> None:
    """Known noise is taken, and a measurement varies more than what is measured."""
    X, Y = _data(n, seed)
    for Yvar in (None, np.full(Y.shape, 0.25 * Y.var(axis=0))):
        model = fit(X, Y, Yvar)
        points = _points((6, 1, 2), seed)
        latent, measured = _posterior(model, points).variance, _posterior(model, points, observation_noise=True).variance
        assert bool((measured > latent).all()), "noise: with observation_noise=True a variance is no larger"
    posterior = _posterior(fit(X, Y, Yvar), _tensor(X))
    misfit = np.mean((posterior.mean.detach().numpy() - Y) ** 2, axis=0) / Y.var(axis=0)
    assert np.all(misfit > 1e-3), "noise: data known to be noisy are interpolated"


def check_units(fit: Fit, n: int, seed: int) -> None:
    """Outcomes in other units give the same predictions in those units."""
    X, Y = _data(n, seed)
    points = _tensor(_data(9, seed + 1)[0])
    base = _posterior(fit(X, Y), points)
    for shift, scale in ((1e3, 1.0), (-5.0, 1e6), (0.0, 1e-6)):
        other = _posterior(fit(X, shift + scale * Y), points)
        spread = scale * Y.std(axis=0)
        off = float(((other.mean - shift - scale * base.mean).detach().abs() / _tensor(spread)).max())
        assert off < 0.05, f"units: for {shift} + {scale} y means are off by {off} standard deviations of the data"


def check_repeatable(fit: Fit, n: int, seed: int) -> None:
    """Equal data and seed give equal predictions, bit for bit."""
    X, Y = _data(n, seed)
    points = _points((5, 1, 2), seed)
    first, second = (_posterior(fit(X, Y, seed=3), points) for _ in range(2))
    equal = torch.equal(first.mean, second.mean) and torch.equal(first.variance, second.variance)
    assert equal, "repeatable: the same data and seed gave other predictions"


def check_memo(fit: Fit, n: int, seed: int) -> None:
    """What `memo` returns is plain JSON, and a fit that starts from it is as good."""
    X, Y = _data(2 * n, seed)
    model: Any = fit(X[:n], Y[:n])
    memo = json.loads(json.dumps(model.memo()))
    cold, warm = (_posterior(fit(X[:n], Y[:n], warm=start), _tensor(X[n:])).mean.detach().numpy() for start in (None, memo))
    errors = [np.sqrt(np.mean((mean - Y[n:]) ** 2)) for mean in (cold, warm)]
    assert errors[1] <= 1.2 * errors[0] + 1e-3 * Y.std(), f"memo: cold its error is {errors[0]}, from its memo {errors[1]}"


def check_conditioning(fit: Fit, n: int, seed: int) -> None:
    """Where `condition_on_observations` is implemented, an observation draws the mean and lowers the variance."""
    X, Y = _data(n, seed)
    model = fit(X, Y[:, :1])
    point = _points((1, 2), seed)
    before = _posterior(model, point)
    target = before.mean.detach() + 3 * before.variance.detach().sqrt()
    try:
        after = _posterior(model.condition_on_observations(point, target), point)
    except NotImplementedError:
        return
    low, found, high = (float(value) for value in (before.mean.detach(), after.mean.detach(), target))
    assert low < found <= high + 1e-6 * abs(high - low), f"conditioning: the mean went from {low} to {found}, where {high} was observed"
    assert float(after.variance.detach()) < float(before.variance.detach()), "conditioning: an observation did not lower the variance"


def check_mixed(fit: Fit, n: int, seed: int) -> None:
    """Categorical, integer and conditional columns are told apart; the value of an inactive column does not matter."""
    X, Y = _tree(3 * n, seed)
    model = fit(X[: 2 * n], Y[: 2 * n], columns=TREE)
    errors = _posterior(model, _tensor(X[2 * n :])).mean.detach().numpy() - Y[2 * n :]
    share = np.sqrt(np.mean(errors**2)) / Y.std()
    assert share < 0.7, f"mixed: its errors are {share} of the spread of the outcomes, where a constant's are about 1"
    row = np.array([[0.3, 1.0, INACTIVE, 0.25], [0.3, 0.0, INACTIVE, 0.25]])
    posterior = _posterior(model, _tensor(row))
    assert abs(float((posterior.mean[0] - posterior.mean[1]).detach())) > 1e-6 * Y.std(), "mixed: categories make no difference"


def check_mishaps(fit: Fit, n: int, seed: int) -> None:
    """Few, equal, repeated, clustered, far or tiny data are answered with finite numbers."""
    X, Y = _data(12, seed)
    cases = {
        "one observation": (X[:1], Y[:1]),
        "two observations": (X[:2], Y[:2]),
        "equal outcomes": (X, np.full(Y.shape, 3.0)),
        "repeated points": (X[[0, 0, 0, 1, 1, 2]], Y[:6]),
        "clustered points": (0.5 + 1e-9 * X, Y),
        "large outcomes": (X, 1e12 * Y),
        "tiny outcomes": (X, 1e-12 * Y),
        "an outlier": (X, Y + 1e9 * (np.arange(12)[:, None] == 3)),
    }
    points = _points((4, 2, 2), seed)
    for name, (inputs, outcomes) in cases.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GPyTorch warns of variances below 1e-10, which tiny outcomes have
            posterior = _posterior(fit(inputs, outcomes), points)
            finite = bool(torch.isfinite(posterior.mean).all()) and bool(torch.isfinite(posterior.variance).all())
        assert finite, f"mishaps: {name} give a mean or variance that is not finite"


def _data(n: int, seed: int) -> tuple[Array, Array]:
    """A wave and a bowl over the square, `n x 2`, with noise of 2 % of their spread."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    Y = np.column_stack([np.sin(5 * X[:, 0]) + X[:, 1], 10 * ((X - 0.4) ** 2).sum(axis=1)])
    return X, Y + 0.02 * Y.std(axis=0) * rng.standard_normal(Y.shape)


def _tree(n: int, seed: int) -> tuple[Array, Array]:
    """Points of `TREE` and one outcome that depends on all of its columns."""
    rng = np.random.default_rng(seed)
    X = TREE.snap(rng.random((n, 4)))
    X[~TREE.active(X)] = INACTIVE
    y = np.sin(4 * X[:, 0]) + np.where(X[:, 1] == 0, 1 + X[:, 2], -X[:, 1]) - X[:, 3] + 0.02 * rng.standard_normal(n)
    return X, y[:, None]


def _posterior(model: Model, X: Tensor, **arguments: Any) -> Any:
    """BoTorch's `Posterior` declares neither mean nor variance."""
    return model.posterior(X, **arguments)


def _points(shape: tuple[int, ...], seed: int) -> Tensor:
    return _tensor(np.random.default_rng((seed, 1)).random(shape))


def _tensor(values: Array) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)
