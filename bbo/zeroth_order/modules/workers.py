"""Evaluations of coordinates over several workers: who does which, weighed by what they cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bbo.zeroth_order.modules.evaluation import Evaluation
from bbo.zeroth_order.modules.masks import Masks


def split(masks: Mapping[str, Tensor], workers: int, *, costs: Mapping[str, float] | None = None) -> list[Masks]:
    """Masks for `workers` workers: together those given, no entry in two of them, and each with about the same cost.

    Entries keep their order, so that a worker has those of neighbouring layers. No worker's cost is further from the mean than that of
    its costliest entry.

    Args:
        masks: What is to be shared out.
        workers: How many there are, at least one.
        costs: The cost of an evaluation for an entry of each parameter, above 0, in any unit; by default all cost the same.

    Raises:
        ValueError: There is no worker, or a cost is not above 0.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; there is at least one")
    each = dict.fromkeys(masks, 1.0) if costs is None else {name: float(costs[name]) for name in masks}
    if free := [name for name, cost in each.items() if not 0 < cost < np.inf]:
        raise ValueError(f"the cost of {free[0]!r} is {each[free[0]]}; it is a number above 0")
    entries = {name: mask.nonzero() for name, mask in masks.items()}
    spent = np.concatenate([np.full(len(rows), each[name]) for name, rows in entries.items()] or [np.zeros(0)])
    middles = np.cumsum(spent) - spent / 2
    owner = np.minimum((middles / spent.sum() * workers).astype(int), workers - 1)  # the last middle may be rounded to the sum
    parts: list[Masks] = [{} for _ in range(workers)]
    begin = 0
    for name, rows in entries.items():
        owners = owner[begin : begin + len(rows)]
        begin += len(rows)
        for worker in np.unique(owners):
            part = parts[worker][name] = torch.zeros_like(masks[name])
            part[tuple(rows[owners == worker].T)] = True
    return parts


def costs_of_blocks(evaluation: Evaluation) -> list[float]:
    """What a run from each block on costs: its products and convolutions, in floating-point operations, and 1 for each block."""
    each = []
    for block, features in zip(evaluation.blocks, evaluation.inputs_of_blocks(), strict=True):
        with FlopCounterMode(display=False) as counter:
            block(features)
        each.append(counter.get_total_flops() + 1.0)
    return [float(cost) for cost in np.cumsum(each[::-1])[::-1]]
