"""Fronts and boxes against definitions, and BoTorch's reference point."""

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.box_decompositions.dominated import DominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point as botorch_reference_point
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acquisitions.box_decomposition import decompose, infer_reference_point, nondominated

grids = st.integers(2, 4).flatmap(lambda m: arrays(float, st.tuples(st.integers(0, 9), st.just(m)), elements=st.integers(-1, 4).map(float)))


@given(grids)
def test_front_by_definition(Y):
    front = nondominated(Y)
    for i, y in enumerate(Y):
        beaten = any(np.all(z >= y) and (np.any(z > y) or k < i) for k, z in enumerate(Y) if k != i)
        assert front[i] == (not beaten)


@pytest.mark.parametrize("m", [2, 3])
def test_fronts_of_a_stack(m):
    Y = np.random.default_rng(0).integers(0, 5, (6, 12, m)).astype(float)
    Y[0, :4] = -np.inf
    Y[1] = -np.inf
    together = nondominated(Y)
    assert not together[1].any() and not together[0, :4].any()
    np.testing.assert_array_equal(together, [nondominated(y) for y in Y])


@given(grids)
def test_boxes_are_disjoint_and_cover_what_is_not_dominated(Y):
    reference = np.zeros(Y.shape[1])
    Y = Y[np.all(reference < Y, axis=1)]
    Y = Y[nondominated(Y)]
    lower, upper = decompose(Y, reference)
    assert np.all(lower < upper)
    points = np.random.default_rng(0).random((200, Y.shape[1])) * 6 - 0.5
    inside = np.all((points[:, None] > lower) & (points[:, None] < upper), axis=2).sum(1)
    above = np.all(points > reference, axis=1) & ~np.any(np.all(points[:, None] <= Y, axis=2), axis=1)
    np.testing.assert_array_equal(inside, above)


@pytest.mark.parametrize("m, boxes", [(2, 31), (3, 61), (4, 400)])
def test_how_many_boxes(m, boxes):
    rng = np.random.default_rng(0)
    Y = np.abs(rng.standard_normal((30, m)))
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    lower, upper = decompose(Y, np.zeros(m))
    assert len(lower) <= boxes
    volume = 2.0**m - np.prod(np.maximum(np.minimum(upper, 2) - lower, 0), axis=1).sum()
    partition = DominatedPartitioning(torch.zeros(m, dtype=torch.float64), torch.as_tensor(Y))
    assert volume == pytest.approx(float(partition.compute_hypervolume()), rel=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 6])
@pytest.mark.parametrize("flat", [False, True])
def test_reference_point_is_botorchs(rows, flat):
    Y = np.random.default_rng(rows).standard_normal((rows, 3))
    if flat:
        Y[:, 1] = 0.0
    np.testing.assert_allclose(infer_reference_point(Y), botorch_reference_point(torch.as_tensor(Y)).numpy(), rtol=1e-14)


def test_no_front_has_no_reference_point():
    with pytest.raises(ValueError, match="give the reference point"):
        infer_reference_point(np.empty((0, 2)))
