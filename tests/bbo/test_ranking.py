"""Which trials are to be ranked now."""

from __future__ import annotations

import pytest

import bbo

LINE = bbo.Space({"x": bbo.Float(0, 1)})
TASTE = bbo.Objective("taste", "maximize", feedback="ranking")


def test_trials_that_are_out_are_to_be_ranked_and_a_lone_one_beside_the_best() -> None:
    study = bbo.Study(LINE, TASTE, optimizer="random", seed=0)
    assert study.to_rank() == []
    one = study.ask()
    assert study.to_rank() == [one]  # there is nothing to hold it against
    two, three = study.ask(2)
    assert study.to_rank() == [one, two, three]
    study.tell_ranking([two, one])
    assert study.to_rank() == [two, three]
    study.tell_ranking([three, two])
    assert study.to_rank() == []
    four = study.ask()
    assert study.to_rank() == [three, four]
    study.amend(three, failed="it was salt")
    assert study.to_rank() == [four]


def test_it_sees_what_other_processes_wrote() -> None:
    study = bbo.Study(LINE, TASTE, optimizer="random", seed=0)
    other = bbo.load_study("study", study.storage)
    assert other.to_rank() == []
    study.ask(2)
    assert [trial.number for trial in other.to_rank()] == [0, 1]


def test_a_study_that_is_told_values_has_nothing_to_rank() -> None:
    with pytest.raises(bbo.InvalidTell, match=r"told values \(study.tell\): nothing is to be ranked"):
        bbo.Study(LINE, "minimize", optimizer="random").to_rank()
