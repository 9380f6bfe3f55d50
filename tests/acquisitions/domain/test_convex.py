"""Convex sets: projections by their optimality conditions, oracles by enumeration, samples by exact moments."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from acquisitions.domain import EmptyDomain
from acquisitions.domain.convex import (
    Box,
    ConvexSet,
    L1Ball,
    L2Ball,
    LInfBall,
    NuclearBall,
    Polytope,
    Product,
    Spectrahedron,
    SpectralBall,
    StandardSimplex,
)

A = np.array([[1, 1, 1], [-1, 2, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1.0]])
TRIANGLE = Polytope([[1, 1, 1], [-1, -1, -1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]], [2, -2, 0, 0, 0])  # the simplex of total 2
SETS: dict[str, ConvexSet] = {
    "box": Box([0, -1, 2, -3], [1, 3, 2, -1.5]),
    "box of matrices": Box(-2, 3, shape=(2, 3)),
    "simplex": StandardSimplex(2.5, shape=4),
    "l1": L1Ball(1.5, [1, -2, 0.5, 3]),
    "l1 of matrices": L1Ball(2, shape=(2, 2)),
    "l2": L2Ball(1.5, [1, -2, 0.5, 3]),
    "linf": LInfBall(1.5, [1, -2, 0.5]),
    "polytope": Polytope(A, [2.5, 1, 0, 0, 0]),
    "polytope without interior": TRIANGLE,
    "nuclear": NuclearBall(2.0, shape=(3, 2)),
    "wide nuclear": NuclearBall(0.5, shape=(2, 4)),
    "spectral": SpectralBall(2.0, shape=(3, 2)),
    "wide spectral": SpectralBall(0.5, shape=(2, 4)),
    "spectrahedron": Spectrahedron(3.0, shape=3),
    "product": Product([L1Ball(1, shape=3), StandardSimplex(2, shape=2), NuclearBall(1, shape=(2, 2)), Box(4, 5, shape=1)]),
    "a point": StandardSimplex(3.0, shape=1),
    "a matrix of one entry": Spectrahedron(3.0, shape=1),
    "an interval of matrices": NuclearBall(2.0, shape=(1, 1)),
    "a row of matrices": SpectralBall(2.0, shape=(1, 3)),
    "large": L2Ball(1e12, shape=3),
}
names = pytest.mark.parametrize("name", SETS)


def flat(X: np.ndarray, s: ConvexSet) -> np.ndarray:
    return X.reshape(*X.shape[: X.ndim - len(s.shape)], -1)


def far_and_near(s: ConvexSet, n: int, rng: np.random.Generator) -> np.ndarray:
    """Points inside, near and far outside."""
    return s.interior_point + (s.diameter + 0.1) * rng.exponential(1.0, (n, *[1] * len(s.shape))) * rng.standard_normal((n, *s.shape))


@names
def test_projection_is_nearest(name: str) -> None:
    """x is the projection of p if and only if <p - x, y - x> <= 0 for every y of the set, and at worst for the oracle's y."""
    s, rng = SETS[name], np.random.default_rng(0)
    P = far_and_near(s, 40, rng)
    X = s.project(P)
    assert s.contains(X, 1e-12 if "polytope" not in name else 1e-9).all()
    inside = flat(s.sample(100, rng), s)
    p, x, y = flat(P, s), flat(X, s), flat(s.lmo(X - P), s)
    scale = np.linalg.norm(p - x, axis=1) * (s.diameter + np.abs(s.bounds).max())
    assert np.all(np.sum((p - x) * (y - x), axis=1) <= 1e-9 * scale)
    assert np.all((p - x) @ inside.T - np.sum((p - x) * x, axis=1)[:, None] <= 1e-9 * scale[:, None])


@names
def test_projection_leaves_points_of_the_set_and_never_spreads(name: str) -> None:
    s, rng = SETS[name], np.random.default_rng(1)
    inside = s.sample(50, rng)
    assert np.allclose(s.project(inside), inside, rtol=0, atol=1e-9 * (1 + s.diameter))
    P = far_and_near(s, 40, rng)
    X = s.project(P)
    assert np.allclose(s.project(X), X, rtol=0, atol=1e-9 * (1 + s.diameter))
    apart = np.linalg.norm(flat(P[:20] - P[20:], s), axis=1)
    assert np.all(np.linalg.norm(flat(X[:20] - X[20:], s), axis=1) <= apart * (1 + 1e-9) + 1e-12)


