"""TuRBO through the log: restarts and regions, what counts as success, constraints, mishaps, and what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.optimizers import TuRBO, fitting
from bbo.optimizers.restarts import DESIGN, REGION, Standing, standing
from bbo.optimizers.trust_region import TrustRegion, sides
from bbo.replay import reproduce
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, propose

QUICK = TuRBO(n_initial=3)
Function = Callable[[Mapping[str, Any]], Any]


def study_of(space: bbo.Space = BOX, *, optimizer: TuRBO = QUICK, **arguments: Any) -> bbo.Study:
    return bbo.Study(space, optimizer=optimizer, **{"objectives": "minimize", "seed": 4, **arguments})


def run(study: bbo.Study, n: int, f: Function = bowl, *, q: int = 1) -> bbo.Study:
    for _ in range(n // q):
        trials = study.ask(q)
        study.tell(trials, [f(trial) for trial in trials])
    return study


def now(study: bbo.Study) -> Standing:
    assert study.trials is not None  # brings it up to date
    return standing(study._replica.state)


def asked(study: bbo.Study) -> list[Mapping[str, Any]]:
    return [event.body for event in study.storage.read(study.name) if event.kind == "asked"]


def failing(first: float = 0.0) -> Function:
    """Each value worse than all before it."""
    values = itertools.count(first)
    return lambda trial: float(next(values))


def restarted(f: Function) -> bbo.Study:
    """A study after its first restart: its design, and seven batches of four without success."""
    return run(run(study_of(), 3, f), 28, f, q=4)


def in_region(
    study: bbo.Study, params: Sequence[Mapping[str, Any]], memo: Mapping[str, Any], centre: Mapping[str, Any], length: float
) -> bool:
    """Whether points lie in the box around a centre that the hyperparameters of a memo ask for, by its definition."""
    space = study.space
    fitted = memo["gps"][study.objectives[0].name]["parameters"]
    widths = sides(length, np.exp([fitted[f"lengthscale[{i}]"] for i in range(space.d)]))
    off = np.abs(space.encode(params) - space.encode([centre]))
    return bool((off <= widths / 2 + 1e-9).all())


# -- restarts and regions ---------------------------------------------------------------------------------------------------------


def test_a_restart_begins_when_the_region_is_too_small() -> None:
    """Two columns: every four trials without success halve the region, and the seventh halving is the last."""
    f = failing()
    study = restarted(f)
    run(run(study, 3, f), 1, f)
    roles = [(body["role"], body["group"]) for body in asked(study)]
    assert roles == [(DESIGN, 0)] * 3 + [(REGION, 0)] * 28 + [(DESIGN, 1)] * 3 + [(REGION, 1)]
    assert not any("failed" in body["note"] for body in asked(study))
    assert "on 3 trials of restart 1, fitted" in asked(study)[-1]["note"]  # nothing of the one before counts
    assert asked(study)[-1]["memo"]["restart"] == 1


def test_proposals_lie_in_the_region_around_the_best_trial_of_this_restart() -> None:
    values = iter([60.0, 50.0, 55.0])
    study = run(restarted(failing()), 3, lambda trial: next(values))  # the best of all is of restart 0
    assert now(study).restart == 1
    proposal = propose(study, n=4)
    best = study.trials[3 + 28 + 1]
    assert best.value == 50.0
    assert f"of length 0.8 around trial {best.number}" in proposal.note
    assert in_region(study, [query.params for query in proposal.queries], proposal.memo or {}, best.params, 0.8)
    small = run(study, 4 * 3, failing(100.0), q=4)
    assert now(small).region == TrustRegion(0.1)
    proposal = propose(small, n=4)
    assert in_region(small, [query.params for query in proposal.queries], proposal.memo or {}, best.params, 0.1)
    assert not in_region(small, [study.trials[0].params], proposal.memo or {}, best.params, 0.1)


def test_successes_in_a_row_make_it_grow() -> None:
    values = iter([9.0, 9.0, 9.0, 8.0, 7.0, 6.0, 5.0])
    study = run(study_of(), 6, lambda trial: next(values))
    assert now(study).region == TrustRegion(1.6)
    run(study, 1, lambda trial: next(values))
    assert now(study).region == TrustRegion(1.6, successes=1)


def test_a_batch_is_a_success_by_its_best_trial_and_counts_once() -> None:
    study = run(study_of(), 3, lambda trial: 10.0)
    batch = study.ask(3)
    study.tell(batch[0], 11.0)
    assert now(study).region == TrustRegion()  # results are awaited that may be better
    study.tell(batch[1], 9.0)
    assert now(study).region == TrustRegion(successes=1)  # which nothing can change
    study.tell(batch[2], 8.0)
    assert now(study).region == TrustRegion(successes=1)
    study.tell(study.ask(2), [8.0, 9.0])  # as good is not better
    assert now(study).region == TrustRegion(failures=2)


def test_failed_trials_are_failures_and_abandoned_ones_count_for_nothing() -> None:
    study = run(study_of(), 3, lambda trial: 10.0)
    failed, abandoned, pruned = study.ask(), study.ask(), study.ask()
    study.abandon(abandoned, "not now")
    assert now(study).region == TrustRegion()
    study.fail(failed, "exploded")
    assert now(study).region == TrustRegion(failures=1)
    study.tell(pruned, 3.0)
    assert now(study).region == TrustRegion(successes=1)


def test_the_order_of_results_changes_nothing() -> None:
    """Three batches open at once, told in any order of their trials."""
    values = [3.0, 12.0, 11.0, 2.0, 15.0, 1.0]
    found = []
    for order in (range(6), reversed(range(6)), [4, 0, 2, 5, 1, 3]):
        study = run(study_of(), 3, lambda trial: 10.0)
        trials = [trial for _ in range(3) for trial in study.ask(2)]
        for i in order:
            study.tell(trials[i], values[i])
        found.append((now(study).region, propose(study, n=2).queries))
    assert found[0][0] == TrustRegion(1.6)  # three batches, each with a better trial
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_points_of_other_origin_may_be_the_centre_and_are_no_success() -> None:
    study = run(study_of(), 4, lambda trial: 10.0)
    study.add({"x": 1.0, "y": 0.5}, -3.0)
    assert now(study).region == TrustRegion(failures=1)
    assert "around trial 4" in propose(study).note
    held = study.ask(fixed={"x": 2.0})
    assert held["x"] == 2.0
    study.tell(held, -9.0)
    assert asked(study)[-1]["role"] == ""
    assert now(study).region == TrustRegion(failures=1)
    assert "around trial 5" in propose(study).note


def test_what_was_known_before_it_was_configured_is_of_its_first_restart() -> None:
    study = bbo.Study(BOX, "minimize", optimizer="random", seed=2)
    run(study, 6)
    study.configure(optimizer=QUICK)
    trial = study.ask()
    assert asked(study)[-1]["role"] == REGION
    assert "on 6 trials" in study.explain(trial)


def test_an_amendment_moves_the_region_but_does_not_undo_a_restart() -> None:
    study = restarted(failing())
    assert now(study).restart == 1
    study.amend(10, -50.0)
    assert now(study).restart == 0  # no trial of the next one is out
    study.amend(10, 500.0)
    study.ask()
    study.amend(10, -50.0)
    assert now(study).restart == 1


def test_explain_says_where_it_stands() -> None:
    study = run(study_of(), 5, failing())
    assert "Trust region of restart 0: length 0.8, 0 batches in a row with success and 2 trials in a row without." in study.explain()


# -- what it can ------------------------------------------------------------------------------------------------------------------


def test_it_comes_closer_to_the_minimum_of_a_shifted_sphere_than_random_draws() -> None:
    d = 10
    space = bbo.Space({f"x{i}": bbo.Float(-5, 5) for i in range(d)})
    middle = np.random.default_rng(3).uniform(-3, 3, d)

    def sphere(trial: Mapping[str, Any]) -> float:
        return float(sum((trial[f"x{i}"] - middle[i]) ** 2 for i in range(d)))

    study = run(study_of(space, optimizer=TuRBO(n_initial=10)), 60, sphere, q=10)
    drawn = run(bbo.Study(space, "minimize", optimizer="random", seed=4), 60, sphere, q=10)
    assert study.best_value < drawn.best_value / 8  # 1.8 and 40 on the machine it was written on


def test_while_nothing_is_feasible_the_region_follows_the_least_violation() -> None:
    study = study_of(objectives={"loss": "minimize"}, outcome_constraints=["a <= 0", "b >= 10"])
    told = iter([(0.0, 4.0, 0.0), (0.0, 1.0, 9.0), (0.0, 8.0, 5.0)])
    for loss, a, b in told:
        study.tell(study.ask(), {"loss": loss, "a": a, "b": b})
    # in units of the largest violations, 8 and 10: 1.5, 0.225, 1.5
    proposal = propose(study)
    assert proposal.note.startswith("least expected violation, since nothing feasible is known in a region of length 0.8 around trial 1")
    study.tell(study.ask(), {"loss": 99.0, "a": 0.5, "b": 10.0})
    assert now(study).region == TrustRegion(successes=1)
    study.tell(study.ask(), {"loss": 120.0, "a": -1.0, "b": 11.0})  # feasible, whatever its loss
    assert now(study).region == TrustRegion(successes=2)
    study.tell(study.ask(), {"loss": -50.0, "a": 0.1, "b": 11.0})
    assert now(study).region == TrustRegion(failures=1)
    assert "log expected improvement in a region of length 0.8 around trial 4" in propose(study).note


def test_of_noise_that_was_told_the_best_mean_is_the_centre() -> None:
    """A lucky value among good neighbours' worse ones, with a standard deviation that makes it incredible."""
    study = study_of(optimizer=TuRBO(n_initial=6))
    for x, value in ((2.0, 3.0), (2.1, 3.1), (1.9, 2.9), (2.05, -0.5), (8.0, 0.0), (8.05, 0.05), (7.95, 0.0)):
        study.add({"x": x, "y": 0.0}, value, sd=2.0)
    assert "around trial 3" not in propose(study).note
    exact = study_of(optimizer=TuRBO(n_initial=6))
    for x, value in ((2.0, 3.0), (2.1, 3.1), (1.9, 2.9), (2.05, -0.5), (8.0, 0.0), (8.05, 0.05), (7.95, 0.0)):
        exact.add({"x": x, "y": 0.0}, value)
    assert "around trial 3" in propose(exact).note


