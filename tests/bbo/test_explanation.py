"""What `explain` says of a study and of a trial."""

from __future__ import annotations

import pytest

import bbo
from bbo.optimizers.base import uses_sd


def make(optimizer: object = "sobol", **kwargs: object) -> bbo.Study:
    space = bbo.Space({"x": bbo.Float(0, 1, input_sd=0.1) if kwargs.pop("inexact", False) else bbo.Float(0, 1)})
    return bbo.Study(space, {"loss": "minimize"}, optimizer=optimizer, seed=4, **kwargs)  # type: ignore[arg-type]


def test_the_study_and_its_method() -> None:
    study = make(outcome_constraints=["heat <= 2"])
    study.ask(2)
    study.tell(0, {"loss": 1.0, "heat": 1.0})
    text = study.explain()
    assert "minimize loss, heat <= 2. Seed 4." in text
    assert "Trials: 1 pending, 1 done." in text
    assert "Optimizer: sobol." in text
    assert "scrambled Sobol sequence" in text
    study.stop("enough")
    assert "It was stopped: enough." in study.explain()


def test_why_auto_chose() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Categorical(["a", "b"])}), "minimize", seed=0)
    assert "auto" in study.explain()
    study.ask()
    assert "auto, which chose" in study.explain()
    assert "\nWhy: " in study.explain()


def test_optimizers_in_turn() -> None:
    study = make()
    assert "in turn" not in study.explain()
    study.configure(optimizer="random")
    study.configure(optimizer=bbo.Grid(resolution=3))
    assert "Optimizers so far, in turn: sobol, random, grid." in study.explain()
    assert "grid(resolution=3)" in study.explain()


def test_what_is_recorded_and_not_used() -> None:
    study = make(inexact=True)
    assert "The input_sd of x is recorded; sobol does not use it." in study.explain()
    assert "The sd of" not in study.explain()
    study.tell(study.ask(), 1.0, sd=0.1)
    assert "The sd of loss is recorded; sobol does not use it." in study.explain()
    study.tell(study.ask(), 1.0)
    study.configure(optimizer="bayes")
    assert "The sd of loss is recorded for 1 of 2 trials; bayes uses it once every trial has one." in study.explain()
    study.amend(1, sd=0.1)
    assert "The sd of" not in study.explain()


def test_an_optimizer_says_itself_that_it_uses_sd(monkeypatch: pytest.MonkeyPatch) -> None:
    assert uses_sd(bbo.Bayes())
    assert not uses_sd(bbo.Sobol())
    study = make()
    study.tell(study.ask(), 1.0, sd=0.1)
    monkeypatch.setattr(bbo.Sobol, "uses_sd", True, raising=False)
    assert "The sd of" not in study.explain()


def test_what_the_fit_did_and_what_it_was_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), {"loss": "minimize"}, optimizer=bbo.Bayes(n_initial=2), seed=4)
    for k in range(12):
        study.add({"x": k / 11}, (k / 11 - 0.3) ** 2)
    study.ask()
    assert "by Gaussian processes on 12 trials, fitted (loss: cold fit, 2 starts, " in study.explain()
    monkeypatch.setattr("bbo.optimizers.targets.MOST", 10)
    monkeypatch.setattr("bbo.optimizers.thinning.KEPT", 8)
    study.tell(study.ask(), 0.5)
    study.ask()
    assert "by Gaussian processes on 8 of 13 trials (the best, and others spread over the space)" in study.explain()


def test_roles_that_are_not_modelled() -> None:
    space = bbo.Space(
        {"x": bbo.Float(0, 1), "level": bbo.Fidelity({"coarse": 1, "fine": 9}), "wet": bbo.Environment({"no": 0.7, "yes": 0.3})}
    )
    text = bbo.Study(space, "minimize", optimizer="random", seed=0).explain()
    assert "level is not modelled by random: it runs at its target, 'fine', unless it is fixed." in text
    assert "wet is not modelled by random: it is drawn from its distribution." in text


def test_a_trial_from_its_proposal_to_its_result() -> None:
    study = make(outcome_constraints=["heat <= 2"])
    study.ask(2)
    study.ask(fixed={"x": 0.5}, client="ada", lease=60)
    study.tell(2, {"loss": 1.5}, params={"x": 0.75}, sd={"loss": 0.1})
    study.tell(2, {"heat": 3.0}, cost=4)
    study.amend(2, {"loss": 1.25}, note="misread")
    text = study.explain(2)
    assert text.startswith("Trial 2 is done, attempt 1.")
    assert "Run: x=0.75.\nPlanned: x=0.5." in text
    assert "Measured: loss=1.25 (sd 0.1), heat=3, at a cost of 4, infeasible." in text
    assert "Origin: sobol (configuration 0) proposed it, from the first 4 events of the log." in text
    assert "Random numbers: draw 2." in text
    assert "Asked with fixed={'x': 0.5}." in text
    assert "event 5: attempt 1 handed out to client ada, on a lease of 60 s" in text
    assert "event 6: attempt 1 told loss=1.5, run at x=0.75" in text
    assert "event 8: amended, values={'loss': 1.25}: misread" in text


def test_the_attempts_of_a_trial() -> None:
    study = make()
    first = study.ask()
    study.retry(first, "node died")
    study.ask()
    study.fail(0, "diverged")
    with pytest.warns(UserWarning, match="superseded"):
        study.tell(first, 1.0)
    text = study.explain(0)
    assert text.startswith("Trial 0 is failed (diverged), attempt 2.")
    lines = [line.split(": ", 1)[1] for line in text.split("What happened to it:\n")[1].splitlines()]
    assert lines == [
        "attempt 1 handed out",
        "queued again: node died",
        "attempt 2 handed out",
        "failed: diverged",
        "attempt 1 told loss=1 (superseded, not used)",
    ]


def test_where_else_points_come_from() -> None:
    study = make()
    study.add({"x": 0.5}, 1.0)
    study.enqueue({"x": 0.25})
    study.ask()
    assert "Origin: added, evaluated elsewhere." in study.explain(0)
    assert "Origin: enqueued by a user, as it is." in study.explain(1)


def test_what_a_user_left_open() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})
    study = bbo.Study(space, "minimize", optimizer="sobol", seed=0)
    study.enqueue({"x": 0.25})
    study.ask()
    text = study.explain(0)
    assert "sobol (configuration 0) completed what a user enqueued in part" in text
    assert "Asked with fixed={'x': 0.25}." in text


def test_tickets_of_a_phase() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})
    study = bbo.Study(space, "minimize", optimizer="cma_es", seed=0)
    study.ask(3)
    assert f"Ticket {list(study.record(2).asked['ticket'])} of its phase" in study.explain(2)


def test_reports_and_rankings() -> None:
    study = make()
    trial = study.ask()
    trial.report(0.5, 3)
    assert "attempt 1 reported 0.5 at step 3" in study.explain(0)
    ranking = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), bbo.Objective("taste", feedback="ranking"), optimizer="random", seed=0)
    ranking.ask(3)
    ranking.tell_ranking([2, [0, 1]])
    assert "ranked: 2 > 0 = 1" in ranking.explain(1)


def test_an_unknown_trial() -> None:
    with pytest.raises(bbo.UnknownTrial):
        make().explain(3)
