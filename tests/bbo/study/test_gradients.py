"""Gradients as they are told: stored, shown, kept by export and import; what is wrong is refused and leaves the log as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
from bbo import gradients
from bbo.storage import open_storage
from bbo.storage.jsonl import export_log, import_log
from bbo.study import Study

SPACE = bbo.Space(
    {
        "x": bbo.Float(0, 4),
        "lr": bbo.Float(1e-4, 1e-1, log=True),
        "n": bbo.Int(1, 5),
        "kind": bbo.Categorical(["a", "b"]),
        "p": bbo.Float(0, 1, when={"kind": "a"}),
        "s": bbo.Float(0, 1, step=0.25),
    }
)
POINT = {"x": 1.0, "lr": 0.01, "n": 2, "kind": "b", "s": 0.5}


def told(study: Study, **given: Any) -> bbo.Trial:
    return study.add(POINT, 0.5, **given)


def test_a_gradient_is_stored_and_shown() -> None:
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)
    trial = study.ask()
    study.tell(trial, 0.31, gradient={"x": 0.2, "lr": np.float64(-3)}, gradient_sd=0.1)
    assert trial.gradient == {"value": {"x": 0.2, "lr": -3.0}}
    assert trial.gradient_sd == {"value": {"x": 0.1, "lr": 0.1}}
    study.tell(trial, 0.31, gradient={"x": 0.2, "lr": -3})  # an equal repeat
    with pytest.raises(bbo.InvalidTell, match="amend"):
        study.tell(trial, 0.31, gradient={"x": 0.3})
    study.amend(trial, gradient={"x": 0.3})
    assert trial.gradient == {"value": {"x": 0.3}}
    assert trial.gradient_sd == {"value": {}}  # that was another one's
    assert trial.value == 0.31
    assert "Gradient of value: x=0.3." in study.explain(trial)
    assert "The gradient of value is recorded for 1 trials; random does not use it (bayes does)." in study.explain()
    frame = study.to_dataframe()
    assert frame["gradient.value.x"].tolist() == [0.3]
    study.amend(trial, gradient={"value": {}})
    assert "radient" not in study.explain() + study.explain(trial).partition("What happened")[0]


def test_bodies_hold_it_by_outcome_and_only_where_it_was_told() -> None:
    study = bbo.Study(SPACE, {"loss": "minimize"}, optimizer="random", seed=0)
    told(study, gradient={"loss": {"x": 1}})
    study.tell(study.ask(), 1.0)
    bodies = [event.body for event in study._replica._read(0) if event.kind in ("added", "told")]
    assert bodies[0]["gradient"] == {"loss": {"x": 1.0}}
    assert "gradient_sd" not in bodies[0]
    assert not any(key.startswith("gradient") for key in bodies[1])


def test_a_list_of_trials_takes_a_list_of_gradients() -> None:
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)
    trials = study.ask(2)
    with pytest.raises(bbo.InvalidTell, match="list of 2"):
        study.tell(trials, [1.0, 2.0], gradient={"x": 1})
    study.tell(trials, [1.0, 2.0], gradient=[{"x": 1}, None], gradient_sd=0.5)
    assert [trial.gradient for trial in trials] == [{"value": {"x": 1.0}}, {}]
    assert trials[0].gradient_sd == {"value": {"x": 0.5}}


def test_parts_of_a_result_bring_their_own() -> None:
    study = bbo.Study(SPACE, {"loss": "minimize", "ms": "minimize"}, optimizer="random", seed=0)
    trial = study.ask()
    study.tell(trial, {"loss": 1.0}, gradient={"loss": {"x": 1}})
    study.tell(trial, {"ms": 2.0}, gradient={"ms": {"x": 2}})
    assert trial.gradient == {"loss": {"x": 1.0}, "ms": {"x": 2.0}}


BAD: list[tuple[str, Callable[[Study], Any], str]] = [
    ("no mapping", lambda s: told(s, gradient=[0.2]), "it is a mapping of parameters"),
    ("unknown parameter", lambda s: told(s, gradient={"xx": 1}), "unknown parameter 'xx'; did you mean 'x'"),
    ("categorical", lambda s: told(s, gradient={"kind": 1}), "'kind' is a parameter of kind Categorical"),
    ("integer", lambda s: told(s, gradient={"n": 1}), "'n' is a parameter of kind Int"),
    ("inactive", lambda s: told(s, gradient={"p": 1}), "'p' is not active"),
    ("NaN", lambda s: told(s, gradient={"x": float("nan")}), "by x is nan; it is a finite number; leave out"),
    ("unknown outcome", lambda s: told(s, gradient={"los": {"x": 1}}), "unknown outcome 'los'"),
    ("mixed", lambda s: told(s, gradient={"value": {"x": 1}, "x": 1}), "unknown outcome 'x'"),
    ("sd alone", lambda s: told(s, gradient_sd=1), "without gradient"),
    ("sd alone in a tell", lambda s: s.tell(0, 1.0, gradient_sd=1), "without gradient"),
    ("negative sd", lambda s: told(s, gradient={"x": 1}, gradient_sd={"x": -1}), "is -1.0; it is at least 0"),
    ("sd of what is not told", lambda s: told(s, gradient={"x": 1}, gradient_sd={"lr": 1}), "by lr is given, and that"),
]


@pytest.mark.parametrize("act, message", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_wrong_is_refused(act: Callable[[Study], Any], message: str, tmp_path: Path) -> None:
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)
    study.ask()
    before = len(study._replica._read(0))
    with pytest.raises(bbo.InvalidTell, match=message):
        act(study)
    assert len(study._replica._read(0)) == before


def test_several_outcomes_need_names() -> None:
    study = bbo.Study(SPACE, {"loss": "minimize"}, outcome_constraints=["ms <= 2"], optimizer="random", seed=0)
    with pytest.raises(bbo.InvalidTell, match="by outcome"):
        study.add(POINT, {"loss": 1, "ms": 1}, gradient={"x": 1})


def test_export_and_import_keep_it(tmp_path: Path) -> None:
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0, name="a")
    told(study, gradient={"x": 1, "lr": 2.5}, gradient_sd={"x": 0.1})
    lines = list(export_log(study._storage, "a"))
    path = tmp_path / "b.db"
    import_log(open_storage(path), lines)
    again = bbo.load_study("a", path).trials[0]
    assert again.gradient == {"value": {"x": 1.0, "lr": 2.5}}
    assert again.gradient_sd == {"value": {"x": 0.1}}


def test_a_function_may_return_it(tmp_path: Path) -> None:
    def fn(trial: bbo.Trial) -> bbo.Result:
        return bbo.Result(trial["x"] ** 2, gradient={"x": 2 * trial["x"]}, gradient_sd=0.01)

    study = bbo.minimize(fn, bbo.Space({"x": bbo.Float(-1, 1)}), n_trials=2, optimizer="random", seed=0)
    for trial in study.trials:
        assert trial.gradient == {"value": {"x": 2 * trial["x"]}}
        assert trial.gradient_sd == {"value": {"x": 0.01}}


def test_what_a_function_does_not_know_is_left_out() -> None:
    def fn(trial: bbo.Trial) -> bbo.Result:
        return bbo.Result(trial["x"], gradient={"x": np.float64("nan"), "lr": 1.0} if trial.number else {"value": {"x": np.inf}})

    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)
    study.optimize(fn, n_trials=2, progress=False)
    assert [trial.gradient for trial in study.trials] == [{"value": {}}, {"value": {"lr": 1.0}}]


def test_the_chain_rule_of_every_axis() -> None:
    """Of f(x, lr, ...) by differences along the encoded columns; steps, conditions and what is no number stay out."""
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)

    def f(params: dict[str, Any]) -> float:
        return float(np.sin(params["x"]) + np.log(params["lr"]) ** 2)

    x, lr = POINT["x"], POINT["lr"]
    slopes = {"x": float(np.cos(x)), "lr": float(2 * np.log(lr) / lr), "s": 1.0}
    told(study, gradient=slopes, gradient_sd={"lr": 0.5})
    values, sd = gradients.encoded(SPACE, [study.record(0)], "value")
    u = SPACE.encode([POINT])
    for column in gradients.usable(SPACE).values():
        step = np.zeros_like(u)
        step[0, column] = 1e-6
        above, below = (SPACE.decode(u + sign * step)[0] for sign in (1, -1))
        assert values[0, column] == pytest.approx((f(above) - f(below)) / 2e-6, rel=1e-6)
    assert set(gradients.usable(SPACE)) == {"x", "lr"}
    lr_column = SPACE.columns_of("lr")[0]
    assert sd[0, lr_column] / 0.5 == pytest.approx(values[0, lr_column] / slopes["lr"])
    others = [c for c in range(SPACE.d) if c not in gradients.usable(SPACE).values()]
    assert np.isnan(values[0, others]).all()


def test_a_result_is_told_added_and_amended_as_a_whole() -> None:
    result = bbo.Result(0.5, sd=0.1, cost=3.0, attrs={"run": 7}, gradient={"x": 0.2, "lr": float("nan")}, gradient_sd=0.1)
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)
    first, second, third = study.ask(3)
    study.tell([first, second], [result, 0.5])
    study.tell(third, bbo.Result(0.5, sd=0.1, gradient={"x": 0.2}), cost=3.0, attrs={"run": 7}, gradient_sd=0.1)
    study.amend(second, result)
    for trial in (first, second, third, study.add(POINT, result)):
        assert (trial.value, trial.sd, trial.cost, trial.attrs) == (0.5, {"value": 0.1}, 3.0, {"run": 7})
        assert (trial.gradient, trial.gradient_sd) == ({"value": {"x": 0.2}}, {"value": {"x": 0.1}})


def test_what_a_result_says_is_not_said_again_beside_it() -> None:
    study = bbo.Study(SPACE, "minimize", optimizer="random", seed=0)
    with pytest.raises(bbo.InvalidTell, match="cost is given twice"):
        study.tell(study.ask(), bbo.Result(0.5, cost=3.0), cost=4.0)


def test_a_test_problem_with_costs_is_told_by_hand() -> None:
    problem = bbo.problems.get("branin_levels")
    study = problem.study(optimizer="random", seed=0)
    trial = study.ask()
    study.tell(trial, problem(trial))
    assert trial.cost is not None