@names
def test_oracle_beats_every_sample_and_ignores_scale(name: str) -> None:
    s, rng = SETS[name], np.random.default_rng(2)
    inside = flat(s.sample(300, rng), s)
    G = rng.standard_normal((20, *s.shape))
    S = s.lmo(G)
    assert s.contains(S).all()
    assert np.all(np.sum(flat(G, s) * flat(S, s), axis=1) <= np.min(flat(G, s) @ inside.T, axis=1) + 1e-9)
    for size in (2.0**-900, 2.0**900):
        assert np.array_equal(s.lmo(size * G), S)
    assert s.contains(s.lmo(np.zeros(s.shape)))


VERTICES: dict[str, Any] = {
    "box": itertools.product([0, 1], [-1, 3], [2], [-3, -1.5]),
    "box of matrices": itertools.product([-2, 3], repeat=6),
    "simplex": 2.5 * np.eye(4),
    "l1": np.array([1, -2, 0.5, 3]) + 1.5 * np.vstack([np.eye(4), -np.eye(4)]),
    "l1 of matrices": 2 * np.vstack([np.eye(4), -np.eye(4)]),
    "linf": [np.array([1, -2, 0.5]) + 1.5 * np.array(signs) for signs in itertools.product([-1, 1], repeat=3)],
    "polytope without interior": 2 * np.eye(3),
}


@pytest.mark.parametrize("name", VERTICES)
def test_oracle_is_the_best_vertex(name: str) -> None:
    s, rng = SETS[name], np.random.default_rng(3)
    vertices = np.array([np.asarray(v, dtype=float) for v in VERTICES[name]])
    for g in rng.standard_normal((30, *s.shape)):
        assert np.allclose(s.lmo(g).ravel(), vertices[np.argmin(vertices @ g.ravel())], rtol=0, atol=1e-12)


def test_polytope_oracle_against_intersections_of_its_facets() -> None:
    b = np.array([2.5, 1, 0, 0, 0])
    corners = [
        np.linalg.solve(A[list(i)], b[list(i)]) for i in itertools.combinations(range(5), 3) if abs(np.linalg.det(A[list(i)])) > 1e-9
    ]
    vertices = np.array([v for v in corners if np.all(A @ v <= b + 1e-9)])
    for g in np.random.default_rng(4).standard_normal((30, 3)):
        assert np.allclose(SETS["polytope"].lmo(g), vertices[np.argmin(vertices @ g)], rtol=0, atol=1e-12)
    assert np.allclose(SETS["polytope"].bounds, [vertices.min(0), vertices.max(0)], atol=1e-12)


def test_oracles_of_smooth_and_spectral_sets_reach_the_dual_norm() -> None:
    """min <g, s> over a ball is <g, c> - radius * (dual norm of g); over the spectrahedron trace * (least eigenvalue)."""
    rng = np.random.default_rng(5)
    for _ in range(10):
        g, c, G, H = rng.standard_normal(4), np.array([1, -2, 0.5, 3]), rng.standard_normal((3, 2)), rng.standard_normal((3, 3))
        assert g @ SETS["l2"].lmo(g) == pytest.approx(g @ c - 1.5 * np.linalg.norm(g), abs=1e-12)
        assert np.sum(G * SETS["nuclear"].lmo(G)) == pytest.approx(-2 * np.linalg.norm(G, 2), abs=1e-12)
        assert np.sum(G * SETS["spectral"].lmo(G)) == pytest.approx(-2 * np.linalg.norm(G, "nuc"), abs=1e-12)
        least = np.linalg.eigvalsh((H + H.T) / 2)[0]
        assert np.sum(H * SETS["spectrahedron"].lmo(H)) == pytest.approx(3 * least, abs=1e-12)
    assert np.linalg.matrix_rank(SETS["nuclear"].lmo(G)) == 1
    assert np.linalg.matrix_rank(SETS["spectrahedron"].lmo(H)) == 1


def test_ties_go_to_the_lowest_index() -> None:
    assert np.array_equal(L1Ball(2).lmo([1, -1, 1]), [-2, 0, 0])
    assert np.array_equal(L1Ball(2).lmo([0, 0, 0]), [2, 0, 0])
    assert np.array_equal(StandardSimplex(2).lmo([5, 1, 1]), [0, 2, 0])
    assert np.array_equal(Box(-1, 2).lmo([0, 1, -1]), [2, -1, 2])
    assert np.array_equal(L2Ball(2, 7.0).lmo([0, 0]), [7, 7])


