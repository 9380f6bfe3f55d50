"""Signal-to-noise pruning: scores, thresholds, and the loop of studies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bbo
from bbo.evolution import sparsity as pruning
from bbo.optimizers.evolution import Generations
from bbo.optimizers.lottery_ticket import lottery_ticket, signal_to_noise

NETWORK = bbo.Space(
    {
        "w": bbo.Array((8, 4), -1, 2),
        "v": bbo.Array(8, -1, 1),
        "bias": bbo.Array(4, -2, 2),
        "lr": bbo.Float(1e-3, 1, log=True),
        "f": bbo.Fixed(3),
    }
)
NEEDED = np.arange(32).reshape(8, 4) % 4 == 0  # only these entries of w matter


def loss(trial: bbo.Trial) -> float:
    w, v = np.array(trial["w"]), np.array(trial["v"])
    return float(((w - 1)[NEEDED] ** 2).sum() + 0.3 * ((v[:2] - 0.8) ** 2).sum())


def ran(optimizer: Any, generations: int = 30) -> bbo.Study:
    study = bbo.Study(NETWORK, "minimize", optimizer=optimizer, seed=1)
    for _ in range(generations):
        trials = study.ask(1000)
        study.tell(trials, [loss(trial) for trial in trials])
    return study


def test_the_schedule_drops_a_fifth_of_what_is_left() -> None:
    shares = [pruning.scheduled_sparsity(k) for k in range(21)]
    np.testing.assert_allclose(1 - np.array(shares[1:]), 0.8 * (1 - np.array(shares[:-1])), rtol=1e-12)
    assert [round(shares[k], 2) for k in (0, 1, 5, 10)] == [0, 0.2, 0.67, 0.89]


@pytest.mark.parametrize("n", [1, 7, 500, 11_274])
def test_one_threshold_leaves_the_share_that_is_asked_for_within_one_weight(n: int) -> None:
    scores = np.random.default_rng(n).exponential(size=n)
    for k in range(1, 21):
        share = pruning.scheduled_sparsity(k)
        kept = pruning.strongest(scores, share)
        assert abs((~kept).sum() - share * n) <= 1
        assert kept.all() or not kept.any() or scores[kept].min() > scores[~kept].max()


def test_equal_scores_are_kept_in_order() -> None:
    np.testing.assert_array_equal(pruning.strongest([[1.0, 2, 1], [1, 0, 1]], 0.5), [[True, True, True], [False, False, False]])


@pytest.mark.parametrize("optimizer", [bbo.SNES(sigma0=0.05), bbo.SepCMA(sigma0=0.05), bbo.PGPE(), bbo.OpenAIES()], ids=lambda o: o.name)
def test_scores_are_means_over_standard_deviations_in_native_units(optimizer: Any) -> None:
    study = ran(optimizer, 8)
    state = study._replica.state
    assert isinstance(state, Generations)
    scores = signal_to_noise(study)
    assert set(scores) == {"w", "v", "bias"}
    s = state.distribution.deviations[:32].reshape(8, 4) * 3
    np.testing.assert_allclose(scores["w"], np.abs(state.mean()["w"]) / s, rtol=1e-12)
    np.testing.assert_allclose(scores["bias"], np.abs(state.mean()["bias"]) / (4 * state.distribution.deviations[40:44]), rtol=1e-12)


def test_the_score_of_sep_cma_divides_by_the_root_of_the_variance() -> None:
    study = ran(bbo.SepCMA(sigma0=0.05), 20)
    d = study._replica.state.distribution
    expected = np.abs(study._replica.state.mean()["v"]) / (2 * d.sigma * np.sqrt(d.variances[32:40]))
    np.testing.assert_allclose(signal_to_noise(study)["v"], expected, rtol=1e-12)


def test_rounds_prune_to_the_schedule_from_the_same_start_and_keep_what_matters() -> None:
    start = {"w": np.full((8, 4), 0.3), "v": np.full(8, 0.1), "bias": [0.5] * 4, "lr": 0.01}
    optimizer: Any = bbo.SNES(sigma0=0.05, popsize=20, start=start)
    before = np.ones(40, dtype=bool)
    for k in range(1, 4):
        study = ran(optimizer, 40)
        for trial in study.trials[::50]:
            held = np.concatenate([np.ravel(trial["w"]), trial["v"]])[~before]
            np.testing.assert_array_equal(held, np.zeros(len(held)))
        optimizer = lottery_ticket(study, pruning.scheduled_sparsity(k), dense=["bias"])
        assert isinstance(optimizer, bbo.SNES)
        assert (optimizer.sigma0, optimizer.popsize) == (0.05, 20)
        ones = np.concatenate([np.ravel(optimizer.mask["w"]), optimizer.mask["v"]])
        assert abs((~ones).sum() - (1 - 0.8**k) * 40) <= 1
        assert not (ones & ~before).any()
        begun = np.concatenate([np.ravel(optimizer.start["w"]), optimizer.start["v"]])
        np.testing.assert_array_equal(begun, np.where(ones, [0.3] * 32 + [0.1] * 8, 0))
        assert optimizer.start["bias"] == [0.5] * 4
        assert optimizer.mask["bias"] is True
        before = ones
    needed = np.concatenate([NEEDED.ravel(), np.arange(8) < 2])
    assert before[needed].all()


def test_what_was_held_from_the_first_stays_as_it_was() -> None:
    study = ran(bbo.SNES(sigma0=0.05, start={"v": [0.5] * 8}, mask={"v": [True] * 6 + [False] * 2}), 3)
    ticket = lottery_ticket(study, 0.5)
    assert set(ticket.mask or {}) == {"v"}
    ones = np.array((ticket.mask or {})["v"])
    assert ones.sum() == 4
    assert not ones[6:].any()
    np.testing.assert_array_equal((ticket.start or {})["v"], np.where(ones | (np.arange(8) >= 6), 0.5, 0.0))
    with pytest.raises(bbo.InvalidStudy, match="sparsity is 0.1, and 2 of the 8 weights are held already"):
        lottery_ticket(study, 0.1)


def test_refuses_with_the_reason() -> None:
    with pytest.raises(bbo.InvalidStudy, match="has not begun"):
        lottery_ticket(bbo.Study(NETWORK, optimizer="snes", seed=0), 0.5)
    with pytest.raises(bbo.InvalidStudy, match="run by random, which is no evolution strategy"):
        signal_to_noise(bbo.Study(NETWORK, optimizer="random", seed=0))
    study = bbo.Study(bbo.Space({"a": bbo.Float(1, 2), "b": bbo.Float(-1, 2)}), optimizer="sep_cma", seed=0)
    study.ask()
    with pytest.raises(bbo.InvalidStudy, match="'a' cannot be zero"):
        lottery_ticket(study, 0.9)
    with pytest.raises(bbo.InvalidStudy, match="dense has 'c'"):
        lottery_ticket(study, 0.5, dense=["c"])
    with pytest.raises(bbo.InvalidStudy, match="sparsity is 1.0"):
        lottery_ticket(study, 1.0)
    assert lottery_ticket(study, 0.5, dense=["a"]).mask == {"a": True, "b": True}
