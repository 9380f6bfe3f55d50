"""Every kernel: positive definite, symmetric, its pulls are gradients, its diagonal is its diagonal; and what each one means."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from surrogates.columns import INACTIVE, Column, Columns, Parent
from surrogates.exact_gp.arrays import on
from surrogates.exact_gp.kernels import (
    Arc,
    Coregional,
    Hamming,
    Kernel,
    Latent,
    Linear,
    Offsets,
    Product,
    Scaled,
    Stationary,
    Sum,
    Warped,
    matrix,
)

# x and y are numbers; c has three levels; where c is the first, z (a number) and e (two levels) are active; then, where e is 1, w is.
TABLE = Columns(
    (
        Column("x"),
        Column("c", "categorical", (0.0, 0.5, 1.0)),
        Column("z", parent=Parent((1,), ((0.0,),))),
        Column("e", "categorical", (0.0, 1.0), parent=Parent((1,), ((0.0,),))),
        Column("w", "integer", (0.0, 0.25, 0.5, 0.75, 1.0), parent=Parent((3,), ((1.0,),))),
        Column("y"),
    )
)


def points(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.random((n, 6))
    X[:, 1], X[:, 3], X[:, 4] = rng.integers(0, 3, n) / 2, rng.integers(0, 2, n), rng.integers(0, 5, n) / 4
    X[~TABLE.active(X)] = INACTIVE
    return X


STATIONARY = {p: Stationary((0, 5), p) for p in ("rbf", "matern12", "matern32", "matern52")}
KERNELS: dict[str, Kernel] = {
    **STATIONARY,
    "linear": Linear((0, 5)),
    "hamming": Hamming((1, 3), TABLE),
    "latent": Latent((1, 3), TABLE),
    **{f"arc {p}": Arc((2, 4), TABLE, p) for p in ("rbf", "matern32")},
    "warped": Warped(Stationary((0, 5), "matern52"), (0, 5)),
    "warped linear": Warped(Linear((0, 5)), (5,)),
    "sum": Sum((Stationary((0,)), Linear((0,)), Hamming((1, 3), TABLE))),
    "product": Product(
        (Linear((0,)), Sum((Linear((5,)), Stationary((0, 5))))),
    ),
    "scaled": Scaled(Product((Linear((0, 5)), Hamming((1,), TABLE)))),
    "exponential": Product((Stationary((0, 5)), Arc((2, 4), TABLE), Hamming((1, 3), TABLE))),
    **{order: Coregional(Product((Stationary((0,), "matern52"), Linear((5,)))), 1, TABLE, order) for order in ("chain", "star")},
    "tasks": Sum((Coregional(Stationary((0, 5)), 1, TABLE, "star"), Offsets(1, TABLE, 2.0))),
    "tree": Product((Warped(Stationary((0, 5)), (0, 5)), Arc((2, 4), TABLE), Latent((1, 3), TABLE))),
}


def drawn(kernel: Kernel, seed: int = 1) -> np.ndarray:
    """Hyperparameters near the start that are not special."""
    layout = kernel.parameters
    return np.clip(layout.start + 0.3 * np.random.default_rng(seed).standard_normal(len(layout)), layout.lower, layout.upper)


def slope(f, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Central differences of a scalar function."""
    gradient = np.empty(x.shape)
    for k in np.ndindex(*x.shape):
        step = np.zeros(x.shape)
        step[k] = h
        gradient[k] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


@pytest.fixture(params=KERNELS)
def kernel(request) -> Kernel:
    return KERNELS[request.param]


def test_it_is_a_covariance(kernel):
    X, theta = points(40), drawn(kernel)
    K = matrix(kernel, theta, X, X)
    np.testing.assert_allclose(K, K.T, atol=1e-13)
    assert np.linalg.eigvalsh(K).min() > -1e-10 * np.abs(K).max()
    A = kernel.features(X)
    np.testing.assert_allclose(kernel.diagonal(theta, A), np.diag(K), rtol=1e-7)
    np.testing.assert_allclose(kernel.gram(theta, A, A).matrix, K, atol=1e-7)
    assert len(theta) == len(set(kernel.parameters.names))


