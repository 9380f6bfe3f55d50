"""A conformance kit for acquisition functions: what every score owes to the search that maximizes it.

``check_acquisition(build, model, X)`` raises AssertionError, with the broken promise as its message, or returns the names of the checks
it made. Imports torch and BoTorch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.exceptions.errors import UnsupportedError
from numpy.typing import NDArray

from acquisitions.protocol import Acquisition, Climbable, Growing
from surrogates.columns import INACTIVE, Columns

Array = NDArray[np.float64]

_STEP = 1e-5  # of differences, in sides of the cube


class Build(Protocol):
    """Makes an acquisition function of a model: one of `acquisitions.protocol`, or a BoTorch `AcquisitionFunction`."""

    def __call__(self, model: Any, /) -> Acquisition | AcquisitionFunction: ...


def check_acquisition(build: Build, model: Any, X: Array, *, columns: Columns | None = None, q: int = 1, seed: int = 0) -> list[str]:
    """Check an acquisition function on a model against its contract.

    Args:
        build: See `Build`; torch's random numbers are seeded before it is called, and restored afterwards.
        model: What it takes: a BoTorch model, or one of `acquisitions.gaussian`, such as `surrogates.exact_gp.ExactGP`.
        X: Points that the model was fitted to, `n x d` in the unit cube, at least two; their results are known, and nothing may break
            there.
        columns: What the columns are, so that legal points are drawn; all continuous when None.
        q: Points that a BoTorch function scores together.
        seed: Of the points, and of torch.

    Returns:
        Names of the checks made; ``"gradients"`` where it has some, and ``"pending"`` where it takes points whose results are awaited.

    Raises:
        AssertionError: A promise is broken; the message says which.
        ValueError: q is not 1 for a function that scores each point by itself.
    """
    case = _Case(build, model, np.array(X, dtype=float), columns, q, seed)
    checks: tuple[Callable[[_Case], bool], ...] = (
        check_shapes,
        check_repeatable,
        check_gradients,
        check_tails,
        check_untouched,
        check_pending,
    )
    with warnings.catch_warnings(), torch.random.fork_rng([]):
        warnings.simplefilter("ignore")  # of jitter and of data that are not standardised, of which a model may warn
        return [check.__name__.removeprefix("check_") for check in checks if check(case)]


@dataclass(frozen=True)
class _Case:
    """What is checked, and on what."""

    build: Build
    model: Any
    X: Array
    columns: Columns | None
    q: int
    seed: int

    def built(self) -> _Subject:
        torch.manual_seed(self.seed)
        made = self.build(self.model)
        if isinstance(made, AcquisitionFunction):
            return _BoTorch(made)
        if self.q != 1:
            raise ValueError(f"q is {self.q}, and {type(made).__name__} scores each point by itself")
        assert isinstance(made, Acquisition), f"shapes: {type(made).__name__} is neither an Acquisition nor a BoTorch AcquisitionFunction"
        return _Rows(made)

    def points(self, m: int, key: int = 0) -> Array:
        """Legal points, `m x q x d`."""
        P = 0.05 + 0.9 * np.random.default_rng((self.seed, key)).random((m * self.q, self.X.shape[1]))
        if self.columns is not None:
            P = self.columns.snap(P)
            P[~self.columns.active(P)] = INACTIVE
        return P.reshape(m, self.q, -1)


class _Subject(Protocol):
    """A function of either kind, over points `m x q x d`."""

    def value(self, P: Array) -> Any: ...
    def gradient(self, P: Array) -> tuple[Any, Array] | None:
        """Values and gradients; None where it has none."""

    def with_pending(self, P: Array | None) -> _Subject | None:
        """With points awaited (`p x d`), or none again; None where it refuses them."""


@dataclass(frozen=True)
class _Rows:
    score: Acquisition

    def value(self, P: Array) -> Any:
        return self.score.value(P[:, 0])

    def gradient(self, P: Array) -> tuple[Any, Array] | None:
        if not isinstance(self.score, Climbable):
            return None
        values, gradients = self.score.value_and_gradient(P[:, 0])
        assert gradients.shape == P[:, 0].shape, f"gradients: those at {len(P)} x {P.shape[2]} points are of shape {gradients.shape}"
        return values, gradients[:, None]

    def with_pending(self, P: Array | None) -> _Subject | None:
        if P is None or not isinstance(self.score, Growing):
            return self if P is None else None
        return _Rows(self.score.with_pending(P))


@dataclass(frozen=True)
class _BoTorch:
    function: AcquisitionFunction

    def value(self, P: Array) -> Any:
        with torch.no_grad():
            values = self.function(torch.from_numpy(P))
        assert values.dtype == torch.float64, f"shapes: float64 points have scores of {values.dtype}"
        return values.numpy()

    def gradient(self, P: Array) -> tuple[Any, Array] | None:
        points = torch.from_numpy(P).clone().requires_grad_()
        values = self.function(points)
        if not values.requires_grad:
            return None
        (gradients,) = torch.autograd.grad(values.sum(), points)
        return values.detach().numpy(), gradients.numpy()

    def with_pending(self, P: Array | None) -> _Subject | None:
        try:
            self.function.set_X_pending(None if P is None else torch.from_numpy(P))
        except (UnsupportedError, NotImplementedError):
            return None
        return self


def check_shapes(case: _Case) -> bool:
    """One score in float64 a point (or q of them), the same whatever points it is asked with."""
    subject, P = case.built(), case.points(6)
    values = subject.value(P)
    assert np.shape(values) == (6,), f"shapes: 6 points have scores of shape {np.shape(values)}, not (6,)"
    assert np.asarray(values).dtype == np.float64, f"shapes: scores are {np.asarray(values).dtype}, not float64"
    assert np.all(values < np.inf), f"shapes: scores are {values}"
    alone = np.concatenate([subject.value(P[k : k + 1]) for k in range(6)])
    assert _close(alone, values), f"shapes: the scores {values} of 6 points are {alone} where each is asked alone"
    if isinstance(subject, _BoTorch):
        batched = subject.value(P.reshape(3, 2, *P.shape[1:]))
        assert batched.shape == (3, 2), f"shapes: scores of a 3 x 2 batch are of shape {batched.shape}"
        assert _close(batched.ravel(), values), "shapes: scores depend on how points are batched"
    return True


def check_repeatable(case: _Case) -> bool:
    """Equal scores at each call, and when it is built again from equal random numbers."""
    P = case.points(4, 1)
    subject = case.built()
    first, second = subject.value(P), subject.value(P)
    assert np.array_equal(first, second), f"repeatable: the same points scored {first}, then {second}"
    again = case.built().value(P)
    assert _close(again, first, 1e-9), f"repeatable: built again it scores {again} where it scored {first}"
    return True


def check_gradients(case: _Case) -> bool:
    """Where it has gradients, they are those of its values, in the columns that are continuous."""
    subject, P = case.built(), case.points(5, 2)
    found = subject.gradient(P)
    if found is None:
        return False
    values, gradients = found
    assert np.asarray(gradients).dtype == np.float64, f"gradients: they are {np.asarray(gradients).dtype}, not float64"
    assert _close(values, subject.value(P), 1e-6), f"gradients: with them scores are {values}, without {subject.value(P)}"
    rows = np.isfinite(values)
    continuous = [i for i in range(P.shape[2]) if case.columns is None or case.columns[i].kind == "continuous"]
    for i in continuous:
        for j in range(case.q):
            step = np.zeros_like(P)
            step[:, j, i] = _STEP
            with np.errstate(invalid="ignore"):
                slopes = (subject.value(P + step) - subject.value(P - step)) / (2 * _STEP)
            size = np.abs(gradients).max(axis=(1, 2)) + 1e-3 * np.abs(np.where(rows, values, 0.0))
            off = np.abs(gradients[:, j, i] - slopes)[rows] > 1e-3 * size[rows] + 1e-6
            assert not off.any(), f"gradients: column {i} has {gradients[rows, j, i]}, and by differences {slopes[rows]}"
    return True


def check_tails(case: _Case) -> bool:
    """A number or minus infinity, and a finite gradient where it is a number: at data, beside them, in corners, and for equal points."""
    subject, d = case.built(), case.X.shape[1]
    corners = np.array([np.zeros(d), np.ones(d)])
    near = np.clip(case.X[:2] + 1e-9, 0.0, 1.0)
    if case.columns is not None:
        near, corners = (case.columns.snap(points) for points in (near, corners))
        for points in (near, corners):
            points[~case.columns.active(points)] = INACTIVE
    P = np.repeat(np.vstack([case.X[:3], near, corners])[:, None], case.q, axis=1)
    values = subject.value(P)
    assert np.all(values < np.inf), f"tails: scores at data, beside them and in corners are {values}"
    found = subject.gradient(P)
    if found is not None:
        known = np.isfinite(found[0])
        assert np.all(np.isfinite(found[1][known])), "tails: a gradient at data, beside them or in a corner is not finite"
    return True


def check_untouched(case: _Case) -> bool:
    """Neither the points nor the model are changed."""
    P = case.points(4, 3)
    before, moments = P.copy(), _moments(case.model, P[:, 0])
    subject = case.built()
    subject.value(P)
    subject.gradient(P)
    assert np.array_equal(P, before), "untouched: the caller's points were changed"
    for old, new in zip(moments, _moments(case.model, P[:, 0]), strict=True):
        assert _close(new, old, 1e-9), "untouched: the model predicts otherwise than before"
    return True


def check_pending(case: _Case) -> bool:
    """Where it takes points whose results are awaited, scores stay numbers, and are as before without them."""
    P, awaited = case.points(5, 4), case.points(2, 5)[:, 0]
    kept = awaited.copy()
    subject = case.built()
    before = subject.value(P)
    pending = subject.with_pending(awaited)
    if pending is None:
        return False
    values = pending.value(P)
    assert np.shape(values) == (5,), f"pending: with points awaited 5 scores are of shape {np.shape(values)}"
    assert np.all(values < np.inf), f"pending: with points awaited scores are {values}"
    there = pending.value(np.repeat(awaited[:, None], case.q, axis=1))
    assert np.all(there < np.inf), f"pending: where a result is awaited scores are {there}"
    assert np.array_equal(awaited, kept), "pending: the points awaited were changed"
    without = subject.with_pending(None)
    assert without is not None, "pending: it takes points awaited, and does not let go of them"
    assert _close(without.value(P), before, 1e-9), "pending: without them scores are not what they were"
    return True


def _close(found: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    return bool(np.allclose(found, expected, rtol=tolerance, atol=tolerance))


def _moments(model: Any, X: Array) -> tuple[Any, Any]:
    """Mean and variance at X."""
    if not isinstance(model, torch.nn.Module):
        mean, variance = model.predict(X)
        return mean, variance
    with torch.no_grad():
        posterior = model.posterior(torch.from_numpy(X))  # type: ignore[operator]  # of BoTorch's models
        return posterior.mean.numpy(), posterior.variance.numpy()
