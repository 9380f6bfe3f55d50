"""Random masks at given ratios, and masks shared out over workers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bbo.zeroth_order.modules import random_masks, split


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 2))


def test_random_masks_have_the_shares_they_are_asked_for() -> None:
    """Counts of a share are its two neighbours, and their mean over 400 draws is the share within 4.5 standard errors (7e-6 for one)."""
    rng, ratios = np.random.default_rng(0), {"0.weight": 0.3, "1.weight": 1.0, "1.bias": 0.1, "0.bias": 0.0}
    counts: dict[str, list[int]] = {name: [] for name in ratios}
    seen = {name: torch.zeros(shape) for name, shape in {"0.weight": (5, 7), "1.bias": (2,)}.items()}
    for _ in range(400):
        masks = random_masks(model(), ratios, rng=rng)
        assert masks.keys() == ratios.keys()
        for name, mask in masks.items():
            assert mask.dtype == torch.bool
            counts[name].append(int(mask.sum()))
        for name, tally in seen.items():
            tally += masks[name]
    assert set(counts["0.weight"]) == {10, 11}
    assert set(counts["1.weight"]) == {10}
    assert set(counts["1.bias"]) == {0, 1}
    assert set(counts["0.bias"]) == {0}
    assert abs(np.mean(counts["0.weight"]) - 10.5) < 4.5 * 0.5 / 20
    assert abs(np.mean(counts["1.bias"]) - 0.2) < 4.5 * 0.4 / 20
    for name, share in (("0.weight", 0.3), ("1.bias", 0.1)):  # every entry has the same chance
        assert float((seen[name] / 400 - share).abs().max()) < 4.5 * (share * (1 - share) / 400) ** 0.5


def test_one_ratio_is_for_all_parameters() -> None:
    masks = random_masks(model(), 0.2, rng=np.random.default_rng(1))
    assert [int(masks[name].sum()) for name in ("0.weight", "0.bias", "1.weight")] == [7, 1, 2]
    assert "1.bias" in masks


@pytest.mark.parametrize(("ratios", "message"), [({"0.bias": 1.2}, "lies in"), ({"bias": 0.2}, "no trainable parameter 'bias'")])
def test_ratios_that_cannot_be_are_refused(ratios: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        random_masks(model(), ratios, rng=np.random.default_rng(0))


@st.composite
def shared_out(draw: st.DrawFn) -> tuple[dict[str, Tensor], int, dict[str, float]]:
    names = draw(st.lists(st.sampled_from("abcde"), unique=True))
    shapes = [draw(st.lists(st.integers(0, 4), max_size=3)) for _ in names]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    masks = {name: torch.as_tensor(rng.random(shape) < 0.6) for name, shape in zip(names, shapes, strict=True)}
    return masks, draw(st.integers(1, 9)), {name: draw(st.floats(1e-3, 1e6)) for name in names}


@given(shared_out())
def test_parts_are_the_whole_without_overlap_and_of_about_equal_cost(case: tuple[dict[str, Tensor], int, dict[str, float]]) -> None:
    masks, workers, costs = case
    for each in (costs, dict.fromkeys(masks, 1.0)):
        parts = split(masks, workers, costs=each)
        assert len(parts) == workers
        for name, mask in masks.items():
            times = sum((part[name].int() for part in parts if name in part), torch.zeros(mask.shape, dtype=torch.int32))
            assert torch.equal(times, mask.int())
        spent = [sum(each[name] * int(mask.sum()) for name, mask in part.items()) for part in parts]
        dearest = max([each[name] for name, mask in masks.items() if mask.any()], default=0.0)
        assert max(abs(cost - sum(spent) / workers) for cost in spent) <= dearest * (1 + 1e-6)
    again = split(masks, workers)
    assert [{name: mask.tolist() for name, mask in part.items()} for part in again] == [
        {name: mask.tolist() for name, mask in part.items()} for part in parts
    ]


def test_a_dear_layer_is_given_to_more_workers() -> None:
    masks = {"early": torch.ones(6) > 0, "late": torch.ones(6) > 0}
    parts = split(masks, 3, costs={"early": 5, "late": 1})
    assert [{name: int(mask.sum()) for name, mask in part.items()} for part in parts] == [
        {"early": 2},
        {"early": 3},
        {"early": 1, "late": 6},
    ]


def test_costs_so_different_that_sums_round_them_off_are_shared_out() -> None:
    masks = {"dear": torch.ones(1) > 0, "cheap": torch.ones(3) > 0}
    parts = split(masks, 2, costs={"dear": 1e20, "cheap": 1.0})
    assert [{name: int(mask.sum()) for name, mask in part.items()} for part in parts] == [{}, {"dear": 1, "cheap": 3}]


def test_what_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ValueError, match="workers is 0"):
        split({}, 0)
    with pytest.raises(ValueError, match="the cost of 'a' is 0"):
        split({"a": torch.ones(2) > 0}, 1, costs={"a": 0})
