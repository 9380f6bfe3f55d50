"""NSGA-II and NSGA-III through the log: who survives, what children are, what is made of results, and what is refused."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import bbo
from bbo.best import nondominated
from bbo.hypervolume import hypervolume
from bbo.objectives import Objective
from bbo.optimizers import genetic
from bbo.optimizers.genetic import Population, total_excess, tournaments
from bbo.optimizers.nsga2 import Crowding
from bbo.optimizers.nsga3 import Niches, reference_directions
from bbo.optimizers.variation import Variation, other_levels
from bbo.problem import Problem
from bbo.problems.problem import TestProblem
from bbo.testing import check_optimizer
from surrogates.columns import Column, Columns

Array = NDArray[np.float64]

BOTH = [bbo.NSGA2, bbo.NSGA3]
BOX = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "z": bbo.Float(0, 1)})
TWO = {"near": "minimize", "far": "minimize"}
RNG = np.random.default_rng


def two(params: Mapping[str, Any]) -> dict[str, float]:
    """Squared distances from two points: the front is the segment between them."""
    v = np.array([float(value) for value in params.values()])
    return {"near": float(((v - 0.25) ** 2).sum()), "far": float(((v - 0.75) ** 2).sum())}


def study_of(optimizer: Any, space: bbo.Space = BOX, objectives: Any = None, **arguments: Any) -> bbo.Study:
    return bbo.Study(space, objectives or TWO, optimizer=optimizer, **{"seed": 3, **arguments})


def state_of(study: bbo.Study) -> Population:
    assert study.trials is not None  # brings it up to date
    state = study._replica.state
    assert isinstance(state, Population)
    return state


def generations(study: bbo.Study, n: int, f: Callable[[Any], Any] = two) -> list[list[bbo.Trial]]:
    """Trials of n whole generations."""
    found = []
    for _ in range(n):
        trials = study.ask(1000)
        study.tell(trials, [f(trial.params) for trial in trials])
        found.append(trials)
    return found


# -- the contract ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "ran"),
    [
        (bbo.NSGA2(popsize=4), ["box", "integers", "tree", "mixture", "two objectives", "outcome constraint"]),
        (bbo.NSGA3(popsize=4), ["two objectives"]),
    ],
    ids=["nsga2", "nsga3"],
)
def test_keeps_the_contract(optimizer: Any, ran: list[str]) -> None:
    assert check_optimizer(optimizer, n=14) == ran


# -- who survives, by brute force -----------------------------------------------------------------------------------------------


def dominates(a: Array, b: Array) -> bool:
    return bool((a <= b).all() and (a < b).any())


def fronts_of(F: Array) -> list[list[int]]:
    left, found = list(range(len(F))), []
    while left:
        front = [i for i in left if not any(dominates(F[j], F[i]) for j in left)]
        found.append(front)
        left = [i for i in left if i not in front]
    return found


def crowding_of(F: Array) -> Array:
    """Sums over objectives of the gap between the neighbours on both sides, in ranges; infinite at the ends."""
    total = np.zeros(len(F))
    for column in F.T:
        order = sorted(range(len(F)), key=lambda i: column[i])
        width = column.max() - column.min()
        for place, i in enumerate(order):
            end = place in (0, len(F) - 1)
            total[i] += math.inf if end else (column[order[place + 1]] - column[order[place - 1]]) / width
    return total


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 30), m=st.integers(1, 5), n=st.integers(1, 30), ties=st.booleans())
def test_fronts_survive_in_order(seed: int, k: int, m: int, n: int, ties: bool) -> None:
    F = RNG(seed).normal(size=(k, m))
    F = np.round(F) if ties else F
    fronts = fronts_of(F)
    rank = {i: r for r, front in enumerate(fronts) for i in front}
    for survival in (Crowding(), Niches(reference_directions(m, 12)) if m > 1 else Crowding()):
        with genetic.quiet():
            kept, merits = survival.select(F, n, RNG(seed))
        assert len(kept) == len(set(kept.tolist())) == min(k, n)
        assert sorted(rank[i] for i in kept.tolist()) == sorted(rank.values())[: len(kept)]
        if isinstance(survival, Crowding):
            assert merits[:, 0].tolist() == [rank[i] for i in kept.tolist()]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), k=st.integers(3, 30), m=st.integers(2, 4))
def test_of_the_last_front_the_least_crowded_survive(seed: int, k: int, m: int) -> None:
    angles = np.abs(RNG(seed).normal(size=(k, m)))
    F = angles / np.linalg.norm(angles, axis=1, keepdims=True)  # on a sphere: none dominates another
    for n in range(1, k + 1):
        kept, merits = Crowding().select(F, n, RNG(seed))
        distances = crowding_of(F)
        dropped = np.setdiff1d(np.arange(k), kept)
        assert distances[kept].min() >= distances[dropped].max(initial=-1) - 1e-12
        finite = np.isfinite(merits[:, 1])
        np.testing.assert_allclose(-merits[finite, 1] * m, distances[kept][finite], rtol=1e-9)


def test_each_direction_keeps_the_point_nearest_to_it() -> None:
    """Points on the directions, and three times as many between: all lie in the plane of the extreme points."""
    directions = reference_directions(3, 91)
    rng = RNG(1)
    between = directions[rng.integers(0, 91, 273)] + rng.normal(0, 0.02, (273, 3))
    between = np.abs(between) / np.abs(between).sum(axis=1, keepdims=True)
    F = np.vstack([between, directions])
    kept, _ = Niches(directions).select(F, 91, rng)
    assert sorted(kept.tolist()) == list(range(273, 364))


def test_niches_that_are_taken_are_left_to_the_others() -> None:
    """A point of the first front at each end, and points near all directions in the second: the ends are served already."""
    directions = reference_directions(2, 5)
    F = np.vstack([[[0.0, 1.0], [1.0, 0.0]], 2 * directions])
    kept, _ = Niches(directions).select(F, 5, RNG(0))
    assert sorted(kept.tolist()) == [0, 1, 3, 4, 5]


def test_the_nadir_point_is_where_the_plane_of_the_extreme_points_meets_the_axes() -> None:
    niches = Niches(reference_directions(3, 91))
    F = np.diag([2.0, 30.0, 400.0]) + [1.0, 10.0, 100.0]
    with genetic.quiet():
        Z, nadir = niches._normalised(F, np.arange(3))
    np.testing.assert_allclose(niches.ideal, [1.0, 10.0, 100.0])
    np.testing.assert_allclose(Z / nadir, np.eye(3), atol=1e-12)


# -- directions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "count"), [(2, 100), (3, 91), (5, 210), (8, 156), (10, 275), (15, 135)])
def test_as_many_directions_as_the_authors_have(m: int, count: int) -> None:
    assert bbo.NSGA3().size(m) == count


@settings(max_examples=60, deadline=None, derandomize=True)
@given(m=st.integers(2, 12), more=st.integers(0, 300))
def test_directions_lie_on_the_simplex_and_are_as_many_as_fit(m: int, more: int) -> None:
    directions = reference_directions(m, m + more)
    assert m <= len(directions) <= m + more
    assert len(np.unique(directions.round(9), axis=0)) == len(directions)
    np.testing.assert_allclose(directions.sum(axis=1), 1.0)
    assert directions.min() >= 0
    for axis in np.eye(m):
        assert (np.abs(directions - axis).max(axis=1) < 1e-12).any()


def test_a_second_layer_lies_within_where_the_first_has_no_inner_points() -> None:
    directions = reference_directions(8, 156)
    outer = (directions.min(axis=1) == 0).sum()
    assert (outer, len(directions)) == (math.comb(10, 3), 156)
    np.testing.assert_allclose(directions[outer:].min(axis=1), 0.5 / 8)


# -- feasibility first ----------------------------------------------------------------------------------------------------------


def test_excess_is_scaled_by_the_largest_violation_and_infinite_where_a_trial_failed() -> None:
    F = np.array([[1.0], [2.0], [3.0], [np.nan]])
    G = np.array([[-1.0, 0.0], [10.0, -5.0], [5.0, 1e-3], [np.nan, np.nan]])
    assert total_excess(F, G).tolist() == [0.0, 1.0, 1.5, math.inf]
    assert total_excess(F, np.empty((4, 0))).tolist() == [0.0, 0.0, 0.0, math.inf]


@pytest.mark.parametrize("cls", BOTH)
def test_feasible_before_infeasible_before_failed(cls: Any) -> None:
    """The worst feasible point survives before the least violation, and that before a failed one, whatever the objectives say."""
    study = study_of(cls(popsize=6), outcome_constraints=["heat <= 1"])
    heats = [0.0, 9.0, 3.0, 0.5, 2.0, None]
    first = study.ask(6)
    for trial, heat in zip(first, heats, strict=True):
        if heat is None:
            study.fail(trial, "exploded")
        else:
            study.tell(trial, {"near": -heat, "far": -heat, "heat": heat})
    assert state_of(study).excess.tolist() == [0, 0, 1 / 8, 2 / 8, 1, math.inf]
    second = study.ask(6)
    study.tell(second, [{"near": -1.0, "far": 1.0, "heat": 1.5}] * 3 + [{"near": 1e6, "far": 1e6, "heat": 1.0}] * 3)
    state = state_of(study)
    assert len(state.X) == 6
    assert (state.excess == 0).sum() == 5  # a sixth place is left, for the nearest of the others
    assert state.excess[-1] == 0.5 / 8
    ways = state.standing
    assert ways[-1] == ways.max()
    assert (ways[state.excess == 0] < ways[-1]).all()


def test_a_generation_that_fails_as_a_whole_is_kept_as_long_as_there_is_nothing_else() -> None:
    study = study_of(bbo.NSGA2(popsize=4))
    for trial in study.ask(4):
        study.fail(trial, "exploded")
    assert state_of(study).excess.tolist() == [math.inf] * 4
    generations(study, 1)
    assert state_of(study).excess.tolist() == [0] * 4


def test_abandoned_trials_are_left_out() -> None:
    study = study_of(bbo.NSGA2(popsize=4))
    trials = study.ask(4)
    for trial in trials[1:]:
        study.abandon(trial, "not worth it")
    study.tell(trials[0], two(trials[0].params))
    assert len(state_of(study).X) == 1
    for trial in study.ask(4):
        study.abandon(trial, "not worth it")
    assert len(state_of(study).X) == 1
    study = study_of(bbo.NSGA2(popsize=4))
    for trial in study.ask(4):
        study.abandon(trial, "not worth it")
    assert len(study.ask(4)) == 4  # drawn anew


# -- what counts of a trial -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", BOTH)
def test_trials_of_other_origin_take_part_once(cls: Any) -> None:
    study = study_of(cls(popsize=6))
    study.add({"x": 0.5, "y": 0.5, "z": 0.5}, {"near": -1.0, "far": -1.0})
    generations(study, 2)
    assert (state_of(study).F == -1).all(axis=1).sum() == 1
    study.amend(0, {"near": -2.0, "far": -2.0})
    generations(study, 1)
    assert (state_of(study).F == -1).all(axis=1).sum() == 1
    assert state_of(study).F.min() == -1


def test_what_others_have_told_is_a_generation_where_it_is_as_large() -> None:
    """After a change of optimizer the search goes on from what is known."""
    study = study_of("random")
    trials = study.ask(50)
    study.tell(trials, [two(trial.params) for trial in trials])
    study.configure(optimizer=bbo.NSGA2(popsize=20))
    state = state_of(study)
    assert (state.phase, len(state.X)) == (2, 20)
    best = fronts_of(np.array([list(two(trial.params).values()) for trial in trials[:40]]))[0]
    assert {tuple(two(trials[i].params).values()) for i in best[:20]} <= {tuple(row) for row in state.F.tolist()} or len(best) > 20
    generations(study, 1)  # the other ten join at its end
    assert len(state_of(study)._joined) == 70


def test_what_comes_in_after_its_generation_was_closed_joins_the_next() -> None:
    study = study_of(bbo.NSGA2(popsize=4))
    trials = study.ask(4)
    study.abandon(trials[0], "not worth it")
    for trial in trials[1:]:
        study.tell(trial, two(trial.params))
    study.tell(trials[0], {"near": -1.0, "far": -1.0})
    generations(study, 1)
    assert state_of(study).F.min() == -1


def test_what_was_run_counts_and_not_what_was_planned() -> None:
    study = study_of(bbo.NSGA2(popsize=4))
    trials = study.ask(4)
    for k, trial in enumerate(trials):
        moved = {**trial.params, "x": 0.125} if k == 0 else None
        study.tell(trial, two(trial.params), params=moved)
    X = state_of(study).X
    assert (X[:, 0] == 0.125).sum() == 1
    assert len(X) == 4
    trials = study.ask(4)
    study.tell(trials[0], {"near": -1.0, "far": -1.0}, params={**trials[0].params, "x": 7.0}, outside=True)
    for trial in trials[1:]:
        study.tell(trial, two(trial.params))
    assert state_of(study).F.min() >= 0


@pytest.mark.parametrize("cls", BOTH)
def test_maximizing_is_minimizing_the_negative(cls: Any) -> None:
    def points(objectives: dict[str, str], sign: float) -> list[Any]:
        study = study_of(cls(popsize=8), objectives=objectives)
        generations(study, 4, lambda params: {"near": two(params)["near"], "far": sign * two(params)["far"]})
        return [trial.params for trial in study.trials]

    assert points(TWO, 1) == points({"near": "minimize", "far": "maximize"}, -1)


@pytest.mark.parametrize("cls", BOTH)
def test_the_units_of_an_objective_do_not_matter(cls: Any) -> None:
    """By powers of two, bit for bit: with the library's own thresholds a small unit would count as nothing."""

    def points(unit: float) -> list[Any]:
        study = study_of(cls(popsize=12))
        generations(study, 12, lambda params: {"near": two(params)["near"], "far": unit * two(params)["far"]})
        return [trial.params for trial in study.trials]

    assert points(1.0) == points(2.0**-60) == points(2.0**60)