def test_pulls_are_gradients(kernel):
    rng = np.random.default_rng(3)
    X, Z, theta = points(7), points(5, seed=2), drawn(kernel)
    W = rng.standard_normal((7, 5))
    gram = kernel.gram(theta, kernel.features(X), kernel.features(Z))
    by_theta = slope(lambda t: np.sum(W * matrix(kernel, t, X, Z)), theta)
    np.testing.assert_allclose(gram.pull_parameters(W), by_theta, rtol=1e-6, atol=1e-7)
    numeric = [0, 5]  # a step elsewhere may change which columns are active
    for found, points_, of_points in (
        (gram.pull_inputs(W), X, lambda P: np.sum(W * matrix(kernel, theta, P, Z))),
        (gram.transposed().pull_inputs(W.T), Z, lambda P: np.sum(W * matrix(kernel, theta, X, P))),
    ):
        np.testing.assert_allclose(found[:, numeric], slope(of_points, points_)[:, numeric], rtol=1e-5, atol=1e-6)
    w = rng.standard_normal(7)
    pulled = kernel.pull_diagonal(theta, kernel.features(X), w)
    by_points = slope(lambda P: w @ kernel.diagonal(theta, kernel.features(P)), X)
    np.testing.assert_allclose(np.zeros((7, 6)) if pulled is None else pulled, by_points, rtol=1e-5, atol=1e-6)


