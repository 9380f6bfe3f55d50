"""Adam beside torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bbo.zeroth_order.adam import Adam


def test_steps_are_those_of_torch() -> None:
    rng = np.random.default_rng(0)
    parameter = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.Adam([parameter], lr=0.1, eps=1e-300)
    ours, x = Adam.at_rest(4), np.zeros(4)
    for _ in range(30):
        gradient = rng.normal(size=4) * [1e-6, 1, 1e3, 1]
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        ours = ours.after(gradient)
        x = x - 0.1 * ours.direction
        assert x == pytest.approx(parameter.detach().numpy(), rel=1e-9)


def test_the_first_step_is_a_sign_and_entries_without_slope_do_not_move() -> None:
    assert list(Adam.at_rest(3).direction) == [0, 0, 0]
    assert Adam.at_rest(3).after([1e-9, 0.0, -4.0]).direction == pytest.approx([1, 0, -1])


def test_the_scale_of_the_function_does_not_matter() -> None:
    first = second = Adam.at_rest(2)
    for gradient in ([1.0, -3.0], [0.5, 2.0], [-0.1, 0.0]):
        first, second = first.after(gradient), second.after(1024 * np.array(gradient))
        assert np.array_equal(first.direction, second.direction)