@pytest.mark.parametrize("cls", BOTH)
def test_equal_results_and_huge_ones_are_no_trouble(cls: Any) -> None:
    study = study_of(cls(popsize=6))
    before = list(warnings.filters)
    generations(study, 3, lambda _: {"near": 1.0, "far": 1.0})
    generations(study, 2, lambda params: {"near": 1e300 * params["x"], "far": -1e300 * params["x"]})
    generations(study, 2)
    assert warnings.filters == before  # the library sets them
    assert "after 7 generations 6 of 6 in the population are feasible" in study.explain()


@pytest.mark.parametrize("cls", BOTH)
def test_ten_objectives(cls: Any) -> None:
    """Distances from ten points: by 20 generations the largest of them is far less than at the beginning."""
    names = [f"f{k}" for k in range(10)]
    study = study_of(cls(popsize=20), objectives=dict.fromkeys(names, "minimize"))
    away = lambda params: {name: sum((v - 0.4 - 0.02 * k) ** 2 for v in params.values()) for k, name in enumerate(names)}
    generations(study, 20, away)
    worst = [max(trial.outcomes.values()) for trial in study.trials]
    assert np.median(worst[-20:]) < np.median(worst[:20]) / 4


# -- children -------------------------------------------------------------------------------------------------------------------

