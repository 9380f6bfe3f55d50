"""Successive halving: examples worked by hand, and the shares that must pass the rungs."""

from __future__ import annotations

import numpy as np
import pytest

import bbo


def study_of(pruner: bbo.ASHA, direction: str = "minimize") -> bbo.Study:
    return bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), direction, optimizer="random", pruner=pruner, seed=0)


def at_first_rung(study: bbo.Study, value: float) -> bool:
    trial = study.ask()
    trial.report(value, 0)
    return trial.should_prune()


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1.0), ("maximize", -1.0)])
def test_the_first_rung_by_hand(direction: str, sign: float) -> None:
    study = study_of(bbo.ASHA(), direction)
    answers = [at_first_rung(study, sign * value) for value in (5.0, 6.0, 4.0, 4.5, 3.0, 3.5, 3.5, 9.0, 3.7, 3.6)]
    # Those there, and how many stay: 1:1, 2:1, 3:1, 4:1, 5:1, 6:2 (3 and 3.5 are in), 7:2 (equal to the second best), 8:2, 9:3, 10:3
    assert answers == [False, True, False, True, False, False, False, True, True, True]


def test_rungs_lie_a_factor_apart_and_between_them_the_last_one_counts() -> None:
    study = study_of(bbo.ASHA(min_resource=2, reduction_factor=2))  # rungs at steps 1, 3, 7
    good = study.ask()
    for step in range(8):
        good.report(0.0, step)
        assert not good.should_prune()
    answers = []
    bad = study.ask()
    for step, value in enumerate([9.0, -1.0, 9.0, 9.0, 9.0, 9.0, -1.0, 9.0]):
        bad.report(value, step)
        answers.append(bad.should_prune())
    # step 0: below the first rung; 1, 2: it was the better one at rung 1; from 3 on it was the worse one at rung 3
    assert answers == [False, False, False, True, True, True, True, True]


def test_the_value_at_a_rung_is_the_first_report_at_or_beyond_it() -> None:
    study = study_of(bbo.ASHA(min_resource=3))
    first = study.ask()
    first.report(1.0, 1)
    assert not first.should_prune()
    first.report(5.0, 4)
    first.report(0.0, 5)
    second = study.ask()
    second.report(4.0, 2)
    assert not second.should_prune()  # 4 beats 5
    assert first.should_prune()


def test_a_whole_evaluation_is_not_thrown_away() -> None:
    study = study_of(bbo.ASHA(max_resource=3))
    good, bad = study.ask(2)
    for step in range(3):
        good.report(0.0, step)
        bad.report(1.0, step)
        assert bad.should_prune() is (step < 2)


def test_trials_stopped_before_count_in_the_rung() -> None:
    study = study_of(bbo.ASHA())
    for value in (1.0, 2.0):
        trial = study.ask()
        trial.report(value, 0)
        if trial.should_prune():
            study.prune(trial)
    assert str(study.trials[1].state) == "pruned"
    assert not at_first_rung(study, 0.5)  # the best of three
    for value in (5.0, 5.0):
        assert at_first_rung(study, value)
    assert not at_first_rung(study, 0.7)  # the second of six, which only holds if the stopped ones count


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_share_that_passes_each_rung(factor: int) -> None:
    """The i-th arrival at the first rung passes with probability max(1, i // factor) / i, independently of the others (relative
    ranks in a random order are independent). So the mean of the number that passes is known, and its variance lies below the mean:
    five standard deviations leave an error probability below 1e-5. At the higher rungs, where those that come are selected, it is
    about as many.
    """
    study = study_of(bbo.ASHA(reduction_factor=factor))
    rng = np.random.default_rng(3)
    reached = [0, 0, 0]
    for _ in range(300):
        trial, quality = study.ask(), rng.random()
        for step in range(factor**2):
            trial.report(quality, step)
            if step + 1 in {1, factor, factor**2}:
                reached[[1, factor, factor**2].index(step + 1)] += 1
            if trial.should_prune():
                study.prune(trial)
                break
        else:
            study.tell(trial, quality)
    passed = study._replica.ledger.counts[bbo.trial.State.DONE]
    assert reached[0] == 300
    for rung, (there, on) in enumerate(zip(reached, [*reached[1:], passed], strict=True)):
        expected = sum(max(1, i // factor) / i for i in range(1, there + 1))
        assert abs(on - expected) <= (5 * np.sqrt(expected) if rung == 0 else expected / 2)


def test_a_run_spends_less_on_what_is_bad() -> None:
    study = study_of(bbo.ASHA(max_resource=9))

    def fn(trial: bbo.Trial) -> float:
        for step in range(9):
            trial.report(trial["x"] + 1 / (step + 1), step)
            if trial.should_prune():
                raise bbo.TrialPruned(f"at step {step}")
        return float(trial["x"])

    study.optimize(fn, 60)
    done = [trial for trial in study.trials if str(trial.state) == "done"]
    pruned = [trial for trial in study.trials if str(trial.state) == "pruned"]
    assert len(done) + len(pruned) == 60
    assert {trial.reason for trial in pruned} == {"at step 0", "at step 2"}
    assert 3 <= len(done) <= 20
    assert study.best_value == min(trial["x"] for trial in study.trials)  # curves do not cross: the best is never stopped


@pytest.mark.parametrize("pruner", [bbo.ASHA(), bbo.Median()])
def test_what_they_refuse(pruner: bbo.ASHA | bbo.Median) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1)})
    with pytest.raises(bbo.Unsupported, match=rf"pruner '{pruner.name}' .* told rankings"):
        bbo.Study(space, [bbo.Objective("taste", feedback="ranking")], optimizer="random", pruner=pruner.name)


@pytest.mark.parametrize("pruner", [bbo.ASHA(2, 4, 100), bbo.Median(7, 2, 3)])
def test_settings_are_kept_in_the_log(pruner: bbo.ASHA | bbo.Median) -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), optimizer="random", pruner=pruner)
    assert bbo.load_study("study", study.storage).pruner == pruner


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_resource": 0}, "min_resource is 0"),
        ({"reduction_factor": 1}, "reduction_factor is 1"),
        ({"reduction_factor": 2.5}, r"reduction_factor is 2\.5"),
        ({"max_resource": True}, "max_resource is True"),
        ({"min_resource": 3, "max_resource": 3}, "max_resource 3 is not above min_resource 3"),
    ],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        bbo.ASHA(**settings)  # type: ignore[arg-type]