def test_projections_in_closed_form() -> None:
    assert np.allclose(L1Ball(1).project([2, 0.5, 0]), [1, 0, 0])
    assert np.allclose(L1Ball(1).project([0.8, -0.6, 0.1]), [0.6, -0.4, 0])  # soft thresholding at 0.2
    assert np.allclose(L1Ball(1, 10.0).project([10.8, 9.4, 10.1]), [10.6, 9.6, 10])
    assert np.allclose(L2Ball(1, [1, 0]).project([1, 5]), [1, 1])
    assert np.allclose(LInfBall(1, [1, 0]).project([7, -0.5]), [2, -0.5])
    assert np.allclose(StandardSimplex(1).project([0.5, 0.7, -1]), [0.4, 0.6, 0])
    assert np.allclose(Spectrahedron(1).project(np.diag([0.5, 0.7, -1])), np.diag([0.4, 0.6, 0]))
    rotation = np.linalg.qr(np.random.default_rng(6).standard_normal((3, 3))).Q
    D = np.diag([2, 0.5, 0.1])
    assert np.allclose(NuclearBall(1).project(rotation @ D), rotation @ np.diag([1, 0, 0]))
    assert np.allclose(SpectralBall(1).project(rotation @ D), rotation @ np.diag([1, 0.5, 0.1]))
    assert np.allclose(TRIANGLE.project([1.0, 1.4, -2.0]), StandardSimplex(2).project([1.0, 1.4, -2.0]), atol=1e-9)
    assert np.allclose(Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]).project([2.0, 2.0]), [0.5, 0.5], atol=1e-9)


@pytest.mark.parametrize("size", [1e-150, 1e20, 1e150])
def test_entries_of_any_size(size: float) -> None:
    P = size * np.array([3.0, -4.0, 1.0])
    for s in (L1Ball(size), L2Ball(size), LInfBall(size), StandardSimplex(size), Box(-size, size)):
        assert s.contains(s.project(P), 1e-12)
        assert not s.contains(P)
    assert np.allclose(L2Ball(size).project(P), size * np.array([3, -4, 1]) / math.sqrt(26), rtol=1e-12)
    if size > 1:
        assert np.allclose(L1Ball(1).project(P), [0, -1, 0])
        assert np.allclose(StandardSimplex(1).project(P), [1, 0, 0])


@names
def test_membership_is_as_sharp_as_asked(name: str) -> None:
    """From an inner point through an extreme one: just before it is inside, just after it is outside."""
    s, rng = SETS[name], np.random.default_rng(7)
    middle = s.interior_point
    assert s.contains(middle)
    if s.diameter == 0:
        return
    V = s.lmo(rng.standard_normal((10, *s.shape)))
    assert s.contains(middle + (1 - 1e-5) * (V - middle), 1e-13).all()
    assert not s.contains(middle + (1 + 1e-5) * (V - middle), 1e-8).any()
    assert s.contains(middle + (1 + 1e-5) * (V - middle), 1e-3).all()
    broken = np.array(V)
    broken.reshape(10, -1)[:, 0] = np.nan
    assert not s.contains(broken).any()


def test_equalities_are_part_of_membership() -> None:
    assert not StandardSimplex(1).contains([0.5, 0.4])
    assert not Spectrahedron(1).contains([[0.5, 0.2], [0.1, 0.5]])
    assert not Spectrahedron(1).contains([[0.5, 0.0], [0.0, 0.6]])
    assert not Spectrahedron(1).contains([[0.5, 0.6], [0.6, 0.5]])
    assert Spectrahedron(1).contains([[0.5, 0.5], [0.5, 0.5]])
    assert not TRIANGLE.contains([0.5, 0.5, 0.5])


