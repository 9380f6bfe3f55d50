"""Grid search: every point once, in an order of its own, and then an end."""

from __future__ import annotations

import pytest

import bbo
from bbo.optimizers.grid import Grid


def test_keeps_the_contract() -> None:
    from bbo.testing.optimizer import check_optimizer

    assert "tree" in check_optimizer(Grid(3))


def test_goes_through_a_finite_space_in_order_and_ends() -> None:
    study = bbo.Study(bbo.Space({"a": bbo.Int(1, 2), "b": bbo.Categorical(["x", "y"])}), optimizer="grid", seed=1)
    assert [t.params for t in study.ask(9)] == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]
    with pytest.raises(bbo.Exhausted):
        study.ask()


def test_the_order_does_not_depend_on_the_seed() -> None:
    space = bbo.Space({"a": bbo.Float(0, 1), "b": bbo.Int(0, 3)}, constraints=["a + b <= 2"])
    first, second = ([t.params for t in bbo.Study(space, optimizer=Grid(4), seed=seed).ask(20)] for seed in (1, 2))
    assert first == second
    assert all(p["a"] + p["b"] <= 2 for p in first)
    assert len(first) == 4 + 4 + 1


def test_continuous_ranges_are_divided_evenly_ends_included() -> None:
    study = bbo.Study(bbo.Space({"a": bbo.Float(1, 100, log=True)}), optimizer=Grid(3), seed=0)
    assert [t.params["a"] for t in study.ask(5)] == pytest.approx([1, 10, 100])


def test_skips_what_is_known_and_returns_to_what_was_abandoned() -> None:
    study = bbo.Study(bbo.Space({"a": bbo.Int(0, 3)}), optimizer="grid", seed=0)
    study.add({"a": 1}, 0.5)
    first, second = study.ask(2)
    assert (first.params, second.params) == ({"a": 0}, {"a": 2})
    study.abandon(first)
    assert [t.params["a"] for t in study.ask(4)] == [0, 3]


def test_fixed_and_shared() -> None:
    space = bbo.Space({"t": bbo.Float(0, 1), "k": bbo.Categorical(["p", "q"]), "n": bbo.Int(1, 2, when={"k": "q"})})
    study = bbo.Study(space, optimizer=Grid(2), seed=0)
    points = [t.params for t in study.ask(9, fixed={"t": 0.3})]  # not a value of the grid: it stands beside the grid of the rest
    assert points == [{"t": 0.3, "k": "p"}, {"t": 0.3, "k": "q", "n": 1}, {"t": 0.3, "k": "q", "n": 2}]
    batch = [t.params for t in study.ask(9, shared=["k"])]
    assert [p["k"] for p in batch] == ["p", "p"]
    assert [t.params for t in study.ask(9, fixed={"n": 2})] == [{"t": t, "k": "q", "n": 2} for t in (0.0, 1.0)]


def test_a_hundred_points_are_asked_once_each() -> None:
    study = bbo.Study(bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)}), optimizer="grid", seed=0)
    points = set()
    for _ in range(100):
        trial = study.ask()
        points.add(tuple(trial.params.items()))
        study.tell(trial, 1.0)
    assert len(points) == 100
    with pytest.raises(bbo.Exhausted):
        study.ask()


@pytest.mark.parametrize("resolution", [0, -1, 2.5, True])
def test_a_resolution_is_a_positive_integer(resolution: object) -> None:
    with pytest.raises(bbo.InvalidStudy, match="resolution is"):
        Grid(resolution)  # type: ignore[arg-type]
