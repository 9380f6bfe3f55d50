"""Evolution strategies through the log: what a generation does, what it makes of results, masks, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.evolution import snes
from bbo.log.events import Event
from bbo.optimizers.evolution import Generations, injected, nearest_image, reflected
from tests.bbo.optimizers.logs import next_of

ALL = [bbo.SNES, bbo.PGPE, bbo.OpenAIES, bbo.SepCMA]
SINGLE = [bbo.SNES, bbo.SepCMA]
PAIRS = [bbo.PGPE, bbo.OpenAIES]
BOX = bbo.Space({"x": bbo.Float(-4, 6), "y": bbo.Float(-4, 6), "z": bbo.Float(-4, 6)})


def bowl(params: Mapping[str, Any]) -> float:
    return 1 + sum((k + 1) * (v - 0.5) ** 2 for k, v in enumerate(params.values()))


def study_of(optimizer: Any, space: bbo.Space = BOX, **arguments: Any) -> bbo.Study:
    return bbo.Study(space, optimizer=optimizer, **{"seed": 3, **arguments})


def state_of(study: bbo.Study) -> Generations:
    assert study.trials is not None  # brings it up to date
    state = study._replica.state
    assert isinstance(state, Generations)
    return state


def generations(study: bbo.Study, n: int, f: Callable[[Mapping[str, Any]], float] = bowl) -> list[list[bbo.Trial]]:
    """Trials of n whole generations."""
    found = []
    for _ in range(n):
        trials = study.ask(1000)
        study.tell(trials, [f(trial.params) for trial in trials])
        found.append(trials)
    return found


# -- what a run is ------------------------------------------------------------------------------------------------------------


def test_a_generation_is_one_step_of_the_update_rule() -> None:
    study = study_of(bbo.SNES(popsize=6, sigma0=0.1))
    trials = study.ask(6)
    z = study._problem.rng("snes", 0).standard_normal((6, 3))
    np.testing.assert_allclose([list(t.params.values()) for t in trials], 10 * (0.5 + 0.1 * z) - 4, rtol=0, atol=1e-12)
    losses = [bowl(t.params) for t in trials]
    study.tell(trials, losses)
    after = snes.step(snes.init(np.full(3, 0.5), 0.1), z, losses)
    np.testing.assert_array_equal(state_of(study).distribution.mean, after.mean)
    np.testing.assert_array_equal(state_of(study).distribution.deviations, after.deviations)


@pytest.mark.parametrize("cls", ALL)
def test_increasing_transformations_of_the_objective_change_nothing_bit_for_bit(cls: Any) -> None:
    def points(transform: Callable[[float], float]) -> list[Any]:
        study = study_of(cls(popsize=8))
        generations(study, 5, lambda params: transform(bowl(params) / 50))
        return [t.params for t in study.trials]

    plain = points(lambda y: y)
    assert plain == points(math.exp) == points(lambda y: -1 / y)
    assert plain[-1] != plain[0]


@pytest.mark.parametrize("cls", ALL)
def test_where_all_results_tie_nothing_moves(cls: Any) -> None:
    study = study_of(cls(popsize=8))
    generations(study, 3)
    before = state_of(study).distribution
    generations(study, 1, lambda _: 0.1)
    trials = study.ask(8)
    for trial in trials:
        study.fail(trial, "exploded")
    after = state_of(study)
    assert after.phase == 5
    np.testing.assert_array_equal(after.distribution.mean, before.mean)
    np.testing.assert_array_equal(after.distribution.deviations, before.deviations)


@pytest.mark.parametrize("cls", PAIRS)
def test_pairs_lie_opposite_and_share_their_random_numbers(cls: Any) -> None:
    study = study_of(cls(popsize=6, sigma0=0.05))
    trials = study.ask(6)
    points = np.array([list(t.params.values()) for t in trials]).reshape(3, 2, 3)
    np.testing.assert_allclose(points.mean(axis=1), 1.0, rtol=0, atol=1e-12)
    seeds = [t.seed for t in trials]
    assert seeds[::2] == seeds[1::2]
    assert len(set(seeds)) == 3


@pytest.mark.parametrize("optimizer", [bbo.SepCMA(sigma0=0.1), bbo.SNES(sigma0=0.1), bbo.CMAES(sigma0=0.1)], ids=lambda o: o.name)
def test_a_sphere_is_minimized_to_1e_10_within_4000_evaluations(optimizer: Any) -> None:
    """Ten dimensions, a standard deviation of 1 in the units of the sphere, whose minimum is up to two of them away."""
    at = np.linspace(-2, 2, 10)
    study = study_of(optimizer, bbo.Space({f"x{k}": bbo.Float(-5, 5) for k in range(10)}))
    best, told = math.inf, 0
    while best > 1e-10:
        trials = study.ask(1000)
        values = [float(((np.array(list(t.params.values())) - at) ** 2).sum()) for t in trials]
        study.tell(trials, values)
        best, told = min(best, *values), told + len(trials)
        assert told <= 4000


@pytest.mark.parametrize("cls", PAIRS)
def test_gradient_followers_come_near_the_minimum(cls: Any) -> None:
    study = study_of(cls())
    generations(study, 150)
    assert all(abs(v - 0.5) < 0.2 for v in state_of(study).mean().values())


@pytest.mark.slow
def test_sep_cma_is_as_quick_as_the_library_in_diagonal_mode() -> None:
    """Median evaluations to 1e-9 on a separable ellipsoid of condition 1e6 in ten dimensions, over seven seeds."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cma

    from bbo.evolution import sep_cma

    weights, target = 10.0 ** np.linspace(0, 6, 10), 1e-9

    def ours(seed: int) -> int:
        rng, state, n = np.random.default_rng(seed), sep_cma.init(np.ones(10), 1.0), 0
        while True:
            z = rng.standard_normal((10, 10))
            losses = ((state.mean + state.deviations * z) ** 2 @ weights).tolist()
            n += 10
            if min(losses) < target:
                return n
            state = sep_cma.step(state, z, losses)

    def theirs(seed: int) -> int:
        options = {"CMA_diagonal": True, "seed": seed + 1, "verbose": -9, "popsize": 10, "ftarget": target, "maxfevals": 1e5}
        strategy = cma.CMAEvolutionStrategy(np.ones(10), 1.0, options)
        while "ftarget" not in strategy.stop():
            points = strategy.ask()
            strategy.tell(points, [float(x**2 @ weights) for x in points])
        return int(strategy.countevals)

    assert np.median([ours(seed) for seed in range(7)]) < 1.5 * np.median([theirs(seed) for seed in range(7)])


