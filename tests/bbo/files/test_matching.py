"""What the rows of a CSV do to a study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bbo
from bbo.errors import InvalidTell
from bbo.files.cells import Layout
from bbo.files.matching import Options, tell_sheet
from bbo.files.reading import read_sheet
from bbo.log.states import State

Tell = Callable[..., list[str]]
Log = Callable[[], list[str]]

AS_PLANNED = "0,60,0.5,0.25,0.25,Pd,0.7,0.02,,,,"


def test_a_row_as_planned_tells_the_plan_exactly(study: bbo.Study, tell: Tell) -> None:
    assert tell(AS_PLANNED) == ["tell"]
    record = study.record(0)
    assert record.state is State.DONE
    assert record.values == {"yield": 0.7, "impurity": 0.02}
    assert record.params == record.planned
    assert "params" not in record.told[1]


def test_planned_values_are_compared_at_the_digits_written(study: bbo.Study, tell: Tell) -> None:
    assert tell('1,41,0,1.0,0,"Ni, on carbon",0.7,0.02,,,,') == ["tell"]  # 40.5, to the degree
    assert study.record(1).params["T"] == 40.5


def test_what_was_run_otherwise_is_recorded(study: bbo.Study, tell: Tell) -> None:
    assert tell("0,63.5,0.5,0.25,0.25,Pd,0.7,0.02,,,,") == ["tell"]
    record = study.record(0)
    assert record.params == {**record.planned, "T": 63.5}
    assert record.planned["T"] == 60.0


def test_rounded_shares_are_rescaled_to_their_total(study: bbo.Study, tell: Tell) -> None:
    assert tell("0,60,0.6,0.2,0.205,Pd,0.7,0.02,,,,") == ["tell"]
    mix = study.record(0).params["mix"]
    assert sum(mix.values()) == pytest.approx(1, abs=1e-15)
    assert mix["water"] == pytest.approx(0.6 / 1.005, rel=1e-12)


def test_shares_far_from_their_total_are_refused(study: bbo.Study, tell: Tell, log: Log) -> None:
    before = log()
    with pytest.raises(InvalidTell, match=r"line 2.*add up to 0\.9"):
        tell("0,60,0.6,0.2,0.1,Pd,0.7,0.02,,,,")
    assert log() == before


def test_parameters_may_be_left_out(study: bbo.Study, tell: Tell) -> None:
    assert tell("0,0.7,0.02", "1,0.8,0.01", header="trial,yield,impurity") == ["tell", "tell"]
    assert [trial.outcomes["yield"] for trial in study.trials] == [0.7, 0.8]


def test_a_part_now_and_the_rest_later(study: bbo.Study, tell: Tell) -> None:
    assert tell("0,60,0.5,0.25,0.25,Pd,0.7,,,,,") == ["tell"]
    assert study.record(0).state is State.PENDING
    assert tell("0,60,0.5,0.25,0.25,Pd,0.7,,,,,") == ["unchanged"]
    assert tell(AS_PLANNED) == ["tell"]
    assert study.record(0).state is State.DONE


def test_nothing_measured_yet(study: bbo.Study, tell: Tell, log: Log) -> None:
    before = log()
    assert tell("0,60,0.5,0.25,0.25,Pd,,,,,,soon", "1,70,0,1,0,Pd,,,,,,") == ["open", "open"]
    assert log() == before


def test_sd_and_note(study: bbo.Study, tell: Tell) -> None:
    tell("0,60,0.5,0.25,0.25,Pd,0.7,0.02,0.05,,,stirred badly")
    record = study.record(0)
    assert record.sd == {"yield": 0.05}
    assert record.attrs == {"note": "stirred badly"}


def test_a_failure_with_what_was_run(study: bbo.Study, tell: Tell) -> None:
    assert tell("0,75,0.5,0.25,0.25,Pd,,,,,precipitated,cloudy") == ["fail"]
    record = study.record(0)
    assert (record.state, record.reason) == (State.FAILED, "precipitated")
    assert record.params["T"] == 75.0
    assert record.attrs == {"note": "cloudy"}
    assert tell("0,75,0.5,0.25,0.25,Pd,,,,,precipitated,cloudy") == ["unchanged"]


def test_all_rows_are_one_transaction(study: bbo.Study, tell: Tell, log: Log) -> None:
    before = log()
    with pytest.raises(InvalidTell) as caught:
        tell(AS_PLANNED, "1,40.5,0,1,0,Nickel,0.7,0.02,,,,", "7,40.5,0,1,0,Pd,0.7,0.02,,,,", ",90,0,1,0,Pd,0.7,0.02,,,,")
    assert log() == before
    text = str(caught.value)
    assert "line 2" not in text
    assert "line 3" in text
    assert "line 4: no trial 7" in text
    assert "line 5" in text
    assert text.count("--outside") == 1  # it would help line 5, and neither of the others


def test_nothing_is_written_unless_accepted(study: bbo.Study, tell: Tell, log: Log) -> None:
    before = log()
    assert tell(AS_PLANNED, accept=False) == []
    assert log() == before


def test_telling_the_same_file_again_changes_nothing(study: bbo.Study, tell: Tell, log: Log) -> None:
    rows = (AS_PLANNED, "1,47,0,0.5,0.5,Pd,0.8,0.01,0.1,,,x", ",30,1,0,0,Pd,0.2,0.01,,,,old", ",30,0,0,1,Pd,,,,,exploded,")
    assert tell(*rows) == ["tell", "tell", "add", "add"]
    before = log()
    assert tell(*rows) == ["unchanged", "unchanged", "skip", "skip"]
    assert log() == before


def test_executed_shares_that_were_rescaled_are_recognised(tell: Tell) -> None:
    row = "0,60,0.333,0.333,0.333,Pd,0.7,0.02,,,,"
    assert tell(row) == ["tell"]
    assert tell(row) == ["unchanged"]
    assert tell(row, outside=True) == ["unchanged"]


@pytest.mark.parametrize(
    ("row", "changed", "wanted"),
    [
        ("0,60,0.5,0.25,0.25,Pd,0.75,0.02,,,,", {"values": {"yield": 0.75, "impurity": 0.02}}, "yield"),
        ("0,63,0.5,0.25,0.25,Pd,0.7,0.02,,,,", {"T": 63.0}, "T"),
        ("0,60,0.5,0.25,0.25,Pd,0.7,0.02,0.1,,,", {"sd": {"yield": 0.1}}, "sd.yield"),
        ("0,60,0.5,0.25,0.25,Pd,0.7,0.02,,,,wrong label", {"attrs": {"note": "wrong label"}}, "note"),
        ("0,60,0.5,0.25,0.25,Pd,,,,,spilled,", {"state": State.FAILED, "reason": "spilled"}, "failure"),
    ],
)
def test_changes_need_amend(study: bbo.Study, tell: Tell, log: Log, row: str, changed: dict[str, object], wanted: str) -> None:
    tell(AS_PLANNED)
    before = log()
    with pytest.raises(InvalidTell, match=f"line 2: trial 0 is done already, with another {wanted}.*--amend"):
        tell(row)
    assert log() == before
    assert tell(row, amend=True) == ["amend"]
    record = study.record(0)
    assert record.amended
    for name, value in changed.items():
        assert (record.params if name == "T" else {key: getattr(record, key) for key in changed})[name] == value
    assert tell(row) == ["unchanged"]


def test_back_to_the_plan(study: bbo.Study, tell: Tell) -> None:
    tell("0,63,0.5,0.25,0.25,Pd,0.7,0.02,,,,")
    assert tell(AS_PLANNED, amend=True) == ["amend"]
    assert study.record(0).params["T"] == 60.0


def test_a_failure_that_was_none(study: bbo.Study, tell: Tell) -> None:
    tell("0,60,0.5,0.25,0.25,Pd,,,,,spilled,")
    with pytest.raises(InvalidTell, match="--amend"):
        tell(AS_PLANNED)
    assert tell(AS_PLANNED, amend=True) == ["amend"]
    assert study.record(0).state is State.DONE
    assert tell(AS_PLANNED) == ["unchanged"]


def test_a_changed_part_and_a_new_one(study: bbo.Study, tell: Tell) -> None:
    tell("0,60,0.5,0.25,0.25,Pd,0.6,,,,,")
    assert tell(AS_PLANNED, amend=True) == ["amend"]
    assert study.record(0).values == {"yield": 0.7, "impurity": 0.02}
    assert study.record(0).state is State.DONE


def test_out_of_range_needs_outside(study: bbo.Study, tell: Tell, log: Log) -> None:
    row, before = "0,85,0.5,0.25,0.25,Pd,0.7,0.02,,,,", log()
    with pytest.raises(InvalidTell, match=r"line 2.*T=85.*80.*--outside"):
        tell(row)
    assert log() == before
    assert tell(row, outside=True) == ["tell"]
    assert study.record(0).outside
    assert tell(row) == ["unchanged"]
    with pytest.raises(bbo.NoBest):
        _ = study.best_trial


def test_added_rows_and_replicates(study: bbo.Study, tell: Tell) -> None:
    row = ",30,1,0,0,Pd,0.2,0.01,,,,"
    assert tell(row, row) == ["add", "skip"]
    assert tell(row) == ["skip"]
    assert tell(row, replicate=True) == ["add"]
    assert tell(",30,1,0,0,Pd,0.3,0.01,,,,") == ["add"]  # another result
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3, 4]
    assert study.record(2).origin == "added"


def test_an_added_row_equal_to_a_trial_is_kept(tell: Tell) -> None:
    assert tell(AS_PLANNED) == ["tell"]
    assert tell(AS_PLANNED.replace("0,60", ",60", 1)) == ["add"]  # only what was added before is skipped


def test_added_shares_are_rescaled(study: bbo.Study, tell: Tell) -> None:
    assert tell(",30,0.33,0.33,0.33,Pd,0.2,0.01,,,,") == ["add"]
    assert sum(study.record(2).params["mix"].values()) == pytest.approx(1, abs=1e-15)


def test_late_results_of_abandoned_trials(study: bbo.Study, tell: Tell) -> None:
    study.abandon(0)
    assert tell(AS_PLANNED) == ["tell"]
    assert study.record(0).state is State.DONE


def test_a_study_that_changes_while_the_rows_are_shown(study: bbo.Study, layout: Layout, tmp_path: Path, log: Log) -> None:
    path = tmp_path / "week.csv"
    path.write_text("trial,yield,impurity\n0,0.7,0.02\n")
    other = bbo.load_study("week", study.storage)

    def accept(_: object) -> bool:
        other.tell(0, {"yield": 0.7, "impurity": 0.02})
        return True

    with pytest.raises(InvalidTell, match="changed while"):
        tell_sheet(study, read_sheet(path, layout), layout, Options(), accept)
    assert sum('"told"' in line for line in log()) == 1


def test_conditional_parameters(tmp_path: Path) -> None:
    space = bbo.Space({"k": bbo.Categorical(["rbf", "poly"]), "degree": bbo.Int(2, 5, when={"k": "poly"})})
    study = bbo.Study(space, {"loss": "minimize"}, optimizer="random", seed=0)
    study.enqueue({"k": "rbf"})
    study.enqueue({"k": "poly", "degree": 3})
    study.enqueue({"k": "rbf"})
    study.ask(3)
    path = tmp_path / "runs.csv"
    path.write_text("trial,k,degree,loss\n0,rbf,,1\n1,rbf,,2\n2,poly,4,3\n")
    layout = Layout.of(study._problem)
    matched = tell_sheet(study, read_sheet(path, layout), layout, Options(), lambda _: True)
    assert matched is not None
    assert [dict(row.executed) for row in matched.rows] == [{}, {"k": "rbf"}, {"k": "poly", "degree": 4}]
    assert [trial.params for trial in study.trials] == [{"k": "rbf"}, {"k": "rbf"}, {"k": "poly", "degree": 4}]
