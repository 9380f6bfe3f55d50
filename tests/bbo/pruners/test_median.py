"""The median rule, on examples worked by hand."""

from __future__ import annotations

import pytest

import bbo


def study_of(pruner: bbo.Median, direction: str = "minimize") -> bbo.Study:
    return bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), direction, optimizer="random", pruner=pruner, seed=0)


def curve(study: bbo.Study, values: list[float], *, first: int = 0, done: bool = True) -> bbo.Trial:
    trial = study.ask()
    for step, value in enumerate(values, start=first):
        trial.report(value, step)
    if done:
        study.tell(trial, values[-1])
    return trial


def judged(study: bbo.Study, values: list[float], *, sign: float = 1.0) -> list[bool]:
    """What a new trial is told after each of its reports."""
    trial = study.ask()
    answers = []
    for step, value in enumerate(values):
        trial.report(sign * value, step)
        answers.append(trial.should_prune())
    return answers


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1.0), ("maximize", -1.0)])
def test_worse_than_the_median_at_that_step(direction: str, sign: float) -> None:
    study = study_of(bbo.Median(n_startup=3), direction)
    for values in ([5.0, 3.0, 1.0], [6.0, 4.0, 2.0], [9.0, 8.0, 7.0]):  # medians 6, 4, 2
        curve(study, [sign * value for value in values])
    assert judged(study, [7.0, 4.5, 1.5], sign=sign) == [True, True, False]
    assert judged(study, [6.0, 4.0, 2.0], sign=sign) == [False, False, False]  # equal is not worse
    assert judged(study, [1.0, 9.0, 9.0], sign=sign) == [False, False, False]  # its best so far is 1


def test_an_even_number_of_trials_has_its_median_between_two() -> None:
    study = study_of(bbo.Median(n_startup=1))
    for value in (1.0, 3.0):
        curve(study, [value])
    assert judged(study, [2.0]) == [False]
    assert judged(study, [2.1]) == [True]


def test_nobody_is_stopped_before_enough_trials_are_done() -> None:
    study = study_of(bbo.Median(n_startup=2))
    curve(study, [1.0])
    curve(study, [1.0], done=False)
    study.prune(curve(study, [1.0], done=False))
    study.fail(curve(study, [1.0], done=False))
    study.add({"x": 0.5}, 1.0)
    assert judged(study, [9.0]) == [False]
    curve(study, [1.0])
    assert judged(study, [9.0]) == [True]


def test_the_latest_report_up_to_the_step_counts() -> None:
    study = study_of(bbo.Median(n_startup=1))
    trial = study.ask()
    trial.report(4.0, 1)
    trial.report(2.0, 3)
    study.tell(trial, 2.0)
    # step 0: nothing to compare with; steps 1 and 2: 4; step 3: 2
    assert judged(study, [9.0, 8.0, 3.0, 2.5]) == [False, True, False, True]


def test_warm_up_and_interval() -> None:
    study = study_of(bbo.Median(n_startup=1, n_warmup_steps=2, interval=3))
    curve(study, [0.0] * 10)
    assert judged(study, [9.0] * 10) == [step in {2, 5, 8} for step in range(10)]
    sparse = study.ask()
    answers = {}
    for step in (1, 4, 5, 9):  # the stretches begin at 2, 5 and 8
        sparse.report(9.0, step)
        answers[step] = sparse.should_prune()
    assert answers == {1: False, 4: True, 5: True, 9: True}


def test_without_reports_nobody_is_stopped() -> None:
    study = study_of(bbo.Median(n_startup=1))
    curve(study, [0.0])
    assert not study.ask().should_prune()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"n_startup": 0}, "n_startup is 0"), ({"n_warmup_steps": -1}, "n_warmup_steps is -1"), ({"interval": 0.5}, r"interval is 0\.5")],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        bbo.Median(**settings)  # type: ignore[arg-type]
