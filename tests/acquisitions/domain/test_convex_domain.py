"""Domains as products of convex sets: against the domain they are made from, and by what directions and centres have to be."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bbo
from acquisitions.domain import ConvexDomain, UnsupportedDomain

MIXED = {
    "a": bbo.Float(0, 10),
    "w": bbo.Array(3, within=bbo.L1Ball(2)),
    "b": bbo.Float(1e-3, 1, log=True),
    "m": bbo.Simplex(["p", "q", "r"], total=2),
    "c": bbo.Float(0, 4),
    "s": bbo.Array((2, 2), within=bbo.Spectrahedron(3)),
}
SPACES = {
    "free": bbo.Space(MIXED),
    "under linear constraints": bbo.Space(MIXED, constraints=["a + 2*c <= 8", "m.p <= 0.2*a"]),
    "within an equality": bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(-1, 1), "z": bbo.Float(0, 1)}, constraints=["x + y == 0.5"]),
    "product": bbo.Space(
        {"v": bbo.Array(7, within=bbo.Product([bbo.LInfBall(2, shape=2), bbo.NuclearBall(1, shape=(2, 2)), bbo.Box(0, 1, shape=1)]))}
    ),
}
DIMENSIONS = {"free": 1 + 3 + 1 + 2 + 1 + 2, "under linear constraints": 10, "within an equality": 2, "product": 7}
names = pytest.mark.parametrize("name", SPACES)


@names
def test_is_the_domain_it_is_made_from(name: str) -> None:
    domain, rng = SPACES[name].cube, np.random.default_rng(0)
    body = ConvexDomain.of(domain)
    assert body.d == domain.d
    assert sorted(i for part in body.parts for i in part.columns) == list(range(domain.d))
    G = rng.standard_normal((20, domain.d))
    V = body.lmo(G)
    np.testing.assert_allclose((G * V).sum(axis=1), (G * domain.lmo(G)).sum(axis=1), rtol=0, atol=1e-9)
    inside = body.sample(50, rng)
    X = np.concatenate([V, inside, inside + 1e-3 * rng.standard_normal(inside.shape), rng.random((50, domain.d))])
    np.testing.assert_array_equal(body.contains(X), domain.contains(X))
    assert body.contains(V).all()
    assert body.contains(inside).all()
    assert not body.contains(X).all()


@names
def test_projections_are_those_of_the_domain(name: str) -> None:
    domain = SPACES[name].cube
    X = np.random.default_rng(3).normal(0.5, 2.0, size=(20, domain.d))
    np.testing.assert_allclose(ConvexDomain.of(domain).project(X), domain.project(X), rtol=0, atol=1e-9)


@names
def test_axes_are_an_orthonormal_basis_of_the_directions_within(name: str) -> None:
    body, rng = ConvexDomain.of(SPACES[name].cube), np.random.default_rng(1)
    axes = body.axes
    assert body.dimension == len(axes) == DIMENSIONS[name]
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(body.tangent(axes), axes, rtol=0, atol=1e-12)
    X = body.sample(60, rng)
    apart = X[:30] - X[30:]
    np.testing.assert_allclose(apart @ axes.T @ axes, apart, rtol=0, atol=1e-9)
    D = rng.standard_normal((5, body.d))
    np.testing.assert_allclose(body.tangent(D), D @ axes.T @ axes, rtol=0, atol=1e-9)


@names
def test_the_centre_is_deep_inside_and_nothing_is_further_apart_than_the_diameter(name: str) -> None:
    body, rng = ConvexDomain.of(SPACES[name].cube), np.random.default_rng(2)
    around = body.centre + 1e-3 * body.tangent(rng.standard_normal((50, body.d)))
    assert body.contains(around, 1e-14).all()
    V = body.lmo(rng.standard_normal((40, body.d)))
    assert np.linalg.norm(V[:, None] - V[None, :], axis=2).max() <= body.diameter * (1 + 1e-12)


def test_a_constraint_on_constants_alone_binds_nothing() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "f": bbo.Fixed(2)}, constraints=["f <= 3"])
    np.testing.assert_array_equal(ConvexDomain.of(space.cube).lmo([[1.0], [-1.0]]), [[0.0], [1.0]])


def test_the_diameter_is_that_of_the_parts_together() -> None:
    """A unit cube of two, an l1 ball whose range is its diameter, and a simplex of side sqrt(2)."""
    space = bbo.Space({"x": bbo.Float(-3, 5), "w": bbo.Array(4, within=bbo.L1Ball(7)), "y": bbo.Float(0, 1), "m": bbo.Simplex(["p", "q"])})
    assert ConvexDomain.of(space.cube).diameter == pytest.approx(math.sqrt(2 + 1 + 2), rel=1e-14)


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (bbo.Space({"x": bbo.Float(0, 1), "i": bbo.Int(0, 10**6)}), "i goes in steps"),
        (bbo.Space({"x": bbo.Float(0, 1), "k": bbo.Categorical(["a", "b"])}), "k goes in steps or has choices"),
        (bbo.Space({"m": bbo.Simplex(["p", "q", "r"], max_nonzero=2)}), "m.p, m.q, m.r are a mixture of few"),
        (
            bbo.Space({"m": bbo.Simplex(["p", "q", "r"], min_share=0.1)}),
            "m.p, m.q, m.r are a mixture of few components, or of least shares",
        ),
        (bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1, when="x >= 0.5")}), "conditional"),
        (bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x * y <= 0.5"]), r"'x \* y <= 0.5' is not linear"),
        (bbo.Space({"x": bbo.Float(1, 9, log=True), "y": bbo.Float(0, 1)}, constraints=["x + y <= 5"]), "is not linear"),
    ],
)
def test_says_what_is_not_convex(space: bbo.Space, reason: str) -> None:
    with pytest.raises(UnsupportedDomain, match=reason):
        ConvexDomain.of(space.cube)
