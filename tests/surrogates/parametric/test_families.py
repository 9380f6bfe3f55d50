"""Parametric families: slopes against differences, and the network in closed form against the same one in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from surrogates.columns import Column, Columns
from surrogates.parametric import Family, Linear, OneHot, SigmoidNetwork
from surrogates.parametric.torch_family import TorchFamily

Array = NDArray[np.float64]
D, M = 3, 5
COLUMNS = Columns((Column("a"), Column("kind", "categorical", (0.0, 0.5, 1.0)), Column("n", "integer", (0.0, 0.5, 1.0))))


def layers(d: int, hidden: int = 4) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(d, hidden), torch.nn.Sigmoid(), torch.nn.Linear(hidden, 1))


FAMILIES = {
    "linear": Linear(D),
    "sigmoid": SigmoidNetwork(D, hidden=4),
    "torch": TorchFamily(layers, D),
    "one hot": OneHot(COLUMNS, lambda d: SigmoidNetwork(d, hidden=4)),
}


def points(rng: np.random.Generator) -> Array:
    X = rng.random((M, D))
    X[:, 1] = rng.integers(3, size=M) / 2
    return X


def differences(f: Any, at: Array, h: float = 1e-6) -> Array:
    """Of a function of rows, `m x k`, by its rows' entries; central."""
    return np.stack([(f(at + h * e) - f(at - h * e)) / (2 * h) for e in np.eye(at.shape[1])], axis=1)


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("name", FAMILIES)
def test_slopes_are_those_of_the_values(name: str, own: bool) -> None:
    family, rng = FAMILIES[name], np.random.default_rng(1)
    X, W = points(rng), family.starts(M, rng)
    V = rng.standard_normal(W.shape)
    w = W if own else W[0]
    rows = W if own else np.tile(W[0], (M, 1))
    values = family.value(w, X)
    assert values.shape == (M,) and values.dtype == np.float64
    (of_weights, in_weights), (of_points, in_points) = family.weight_gradient(w, X), family.point_gradient(w, X)
    np.testing.assert_allclose(of_weights, values, rtol=1e-12)
    np.testing.assert_allclose(of_points, values, rtol=1e-12)
    np.testing.assert_allclose(in_weights, differences(lambda each: family.value(each, X), rows), atol=1e-8)
    numbers = [0, 2] if name == "one hot" else [0, 1, 2]
    slopes = differences(lambda each: family.value(w, each), X)
    np.testing.assert_allclose(in_points[:, numbers], slopes[:, numbers], atol=1e-8)
    along = differences(lambda each: np.sum(V * family.weight_gradient(w, each)[1], axis=1), X)
    np.testing.assert_allclose(family.mixed(w, X, V)[:, numbers], along[:, numbers], atol=1e-8)


def test_a_row_with_its_own_parameters_is_as_alone() -> None:
    for family in FAMILIES.values():
        rng = np.random.default_rng(2)
        X, W = points(rng), family.starts(M, rng)
        alone = [family.value(w, x[None])[0] for w, x in zip(W, X, strict=True)]
        np.testing.assert_allclose(family.value(W, X), alone, rtol=1e-12)


def test_the_network_is_that_of_pytorch() -> None:
    rng = np.random.default_rng(3)
    closed, module = SigmoidNetwork(D, hidden=4), FAMILIES["torch"]
    X, w = rng.random((M, D)), closed.starts(1, rng)[0]
    A, b, c, e = w[:12].reshape(4, 3), w[12:16], w[16:20], w[20]
    np.testing.assert_allclose(closed.value(w, X), (1 / (1 + np.exp(-(X @ A.T + b)))) @ c + e, rtol=1e-13)
    for one, other in (
        (closed.value(w, X), module.value(w, X)),  # PyTorch's order is the same: weights and biases, layer by layer
        (closed.weight_gradient(w, X)[1], module.weight_gradient(w, X)[1]),
        (closed.point_gradient(w, X)[1], module.point_gradient(w, X)[1]),
        (closed.mixed(w, X, np.tile(w, (M, 1))), module.mixed(w, X, np.tile(w, (M, 1)))),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_sizes() -> None:
    assert SigmoidNetwork(20).n_parameters == 551  # 25 d + 25 + 25 + 1, as in the paper
    assert [family.n_parameters for family in FAMILIES.values()] == [4, 21, 21, 4 * (5 + 2) + 1]
    assert [family.starts(3, np.random.default_rng(0)).shape for family in FAMILIES.values()] == [(3, 4), (3, 21), (3, 21), (3, 29)]


def test_levels_are_unordered() -> None:
    """With indicators a linear family can put a middle level highest, and an inactive entry is none of the levels."""
    family: Family = OneHot(Columns((Column("kind", "categorical", (0.0, 0.25, 1.0)), Column("x"))), Linear)
    w = np.array([1.0, 10.0, 2.0, 3.0, 5.0])  # intercept, x, then the levels
    X = np.array([[0.0, 0.1], [0.25, 0.1], [1.0, 0.1], [0.5, 0.1]])
    np.testing.assert_allclose(family.value(w, X), [4.0, 5.0, 7.0, 2.0])
    np.testing.assert_array_equal(family.point_gradient(w, X)[1], np.tile([0.0, 10.0], (4, 1)))


def test_starts_of_a_module_leave_torchs_random_numbers_alone() -> None:
    family = FAMILIES["torch"]
    before = torch.random.get_rng_state()
    one, two = (family.starts(2, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one[0], one[1])
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_is_no_family() -> None:
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        TorchFamily(lambda d: d, 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="no parameters"):
        TorchFamily(lambda d: torch.nn.Flatten(), 3)
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        TorchFamily(lambda d: torch.nn.Linear(d, 2), 3)