MIXED = Columns(
    (
        Column("x"),
        Column("c", "categorical", (0.125, 0.375, 0.625, 0.875)),
        Column("y"),
        Column("b", "categorical", (0.25, 0.75)),
        Column("one", "categorical", (0.5,)),
    )
)


def pairs_of(k: int, seed: int) -> Array:
    rng = RNG(seed)
    parents = rng.random((2, k, 5))
    parents[:, :, 1] = (rng.integers(0, 4, (2, k)) + 0.5) / 4
    parents[:, :, 3] = (rng.integers(0, 2, (2, k)) + 0.5) / 2
    parents[:, :, 4] = 0.5
    return parents


def test_without_crossover_a_fifth_of_five_columns_mutates() -> None:
    """Of 4,000 children: each share is off by more than 5 standard deviations with a probability below 1e-5."""
    parents = pairs_of(2000, 0)
    children = Variation(MIXED, eta=15, share=0.0).children(parents, RNG(1))
    changed = (children != parents.reshape(4000, 5)).mean(axis=0)
    np.testing.assert_allclose(changed[:4], 0.2, atol=5 * math.sqrt(0.16 / 4000))
    assert changed[4] == 0
    assert children.min() >= 0
    assert children.max() <= 1


def test_crossover_exchanges_categories_and_keeps_children_about_their_parents() -> None:
    parents = pairs_of(2000, 2)
    before, after = parents.copy(), Variation(MIXED, eta=15, share=1.0).children(parents, RNG(3)).reshape(2, 2000, 5)
    np.testing.assert_array_equal(parents, before)
    unlike = (parents[0, :, 1] != parents[1, :, 1]) & (after[:, :, 1] == parents[::-1, :, 1]).all(axis=0)
    kept = (parents[0, :, 1] != parents[1, :, 1]) & (after[:, :, 1] == parents[:, :, 1]).all(axis=0)
    assert abs(int(unlike.sum()) - int(kept.sum())) < 5 * math.sqrt(unlike.sum() + kept.sum())
    assert set(after[:, :, 1].ravel()) == {0.125, 0.375, 0.625, 0.875}
    assert set(after[:, :, 3].ravel()) == {0.25, 0.75}
    middle = np.abs(after[:, :, 0].mean(axis=0) - parents[:, :, 0].mean(axis=0))
    assert np.median(middle) < 0.01


