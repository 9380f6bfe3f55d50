"""`bbo.Task` in `Bayes`: tasks learn from each other, and each is looked at by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.optimizers import tasks
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.targets import Bends, targets_of
from bbo.replay import reproduce
from surrogates.exact_gp import Settings
from surrogates.exact_gp.kernels import Coregional, LevelNoise, Offsets, Stationary, Sum, matrix
from tests.bbo.optimizers.modelled import propose

SPACE = bbo.Space({"a": bbo.Float(0, 1), "b": bbo.Float(0, 1), "feed": bbo.Task(["x", "y", "z"])}, constraints=["a + b <= 1.6"])
ZERO = {"x": 0.0, "y": 40.0, "z": -20.0}
SHIFT = {"x": 0.0, "y": 0.05, "z": -0.05}


def waves(p: Mapping[str, Any]) -> float:
    """The least value of each task is its zero."""
    v = np.array([p["a"], p["b"]]) - SHIFT[p["feed"]]
    return ZERO[p["feed"]] + float(np.sum((v - 0.6) ** 2 * [1, 3]) + 0.15 * np.sum(1 - np.cos(9 * (v - 0.6))))


def run(plan: str, *, optimizer: Any = "bayes", seed: int = 1, f: Any = waves, **arguments: Any) -> bbo.Study:
    """A study whose trials are of these tasks, in turn."""
    study = bbo.Study(SPACE, "minimize", optimizer=optimizer, seed=seed, **arguments)
    for feed in plan:
        study.tell(trial := study.ask(fixed={"feed": feed}), f(trial.params))
    return study


def regrets(study: bbo.Study, feed: str) -> list[float]:
    return [trial.value - ZERO[feed] for trial in study.trials if trial["feed"] == feed]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("more", "objectives", "settings", "message"),
    [
        ({"site": bbo.Task(["p", "q"])}, "minimize", Bayes(), "it models one task parameter, and there are 'feed', 'site'"),
        ({"t": bbo.Fidelity(1, 9)}, "minimize", Bayes(), "with tasks it models decisions only, and 't' is a fidelity parameter"),
        ({"w": bbo.Context(bbo.Float(0, 1))}, "minimize", Bayes(), "with tasks it models decisions only, and 'w' is a context parameter"),
        ({}, {"f": "minimize", "g": "minimize"}, Bayes(), "with tasks it takes one objective of values"),
        ({}, "minimize", Bayes(acquisition="thompson"), "with tasks it takes the acquisitions 'log_ei', 'log_pi'"),
        ({}, "minimize", Bayes(surrogate=lambda X, Y, context: None), "it models decisions only, and 'feed' is a task parameter"),
    ],
)
def test_what_is_not_modelled(more: Any, objectives: Any, settings: Bayes, message: str) -> None:
    with pytest.raises(bbo.Unsupported, match=message):
        bbo.Study(bbo.Space({**SPACE.parameters, **more}), objectives, optimizer=settings)


def test_without_tasks_nothing_is_different() -> None:
    space = bbo.Space({"a": bbo.Float(0, 1)})
    assert tasks.columns(space) is space.columns
    assert tasks.fixed(space, {"a": 0.5}) == {}
    assert tasks.of({}, [{"a": 0.5}]) == [{"a": 0.5}]


def test_no_task_is_before_the_others() -> None:
    """Each is a multiple of what all share, with a discrepancy and a constant of its own."""
    table = tasks.columns(SPACE)
    kernel = Settings().build(table, 3)
    assert isinstance(kernel, Sum)
    mixed, offsets, noise = kernel.parts
    assert isinstance(mixed, Coregional)
    assert isinstance(offsets, Offsets)
    assert isinstance(noise, LevelNoise)
    names = kernel.parameters.names
    values = dict(zip(names, kernel.parameters.start, strict=True))
    rho, variance, shared = np.array([0.5, -1.2, 2.0]), np.array([0.3, 0.2, 0.7]), 1.4
    for k in range(3):
        values |= {f"rho[{k + 1}]": rho[k], f"variance[{k + 1}]": np.log(variance[k])}
        values |= {name: 0.0 for name in names if name.startswith(f"stretch[{k + 1}]")}
    values["variance[0]"] = np.log(shared)
    X = np.random.default_rng(0).random((9, 3))
    X[:, 2] = np.repeat([1 / 6, 0.5, 5 / 6], 3)
    task = np.repeat([0, 1, 2], 3)
    part = matrix(Stationary((0, 1)), np.array([values[name] for name in mixed.part.parameters.names]), X, X)
    same = task[:, None] == task[None]
    expected = np.outer(rho[task], rho[task]) * shared * part + same * (variance[task][:, None] * part + 100.0)
    np.testing.assert_allclose(matrix(kernel, np.array([values[name] for name in names]), X, X), expected, rtol=1e-12)


def test_values_are_in_units_of_the_spread_within_tasks() -> None:
    study = bbo.Study(SPACE, "maximize", optimizer="bayes", seed=1)
    for k, (feed, value) in enumerate([("x", 0.0), ("x", 2.0), ("y", 101.0), ("y", 103.0), ("y", 102.0), ("z", -50.0)]):
        study.add({"a": 0.1 * k, "b": 0.2, "feed": feed}, value)
    (target,) = targets_of(study._replica.state, Bends(objectives=False), tails=True)
    scaled = tasks.within(target, SPACE)
    pooled = np.sqrt((2.0 + 2.0) / (6 - 3))
    np.testing.assert_allclose(np.diff(scaled.y), np.diff([0.0, 2.0, 101.0, 103.0, 102.0, -50.0]) / pooled)
    np.testing.assert_allclose(scaled.transform.inverse(scaled.y), [0.0, 2.0, 101.0, 103.0, 102.0, -50.0], atol=1e-9)


def test_each_ask_is_of_its_task_and_the_next_task_starts_from_the_others() -> None:
    study = run("xxxxxxxx")
    assert "best mean, since nothing of this task is known" in propose(study, fixed={"feed": "y"}).note
    study.tell(trial := study.ask(fixed={"feed": "y"}), waves(trial.params))
    proposal = propose(study, n=3, fixed={"feed": "y"})
    assert proposal.note.startswith("log expected improvement, by Gaussian processes on 9 trials")
    assert {query.params["feed"] for query in proposal.queries} == {"y"}
    for query in proposal.queries:
        SPACE.validate(query.params)


@pytest.mark.parametrize("name", tasks.ACQUISITIONS)
def test_acquisitions(name: str) -> None:
    settings = Bayes(acquisition=name, n_initial=4, **({"level": 0.1} if name == "straddle" else {}))
    study = run("xyxyxy", optimizer=settings)
    study.ask(fixed={"feed": "x"})
    proposal = propose(study, n=2, fixed={"feed": "y"})
    assert "by Gaussian processes on 6 trials" in proposal.note
    assert [query.params["feed"] for query in proposal.queries] == ["y", "y"]


def test_a_task_is_judged_by_its_own_values() -> None:
    """Another task's values are all better by far, and its best point lies elsewhere."""

    def f(p: Mapping[str, Any]) -> float:
        return (p["a"] - 0.2) ** 2 if p["feed"] == "x" else (p["a"] - 0.9) ** 2 - 50.0

    study = run("xyxyxyxyxyxyxyxy", f=f)
    assert study.recommend(fixed={"feed": "x"}).params["a"] == pytest.approx(0.2, abs=0.1)
    assert study.recommend(fixed={"feed": "y"}).params["a"] == pytest.approx(0.9, abs=0.1)
    assert study.recommend(fixed={"feed": "x"}).mean["value"] == pytest.approx(0.0, abs=0.05)
    assert min(trial.value for trial in study.trials if trial["feed"] == "x") < 0.01  # type: ignore[type-var,operator]