@pytest.mark.parametrize("cls", ALL)
def test_finds_the_minimum_in_integers_steps_and_log_axes(cls: Any) -> None:
    space = bbo.Space({"i": bbo.Int(-20, 20), "s": bbo.Float(0, 1, step=0.05), "l": bbo.Float(1e-4, 1e4, log=True), "f": bbo.Fixed(2)})
    study = study_of(cls(popsize=12, sigma0=0.2), space)
    generations(study, 60, lambda p: (p["i"] - 7) ** 2 + 10 * (p["s"] - 0.35) ** 2 + math.log10(p["l"] / 10) ** 2)
    assert study.best_params["i"] == 7
    assert study.best_params["s"] == pytest.approx(0.35, abs=0.06)
    assert study.best_value < 0.1


@pytest.mark.parametrize("cls", ALL)
def test_finds_a_minimum_in_a_corner(cls: Any) -> None:
    study = study_of(cls(popsize=10, sigma0=0.1))
    generations(study, 120, lambda p: sum(p.values()))
    assert study.best_value < -11.5
    assert all(v < -3.5 for v in state_of(study).mean().values())


def test_keeps_outcome_constraints_by_rank() -> None:
    study = study_of(bbo.SepCMA(popsize=10), objectives={"f": "minimize"}, outcome_constraints=["c <= 1"])
    for _ in range(40):
        trials = study.ask(10)
        study.tell(trials, [{"f": -t["x"], "c": t["x"] + t["y"] ** 2 + t["z"] ** 2} for t in trials])
    assert study.best_trial.outcomes["f"] == pytest.approx(-1, abs=0.02)