def test_the_larger_the_index_the_nearer_children_are_to_their_parents() -> None:
    parents = pairs_of(2000, 4)
    moved = [
        np.abs(np.sort(Variation(MIXED, eta=eta, share=1.0).children(parents, RNG(5)).reshape(2, -1, 5), axis=0) - np.sort(parents, axis=0))
        for eta in (2.0, 15.0, 30.0)
    ]
    means = [float(m[:, :, 0].mean()) for m in moved]
    assert means[0] > means[1] > means[2]


def test_a_mutated_category_is_any_other_one() -> None:
    """Chi-squared with 2 degrees of freedom above 24 has a probability of 6e-6."""
    u = np.full(3000, 0.625)
    counts = Counter(other_levels(u, (0.125, 0.375, 0.625, 0.875), RNG(6)).tolist())
    assert set(counts) == {0.125, 0.375, 0.875}
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 24


def test_tournaments_are_won_by_the_better_and_all_take_part() -> None:
    standing = np.array([3, 0, 1, 2, 4])
    winners = tournaments(standing, 5000, RNG(0))  # 2,000 permutations: each takes part 2,000 times
    counts = np.bincount(winners, minlength=5)
    assert counts[1] > counts[2] > counts[3] > counts[0] > counts[4]
    assert counts[4] < 100  # against itself alone, where two permutations meet
    even = np.bincount(tournaments(np.zeros(5, dtype=np.intp), 5000, RNG(1)), minlength=5)
    np.testing.assert_allclose(even, 1000, atol=5 * math.sqrt(1000))