@names
def test_inner_ball_diameter_and_bounds(name: str) -> None:
    """The inner ball fits and no larger one does; the bounds are reached; no two extreme points lie further apart than the diameter."""
    s, rng = SETS[name], np.random.default_rng(8)
    n = 500 if "polytope" not in name else 30
    D = s.tangent(rng.standard_normal((n, *s.shape)))
    assert np.allclose(s.tangent(D), D, atol=1e-12)
    norm = np.linalg.norm(flat(D, s), axis=1).reshape(-1, *[1] * len(s.shape))
    if s.inradius > 0:
        assert s.contains(s.interior_point + (1 - 1e-9) * s.inradius * D / norm).all()
        V = s.lmo(rng.standard_normal((n, *s.shape)))
        gaps = [support(s, d) for d in [*D, *(s.interior_point - V)]]
        assert min(gaps) >= s.inradius * (1 - 1e-9)
        apart = np.linalg.norm(flat(V, s)[:, None] - flat(V, s)[None, :], axis=2)
        assert apart.max() <= s.diameter * (1 + 1e-12)
    low, high = s.bounds.reshape(2, -1)
    for i, e in enumerate(np.eye(len(low)).reshape(-1, *s.shape)):
        assert s.lmo(e).ravel()[i] == pytest.approx(low[i], abs=1e-9)
        assert s.lmo(-e).ravel()[i] == pytest.approx(high[i], abs=1e-9)


def support(s: ConvexSet, d: np.ndarray) -> float:
    """How far the set reaches from its inner point in the direction d."""
    size = float(np.linalg.norm(d))
    return float(np.sum(d * (s.lmo(-d) - s.interior_point))) / size if size > 1e-9 else math.inf


TIGHT = {  # a direction within the span in which the set reaches no further than the inner ball, and two points a diameter apart
    "simplex": ([-3, 1, 1, 1], [1, -1, 0, 0]),
    "l1": ([1, -1, 1, 1], [1, 0, 0, 0]),
    "l2": ([1, 2, 3, 4], [1, 2, 3, 4]),
    "linf": ([0, 1, 0], [1, 1, -1]),
    "nuclear": (np.eye(3, 2), [[1, 0], [0, 0], [0, 0]]),
    "spectral": ([[1, 0], [0, 0], [0, 0]], np.eye(3, 2)),
    "spectrahedron": (np.diag([-2, 1, 1]), np.diag([1, -1, 0])),
    "box": ([1, 0, 0, 0], [1, 1, 0, 1]),
    "polytope without interior": ([-2, 1, 1], None),
}


@pytest.mark.parametrize("name", TIGHT)
def test_inradius_and_diameter_are_reached(name: str) -> None:
    s = SETS[name]
    inner, outer = TIGHT[name]
    assert support(s, np.asarray(inner, dtype=float)) == pytest.approx(s.inradius, rel=1e-6)
    if outer is not None:
        d = np.asarray(outer, dtype=float)
        ends = s.lmo(-d), s.lmo(d)
        assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(s.diameter, rel=1e-9)


SECOND_MOMENTS = {  # of one coordinate around the centre, uniform by volume, radius one, by integration
    "l1": (L1Ball(1, 3.0, shape=3), 2 / (4 * 5)),  # density proportional to (1 - |x|)^(d - 1)
    "l2": (L2Ball(1, 3.0, shape=3), 1 / 5),  # 1 / (d + 2)
    "linf": (LInfBall(1, 3.0, shape=3), 1 / 3),
    "spectral": (SpectralBall(1, shape=(3, 2)), 1 / 6),  # 1 / (p + q + 1), the mean square of an entry of a frame of as many rows
    "box": (Box(-1, 1, shape=2), 1 / 3),
    "simplex": (StandardSimplex(1, shape=3), 1 / 18),  # variance of a Beta(1, d - 1)
}


@pytest.mark.parametrize("name", SECOND_MOMENTS)
def test_samples_have_the_moments_of_the_uniform_distribution(name: str) -> None:
    s, exact = SECOND_MOMENTS[name]
    D = flat(s.sample(40_000, np.random.default_rng(9)) - s.interior_point, s)
    assert np.all(np.abs(D.mean(axis=0)) < 0.02)  # each of these fails by chance less often than once in 1e4 seeds
    assert np.allclose(np.mean(D**2, axis=0), exact, rtol=0.04)


def rejection(s: ConvexSet, n: int, rng: np.random.Generator) -> np.ndarray:
    low, high = s.bounds
    X = low + (high - low) * rng.random((n, *s.shape))
    return X[s.contains(X)]


def test_spectral_samples_are_uniform_by_rejection() -> None:
    """The same distribution of the least and the greatest singular value as of box points that happen to lie inside."""
    s, rng = SpectralBall(1, shape=(2, 3)), np.random.default_rng(10)
    ours = np.linalg.svd(s.sample(20_000, rng), compute_uv=False)
    theirs = np.linalg.svd(rejection(s, 200_000, rng), compute_uv=False)
    assert len(theirs) > 5_000
    for q in (0.1, 0.5, 0.9):
        assert np.allclose(np.quantile(ours, q, axis=0), np.quantile(theirs, q, axis=0), atol=0.015)