# -- bounds -------------------------------------------------------------------------------------------------------------------


def test_points_are_folded_back_at_the_bounds() -> None:
    np.testing.assert_allclose(reflected([0.3, 1.2, -0.2, 2.3, 1.7, -1.4, 3.0]), [0.3, 0.8, 0.2, 0.3, 0.3, 0.6, 1.0], atol=1e-15)
    np.testing.assert_array_equal(reflected([0.0, 1.0, 2.0, -1.0]), [0, 1, 0, 1])
    u, near = np.random.default_rng(0).uniform(size=300), np.random.default_rng(1).uniform(-6, 6, size=300)
    image = nearest_image(u, near)
    np.testing.assert_allclose(reflected(image), u, atol=1e-14)
    others = np.array([sign * u + 2 * k for sign in (1, -1) for k in range(-5, 6)])
    np.testing.assert_allclose(np.abs(image - near), np.abs(others - near).min(axis=0), atol=1e-12)


@pytest.mark.parametrize("cls", ALL)
def test_a_distribution_may_reach_beyond_the_bounds_and_its_points_do_not(cls: Any) -> None:
    inside = study_of(cls(popsize=8, start={"x": 5.9, "y": 1.0, "z": -3.9}))
    generations(inside, 10)
    assert all(BOX.contains(t.params) for t in inside.trials)
    latent = state_of(inside)._latent()
    assert latent.min() < 0 or latent.max() > 1


def test_a_foreign_point_is_shortened_to_what_a_draw_may_have() -> None:
    far, near = np.array([30.0, 40.0]), np.array([0.3, -0.4])
    assert np.linalg.norm(injected(far)) == pytest.approx(math.sqrt(2) + 1)
    np.testing.assert_allclose(injected(far) * 50, far * (math.sqrt(2) + 1), rtol=1e-14)
    np.testing.assert_array_equal(injected(near), near)


# -- mishaps ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ALL)
def test_waits_and_the_order_of_tells_changes_nothing(cls: Any) -> None:
    study = study_of(cls(popsize=6))
    trials = study.ask(10)
    assert len(trials) == 6
    with pytest.raises(bbo.Waiting):
        study.ask()
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": bowl(t.params)}}, trial=t.number) for t in trials]
    told[2] = Event("failed", {"attempt": 1, "reason": ""}, trial=2)
    told[4] = Event("abandoned", {"attempt": 1, "reason": ""}, trial=4)
    first = next_of([*log, *told])
    assert first.queries[0].ticket == (1, 0)
    assert not first.note
    rng = np.random.default_rng(0)
    for _ in range(4):
        assert next_of([*log, *(told[k] for k in rng.permutation(6))]) == first
    amended = Event("amended", {"values": {"value": -1e9}}, trial=0)
    assert next_of([*log, *told, amended]) == first


@pytest.mark.parametrize("cls", ALL)
def test_a_failed_trial_ranks_worst_and_an_abandoned_one_not_at_all(cls: Any) -> None:
    def after(kind: str) -> Any:
        study = study_of(cls(popsize=6))
        trials = study.ask(6)
        if kind == "worst":
            study.tell(trials[1], 1e9)
        elif kind == "failed":
            study.fail(trials[1], "exploded")
        else:
            study.abandon(trials[1])
        for trial in [trials[0], *trials[2:]]:
            study.tell(trial, bowl(trial.params))
        return state_of(study).distribution.mean

    np.testing.assert_array_equal(after("worst"), after("failed"))
    assert not np.array_equal(after("failed"), after("abandoned"))


