"""The knowledge gradient with derivatives as `bayes` makes it: what it expects of a result, when it stands back, and that it reproduces."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import bbo
from acquisitions import LogDerivativeKnowledgeGradient
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.derivative_knowledge_gradient import expected
from bbo.optimizers.fitting import one_thread
from bbo.replay import reproduce
from tests.bbo.optimizers.modelled import BOX, asked, bowl, filled

NAME = "derivative_knowledge_gradient"
POINTS = np.random.default_rng(0).random((30, 2))


def slope(p: Any) -> dict[str, float]:
    return {"x": (p["x"] - 7) / 5, "y": 6 * (p["y"] - 0.3)}


def study_of(
    n: int = 7, *, name: str = NAME, gradients: int = 7, by: tuple[str, ...] = ("x", "y"), sd: Any = None, **more: Any
) -> bbo.Study:
    """The first of n points come with gradients."""
    study = filled(n=0, optimizer=bbo.Bayes(acquisition=name), **more)
    for k, p in enumerate(BOX.sobol(n, seed=1)):
        value = {"value": bowl(p), "c": p["x"]} if more else bowl(p)
        told = {"value": {key: slope(p)[key] for key in by}} if k < gradients else None
        study.add(p, value, gradient=told, gradient_sd=sd if told else None)
    return study


def made(study: bbo.Study, name: str = NAME) -> tuple[Any, str, Any]:
    """What is maximized, its name, and the surrogate."""
    given = asked(study)
    with one_thread():
        score, aim = TABLE[name].score()(given)
    return score, aim, given.surrogate


def test_a_result_is_expected_to_have_what_most_have() -> None:
    score, aim, surrogate = made(study_of(sd={"x": 0.2, "y": 0.4}))
    assert isinstance(score, LogDerivativeKnowledgeGradient)
    assert aim.startswith("log knowledge gradient with 2 derivatives over ")
    assert score.partials == (0, 1)
    assert score.noise[0] == surrogate.gps[0].noise
    variance = surrogate.targets[0].gradients.variance
    assert score.noise[1:] == pytest.approx(variance.mean(0))
    study = study_of(3)
    for p in BOX.sobol(8, seed=1)[3:]:
        study.add(p, bowl(p), gradient={"y": slope(p)["y"]})
    partials, noise = expected(made(study)[2])
    assert partials == (1,)  # y by 8 of 8 trials that have a gradient, x by 3
    assert noise[1] == pytest.approx(np.exp(made(study)[2].gps[0].theta[-1]))


def test_while_there_is_no_gradient_it_is_the_knowledge_gradient() -> None:
    score, aim, _ = made(study_of(gradients=0))
    other, other_aim, _ = made(study_of(gradients=0, name="knowledge_gradient"), "knowledge_gradient")
    assert aim == f"{other_aim}, since no trial has a gradient"
    np.testing.assert_array_equal(score.value(POINTS), other.value(POINTS))


def test_it_is_worth_more_than_the_knowledge_gradient_of_the_same_model() -> None:
    score, _, _ = made(study_of(sd=0.1))
    other, _, _ = made(study_of(sd=0.1, name="knowledge_gradient"), "knowledge_gradient")
    assert np.all(score.value(POINTS) >= other.value(POINTS))
    assert np.max(score.value(POINTS) - other.value(POINTS)) > 0.1


def test_batches_are_different_and_reproduced() -> None:
    study = study_of()
    trials = [*study.ask(3), study.ask()]
    assert len({tuple(trial.params.items()) for trial in trials}) == 4
    events = study.storage.read(study.name)
    for trial in trials:
        assert "knowledge gradient with 2 derivatives" in str(study.record(trial.number).asked["note"])
        assert dict(reproduce(events, trial.number).params) == trial.params


def test_constraints_are_looked_for_first_and_weigh_in_then() -> None:
    aims = []
    for bound in (-1, 8):
        study = study_of(objectives={"value": "minimize"}, outcome_constraints=[f"c <= {bound}"])
        aims.append(made(study)[1])
        assert "failed" not in str(study.record(study.ask().number).asked["note"])
    assert aims[0].startswith("least expected violation, since nothing feasible is known")
    assert aims[1].startswith("log knowledge gradient with 2 derivatives")


@pytest.mark.parametrize(
    "space, settings, reason",
    [
        (BOX, {"kernel": "matern32"}, "needs a model of gradients: the kernel 'matern32'"),
        (BOX, {"input_warp": True}, "needs a model of gradients: its model of warped axes"),
        (bbo.Space({"n": bbo.Int(0, 9)}), {}, "needs a model of gradients: it uses derivatives by floats"),
        (bbo.Space({"x": bbo.Float(0, 1), "t": bbo.Fidelity(1, 9)}), {}, "it models decisions only"),
        (BOX, {"surrogate": lambda X, Y, context: None}, "takes no model of your own"),
    ],
)
def test_refuses_with_the_reason(space: bbo.Space, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        bbo.Study(space, "minimize", optimizer=bbo.Bayes(acquisition=NAME, **settings))


def test_it_finds_the_optimum() -> None:
    study = filled(n=0, optimizer=bbo.Bayes(acquisition=NAME))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(7):
            trial = study.ask()
            study.tell(trial, bowl(trial), gradient=slope(trial))
    assert bowl(study.recommend().params) < 0.05