def test_known_constraints_conditions_and_categories() -> None:
    study = run(study_of(TREE), 14, lambda p: p["r"] + (p["kind"] != "b") + p.get("t", 1.0), q=2)
    assert all(TREE.satisfies(trial.params) for trial in study.trials)
    assert not any("failed" in body["note"] for body in asked(study))
    line = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "z": bbo.Float(0, 1)}, constraints=["x + y + z == 1", "x <= 2 * y"])
    study = run(study_of(line), 12, lambda p: (p["x"] - 0.6) ** 2 + p["z"], q=3)
    assert all(line.satisfies(trial.params) for trial in study.trials)
    assert not any("failed" in body["note"] for body in asked(study))


def test_a_finite_space_is_gone_through_to_the_end() -> None:
    space = bbo.Space({"i": bbo.Int(0, 4), "j": bbo.Int(0, 2)})
    study = study_of(space)
    study.optimize(lambda trial: float(trial["i"] + trial["j"]), n_trials=99, progress=False)
    assert len(study.trials) == 15


def test_shared_parameters_are_equal_within_an_ask() -> None:
    study = run(study_of(), 4)
    assert len({trial["x"] for trial in study.ask(3, shared=["x"])}) == 1


def test_a_model_that_fails_gives_way_to_a_sobol_point(monkeypatch: pytest.MonkeyPatch) -> None:
    study = run(study_of(), 3)

    def broken(*_: Any) -> None:
        raise ArithmeticError("no inverse")

    monkeypatch.setattr(fitting, "fit", broken)
    trial = study.ask()
    assert "a Sobol point, since the model failed: ArithmeticError: no inverse" in study.explain(trial)
    assert asked(study)[-1]["role"] == REGION