@pytest.mark.parametrize("cls", ALL)
def test_a_generation_that_was_mostly_abandoned_is_drawn_anew(cls: Any) -> None:
    study = study_of(cls(popsize=6))
    trials = study.ask(6)
    study.abandon(trials[1])
    study.abandon(trials[2])
    study.tell(trials[0], 0.0)
    study.abandon(trials[4])
    study.abandon(trials[5])
    study.tell(trials[3], 1.0)
    assert list(state_of(study).distribution.mean) == [0.5] * 3
    study.ask()
    assert "drawn anew" in [e for e in study.storage.read(study.name) if e.kind == "asked"][-1].body["note"]


@pytest.mark.parametrize("cls", SINGLE)
def test_what_was_run_counts_instead_of_the_plan(cls: Any) -> None:
    study = study_of(cls(popsize=4, sigma0=0.2))
    trials = study.ask(4)
    study.tell(trials[0], -1e6, params={**trials[0].params, "x": 1.5})
    state = state_of(study)
    z = state._normal(0, state.trials[0])
    assert 0.5 + 0.2 * z[0] == pytest.approx(0.55, rel=1e-12)
    np.testing.assert_array_equal(z[1:], state.z[0][1:])
    study.tell(trials[1:], [1.0, 2.0, 3.0])
    assert state_of(study).phase == 1


@pytest.mark.parametrize("cls", PAIRS)
def test_a_pair_that_was_run_elsewhere_is_left_out(cls: Any) -> None:
    def after(tell_first: Callable[[bbo.Study, bbo.Trial], None]) -> Any:
        study = study_of(cls(popsize=6))
        trials = study.ask(6)
        tell_first(study, trials[0])
        study.tell(trials[1:], [bowl(t.params) for t in trials[1:]])
        return state_of(study).distribution.mean

    moved = after(lambda study, trial: study.tell(trial, bowl(trial.params), params={**trial.params, "x": 0.0}))
    np.testing.assert_array_equal(moved, after(lambda study, trial: study.abandon(trial)))


def test_begins_at_the_best_point_known_unless_it_is_given_a_start() -> None:
    for start, expected in ((None, [0.6, 0.5, 0.3]), ({"x": 6.0}, [1.0, 0.5, 0.5])):
        study = study_of(bbo.SNES(start=start))
        study.add({"x": 2.0, "y": 1.0, "z": -1.0}, 3.0)
        study.ask()
        np.testing.assert_allclose(state_of(study).distribution.mean, expected, atol=1e-15)


# -- masks --------------------------------------------------------------------------------------------------------------------

WEIGHTS = bbo.Space({"w": bbo.Array((3, 2), -1, 2), "b": bbo.Array(2, -1, 1), "lr": bbo.Float(1e-3, 1, log=True), "n": bbo.Int(1, 9)})
START = {"w": [[0.1, 0.2], [0.3, 0.0], [0.5, 0.6]], "b": [0.1, -0.7], "lr": 0.017, "n": 3}
MASK = {"w": [[True, False], [False, False], [True, True]], "b": True}


@pytest.mark.parametrize("cls", ALL)
def test_what_is_masked_is_held_at_its_start_to_the_last_bit(cls: Any) -> None:
    study = study_of(cls(popsize=8, start=START, mask=MASK), WEIGHTS)
    generations(study, 6, lambda p: float(np.sum((np.array(p["w"]) - 1) ** 2) + np.sum(np.square(p["b"])) + p["lr"]))
    state = state_of(study)
    assert state.distribution.mean.shape == (5,)
    ones = np.array(MASK["w"])
    for params in [*(t.params for t in study.trials), state.mean()]:
        assert WEIGHTS.contains(params)
        w = np.array(params["w"])
        np.testing.assert_array_equal(w[~ones], np.array(START["w"])[~ones])
        assert (w[ones] != np.array(START["w"])[ones]).all()
        assert (params["lr"], params["n"]) == (0.017, 3)
    assert np.array(study.trials[-1].params["b"]).shape == (2,)