def test_children_are_new_as_long_as_that_can_be() -> None:
    grid = bbo.Space({"i": bbo.Int(0, 30), "c": bbo.Categorical(["a", "b", "c"])})
    study = study_of(bbo.NSGA2(popsize=10), grid)
    f = lambda params: {"near": params["i"] % 7, "far": -params["i"]}
    for _ in range(4):
        parents = {grid.key(params) for params in grid.decode(state_of(study).X)}
        trials = generations(study, 1, f)[0]
        children = [grid.key(trial.params) for trial in trials]
        assert len(set(children)) == len(children) or not parents  # the first ones are drawn
        assert not parents & set(children)
    tiny = study_of(bbo.NSGA2(popsize=4), bbo.Space({"b": bbo.Bool(), "f": bbo.Fixed(3)}))
    generations(tiny, 5, lambda params: {"near": int(params["b"]), "far": 1 - params["b"]})


def test_known_constraints_are_kept_and_their_edge_is_found() -> None:
    space = bbo.Space(
        {"x": bbo.Float(0, 1), "y": bbo.Float(1e-3, 1, log=True), "n": bbo.Int(0, 5)}, constraints=["x * y <= 0.2", "x + n <= 5"]
    )
    study = study_of(bbo.NSGA3(popsize=20), space, {"a": "maximize", "b": "maximize"})
    for trials in generations(study, 20, lambda params: {"a": params["x"], "b": params["y"] + params["n"] / 100}):
        assert all(space.satisfies(trial.params) for trial in trials)
    front = [trial.params for trial in study.pareto_front()]
    assert max(params["x"] * params["y"] for params in front) > 0.19


# -- what comes of it -----------------------------------------------------------------------------------------------------------


def volume(problem: TestProblem, optimizer: Any, trials: int, seed: int) -> float:
    study = problem.study(optimizer=optimizer, seed=seed)
    told = 0
    while told < trials:
        batch = study.ask(min(trials - told, 1000))
        study.tell(batch, [problem.evaluate(trial.params) for trial in batch])
        told += len(batch)
    losses = np.array([list(trial.outcomes.values()) for trial in study.trials])
    return hypervolume(losses[nondominated(losses)], [objective.reference for objective in problem.objectives])


@pytest.mark.parametrize(
    ("problem", "trials", "least"),
    [("zdt1", 1000, 0.95), ("dtlz2", 1000, 0.7)],
)
@pytest.mark.parametrize("optimizer", [bbo.NSGA2(popsize=50), bbo.NSGA3(popsize=50)], ids=["nsga2", "nsga3"])
def test_more_hypervolume_than_random_search(optimizer: Any, problem: str, trials: int, least: float) -> None:
    made = bbo.problems.get(problem, d=10) if problem == "zdt1" else bbo.problems.get(problem, d=10, objectives=3)
    assert made.optimum is not None
    best = made.optimum.value
    found, drawn = volume(made, optimizer, trials, 0) / best, volume(made, "random", trials, 0) / best
    assert found > least > drawn


