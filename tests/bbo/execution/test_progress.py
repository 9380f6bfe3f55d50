"""The progress bar."""

from __future__ import annotations

import sys

import pytest

import bbo
from bbo.execution.limits import Limits
from bbo.execution.progress import bar


def fn(trial: bbo.Trial) -> float:
    if trial.number == 1:
        raise bbo.TrialFailed
    return float(-trial.number)


def test_it_shows_trials_best_value_and_failures(study: bbo.Study, capsys: pytest.CaptureFixture[str]) -> None:
    study.optimize(fn, 3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3 best loss -2, 1 failed" in err
    study.optimize(fn, total=5, progress=True)
    assert "5/5 best loss -4, 1 failed" in capsys.readouterr().err
    study.optimize(fn, 2, progress=True)
    assert "2/2 best loss -6, 1 failed" in capsys.readouterr().err


def test_the_best_is_feasible_and_maximal(line: bbo.Space, capsys: pytest.CaptureFixture[str]) -> None:
    study = bbo.Study(line, {"gain": "maximize"}, outcome_constraints=["ms <= 2"], optimizer="random", seed=0)
    study.optimize(lambda trial: {"gain": trial.number, "ms": trial.number}, 5, progress=True)
    assert "5/5 best gain 2 " in capsys.readouterr().err


def test_several_objectives_have_no_best(line: bbo.Space, capsys: pytest.CaptureFixture[str]) -> None:
    study = bbo.Study(line, {"a": "minimize", "b": "minimize"}, optimizer="random", seed=0)
    study.optimize(lambda trial: (1.0, 2.0), 2, progress=True)
    err = capsys.readouterr().err
    assert "2/2" in err
    assert "best" not in err


@pytest.mark.parametrize("terminal", [True, False])
def test_auto_means_on_a_terminal(
    study: bbo.Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    study.optimize(fn, 3)
    assert ("3/3" in capsys.readouterr().err) is terminal


def test_without_a_number_of_trials_it_has_no_end(study: bbo.Study, capsys: pytest.CaptureFixture[str]) -> None:
    with bar(study, Limits(timeout=10)) as advance:
        trial = study.ask()
        study.tell(trial, 0.5)
        advance(study, trial)
    assert "1/? best loss 0.5" in capsys.readouterr().err