def test_a_masked_run_is_that_of_the_space_of_what_is_searched() -> None:
    """The mask is a reparametrisation: the same points as in a space that has only the searched parameters."""
    masked = study_of(bbo.SepCMA(mask={"x": True, "z": True}))
    alone = study_of(bbo.SepCMA(), bbo.Space({"x": bbo.Float(-4, 6), "z": bbo.Float(-4, 6)}))
    for study in (masked, alone):
        generations(study, 5, lambda p: (p["x"] - 0.5) ** 2 + 3 * (p["z"] + 0.5) ** 2)
    assert [{k: t.params[k] for k in "xz"} for t in masked.trials] == [t.params for t in alone.trials]
    assert {t.params["y"] for t in masked.trials} == {1.0}


def test_settings_take_arrays_and_survive_json() -> None:
    import json

    from bbo.optimizers.base import resolve, to_json

    settings = bbo.SNES(start={"w": np.zeros((3, 2))}, mask={"w": np.array(MASK["w"]), "n": np.bool_(True)})
    assert settings.mask == {"w": MASK["w"], "n": True}
    assert resolve(json.loads(json.dumps(to_json(settings)))) == settings


def test_what_explains_the_study_is_short_however_many_weights_there_are() -> None:
    space = bbo.Space({"w": bbo.Array(500, -1, 1)})
    study = study_of(bbo.SNES(start={"w": [0.0] * 500}), space)
    generations(study, 2, lambda p: float(np.square(p["w"]).sum()))
    said = study.explain()
    assert "after 2 generations the standard deviations are" in said
    assert len(said) < 1500


# -- what it refuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "settings", "reason"),
    [
        ({"x": bbo.Categorical(["a", "b"])}, {}, "'x' is a Categorical"),
        ({"x": bbo.Fixed(1)}, {}, "nothing to search"),
        ({"x": bbo.Float(0, 1)}, {"mask": {"x": False}}, "nothing to search"),
        ({"x": bbo.Float(0, 1)}, {"mask": {"y": True}}, "mask speaks of 'y'.*there are x"),
        ({"x": bbo.Array(3, 0, 1)}, {"mask": {"x": [True, False]}}, r"shape \(2,\) for 'x', which has \(3,\)"),
        ({"x": bbo.Float(0, 1)}, {"start": {"x": 2.0}}, "its start: x=2.0 is out of range"),
        ({"x": bbo.Float(0, 1)}, {"start": {"y": 2.0}}, "its start: unknown parameter 'y'"),
    ],
)
@pytest.mark.parametrize("cls", [bbo.SNES, bbo.PGPE])
def test_refuses_with_the_reason(cls: Any, space: Any, settings: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        study_of(cls(**settings), bbo.Space(space))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    "settings",
    [
        {"sigma0": 0},
        {"sigma0": 1.5},
        {"sigma0": True},
        {"popsize": 1},
        {"popsize": 6.0},
        {"start": [0.5]},
        {"mask": ["x"]},
        {"mask": {"x": 1}},
        {"mask": {"x": [[True], [True, False]]}},
    ],
)
def test_refuses_settings_out_of_range(cls: Any, settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{cls.name}: {next(iter(settings))} (is|has)"):
        cls(**settings)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (bbo.PGPE, {"popsize": 7}),
        (bbo.PGPE, {"speed": 0.0}),
        (bbo.PGPE, {"decay": 1.1}),
        (bbo.OpenAIES, {"popsize": 7}),
        (bbo.OpenAIES, {"rate": -1}),
        (bbo.OpenAIES, {"decay": math.nan}),
    ],
)
def test_refuses_settings_of_pairs_out_of_range(cls: Any, settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{cls.name}: {next(iter(settings))} is"):
        cls(**settings)
