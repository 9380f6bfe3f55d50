"""The size of a trust region by a table, and its place in the cube."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bbo
from bbo.optimizers.trust_region import FIRST, LEAST, TrustRegion, limited, part, sides

MIXED = bbo.Space(
    {
        "x": bbo.Float(-5, 10),
        "n": bbo.Int(0, 10),
        "kind": bbo.Categorical(["a", "b", "c"]),
        "y": bbo.Float(1e-3, 1e2, log=True),
        "z": bbo.Float(0, 1, when={"kind": "a"}),
    }
)

# d = 6: three batches in a row with success double, six trials in a row without halve. (better, trials) -> (length, successes, failures)
SEQUENCE = [
    ((True, 2), (0.8, 1, 0)),
    ((True, 2), (0.8, 2, 0)),
    ((False, 2), (0.8, 0, 2)),  # the row is broken
    ((False, 3), (0.8, 0, 5)),
    ((True, 1), (0.8, 1, 0)),  # and so is this one
    ((True, 1), (0.8, 2, 0)),
    ((True, 1), (1.6, 0, 0)),
    ((True, 4), (1.6, 1, 0)),
    ((True, 4), (1.6, 2, 0)),
    ((True, 4), (1.6, 0, 0)),  # as large as they get
    ((False, 5), (1.6, 0, 5)),
    ((False, 1), (0.8, 0, 0)),
    ((False, 20), (0.4, 0, 0)),  # halved once, however large the batch
    ((True, 1), (0.4, 1, 0)),
    ((False, 6), (0.2, 0, 0)),
]


def test_the_size_follows_the_table() -> None:
    region = TrustRegion()
    assert (region.length, region.successes, region.failures) == (FIRST, 0, 0)
    for (better, trials), expected in SEQUENCE:
        region = region.after(better=better, trials=trials, d=6)
        assert (region.length, region.successes, region.failures) == expected


@pytest.mark.parametrize("d", [1, 3, 4, 20, 33])
@pytest.mark.parametrize("q", [1, 2, 5, 10])
def test_it_shrinks_after_the_batches_of_the_paper(d: int, q: int) -> None:
    region, batches = TrustRegion(), 0
    while region.length == FIRST:
        region, batches = region.after(better=False, trials=q, d=d), batches + 1
    assert batches == math.ceil(max(4 / q, d / q))
    assert region == TrustRegion(FIRST / 2)


def test_it_ends_below_its_least_length() -> None:
    assert LEAST == 2.0**-7
    region, halvings = TrustRegion(), 0
    while not region.ended:
        region, halvings = region.after(better=False, trials=9, d=9), halvings + 1
    assert halvings == 7  # 0.8 / 2^6 is 0.0125, and 2^-7 is 0.0078
    assert not TrustRegion(LEAST).ended


def test_sides_have_the_length_for_geometric_mean_and_the_proportions_of_the_length_scales() -> None:
    scales = np.array([0.1, 0.4, 3.0, 1.2])
    found = sides(0.2, scales)
    assert np.prod(found) == pytest.approx(0.2**4, rel=1e-12)
    np.testing.assert_allclose(found / found[0], scales / scales[0], rtol=1e-12)
    np.testing.assert_allclose(sides(0.2, np.array([1.0, 40.0])), sides(0.2, np.array([1.0, 4.0])))  # irrelevant is irrelevant


def test_a_region_is_cut_off_at_the_cube_and_has_sides_along_numbers_alone() -> None:
    columns = MIXED.columns
    assert [columns[i].name for i in limited(columns)] == ["x", "n", "y"]
    centre = MIXED.encode([{"x": -4.25, "n": 4, "kind": "b", "y": 1e2}])[0]
    region = part(MIXED.cube, centre, {0: 0.2, 1: 0.4, 3: 0.5})
    np.testing.assert_allclose(region.bounds[:, 0], [0.0, 0.15])
    np.testing.assert_allclose(region.bounds[:, 3], [0.75, 1.0])
    np.testing.assert_array_equal(region.bounds[:, [2, 4]], MIXED.cube.bounds[:, [2, 4]])
    points = MIXED.decode(region.sample(400, np.random.default_rng(0)))
    assert {p["n"] for p in points} == {2, 3, 4, 5, 6}  # the levels stand 1/11 apart, and 1 and 7 are farther off than 0.4 / 2
    assert {p["kind"] for p in points} == {"a", "b", "c"}
    assert all(MIXED.cube.contains(MIXED.encode([p]))[0] for p in points)


def test_whole_numbers_may_take_a_step_however_small_the_region() -> None:
    centre = MIXED.encode([{"x": 0.0, "n": 0, "kind": "b", "y": 1.0}])[0]
    region = part(MIXED.cube, centre, {0: 1e-3, 1: 1e-3, 3: 1e-3})
    assert {p["n"] for p in MIXED.decode(region.sample(200, np.random.default_rng(0)))} == {0, 1}


def test_what_stands_still_is_not_limited() -> None:
    centre = MIXED.encode([{"x": 0.0, "n": 4, "kind": "b", "y": 1.0}])[0]
    region = part(MIXED.cube, centre, {0: 0.1, 1: 0.1, 3: 0.1}, fixed=[0, 1])
    np.testing.assert_array_equal(region.bounds[:, :2], MIXED.cube.bounds[:, :2])
    assert region.shapes[0].levels[1] == MIXED.columns[1].levels  # type: ignore[attr-defined]
