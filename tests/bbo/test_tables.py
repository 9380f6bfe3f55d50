"""Trials as a pandas table."""

from __future__ import annotations

import pandas as pd

import bbo


def test_columns_and_values() -> None:
    space = bbo.Space(
        {"T": bbo.Float(20, 80), "mix": bbo.Simplex(["a", "b"]), "k": bbo.Categorical(["x", "y"]), "d": bbo.Int(1, 3, when={"k": "y"})}
    )
    study = bbo.Study(space, {"loss": "minimize"}, outcome_constraints=["heat <= 3"], optimizer="random", seed=0)
    study.add({"T": 50.0, "mix": {"a": 0.25, "b": 0.75}, "k": "x"}, {"loss": 1.5, "heat": 2.0}, sd={"loss": 0.1}, cost=7)
    study.add({"T": 50.0, "mix": {"a": 1.0, "b": 0.0}, "k": "y", "d": 2}, failed="burnt")
    study.tell(study.ask(), {"loss": 3.0})
    frame = study.to_dataframe()
    assert list(frame.columns) == [
        *("number", "state", "attempt", "origin", "T", "mix.a", "mix.b", "k", "d", "loss", "heat", "sd.loss", "sd.heat"),
        *("cost", "outside", "asked", "finished", "reason"),
    ]
    assert frame["state"].tolist() == ["done", "failed", "pending"]
    assert frame["origin"].tolist() == ["added", "added", "optimizer"]
    assert frame["mix.a"].tolist()[:2] == [0.25, 1.0]
    assert frame["d"].isna().tolist()[0]
    assert frame["d"][1] == 2
    assert frame["loss"].tolist()[::2] == [1.5, 3.0]
    assert frame["heat"].isna().tolist() == [False, True, True]
    assert (frame["sd.loss"][0], frame["cost"][0], frame["reason"][1]) == (0.1, 7.0, "burnt")
    assert frame["asked"].isna().tolist() == [True, True, False]
    assert str(frame["finished"].dtype).startswith("datetime64")
    assert pd.Timestamp.now("UTC") - frame["finished"][0] < pd.Timedelta(hours=1)


def test_what_was_run_is_shown_not_what_was_planned() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), "minimize", optimizer="random", seed=0)
    study.tell(study.ask(), 1.0, params={"x": 0.5})
    assert study.to_dataframe()["x"].tolist() == [0.5]


def test_names_that_are_taken() -> None:
    space = bbo.Space({"state": bbo.Float(0, 1), "cost": bbo.Float(0, 1)})
    study = bbo.Study(space, {"cost": "minimize", "reason": "minimize"}, optimizer="random", seed=0)
    study.add({"state": 0.5, "cost": 0.25}, {"cost": 1.0, "reason": 2.0}, cost=9)
    row = study.to_dataframe().iloc[0]
    assert (row["params.state"], row["params.cost"], row["values.cost"], row["values.reason"], row["cost"]) == (0.5, 0.25, 1.0, 2.0, 9.0)


def test_an_empty_study() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), "minimize", optimizer="random", seed=0)
    frame = study.to_dataframe()
    assert len(frame) == 0
    assert "value" in frame.columns


def test_parameters_that_the_space_no_longer_has() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}), "minimize", optimizer="random", seed=0)
    study.add({"x": 0.5, "y": 0.25}, 1.0)
    study.redefine(space=bbo.Space({"x": bbo.Float(0, 1)}))
    frame = study.to_dataframe()
    assert "y" not in frame.columns
    assert frame["x"].tolist() == [0.5]