def test_spectrahedron_samples_are_uniform() -> None:
    """For 2 x 2 matrices the set is a disc in (x11 - x22) / 2 and x12: the distance from its centre has mean 2/3 and mean square 1/2."""
    X = Spectrahedron(2.0, shape=2).sample(40_000, np.random.default_rng(11))
    r = np.hypot((X[:, 0, 0] - X[:, 1, 1]) / 2, X[:, 0, 1])
    assert r.mean() == pytest.approx(2 / 3, abs=0.01)
    assert np.mean(r**2) == pytest.approx(1 / 2, abs=0.01)


def test_nuclear_samples_have_uniform_singular_values() -> None:
    s = np.linalg.svd(NuclearBall(1.0, shape=(4, 2)).sample(20_000, np.random.default_rng(12)), compute_uv=False).sum(axis=1)
    assert s.mean() == pytest.approx(2 / 3, abs=0.01)  # of a sum of two that is uniform in a triangle


@names
def test_samples_are_reproducible_inside_and_in_general_position(name: str) -> None:
    s = SETS[name]
    X = s.sample(30, np.random.default_rng(13))
    assert X.shape == (30, *s.shape)
    assert s.contains(X).all()
    assert np.array_equal(X, s.sample(30, np.random.default_rng(13)))
    spread = np.linalg.matrix_rank(flat(X - X.mean(axis=0), s), tol=1e-9)
    k = len(flat(X, s)[0])
    assert spread == s.dimension == np.linalg.matrix_rank(flat(s.tangent(np.eye(k).reshape(k, *s.shape)), s), tol=1e-9)


@names
def test_batches_over_leading_axes(name: str) -> None:
    s, rng = SETS[name], np.random.default_rng(14)
    P = far_and_near(s, 6, rng)
    grid = P.reshape(2, 3, *s.shape)
    for method in (s.project, s.lmo, s.tangent):
        alone = np.array([method(p) for p in P])
        assert np.allclose(method(grid), alone.reshape(grid.shape), rtol=0, atol=1e-9 * (1 + np.abs(P).max()))
        assert method(P[:0]).shape == P[:0].shape
    assert s.contains(grid).shape == (2, 3)
    assert s.contains(P[0]).shape == ()
    assert s.contains(P[:0]).shape == (0,)
    assert s.sample(0, rng).shape == (0, *s.shape)


@names
def test_methods_leave_their_input_alone(name: str) -> None:
    s, rng = SETS[name], np.random.default_rng(15)
    P = far_and_near(s, 6, rng)
    kept = P.copy()
    for result in (s.project(P), s.lmo(P), s.tangent(P), s.bounds, s.interior_point):
        if result.flags.writeable:
            result += 1.0
    assert np.array_equal(P, kept)
    assert s.contains(s.interior_point)


def test_a_set_without_a_shape_takes_any_dimension() -> None:
    for s in (L1Ball(1), L2Ball(1), LInfBall(1), StandardSimplex(1), Box(0, 1)):
        assert s.project(np.ones((5, 2))).shape == (5, 2)
        assert s.lmo(np.ones(7)).shape == (7,)
        with pytest.raises(ValueError, match="shape=3"):
            s.sample(1, np.random.default_rng(0))
        with pytest.raises(ValueError, match="shape=3"):
            _ = s.bounds
        assert s.with_shape((2, 3)).sample(1, np.random.default_rng(0)).shape == (1, 2, 3)
    assert NuclearBall(1).project(np.ones((5, 2, 3))).shape == (5, 2, 3)
    assert np.allclose(L1Ball(1, shape=(2, 2)).project(np.ones((2, 2))), 0.25)  # the entries are one vector


def test_sets_are_plain_data() -> None:
    assert L1Ball(1, np.array([1, 2])) == L1Ball(1.0, [1.0, 2.0], shape=2)
    assert hash(Polytope(A, np.ones(5))) == hash(Polytope(A.tolist(), [1] * 5))
    assert L1Ball(1) != L1Ball(2)
    assert L1Ball(1) != L2Ball(1)
    assert repr(L1Ball(1, shape=2)) == "L1Ball(1.0, shape=(2,))"


def test_pieces_of_a_product() -> None:
    x, m = Product([L1Ball(1, shape=2), NuclearBall(1, shape=(2, 3))]).split(np.arange(16.0).reshape(2, 8))
    assert np.array_equal(x, [[0, 1], [8, 9]])
    assert np.array_equal(m[1], [[10, 11, 12], [13, 14, 15]])