def test_among_the_same_points_w_need_not_be_symmetric(kernel):
    X, theta = points(8), drawn(kernel)
    S = np.random.default_rng(3).standard_normal((8, 8))
    A = kernel.features(X)
    gram = kernel.gram(theta, A, A)
    both = gram.pull_parameters(S + S.T)
    np.testing.assert_allclose(gram.pull_parameters(2 * S), both, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(both, slope(lambda t: np.sum((S + S.T) * matrix(kernel, t, X, X)), theta), rtol=1e-5, atol=1e-5)


def test_tensors_give_what_arrays_give(kernel):
    rng = np.random.default_rng(3)
    X, Z, theta, W = points(7), points(5, seed=2), drawn(kernel), rng.standard_normal((7, 5))
    xp = on("torch")
    features = [kernel.features(xp.asarray(P)) for P in (X, Z)]
    ours = kernel.gram(theta, kernel.features(X), kernel.features(Z))
    theirs = kernel.gram(xp.asarray(theta), *features)
    assert isinstance(theirs.matrix, torch.Tensor)
    np.testing.assert_allclose(theirs.matrix.numpy(), ours.matrix, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(theirs.pull_parameters(xp.asarray(W)).numpy(), ours.pull_parameters(W), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(theirs.pull_inputs(xp.asarray(W)).numpy(), ours.pull_inputs(W), rtol=1e-11, atol=1e-13)


def test_distances_survive_cancellation():
    X = np.full((3, 2), 0.9)
    X[1] += 1e-9
    K = matrix(Stationary((0, 1), "matern12"), np.log([0.025, 0.025]), X, X)
    assert K[0, 2] == 1.0
    assert 1 - K[0, 1] == pytest.approx(math.sqrt(2) * 1e-9 / 0.025, rel=1e-5)


def test_a_product_of_exponentials_is_the_product_of_its_parts():
    kernel = KERNELS["exponential"]
    theta, X, Z = drawn(kernel), points(9), points(7, 1)
    expected, start = np.ones((9, 7)), 0
    for part in kernel.parts:
        count = len(part.parameters)
        expected *= matrix(part, theta[start : start + count], X, Z)
        start += count
    assert matrix(kernel, theta, X, Z) == pytest.approx(expected, rel=1e-12)


def test_hamming_counts_differences():
    X = np.array([[0, 0.0, 0.3, 0.0, 0.5, 0], [0, 0.0, 0.3, 1.0, 0.5, 0], [0, 0.5, 0.5, 0.5, 0.5, 0], [0, 1.0, 0.5, 0.5, 0.5, 0]])
    K = matrix(Hamming((1, 3), TABLE), np.log([2.0, 4.0]), X, X)
    # The inactive second column differs from both of its levels, and not from itself.
    expected = [[0, 1 / 4, 3 / 4, 3 / 4], [1 / 4, 0, 3 / 4, 3 / 4], [3 / 4, 3 / 4, 0, 1 / 2], [3 / 4, 3 / 4, 1 / 2, 0]]
    np.testing.assert_allclose(-np.log(K), expected, atol=1e-12)


def test_hamming_is_botorchs():
    from botorch.models.kernels.categorical import CategoricalKernel

    X, Z = points(9)[:, [1, 3]], points(7, seed=1)[:, [1, 3]]
    flat = Columns(tuple(Column(column.name, column.kind, column.levels) for column in (TABLE[1], TABLE[3])))
    X, Z = flat.snap(X), flat.snap(Z)
    theirs = CategoricalKernel(ard_num_dims=2).double()
    theirs.lengthscale = torch.tensor([0.7, 1.9], dtype=torch.float64)
    found = theirs(torch.as_tensor(X), torch.as_tensor(Z)).to_dense().detach().numpy()
    np.testing.assert_allclose(matrix(Hamming((0, 1), flat), np.log([1.4, 3.8]), X, Z), found, rtol=1e-12)


def test_latent_places_decide_which_levels_are_alike():
    kernel = Latent((1,), TABLE)
    assert [name.split(".")[0] for name in kernel.parameters.names[::2]] == ["latent[1,0]", "latent[1,1]", "latent[1,2]"]
    X = np.full((3, 6), 0.5)
    X[:, 1] = [0.0, 0.5, 1.0]
    K = matrix(kernel, np.array([0, 0, 0.1, 0, 2.0, 0]), X, X)
    np.testing.assert_allclose(-2 * np.log(K), [[0, 0.01, 4], [0.01, 0, 3.61], [4, 3.61, 0]], atol=1e-12)


def test_arcs_are_hutters():
    X = points(30)
    radius, angle = np.array([1.3, 0.4]), np.array([0.4, 0.9])
    K = matrix(Arc((2, 4), TABLE), np.log(np.concatenate((1 / radius, angle))), X, X)
    active = TABLE.active(X)[:, [2, 4]]
    x = X[:, None, [2, 4]] - X[None, :, [2, 4]]
    both, neither = active[:, None] & active[None], ~active[:, None] & ~active[None]
    squares = np.where(both, 2 * radius**2 * (1 - np.cos(np.pi * angle * x)), np.where(neither, 0.0, radius**2))
    np.testing.assert_allclose(K, np.exp(-0.5 * squares.sum(-1)), rtol=1e-12)


def test_warping_is_botorchs():
    from botorch.models.transforms.input import Warp

    warp = Warp(2, [0, 1], bounds=torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)).double()
    a, b = np.array([0.3, 2.0]), np.array([4.0, 0.6])
    warp.initialize(concentration1=torch.tensor(a), concentration0=torch.tensor(b))
    X = np.vstack([np.random.default_rng(0).random((9, 2)), [[0, 0], [1, 1]]])
    theirs = warp(torch.as_tensor(X)).detach().numpy()
    inner = Stationary((0, 1))
    scales = np.log([0.3, 0.5])
    ours = matrix(Warped(inner, (0, 1)), np.concatenate((scales, np.log(a), np.log(b))), X, X)
    np.testing.assert_allclose(ours, matrix(inner, scales, theirs, theirs), rtol=1e-9)


def test_the_linear_kernel_is_gpytorchs():
    import gpytorch

    theirs = gpytorch.kernels.LinearKernel(ard_num_dims=2).double()
    theirs.variance = torch.tensor([[0.7, 1.9]], dtype=torch.float64)
    X = np.random.default_rng(0).random((9, 2))
    found = theirs(torch.as_tensor(X - 0.5)).to_dense().detach().numpy()
    np.testing.assert_allclose(matrix(Linear((0, 1)), np.log([0.7, 1.9]), X, X), found, rtol=1e-12)


LEVELS = Columns((Column("x"), Column("s", "ordinal", (0.0, 0.5, 1.0))))


def at_levels(n: int, *levels: float) -> np.ndarray:
    x = (np.arange(n) + 0.5) / n
    return np.vstack([np.column_stack([x, np.full(n, s)]) for s in levels])


def three(order: str) -> tuple[Coregional, np.ndarray, list[np.ndarray]]:
    """A kernel of three levels with variances 2, 0.3, 0.1 and factors 1.5 and -0.7, and the processes' matrices among seven numbers."""
    kernel = Coregional(Stationary((0,), "matern52"), 1, LEVELS, order)
    theta = np.array([*np.log([0.4, 0.3 / 0.4, 0.5 / 0.4]), *np.log([2.0, 0.3, 0.1]), 1.5, -0.7])
    x = at_levels(7, 0.0)
    return kernel, theta, [matrix(kernel.part, np.log([scale]), x, x) for scale in (0.4, 0.3, 0.5)]


def test_a_chain_is_kennedys_and_ohagans():
    kernel, theta, (K0, K1, K2) = three("chain")
    X = at_levels(7, 0.0, 0.5, 1.0)
    low = 2.0 * K0
    middle = 1.5**2 * low + 0.3 * K1
    high = 0.7**2 * middle + 0.1 * K2
    expected = np.block([[low, 1.5 * low, -1.05 * low], [1.5 * low, middle, -0.7 * middle], [-1.05 * low, -0.7 * middle, high]])
    np.testing.assert_allclose(matrix(kernel, theta, X, X), expected, rtol=1e-12, atol=1e-12)


def test_in_a_star_every_source_looks_at_the_target():
    kernel, theta, (K0, K1, K2) = three("star")
    X = at_levels(7, 0.0, 0.5, 1.0)
    target = 2.0 * K0
    a, b = 1.5**2 * target + 0.3 * K1, 0.7**2 * target + 0.1 * K2
    expected = np.block([[a, -1.05 * target, 1.5 * target], [-1.05 * target, b, -0.7 * target], [1.5 * target, -0.7 * target, target]])
    np.testing.assert_allclose(matrix(kernel, theta, X, X), expected, rtol=1e-12, atol=1e-12)


def test_nested_designs_are_cokriged_level_by_level():
    """Le Gratiet & Garnier (2014): the joint posterior at the top is rho times that below plus that of the discrepancy."""
    kernel = Coregional(Stationary((0,)), 1, Columns((LEVELS[0], Column("s", "ordinal", (0.0, 1.0)))), "chain")
    theta = np.array([*np.log([0.3, 0.4 / 0.3]), *np.log([1.2, 0.3]), 0.8])
    x_low, x_high, z = np.linspace(0, 1, 8)[:, None], np.linspace(0, 1, 8)[1:7:2, None], np.linspace(0.03, 0.97, 5)[:, None]
    y_low, y_high = np.sin(6 * x_low[:, 0]), 0.8 * np.sin(6 * x_high[:, 0]) + x_high[:, 0]

    def at(x: np.ndarray, s: float) -> np.ndarray:
        return np.column_stack([x, np.full(len(x), s)])

    X, y = np.vstack([at(x_low, 0.0), at(x_high, 1.0)]), np.concatenate([y_low, y_high])
    joint = matrix(kernel, theta, at(z, 1.0), X) @ np.linalg.solve(matrix(kernel, theta, X, X), y)

    def kriged(lengthscale: float, scale: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        k, t = kernel.part, np.log([lengthscale])
        return scale * matrix(k, t, z, x) @ np.linalg.solve(scale * matrix(k, t, x, x), y)

    below = y_low[1:7:2]
    np.testing.assert_allclose(joint, 0.8 * kriged(0.3, 1.2, x_low, y_low) + kriged(0.4, 0.3, x_high, y_high - 0.8 * below), rtol=1e-6)


def test_levels_that_are_the_same_are_one_and_levels_apart_are_two():
    """With ``rho = 1`` and no discrepancy the target is predicted from all data pooled, with ``rho = 0`` from its own alone."""
    kernel = Coregional(Stationary((0,)), 1, Columns((LEVELS[0], Column("s", "ordinal", (0.0, 1.0)))), "chain")
    rng = np.random.default_rng(0)
    x, s, z = rng.random(14), np.repeat([0.0, 1.0], 7), np.linspace(0, 1, 9)
    X, Z, y = np.column_stack([x, s]), np.column_stack([z, np.ones(9)]), np.sin(6 * x) + 0.1 * rng.standard_normal(14)

    def posterior(k, K, prior, y):
        K = K + 0.01 * np.eye(len(K))
        return k @ np.linalg.solve(K, y), prior - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T))

    def joint(discrepancy, rho):
        theta = np.array([*np.log([0.3, 0.4 / 0.3, 1.2, discrepancy]), rho])
        K, k = matrix(kernel, theta, X, X), matrix(kernel, theta, Z, X)
        return posterior(k, K, np.diag(matrix(kernel, theta, Z, Z)), y)

    def single(length, variance, x, y):
        part, t = kernel.part, np.log([length])
        x, targets = x[:, None], z[:, None]
        return posterior(variance * matrix(part, t, targets, x), variance * matrix(part, t, x, x), variance, y)

    for found, expected in zip(joint(1e-300, 1.0), single(0.3, 1.2, x, y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
    for found, expected in zip(joint(0.3, 0.0), single(0.4, 0.3, x[7:], y[7:]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
    assert np.abs(joint(1e-300, 1.0)[0] - joint(0.3, 0.0)[0]).max() > 0.02


def test_one_level_needs_no_mixing():
    with pytest.raises(ValueError, match="1 levels; it needs two at least"):
        Coregional(Stationary((0,)), 1, Columns((LEVELS[0], Column("s", "ordinal", (0.0,)))), "chain")