def test_finds_a_word_and_a_branch_with_one_objective() -> None:
    """One of 65,536 words times two kinds, each with a depth of its own: random search finds it within 1,500 trials once in 500 runs."""
    space = bbo.Space({
        "word": bbo.Sequence("ACGT", 8),
        "kind": bbo.Categorical(["a", "b"]),
        "depth": bbo.Int(1, 8, when={"kind": "a"}),
        "rate": bbo.Float(1e-4, 1, log=True, when={"kind": "b"}),
    })  # fmt: skip

    def wrong(params: Mapping[str, Any]) -> float:
        letters = sum(a != b for a, b in zip(params["word"], "GATTACAC", strict=True))
        return letters + (abs(math.log10(params["rate"]) + 2) if params["kind"] == "b" else 2 + abs(params["depth"] - 3))

    study = study_of(bbo.NSGA2(popsize=30), space, "minimize")
    generations(study, 50, wrong)
    assert "".join(study.best_params["word"]) == "GATTACAC"
    assert study.best_value < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
def test_is_as_good_as_the_library_with_equal_settings(name: str) -> None:
    """Mean hypervolumes on DTLZ2 of three objectives over eight seeds differ by less than four standard errors."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.core.problem import Problem as Theirs
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.optimize import minimize

    problem = bbo.problems.get("dtlz2", d=10, objectives=3)

    class Wrapped(Theirs):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(n_var=10, n_obj=3, xl=np.zeros(10), xu=np.ones(10))
            self.seen: list[Array] = []

        def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            rows = problem.space.decode(x)
            out["F"] = np.array([list(problem.evaluate(params).values()) for params in rows])
            self.seen.append(out["F"].copy())

    def theirs(seed: int) -> float:
        wrapped, mutation = Wrapped(), PM(eta=20, prob=1.0)
        if name == "nsga2":
            algorithm = NSGA2(pop_size=40, mutation=mutation, crossover=SBX(eta=15, prob=0.9))
        else:
            algorithm = NSGA3(reference_directions(3, 40), pop_size=40, mutation=mutation)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            minimize(wrapped, algorithm, ("n_eval", 2000), seed=seed)
        losses = np.vstack(wrapped.seen)
        return hypervolume(losses[nondominated(losses)], [1.1] * 3)

    ours = [volume(problem, (bbo.NSGA2 if name == "nsga2" else bbo.NSGA3)(popsize=40), 2000, seed) for seed in range(8)]
    others = [theirs(seed + 1) for seed in range(8)]
    error = math.sqrt((np.var(ours, ddof=1) + np.var(others, ddof=1)) / 8)
    assert abs(np.mean(ours) - np.mean(others)) < 4 * error


# -- what is refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("popsize", [3, 0, -1, 10.0, True, "10"])
def test_refuses_settings_out_of_range(cls: Any, popsize: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{cls.name}: popsize is"):
        cls(popsize=popsize)


@pytest.mark.parametrize(
    ("optimizer", "space", "objectives", "why"),
    [
        (bbo.NSGA3(), BOX, (Objective("a"),), "there is one; nsga2 takes it"),
        (bbo.NSGA3(popsize=4), BOX, tuple(Objective(name) for name in "abcde"), "there are 5 for a population of 4"),
        (bbo.NSGA2(), BOX, (Objective("a", feedback="ranking"),), "it needs values, and 'a' is told as rankings"),
        (bbo.NSGA2(), bbo.Space({"x": bbo.Float(0, 1), "t": bbo.Task(["a", "b"])}), (Objective("a"),), "'t' is a task parameter"),
        (bbo.NSGA2(), bbo.Space({"x": bbo.Fixed(1)}), (Objective("a"),), "it needs a parameter to vary"),
        (bbo.NSGA2(), bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, ["x + y == 1"]), (Objective("a"),), "hardly any keeps"),
    ],
)
def test_refuses(optimizer: Any, space: bbo.Space, objectives: tuple[Objective, ...], why: str) -> None:
    assert why in optimizer.supports(Problem(space, objectives))


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genetic, "find_spec", lambda _: None)
    with pytest.raises(bbo.Unsupported, match=r"needs the library pymoo: pip install 'bbo-platform\[nsga\]'"):
        study_of("nsga2")


def test_parts_of_a_request_are_refused() -> None:
    with pytest.raises(bbo.Unsupported, match="nsga2 cannot honour fixed"):
        study_of(bbo.NSGA2()).ask(fixed={"x": 0.5})
