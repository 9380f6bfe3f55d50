"""`bayes` with told gradients: the chain rule to the model's units, what is used and what is said, and what it gains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.optimizers import slopes
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.history import History
from bbo.optimizers.targets import Bends, targets_of

SPACE = bbo.Space({"x": bbo.Float(-1, 3), "lr": bbo.Float(1e-3, 1.0, log=True), "kind": bbo.Categorical(["a", "b"])})


def f(params: dict[str, Any]) -> float:
    bend = 2.0 if params["kind"] == "a" else 1.0
    return float(bend * (params["x"] - 1) ** 2 + (np.log10(params["lr"]) + 1) ** 2)


def slope(params: dict[str, Any]) -> dict[str, float]:
    bend = 2.0 if params["kind"] == "a" else 1.0
    lr = params["lr"]
    return {"x": bend * 2 * (params["x"] - 1), "lr": 2 * (np.log10(lr) + 1) / (lr * np.log(10))}


def told(study: bbo.Study, n: int, *, gradient: bool = True, sd: float | None = None, outlier: bool = False) -> bbo.Study:
    for k, params in enumerate(study.space.sample(n, np.random.default_rng(1))):
        value = 1e6 if outlier and k == 0 else f(params)
        study.add(params, value, gradient=slope(params) if gradient else None, gradient_sd=sd if gradient else None)
    return study


def history(study: bbo.Study) -> History:
    state: History = study._replica.state
    return state


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("power", [False, True])
def test_gradients_go_through_the_transform_of_the_outcome(direction: str, power: bool) -> None:
    study = told(bbo.Study(SPACE, direction, optimizer="bayes", seed=0), 12, sd=0.1)
    target = targets_of(history(study), Bends(power), gradients=True)[0]
    assert target.gradients is not None
    sign = -1.0 if direction == "minimize" else 1.0
    for row, trial in enumerate(study.trials):
        u = SPACE.encode([trial.params])[0]
        for name in ("x", "lr"):
            column = SPACE.columns_of(name)[0]
            ends = []
            for step in (1e-6, -1e-6):
                moved = u.copy()
                moved[column] = np.clip(moved[column] + step, 0, 1)
                ends.append(float(target.transform.forward(sign * f(SPACE.decode(moved[None])[0]))))
            assert target.gradients.values[row, column] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-7)
    stretch = target.gradients.values[3, 0] / slope(study.trials[3].params)["x"]
    assert target.gradients.variance is not None
    assert target.gradients.variance[3, 0] == pytest.approx((0.1 * stretch) ** 2)
    assert np.isnan(target.gradients.values[:, SPACE.columns_of("kind")[0]]).all()


def test_what_was_clipped_has_no_gradient() -> None:
    study = told(bbo.Study(SPACE, "minimize", optimizer="bayes", seed=0), 12, outlier=True)
    target = targets_of(history(study), Bends(), gradients=True)[0]
    assert target.gradients is not None
    assert target.gradients.variance is None
    assert np.isnan(target.gradients.values[0]).all()
    assert not np.isnan(target.gradients.values[1:, :2]).any()
    assert " 22 of 24 partial derivatives (not those at the worst trials)" in slopes.said(history(study), target)


def test_of_too_many_the_best_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slopes, "MOST_DERIVATIVES", 9)
    target = targets_of(history(told(bbo.Study(SPACE, "minimize", optimizer="bayes", seed=0), 12)), Bends(), gradients=True)[0]
    assert target.gradients is not None
    kept = ~np.isnan(target.gradients.values).all(1)
    assert kept.sum() == 4  # of two derivatives each
    assert target.y[kept].min() > target.y[~kept].max()


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if not entry.botorch and not entry.rankings])
def test_every_acquisition_uses_them_or_says_why_not(name: str) -> None:
    settings = bbo.Bayes(acquisition=name, level=1.0 if "level" in TABLE[name].settings else None)
    if settings.supports(bbo.Study(SPACE, "minimize", optimizer="sobol")._problem) is not None:
        return  # it is for studies of another kind
    study = told(bbo.Study(SPACE, "minimize", optimizer=settings, seed=0), 8)
    trial = study.ask(2)[1]
    note = str(study.record(trial.number).asked["note"])
    assert "failed" not in note
    assert ("and 16 partial derivatives" in note) == TABLE[name].gradients
    unused = f"bayes does not use it: the acquisition {name!r} works on a model of values only." in study.explain()
    assert unused != TABLE[name].gradients


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"kernel": "matern32"}, "the kernel 'matern32' has too few derivatives"),
        ({"input_warp": True}, "its model of warped axes"),
        ({"acquisition": "pes"}, "the acquisition 'pes' works on a model of values only"),
        ({"acquisition": lambda model, context: None}, "a model or an acquisition function of your own is told values only"),
    ],
)
def test_where_they_are_not_used_it_says_so(settings: dict[str, Any], reason: str) -> None:
    study = told(bbo.Study(SPACE, "minimize", optimizer=bbo.Bayes(**settings), seed=0), 6)
    assert f"The gradient of value is recorded for 6 trials; bayes does not use it: {reason}" in study.explain()
    if "acquisition" not in settings:
        assert "derivatives" not in str(study.record(study.ask().number).asked["note"])


def test_of_several_outcomes_the_first_objective_has_them() -> None:
    study = bbo.Study(SPACE, {"loss": "minimize"}, outcome_constraints=["ms <= 3"], optimizer="bayes", seed=0)
    for params in SPACE.sample(8, np.random.default_rng(1)):
        study.add(params, {"loss": f(params), "ms": params["x"]}, gradient={"loss": slope(params), "ms": {"x": 1.0}})
    said = study.explain()
    assert "The gradient of ms is recorded for 8 trials; bayes does not use it: it uses those of loss, the first objective." in said
    assert "gradient of loss" not in said
    assert "16 partial derivatives" in str(study.record(study.ask().number).asked["note"])


def test_a_space_without_what_has_derivatives() -> None:
    space = bbo.Space({"s": bbo.Float(0, 1, step=0.1), "n": bbo.Int(0, 9)})
    study = bbo.Study(space, "minimize", optimizer="bayes", seed=0)
    for k in range(6):
        study.add({"s": k / 10, "n": k}, k, gradient={"s": 10.0})
    assert "there are none." in study.explain()
    assert "failed" not in str(study.record(study.ask().number).asked["note"])


@pytest.mark.parametrize("sd", [None, 0.01])
def test_a_study_goes_on_as_it_would_have(sd: float | None, tmp_path: Path) -> None:
    """Proposals are the same whether a process asks them in turn or another one opens the log: the memo has all hyperparameters."""
    asked = []
    for again in (False, True):
        path = tmp_path / f"{again}.db"
        study = told(bbo.Study(SPACE, "minimize", optimizer=bbo.Bayes(), seed=0, storage=path, name="s"), 3, gradient=False)
        told(study, 4, sd=sd)
        found = []
        for _ in range(3):
            if again:
                study = bbo.load_study("s", path)
            trial = study.ask()
            study.tell(trial, f(trial.params), gradient=slope(trial.params), gradient_sd=sd)
            found.append(dict(trial))
        last = study.ask(2)
        asked.append([*found, *(dict(trial) for trial in last)])
        memo = study.record(last[0].number).asked["memo"]["gps"]["value"]["parameters"]
        assert ("derivative_noise" in memo) == (sd is None)
    assert asked[0] == asked[1]


def test_predictions_rest_on_them() -> None:
    wrong = []
    for gradient in (False, True):
        study = told(bbo.Study(SPACE, "minimize", optimizer=bbo.Bayes(output_warp=False), seed=0), 10, gradient=gradient)
        rows = SPACE.sample(50, np.random.default_rng(2))
        found = [study.predict(row) for row in rows]
        wrong.append(np.sqrt(np.mean([(p.mean["value"] - f(row)) ** 2 for p, row in zip(found, rows, strict=True)])))
        model = study._replica.optimizer.model(history(study))
        assert model is not None
        assert len(model.leave_one_out()["value"].measured) == 10
    assert wrong[1] < 0.5 * wrong[0]
    study.diagnose()
    study.importance()
    study.recommend()


def needed(name: str, goal: float, *, seed: int, most: int) -> int:
    """Evaluations until a value at or below the goal was measured."""
    problem = bbo.problems.get(name)
    study = problem.study(optimizer="bayes", seed=seed)
    study.optimize(problem, n_trials=most, progress=False, callbacks=[lambda study, trial: study.stop() if trial.value <= goal else None])
    return len(study.trials) + (study.best_value > goal)


def test_fewer_evaluations_are_needed_with_them() -> None:
    """Hartmann-3 to within 1 % of its optimum, of two seeds: 9 and 8 evaluations with gradients when written, 15 and 16 without."""
    for seed in (0, 1):
        count = needed("hartmann3_gradients", -3.8241, seed=seed, most=14)
        assert count <= 12
        assert needed("hartmann3", -3.8241, seed=seed, most=count) > count