BAD: list[tuple[Any, str]] = [
    (lambda: L1Ball(0), "radius=0 must be a positive"),
    (lambda: L2Ball(-1), "radius=-1"),
    (lambda: LInfBall(math.inf), "radius=inf"),
    (lambda: NuclearBall(True), "radius=True"),
    (lambda: SpectralBall("2"), "radius='2'"),
    (lambda: StandardSimplex(0), "total=0"),
    (lambda: Spectrahedron(math.nan), "trace=nan"),
    (lambda: L1Ball(1, [0, math.nan]), "finite"),
    (lambda: L1Ball(1, "here"), "array of numbers"),
    (lambda: L1Ball(1, [0, 0], shape=3), "shape \\(3,\\)"),
    (lambda: L1Ball(1, shape=0), "positive whole numbers"),
    (lambda: NuclearBall(1, shape=3), "rows, columns"),
    (lambda: Spectrahedron(1, shape=(2, 3)), "square"),
    (lambda: Box(1, 0), "lies above"),
    (lambda: Box([0, 0], [1, 1, 1]), "one shape"),
    (lambda: Polytope([[1, 0]], [1, 2]), "m x d"),
    (lambda: Polytope([1, 0], [1, 2]), "m x d"),
    (lambda: Polytope([[1, 0]], [1], shape=3), "2 columns|A 2 columns"),
    (lambda: Polytope([[1, 0], [-1, 0], [0, 1]], [1, 1, 1]).lmo([1, 1]), "unbounded"),
    (lambda: Product([]), "at least one"),
    (lambda: Product([L1Ball(1)]), "does not know the shape"),
    (lambda: L1Ball(1, shape=3).project([1, 2]), "must end in \\(3,\\)"),
    (lambda: L1Ball(1).project(1.0), "must end in"),
    (lambda: NuclearBall(1).project([1.0]), "rows, columns"),
    (lambda: Spectrahedron(1).project(np.ones((2, 3))), "square"),
    (lambda: L1Ball(1).project([1, math.nan]), "infinite or NaN"),
    (lambda: L1Ball(1).lmo([1, math.inf]), "infinite or NaN"),
    (lambda: L1Ball(1, shape=3).with_shape((2,)), "not \\(2,\\)"),
]


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_bad_input_is_named(bad: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bad()


def test_contradictions_are_empty() -> None:
    with pytest.raises(EmptyDomain):
        Polytope([[1.0], [-1.0]], [0, -1]).project([0.5])


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_polytopes_of_any_size(size: float) -> None:
    s = Polytope(A, size * np.array([2.5, 1, 0, 0, 0]))
    unit = SETS["polytope"]
    P = np.random.default_rng(16).standard_normal((20, 3)) * 3
    assert np.allclose(s.project(size * P) / size, unit.project(P), atol=1e-8)
    assert np.allclose(s.lmo(P) / size, unit.lmo(P), atol=1e-8)
    assert s.inradius / size == pytest.approx(unit.inradius, rel=1e-6)


def test_polytope_inradius_is_at_most_chebyshevs() -> None:
    """The largest ball inside has its own linear program; the one around the analytic centre is no larger, and not much smaller here."""
    norm = np.linalg.norm(A, axis=1)
    best = linprog([0, 0, 0, -1], A_ub=np.column_stack([A, norm]), b_ub=[2.5, 1, 0, 0, 0], bounds=(None, None))
    assert 0.5 * -best.fun < SETS["polytope"].inradius <= -best.fun * (1 + 1e-9)


def test_frank_wolfe_on_the_l1_ball_reaches_the_closed_form() -> None:
    """min |x - a|^2 / 2 over the unit l1 ball with a = (2, 0.5, 0, ...) is at e_1 with value 0.625 (spec, section 3)."""
    s, a = L1Ball(1, shape=10), np.array([2.0, 0.5] + [0.0] * 8)
    x = np.zeros(10)
    for t in range(2000):
        g = x - a
        v = s.lmo(g)
        assert g @ (x - v) >= 0.5 * (x - a) @ (x - a) - 0.625 - 1e-12  # the gap bounds the error
        x = x + 2 / (t + 8) * (v - x)
        assert s.contains(x, 1e-12)
    assert 0.5 * (x - a) @ (x - a) == pytest.approx(0.625, abs=1e-4)
