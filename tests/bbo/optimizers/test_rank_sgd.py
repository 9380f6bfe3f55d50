"""Descent by rankings through the log: what a phase shows, what it makes of orders and of numbers, and what it refuses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import bbo
from bbo.log.events import Event
from bbo.optimizers.rank_sgd import RankedDescent, RankSGD
from bbo.replay import reproduce
from bbo.study import load_study
from bbo.trial import Trial
from bbo.zeroth_order import better_by_losses, ranking_gradient
from tests.bbo.optimizers.logs import next_of

Array = NDArray[np.float64]
Loss = Callable[[Mapping[str, Any]], float]

BOX = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(-2, 2), "z": bbo.Float(0.01, 100, log=True)})
TASTE = bbo.Objective("taste", feedback="ranking")
SMALL = RankSGD(m=4, line_search=3)


def bowl(params: Mapping[str, Any]) -> float:
    return float((params["x"] - 0.2) ** 2 + (params["y"] / 4 - 0.1) ** 2 + (math.log10(params["z"]) / 4 + 0.2) ** 2) + 0.1


def study_of(optimizer: RankSGD = SMALL, *, ranked: bool = False, **arguments: Any) -> bbo.Study:
    return bbo.Study(arguments.pop("space", BOX), TASTE if ranked else "minimize", optimizer=optimizer, **{"seed": 7, **arguments})


def state_of(study: bbo.Study) -> RankedDescent:
    assert study.trials  # brings it up to date
    state = study._replica.state
    assert isinstance(state, RankedDescent)
    return state


def order(trials: Iterable[Trial], loss: Loss = bowl) -> list[Trial]:
    return sorted(trials, key=lambda trial: loss(trial.params))


def tell(study: bbo.Study, loss: Loss = bowl, n: int = 99) -> list[Trial]:
    """A phase, told in the way of the study."""
    trials = study.ask(n)
    if study.objectives[0].feedback == "ranking":
        study.tell_ranking(order(study.to_rank(), loss))
    else:
        study.tell(trials, [loss(trial.params) for trial in trials])
    return trials


def cube(study: bbo.Study, trials: Iterable[Trial]) -> Array:
    return study.space.encode([trial.params for trial in trials])


@pytest.mark.parametrize("settings", [SMALL, RankSGD(m=3, k=1, line_search=1, mu=0.3, step=0.9)])
def test_keeps_the_contract(settings: RankSGD) -> None:
    from bbo.testing.optimizer import check_optimizer

    assert check_optimizer(settings, n=20) == ["box", "outcome constraint"]


@pytest.mark.parametrize("ranked", [True, False])
def test_finds_the_minimum(ranked: bool) -> None:
    study = study_of(RankSGD(m=6), ranked=ranked)
    for _ in range(40):
        tell(study)
    best = study.best_trial.params
    assert best["x"] == pytest.approx(0.2, abs=0.002)
    assert best["y"] == pytest.approx(0.4, abs=0.008)
    assert math.log10(best["z"]) == pytest.approx(-0.8, abs=0.008)


# -- what a phase shows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranked", [True, False])
def test_the_first_two_phases_are_the_formula(ranked: bool) -> None:
    study = study_of(RankSGD(m=5, mu=0.3, line_search=4, step=0.5), ranked=ranked)
    trials = tell(study)
    u = study._problem.rng("rank_sgd", 0).standard_normal((5, 3))
    shown = (0.5 + 0.3 * u).clip(0, 1)
    assert ((shown == 0) | (shown == 1)).any()  # the box has cut off something, or the test says less
    np.testing.assert_allclose(cube(study, trials), shown, rtol=0, atol=1e-12)
    losses = [bowl(trial.params) for trial in trials]
    g = ranking_gradient(better_by_losses(losses), shown - 0.5, 1.0)
    along = 0.5 - 0.5 * np.outer(0.5 ** np.arange(4), g / np.linalg.norm(g))
    line = study.ask(99)
    np.testing.assert_allclose(cube(study, line), [*along.clip(0, 1), [0.5] * 3], rtol=0, atol=1e-12)
    assert [study.record(t.number).asked["role"] for t in (*trials, *line)] == ["direction"] * 5 + ["line search"] * 5


def test_only_the_order_of_numbers_counts() -> None:
    def points(loss: Loss, ranked: bool = False) -> list[Any]:
        study = study_of(ranked=ranked)
        for _ in range(12):
            tell(study, loss)
        return [trial.params for trial in study.trials]

    plain = points(bowl)
    assert points(lambda p: math.exp(bowl(p))) == plain
    assert points(lambda p: -1 / bowl(p)) == plain
    assert points(bowl, ranked=True) == plain


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_k_best_are_as_told_by_among(k: int) -> None:
    by_numbers, by_names = study_of(RankSGD(m=4, k=k, line_search=3)), study_of(ranked=True)
    for phase in range(8):
        tell(by_numbers)
        by_names.ask(99)
        shown = order(by_names.to_rank())
        by_names.tell_ranking(shown if phase % 2 else shown[:k], among=shown)
    assert [t.params for t in by_numbers.trials] == [t.params for t in by_names.trials]


def test_a_success_moves_and_a_failure_halves_and_adds_up() -> None:
    study = study_of(RankSGD(m=6, line_search=3))
    first = tell(study)
    line = study.ask(99)
    assert len(line) == 4  # and the incumbent, which has no value yet
    study.tell(line, [3.0, 2.0, 4.0, 0.0])  # nor does any direction come near it
    state = state_of(study).following()
    assert (state.standing.incumbent, state.standing.scale, state.standing.line) == (line[3].number, 0.5, False)
    again = tell(study)
    np.testing.assert_allclose(cube(study, again) - 0.5, 0.025 * study._problem.rng("rank_sgd", 2).standard_normal((6, 3)), atol=1e-12)
    # one graph of the pairs of both phases
    pairs = 15
    u = [(cube(study, trials) - 0.5) / mu for trials, mu in ((first, 0.05), (again, 0.025))]
    better = [better_by_losses([bowl(t.params) for t in trials]) for trials in (first, again)]
    both = np.zeros((12, 12), dtype=bool)
    both[:6, :6], both[6:, 6:] = better
    g = ranking_gradient(both, np.vstack(u), 1.0)
    line = study.ask(99)
    assert state_of(study).standing.pairs == 2 * pairs
    np.testing.assert_allclose(cube(study, line), 0.5 - np.outer([0.125, 0.0625, 0.03125], g / np.linalg.norm(g)), atol=1e-12)
    study.tell(line, [3.0, 2.0, -1.0])
    standing = state_of(study).following().standing
    assert (standing.incumbent, standing.pairs, standing.gradient) == (line[2].number, 0, ())
    np.testing.assert_allclose(standing.x, cube(study, line)[2], rtol=0, atol=1e-12)
    assert standing.scale == 0.25  # its distance is the middle of the next


def test_distances_grow_to_the_diagonal_of_the_box_and_displacements_to_what_they_were() -> None:
    study = study_of(RankSGD(m=3, line_search=3, step=0.5))
    scales = []
    for k in range(3):
        around = cube(study, tell(study))
        u = study._problem.rng("rank_sgd", 2 * k).standard_normal((3, 3))
        np.testing.assert_allclose(around, (state_of(study).standing.x + 0.05 * u).clip(0, 1), rtol=0, atol=1e-12)
        line = study.ask(99)
        study.tell(line, [-float(line[0].number), *[9.0] * (len(line) - 1)])
        scales.append(state_of(study).following().standing.scale)
    assert scales == [2, pytest.approx(math.sqrt(3) / 0.5), pytest.approx(math.sqrt(3) / 0.5)]


@pytest.mark.parametrize("ranked", [True, False])
def test_the_best_direction_may_be_the_next_incumbent(ranked: bool) -> None:
    study = study_of(ranked=ranked)
    trials = tell(study)
    best = order(trials)[0]
    line = study.ask(99)
    if ranked:
        assert [t.number for t in study.to_rank()] == [best.number, *(t.number for t in line)]
        study.tell_ranking([best, *line])
    else:
        study.tell(line, [bowl(best.params) + 1 + k for k in range(4)])
    standing = state_of(study).following().standing
    assert (standing.incumbent, standing.scale) == (best.number, 1)
    np.testing.assert_allclose(standing.x, cube(study, [best])[0], rtol=0, atol=1e-12)
    assert f"incumbent after 2 phases: trial {best.number}" in study.explain()


@pytest.mark.parametrize("ranked", [True, False])
def test_it_begins_at_the_best_that_is_known(ranked: bool) -> None:
    study = study_of(RankSGD(mu=0.01), ranked=ranked)
    for x in (0.9, 0.25, 0.6):
        study.enqueue({"x": x, "y": 0.3, "z": 0.2})
    trials = study.ask(3)
    if ranked:
        study.tell_ranking(order(trials))
    else:
        study.tell(trials, [bowl(t.params) for t in trials])
    shown = cube(study, tell(study))
    assert np.abs(shown - cube(study, [trials[1]])).max() < 0.05
    assert len(study.ask(99)) == 5  # the incumbent has a result
    assert state_of(study).standing.incumbent == trials[1].number


def test_a_direction_that_leads_out_of_the_box_is_no_line() -> None:
    study = study_of(space=bbo.Space({"x": bbo.Float(0, 1)}))
    study.add({"x": 0.0}, 0.0)
    tell(study, lambda p: p["x"])
    trials = study.ask(99)
    assert [study.record(t.number).asked["role"] for t in trials] == ["direction"] * 4
    assert "leads out of the box" in study.explain()
    assert state_of(study).standing.scale == 0.5


def test_what_was_run_counts_instead_of_the_plan() -> None:
    study = study_of(RankSGD(m=2, line_search=2, mu=0.01))
    first, second = study.ask(2)
    study.tell(first, 0.0, params={**first.params, "x": 0.9})
    study.tell(second, 1.0)
    u = study._problem.rng("rank_sgd", 0).standard_normal((2, 3)) * 0.01
    u[0, 0] = 0.4
    g = u[1] - u[0]
    line = study.ask(99)
    np.testing.assert_allclose(cube(study, line[:1])[0], 0.5 - 0.25 * g / np.linalg.norm(g), rtol=0, atol=1e-12)
    study.tell(line[0], -1.0, params={**line[0].params, "y": 2.0})
    study.tell(line[1:], [1.0, 1.0])
    assert state_of(study).following().standing.x[1] == 1.0


# -- failures and the unknown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranked", [True, False])
def test_failed_trials_are_worst_and_abandoned_ones_unknown(ranked: bool) -> None:
    study = study_of(RankSGD(m=5, line_search=3), ranked=ranked)
    trials = study.ask(5)
    study.fail(trials[0], "burnt")
    study.abandon(trials[3], "too far")
    if ranked:
        study.tell_ranking([trials[4], trials[1], trials[2]])
    else:
        study.tell([trials[4], trials[1], trials[2]], [1.0, 2.0, 3.0])
    u = study._problem.rng("rank_sgd", 0).standard_normal((5, 3))
    g = ranking_gradient(better_by_losses([math.inf, 2.0, 3.0, math.nan, 1.0]), u, 1.0)
    line = study.ask(99)
    np.testing.assert_allclose(cube(study, line[:1])[0], 0.5 - 0.25 * g / np.linalg.norm(g), rtol=0, atol=1e-12)
    study.fail(line[3], "burnt")  # the incumbent
    study.abandon(line[0], "")
    if ranked:
        study.tell_ranking([line[1], trials[4], line[2]])
    else:
        study.tell([line[1], line[2]], [0.5, 1.5])
    assert state_of(study).following().standing.incumbent == line[1].number


def test_an_incumbent_that_nobody_measured_is_replaced_by_the_best_of_the_line() -> None:
    study = study_of()
    tell(study)
    line = study.ask(99)
    study.abandon(line[3], "")
    study.tell(line[:3], [9.0, 7.0, 8.0])
    best = order(study.trials[:4])[0]
    assert state_of(study).following().standing.incumbent == best.number


def test_a_trial_that_was_run_outside_is_no_incumbent() -> None:
    study = study_of(RankSGD(m=3, line_search=2))
    for trial in study.ask(99):
        study.tell(trial, -float(trial.number), params={**trial.params, "x": 1.5}, outside=True)
    line = study.ask(99)
    for trial in line[:2]:
        study.tell(trial, -9.0, params={**trial.params, "x": -0.5}, outside=True)
    study.abandon(line[2], "")
    standing = state_of(study).following().standing
    assert (standing.incumbent, standing.winner, standing.scale) == (None, None, 0.5)
    tell(study)
    again = study.ask(99)
    assert again[2].params == line[2].params  # the incumbent, of which nothing is known


@pytest.mark.parametrize("ranked", [True, False])
def test_directions_that_nothing_orders_are_drawn_anew_twice_as_far(ranked: bool) -> None:
    study = study_of(ranked=ranked)
    tell(study)
    line = study.ask(99)
    if ranked:
        study.tell_ranking([line[3]], among=study.to_rank())
    else:
        study.tell(line, [2.0, 2.0, 2.0, 0.0])
    alike = study.ask(99)
    before = state_of(study).standing
    if ranked:
        study.tell_ranking([alike])
    else:
        study.tell(alike, [5.0] * 4)
    assert cube(study, study.ask(99)) != pytest.approx(cube(study, alike))
    standing = state_of(study).standing
    assert (before.line, before.scale, standing.line, standing.scale) == (False, 0.5, False, 1.0)
    assert (standing.incumbent, standing.gradient) == (line[3].number, before.gradient)
    assert "looked around anew" in study.explain()


def test_infeasible_trials_come_after_feasible_ones_by_their_violations() -> None:
    study = bbo.Study(BOX, {"loss": "minimize"}, outcome_constraints=["c <= 1"], optimizer=RankSGD(m=4), seed=7)
    plain = study_of(RankSGD(m=4))
    trials, twins = study.ask(4), plain.ask(4)
    study.tell(trials, [{"loss": 5, "c": 0}, {"loss": 1, "c": 3}, {"loss": 0, "c": 4}, {"loss": 6, "c": 1}])
    plain.tell(twins, [1, 3, 4, 2])
    assert [t.params for t in study.ask(99)] == [t.params for t in plain.ask(99)]


# -- rankings told in parts -----------------------------------------------------------------------------------------------------


def test_pairs_in_any_order_are_the_whole_ranking() -> None:
    whole, rng = study_of(ranked=True), np.random.default_rng(0)
    for _ in range(4):
        tell(whole)
    for _ in range(4):
        study = study_of(ranked=True)
        for _ in range(4):
            study.ask(2)
            study.ask(99)
            pairs = list(itertools.pairwise(order(study.to_rank())))
            for k in rng.permutation(len(pairs)):
                study.tell_ranking(pairs[k])
        assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_a_phase_is_open_to_rankings_until_the_next_is_asked_for() -> None:
    study = study_of(ranked=True)
    trials = study.ask(4)
    study.tell_ranking([trials[:2], trials[2:]])
    half = state_of(study).following().standing
    study.tell_ranking([trials[0], trials[1]])
    study.tell_ranking([trials[2], trials[3]])
    study.tell_ranking([trials[3], trials[2]])  # one each way
    standing = state_of(study).following().standing
    assert (half.pairs, standing.pairs) == (4, 5)
    study.ask(99)
    log = study.storage.read(study.name)
    study.tell_ranking(trials[::-1])
    study.tell_ranking(trials[::-1])
    assert state_of(study).standing == standing
    assert [study.record(t).planned for t in range(4, 8)] == [e.body["params"] for e in log if e.kind == "asked"][4:]


def test_what_is_told_between_a_proposal_and_its_record_changes_nothing() -> None:
    """An ask whose log has grown by a ranking meanwhile keeps its proposal: the phase is what was proposed."""
    study = study_of(ranked=True)
    trials = study.ask(4)
    study.tell_ranking(trials)
    log = list(study.storage.read(study.name))
    study.ask(2)
    asked = list(study.storage.read(study.name))[len(log) :]
    late = Event("ranked", {"order": [[t.number] for t in trials[::-1]]})
    expected = next_of([*log, *asked])
    assert next_of([*log, late, late, *asked]) == expected
    assert next_of([*log, *asked, late, late]) == expected
    assert next_of([*log, late, late]).queries[0].params != asked[0].body["params"]


def test_an_incumbent_that_was_left_out_of_the_ranking_stays() -> None:
    study = study_of(ranked=True)
    tell(study)
    tell(study)
    incumbent = state_of(study).following().standing.incumbent
    tell(study)
    line = study.ask(99)
    assert study.to_rank()[0].number == incumbent
    study.tell_ranking(order(line))
    standing = state_of(study).following().standing
    assert standing.incumbent == incumbent
    study.tell_ranking([order(line)[0], incumbent])  # late, but nothing was asked for since
    assert state_of(study).following().standing.incumbent == order(line)[0].number


def test_what_to_rank_holds_all_of_a_phase() -> None:
    study = study_of(RankSGD(m=5, k=2), ranked=True)
    assert study.to_rank() == []
    first = study.ask(2)
    assert study.to_rank() == first
    assert study.optimizer.comparison(study._replica.state).left == 3  # type: ignore[attr-defined]
    study.tell_ranking(first)
    rest = study.ask(99)
    assert study.to_rank() == [*first, *rest]
    assert study.optimizer.comparison(study._replica.state).best == 2  # type: ignore[attr-defined]
    with pytest.raises(bbo.Waiting):
        study.ask()
    study.tell_ranking([rest[0]], among=study.to_rank())
    assert study.to_rank() == []


def test_the_first_of_a_line_search_is_the_incumbent_and_the_best_trial() -> None:
    study = study_of(ranked=True)
    for _ in range(5):
        tell(study)
        tell(study)
        assert f"incumbent after {state_of(study).phase + 1} phases: trial {study.best_trial.number}\n" in study.explain() + "\n"
    assert study.best_trial == order(study.trials)[0]


def test_recommend_fits_a_model_to_the_rankings() -> None:
    study = study_of(ranked=True, space=bbo.Space({"x": bbo.Float(0, 1)}))
    for _ in range(6):
        tell(study, lambda p: (p["x"] - 0.2) ** 2)
    found = study.recommend()
    assert found.params["x"] == pytest.approx(0.2, abs=0.05)
    assert "rank_sgd has no model" in found.note


def test_a_study_goes_on_from_rankings_of_another_optimizer() -> None:
    study = bbo.Study(BOX, TASTE, optimizer="random", seed=1)
    trials = study.ask(6)
    study.tell_ranking(order(trials))
    study.configure(optimizer=RankSGD(m=4, mu=0.01))
    shown = cube(study, tell(study))
    assert np.abs(shown - cube(study, order(trials)[:1])).max() < 0.05
    assert state_of(study).standing.incumbent == order(trials)[0].number


# -- everything is a function of the log ----------------------------------------------------------------------------------------


def test_the_order_of_tells_changes_nothing() -> None:
    study = study_of()
    trials = study.ask(4)
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": bowl(t.params)}}, trial=t.number) for t in trials]
    told[1] = Event("failed", {"attempt": 1, "reason": ""}, trial=1)
    first = next_of([*log, *told])
    for permuted in itertools.permutations(told):
        assert next_of([*log, *permuted]) == first


@hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
@given(
    history=st.lists(st.tuples(st.sampled_from(["ask", "rank", "rank", "top", "fail", "abandon", "retry", "reopen"]), st.integers(0, 999)))
)
def test_with_rankings_everything_is_a_function_of_the_log(history: Sequence[tuple[str, int]]) -> None:
    study = study_of(RankSGD(m=3, line_search=2), ranked=True)
    for kind, choice in history:
        rng = np.random.default_rng(choice)
        try:
            if kind == "ask":
                study.ask(int(rng.integers(1, 5)))
            elif kind == "reopen":
                study = load_study(study.name, study.storage)
            elif trials := study.trials:
                some = [trials[i] for i in rng.permutation(len(trials))[:4]]
                if kind == "rank":
                    study.tell_ranking([some[:2], *some[2:]] if choice % 2 else some)
                elif kind == "top":
                    study.tell_ranking(some[:1], among=some)
                else:
                    getattr(study, kind)(some[0], "by chance")
        except (bbo.InvalidTell, bbo.Waiting):
            continue
    events = study.storage.read(study.name)
    tickets = [tuple(e.body["ticket"]) for e in events if e.kind == "asked" and e.body["origin"] == "optimizer"]
    assert len(tickets) == len(set(tickets))
    for event in events:
        if event.kind == "asked" and event.body["origin"] == "optimizer":
            assert event.trial is not None
            assert dict(reproduce(events, event.trial).params) == event.body["params"]
    if study.trials:
        state, twin = state_of(study), state_of(load_study(study.name, study.storage))
        assert (twin.phase, twin.standing, twin.trials) == (state.phase, state.standing, state.trials)


# -- what it refuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "arguments", "reason"),
    [
        ({"x": bbo.Float(0, 1), "c": bbo.Categorical(["a", "b"])}, {}, "'c' is a Categorical"),
        ({"x": bbo.Float(0, 1), "i": bbo.Int(0, 9)}, {}, "'i' has steps of its own"),
        ({"x": bbo.Float(0, 1), "i": bbo.Float(0, 9, step=0.5)}, {}, "'i' has steps of its own"),
        ({"x": bbo.Fixed(1)}, {}, "a parameter to vary"),
        ({"x": bbo.Float(0, 1)}, {"objectives": {"a": "minimize", "b": "minimize"}}, "there are 2"),
        ({"x": bbo.Float(0, 1)}, {"objectives": [TASTE], "outcome_constraints": ["c <= 1"]}, "no values that could keep them"),
    ],
)
def test_refuses_with_the_reason(space: Any, arguments: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        bbo.Study(bbo.Space(space), **{"objectives": "minimize", "optimizer": "rank_sgd", "seed": 0, **arguments})


def test_refuses_fixed_parts_in_every_phase() -> None:
    study = study_of()
    for _ in range(2):
        with pytest.raises(bbo.Unsupported, match="fixed="):
            study.ask(fixed={"x": 0.5})
        tell(study)


@pytest.mark.parametrize(
    "settings", [{"m": 1}, {"k": 0}, {"k": 11}, {"k": True}, {"mu": 0}, {"mu": 2.0}, {"step": math.nan}, {"line_search": 0}, {"m": 2.5}]
)
def test_refuses_settings_out_of_range(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        RankSGD(**settings)