def test_a_recommendation_is_for_a_task() -> None:
    study = run("xxxxyyy")
    with pytest.raises(bbo.NoBest, match=r"depends on the task; use study.recommend\(fixed={'feed': ...}\)"):
        study.recommend()
    with pytest.raises(bbo.OutOfRange, match="'w' is not one of the choices"):
        study.recommend(fixed={"feed": "w"})
    found = study.recommend(fixed={"feed": "y", "a": 0.25})
    assert (found.params["feed"], found.params["a"]) == ("y", 0.25)


def test_failures_are_shared_and_constraints_are_the_tasks() -> None:
    study = run(
        "xxxxxyyyyy", f=lambda p: {"value": waves(p), "g": p["a"] - (0.3 if p["feed"] == "x" else -5)}, outcome_constraints=["g <= 0"]
    )
    study.fail(study.ask(fixed={"feed": "x"}), "boom")
    assert "probability of feasibility, since nothing feasible" in propose(study, fixed={"feed": "y"}).note
    assert "log expected improvement" in propose(study, fixed={"feed": "x"}).note


def test_points_without_a_task_are_completed_and_proposals_reproduced() -> None:
    study = run("xxxxxyy", optimizer="auto")
    study.enqueue({"a": 0.5})
    assert study.ask(fixed={"feed": "x"})["a"] == 0.5
    study.ask(2, fixed={"feed": "z"})
    for number in (4, 6, 8, 9):
        assert reproduce(study.storage.read("study", 0), number).params == study.trials[number].params
    assert "chose bayes" in study.explain()


def test_the_third_task_needs_less() -> None:
    together = [min(regrets(run("xxxxxxxxyyyyzzzz", seed=seed), "z")) for seed in (1, 2)]
    alone = [min(regrets(run("zzzz", seed=seed), "z")) for seed in (1, 2)]
    assert max(together) < 0.5 * min(alone)