def test_every_proposal_is_made_again_from_the_log() -> None:
    f = failing()
    study = run(run(restarted(f), 3, f), 4, f, q=2)
    params = [trial.params for trial in study.trials]
    events = study.storage.read(study.name)
    for number in (1, 4, 10, 27, 31, 34, 35, 37):
        assert dict(reproduce(events, number).params) == params[number]


# -- what it refuses --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "arguments", "reason"),
    [
        (BOX, {"objectives": {"a": "minimize", "b": "minimize"}}, "one objective"),
        (BOX, {"objectives": [bbo.Objective("taste", feedback="ranking")]}, "rankings"),
        (bbo.Space({"x": bbo.Float(0, 1), "mix": bbo.Simplex(["a", "b"])}), {}, "its regions are boxes, and 'mix'"),
        (bbo.Space({"x": bbo.Array(3, within=bbo.L1Ball(1))}), {}, "its regions are boxes, and 'x'"),
        (bbo.Space({"c": bbo.Categorical(["a", "b"])}), {}, "a number that is always there"),
        (bbo.Space({"x": bbo.Float(0, 1), "w": bbo.Sequence("AC", 3)}), {}, "sequences"),
        (bbo.Space({"x": bbo.Float(0, 1), "mesh": bbo.Fidelity({"coarse": 1, "fine": 9})}), {}, "'mesh' is a fidelity"),
        (bbo.Space({"x": bbo.Float(0, 1), "sky": bbo.Environment({"dry": 0.7, "wet": 0.3})}), {}, "no environment"),
    ],
)
def test_says_why_it_cannot(space: bbo.Space, arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        study_of(space, **arguments)


@pytest.mark.parametrize("n_initial", [1, 0, 2.5, True, "many"])
def test_n_initial_is_an_integer_of_two_at_least(n_initial: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match="n_initial"):
        TuRBO(n_initial=n_initial)
