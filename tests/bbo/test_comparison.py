"""`bbo.compare`: shared starts, rows of every trial, going on where it stopped."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bbo
from bbo import compare

SPACE = bbo.Space({"x": bbo.Float(-1, 2), "kind": bbo.Categorical(["a", "b"])})


def bowl(trial) -> float:
    return trial["x"] ** 2 + (trial["kind"] == "b")


def test_all_start_from_the_same_points_and_say_the_best_so_far() -> None:
    seen: dict[tuple[str, int], list[float]] = {}
    table = compare((bowl, SPACE), {"one": "sobol", "two": bbo.Random()}, n_trials=9, n_initial=4, seeds=[3, 5])
    assert len(table) == 2 * 2 * 9
    assert set(table.columns) == {"optimizer", "seed", "evaluation", "state", "value", "best"}
    for key, run in table.groupby(["optimizer", "seed"]):
        assert list(run["evaluation"]) == list(range(9))
        assert list(run["best"]) == list(np.minimum.accumulate(run["value"]))
        seen[key] = list(run["value"])
    assert seen["one", 3][:4] == seen["two", 3][:4] != seen["one", 5][:4]
    assert seen["one", 3][4:] != seen["two", 3][4:]


def test_a_maximum_keeps_its_sign_and_failures_count_as_evaluations() -> None:
    def fails_left(trial) -> float:
        if trial["x"] < 0:
            raise ValueError("left")
        return trial["x"]

    table = compare((fails_left, SPACE, "maximize"), ["sobol"], n_trials=8, n_initial=3, seeds=1, catch=ValueError)
    assert set(table["state"]) == {"done", "failed"}
    assert table["best"].iloc[-1] == table["value"].max() > 1
    assert table.loc[table["state"] == "failed", "value"].isna().all()


def test_only_feasible_trials_are_best() -> None:
    def two(trial):
        return {"loss": trial["x"], "cost": -trial["x"]}

    table = compare((two, SPACE, {"loss": "minimize"}, ["cost <= 0"]), ["sobol"], n_trials=16, seeds=1)
    feasible = table["loss"].where(table["cost"] <= 0)
    assert table["best"].iloc[-1] == feasible.min() >= 0 > table["loss"].min()
    assert list(table["best"].isna()) == list(feasible.expanding().count() == 0)


def test_several_objectives_are_scored_by_hypervolume_where_there_is_a_reference() -> None:
    def two(trial):
        return {"f": trial["x"] ** 2, "g": (trial["x"] - 1) ** 2}

    objectives = [bbo.Objective("f", reference=1.0), bbo.Objective("g", reference=1.0)]
    table = compare((two, SPACE, objectives), ["sobol"], n_trials=20, seeds=1)
    volumes = table["hypervolume"].dropna()
    assert (volumes.diff().dropna() >= 0).all()
    # By x = t in [0, 1] the front is (t^2, (1 - t)^2); the volume it dominates is 1 less the area 1/6 below it.
    assert 0.5 < volumes.iloc[-1] < 5 / 6
    assert "hypervolume" not in compare((two, SPACE, {"f": "minimize", "g": "minimize"}), ["sobol"], n_trials=5, seeds=1)


def test_a_stored_comparison_goes_on_where_it_stopped(tmp_path) -> None:
    calls = 0

    def counted(trial) -> float:
        nonlocal calls
        calls += 1
        if calls == 12:
            raise KeyError("cut off")
        return bowl(trial)

    where = tmp_path / "compare.db"
    arguments = {"n_trials": 6, "n_initial": 2, "seeds": 2, "storage": where}
    with pytest.raises(KeyError, match="cut off"):
        compare((counted, SPACE), ["sobol", "random"], **arguments)
    assert calls == 12
    table = compare((counted, SPACE), ["sobol", "random"], **arguments)
    assert calls == 25  # what was cut off is run again
    assert (table["state"] != "done").sum() <= 1
    before = calls
    assert compare((counted, SPACE), ["sobol", "random"], **arguments).equals(table)
    assert calls == before
    longer = compare((counted, SPACE), ["sobol", "random"], **{**arguments, "n_trials": 8})
    assert calls == before + 2 * 2 * 2
    assert len(longer) == len(table) + 8
    assert {"sobol, seed 0", "random, seed 1"} <= set(bbo.list_studies(where))


def test_processes_change_no_result(tmp_path) -> None:
    arguments = {"n_trials": 5, "seeds": 1}
    alone = compare((bowl, SPACE), ["sobol", "random"], **arguments)
    assert compare((bowl, SPACE), ["sobol", "random"], workers=2, **arguments).equals(alone)

    def explode(trial) -> float:
        raise ZeroDivisionError("at once")

    with pytest.raises(ZeroDivisionError, match="at once"):
        compare((explode, SPACE), ["sobol"], workers=2, **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"problem": bowl}, "problem"),
        ({"problem": (bowl, {"x": 1})}, "problem"),
        ({"n_trials": 0}, "n_trials"),
        ({"n_initial": 9}, "n_initial"),
        ({"workers": True}, "workers"),
        ({"seeds": []}, "seeds"),
        ({"optimizers": []}, "optimizers"),
        ({"optimizers": ["sobol", "sobol"]}, "stands twice"),
        ({"optimizers": ["sobel"]}, "no optimizer is called"),
    ],
)
def test_what_is_malformed_is_refused_before_anything_runs(change, message) -> None:
    arguments = {"problem": (lambda trial: math.nan, SPACE), "optimizers": ["sobol"], "n_trials": 8, "seeds": 1} | change
    with pytest.raises(bbo.InvalidStudy, match=message):
        compare(**arguments)


def test_equal_names_are_told_apart_by_their_settings() -> None:
    table = compare((bowl, SPACE), [bbo.Grid(2), bbo.Grid(4)], n_trials=2, n_initial=0, seeds=1)
    assert set(table["optimizer"]) == {repr(bbo.Grid(2)), repr(bbo.Grid(4))}
