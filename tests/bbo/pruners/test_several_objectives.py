"""Early stopping with several objectives: by hand, against one objective, in runs, and what it saves."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bbo
from bbo.hypervolume import hypervolume
from bbo.log.ledger import Ledger, Record
from bbo.log.states import State
from bbo.objectives import objectives_of
from bbo.problem import Problem

SPACE = bbo.Space({"x": bbo.Float(0, 1), "z": bbo.Float(0, 1)})
TWO = {"error": "minimize", "cost": "minimize"}
PRUNERS = [bbo.ASHA(), bbo.ASHA(min_resource=2, reduction_factor=2), bbo.Median(n_startup=1), bbo.Median(n_startup=2, interval=2)]


def study_of(pruner: bbo.ASHA | bbo.Median, objectives: dict[str, str] | None = None, **options: Any) -> bbo.Study:
    return bbo.Study(SPACE, objectives or TWO, optimizer="random", pruner=pruner, seed=0, **options)


def curve(study: bbo.Study, *reports: Sequence[float]) -> bbo.Trial:
    trial = study.ask()
    for step, values in enumerate(reports):
        trial.report(values, step)
    study.tell(trial, reports[-1])
    return trial


def judged(study: bbo.Study, *reports: Sequence[float]) -> list[bool]:
    """What a new trial is told after each of its reports."""
    trial = study.ask()
    answers = []
    for step, values in enumerate(reports):
        trial.report(values, step)
        answers.append(trial.should_prune())
    return answers


# -- by hand ---------------------------------------------------------------------------------------------------------------------


def test_asha_by_hand() -> None:
    study = study_of(bbo.ASHA())
    arrivals = [(5, 5), (6, 6), (4, 6), (6, 5), (3, 3), (2, 9), (1, 10), (3, 4)]
    answers = [judged(study, values)[0] for values in arrivals]
    # One place up to the fifth, two from the sixth on. (6, 6) and (6, 5) are behind (5, 5); (4, 6), (3, 3), (2, 9) and (1, 10) are
    # dominated by nobody, whatever the places; (3, 4) is in the second front, behind three.
    assert answers == [False, True, False, True, False, False, False, True]


def test_asha_stops_in_the_second_front_only_where_its_places_end() -> None:
    study = study_of(bbo.ASHA(reduction_factor=2))
    for values in [(0, 0), (9, 9), (9, 9), (9, 9)]:
        judged(study, values)
    assert not judged(study, (1, 5))[0]  # five are there, two stay: (0, 0), and the second front is this one alone
    assert not judged(study, (5, 1))[0]  # six, three places
    assert judged(study, (3, 3))[0]  # seven, three places: two are left for three, and the ends spread best
    assert [trial.should_prune() for trial in study.trials[:4]] == [False, True, True, True]
    assert [trial.should_prune() for trial in study.trials[4:]] == [False, False, True]


def test_median_by_hand() -> None:
    study = study_of(bbo.Median(n_startup=5))
    for values in [(1, 5), (5, 1), (3, 3), (4, 4)]:
        curve(study, values)
    assert judged(study, (9, 9)) == [False]  # four are done
    curve(study, (6, 6))
    assert judged(study, (9, 9)) == [True]  # all five stand in better fronts
    assert judged(study, (4, 4)) == [True]  # three of five: the first front
    assert judged(study, (3, 3)) == [False]
    assert judged(study, (0, 99)) == [False]  # no one dominates it
    curve(study, (7, 7))
    assert judged(study, (4, 4)) == [False]  # three of six are no majority


def test_median_takes_the_best_so_far_but_of_what_only_becomes_worse_the_latest() -> None:
    study = study_of(bbo.Median(n_startup=1))
    curve(study, (5, 1), (3, 1), (2, 1))
    assert judged(study, (5, 1), (1, 1), (9, 1)) == [False, False, False]  # the best so far is (1, 1)
    assert judged(study, (5, 1), (2, 2), (9, 1)) == [False, False, True]  # (3, 1) does not dominate (2, 2); (2, 1) does, and (5, 1)
    study = study_of(bbo.Median(n_startup=1))
    curve(study, (5, 1), (3, 2), (1, 3))  # a cost that adds up
    assert judged(study, (5, 1), (4, 2), (0, 3)) == [False, True, False]  # (5, 1) does not protect (4, 2)
    assert judged(study, (6, 1), (2, 2), (3, 3)) == [True, False, True]  # best so far (2, 3) at the end, behind (1, 3)
    assert judged(study, (6, 1), (1, 2), (3, 3)) == [True, False, False]  # best so far (1, 3)


@pytest.mark.parametrize("pruner", PRUNERS)
def test_who_is_dominated_by_nobody_is_never_stopped(pruner: bbo.ASHA | bbo.Median) -> None:
    study = study_of(pruner)
    for k in range(20):
        curve(study, *[(k, 20 - k)] * 4)
    assert judged(study, *[(7.5, 12.4)] * 4) == [False] * 4


# -- against one objective, and without scales -----------------------------------------------------------------------------------


def ledger_of(histories: list[tuple[State, list[Any]]], skipped: int) -> Ledger:
    """Trials with reports at steps 0, 1, ...; those of every other trial begin later, so that not all have one at each step."""
    records = []
    for number, (state, reports) in enumerate(histories):
        steps = enumerate(reports, start=skipped * (number % 2))
        records.append(Record(number, state=state, attempt=1, reports=tuple((step, value) for step, value in steps)))
    return Ledger(records=records)


def answers(pruner: bbo.ASHA | bbo.Median, objectives: dict[str, str], ledger: Ledger) -> list[bool]:
    problem = Problem(SPACE, objectives_of(objectives))
    return [pruner.should_prune(problem, ledger, record) for record in ledger.records]


def asha_of_one(pruner: bbo.ASHA, sign: float, ledger: Ledger, record: Record) -> bool:
    """The rule for one objective, as it was before there were several."""
    resource = max((step + 1 for step, _ in record.reports), default=0)
    if resource < pruner.min_resource:
        return False
    rung = pruner.min_resource
    while rung * pruner.reduction_factor <= resource:
        rung *= pruner.reduction_factor

    def at(other: Record) -> list[float]:
        return [sign * float(value) for step, value in sorted(other.reports) if step + 1 >= rung][:1]  # type: ignore[arg-type]

    there = [loss for other in ledger.records for loss in at(other)]
    return sum(loss < at(record)[0] for loss in there) >= max(1, len(there) // pruner.reduction_factor)


def median_of_one(pruner: bbo.Median, sign: float, ledger: Ledger, record: Record) -> bool:
    """The rule for one objective, as it was before there were several."""
    own = [(step, sign * float(value)) for step, value in sorted(record.reports)]  # type: ignore[arg-type]
    if not own or not pruner._is_due([step for step, _ in own]):
        return False
    done = [other for other in ledger.records if other.state is State.DONE]
    so_far = [[sign * float(value) for step, value in sorted(other.reports) if step <= own[-1][0]] for other in done]  # type: ignore[arg-type]
    others = [losses[-1] for losses in so_far if losses]
    return len(others) >= pruner.n_startup and min(loss for _, loss in own) > statistics.median(others)


STATES = st.sampled_from([State.DONE, State.DONE, State.PENDING, State.PRUNED])
COARSE = st.integers(-3, 3).map(float)
HISTORIES = st.lists(st.tuples(STATES, st.lists(COARSE, max_size=6)), min_size=1, max_size=10)
PAIRS = st.lists(st.tuples(STATES, st.lists(st.tuples(COARSE, COARSE), max_size=6)), min_size=1, max_size=10)


@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1.0), ("maximize", -1.0)])
@given(histories=HISTORIES, skipped=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_one_objective_gives_the_answers_it_always_gave(
    pruner: bbo.ASHA | bbo.Median, direction: str, sign: float, histories: list[tuple[State, list[float]]], skipped: int
) -> None:
    ledger = ledger_of(histories, skipped)
    if isinstance(pruner, bbo.ASHA):
        expected = [asha_of_one(pruner, sign, ledger, record) for record in ledger.records]
    else:
        expected = [median_of_one(pruner, sign, ledger, record) for record in ledger.records]
    assert answers(pruner, {"error": direction}, ledger) == expected


@pytest.mark.parametrize("pruner", PRUNERS[:2])
@pytest.mark.parametrize("second", [lambda v: v, lambda v: 5.0, lambda v: v**3])
@given(histories=HISTORIES, skipped=st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_a_second_objective_that_says_nothing_new_changes_no_answer_of_asha(
    pruner: bbo.ASHA, second: Callable[[float], float], histories: list[tuple[State, list[float]]], skipped: int
) -> None:
    doubled = [(state, [{"error": v, "cost": second(v)} for v in values]) for state, values in histories]
    one = answers(pruner, {"error": "minimize"}, ledger_of(histories, skipped))
    assert answers(pruner, TWO, ledger_of(doubled, skipped)) == one


@given(histories=HISTORIES, skipped=st.integers(0, 2))
@settings(max_examples=100, deadline=None)
def test_a_second_objective_that_says_nothing_new_changes_an_answer_of_the_median_only_between_two_middle_values(
    histories: list[tuple[State, list[float]]], skipped: int
) -> None:
    falling = [(state, sorted(values, reverse=True)) for state, values in histories]  # the latest is the best so far
    doubled = [(state, [{"error": v, "cost": v} for v in values]) for state, values in falling]
    ledger = ledger_of(falling, skipped)
    one = answers(bbo.Median(n_startup=1), {"error": "minimize"}, ledger)
    two = answers(bbo.Median(n_startup=1), TWO, ledger_of(doubled, skipped))
    for record, a, b in zip(ledger.records, one, two, strict=True):
        if a != b:
            step, own = record.reports[-1]
            latest = [[v for at, v in o.reports if at <= step][-1:] for o in ledger.records if o.state is State.DONE]
            others = [v for values in latest for v in values]
            assert a
            assert 2 * sum(v < own for v in others) == len(others)  # type: ignore[operator]


RESCALINGS: dict[str, tuple[str, Callable[[float], float]]] = {
    "the other sign": ("maximize", lambda v: -v),
    "exponential": ("minimize", lambda v: float(np.exp(9 * v))),
    "stretched": ("minimize", lambda v: 1e-9 * v - 4),
}


@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("rescaling", RESCALINGS)
@given(histories=PAIRS, skipped=st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_directions_and_scales_do_not_matter(
    pruner: bbo.ASHA | bbo.Median, rescaling: str, histories: list[tuple[State, list[tuple[float, float]]]], skipped: int
) -> None:
    direction, f = RESCALINGS[rescaling]
    plain = [(state, [{"error": a, "cost": b} for a, b in pairs]) for state, pairs in histories]
    scaled = [(state, [{"error": a, "cost": f(b)} for a, b in pairs]) for state, pairs in histories]
    before = answers(pruner, TWO, ledger_of(plain, skipped))
    assert answers(pruner, {"error": "minimize", "cost": direction}, ledger_of(scaled, skipped)) == before


# -- in runs ---------------------------------------------------------------------------------------------------------------------


STEPS = 9


def network(x: float, z: float, step: int) -> dict[str, float]:
    """A learning curve: size x buys accuracy and costs time, a poor rate z costs both. The front is z = 0, any x."""
    return {"error": (1 - x) ** 2 + z + 1 / (step + 1), "cost": x + z}


def train(trial: bbo.Trial) -> dict[str, float]:
    for step in range(STEPS):
        values = network(trial["x"], trial["z"], step)
        trial.report(values, step)
        if trial.should_prune():
            raise bbo.TrialPruned(f"at step {step}")
    return values


def final_front(study: bbo.Study) -> set[int]:
    """Whom nobody would have dominated, had all of them run to the end."""
    ends = [tuple(network(trial["x"], trial["z"], STEPS - 1).values()) for trial in study.trials]
    return {i for i, a in enumerate(ends) if not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in ends)}


@pytest.mark.parametrize(
    ("pruner", "share"), [pytest.param(bbo.ASHA(max_resource=STEPS), 0.5, id="asha"), pytest.param(bbo.Median(), 0.65, id="median")]
)
def test_steps_are_saved_and_the_front_is_kept(pruner: bbo.ASHA | bbo.Median, share: float) -> None:
    """The curves run in parallel, so whom nobody dominates at the end nobody dominates on the way: not one of the front is lost."""
    study = study_of(pruner)
    study.optimize(train, 60)
    front = final_front(study)
    assert len(front) >= 5
    assert {trial.number for trial in study.pareto_front()} == front
    steps = sum(len(trial.reports) for trial in study.trials)
    assert steps <= share * STEPS * len(study.trials)
    whole = [tuple(network(trial["x"], trial["z"], STEPS - 1).values()) for trial in study.trials]
    found = [tuple(trial.outcomes.values()) for trial in study.trials if trial.state == "done"]
    assert hypervolume(found, (3, 3)) == pytest.approx(hypervolume(whole, (3, 3)))


@pytest.mark.parametrize("pruner", [bbo.ASHA(), bbo.Median(n_startup=3)])
def test_a_stored_study_gives_the_same_answers_when_it_is_read_again(pruner: bbo.ASHA | bbo.Median, tmp_path: Path) -> None:
    study = study_of(pruner, storage=tmp_path / "runs.db")
    rng = np.random.default_rng(5)
    for number in range(12):
        trial, level = study.ask(), rng.integers(0, 9, 2)
        for step in range(4):
            trial.report(level + rng.random(2), step)
        if number % 3:
            study.tell(trial, rng.random(2))
    again = bbo.load_study("study", tmp_path / "runs.db")
    assert again.pruner == pruner
    first = [trial.should_prune() for trial in study.trials]
    assert [trial.should_prune() for trial in again.trials] == first
    assert {True, False} == set(first)
    study.prune(study.trials[0], "behind")
    assert again.trials[0].state == "pruned"


def test_workers_relay_reports_and_answers() -> None:
    study = study_of(bbo.Median(n_startup=2))
    study.optimize(lambda trial: _step_by_step(trial), 2)  # two to compare with
    study.optimize(_step_by_step, 4, workers=2)
    assert [trial.state for trial in study.trials] == ["done", "done", "pruned", "pruned", "pruned", "pruned"]
    assert study.record(1).reports == ((0, {"error": 1.0, "cost": 2.0}), (1, {"error": 1.0, "cost": 3.0}))
    assert study.record(5).reports == ((0, {"error": 5.0, "cost": 6.0}),)


def test_an_executor_s_processes_report_through_the_storage(tmp_path: Path) -> None:
    study = study_of(bbo.Median(n_startup=1), storage=tmp_path / "runs.db")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        study.optimize(_step_by_step, 3, executor=executor)
    assert [trial.state for trial in study.trials] == ["done", "pruned", "pruned"]
    assert study.record(2).reports == ((0, {"error": 2.0, "cost": 3.0}),)


def test_a_bad_report_in_a_worker_is_raised_where_it_was_made() -> None:
    def fn(trial: bbo.Trial) -> list[float]:
        try:
            trial.report(0.5, 0)
        except bbo.InvalidTell as error:
            raise bbo.TrialFailed(str(error)) from error
        return [0.5, 1.0]

    study = study_of(bbo.Median())
    study.optimize(fn, 1, workers=2)
    assert "one value for 2 objectives" in study.trials[0].reason


def test_a_model_goes_on_after_pruned_trials() -> None:
    study = bbo.Study(SPACE, TWO, optimizer=bbo.Bayes(n_initial=4), pruner=bbo.ASHA(max_resource=STEPS), seed=0)
    study.optimize(train, 10)
    assert "pruned" in {trial.state for trial in study.trials}
    assert study.pareto_front()


def _step_by_step(trial: bbo.Trial) -> list[float]:
    for step in range(2):
        trial.report([trial.number, trial.number + 1 + step], step)
        if trial.should_prune():
            raise bbo.TrialPruned
    return [trial.number, trial.number + 2]
