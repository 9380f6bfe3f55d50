"""GFM and GFM+: steps and corrections equal to formulas written down again; what failures and orders of tells may bring in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bbo
from bbo.log.events import Event
from bbo.optimizers.descent import Descent
from bbo.optimizers.gfm import GFM, GFMPlus
from bbo.testing import check_optimizer
from tests.bbo.optimizers.logs import next_of

Array = NDArray[np.float64]
UNIT = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "z": bbo.Float(0, 1)})
CENTRE = np.array([0.4, 0.7, 0.55])
CURVATURE = np.array([1.0, 4.0, 2.0])


def vector(params: Mapping[str, Any]) -> Array:
    return np.array(list(params.values()), dtype=np.float64)


def quadratic(x: Array) -> float:
    return float(CURVATURE @ (x - CENTRE) ** 2)


def kinked(x: Array) -> float:
    return float(abs(x[0] - 0.4) + 0.5 * np.linalg.norm(x[1:] - 0.6))


def linear(x: Array) -> float:
    return float(x @ [1.0, -2.0, 0.5])


def study_of(optimizer: Any, space: bbo.Space = UNIT, **arguments: Any) -> bbo.Study:
    return bbo.Study(space, optimizer=optimizer, seed=3, **arguments)


def state_of(study: bbo.Study) -> Descent:
    study.trials  # brings it up to date
    state: Descent = study._replica.state
    return state


def phase(study: bbo.Study, f: Callable[[Array], float]) -> list[bbo.Trial]:
    """Ask for a whole phase and tell it."""
    trials = study.ask(1000)
    study.tell(trials, [f(vector(trial.params)) for trial in trials])
    return trials


def ticket(study: bbo.Study, trial: bbo.Trial) -> dict[str, Any]:
    asked: dict[str, Any] = next(e.body for e in study.storage.read(study.name) if e.kind == "asked" and e.trial == trial.number)
    return asked


def estimate(f: Callable[[Array], float], x: Array, directions: Array, delta: float) -> Array:
    """The paper's estimator, written down once more."""
    terms = [len(u) / (2 * delta) * (f(x + delta * u) - f(x - delta * u)) * u for u in directions]
    return np.asarray(np.mean(terms, axis=0))


@pytest.mark.parametrize("optimizer", [GFM(), GFM(batch=1), GFMPlus(every=3), GFMPlus(batch=1, every=2)])
def test_keeps_the_contract(optimizer: GFM | GFMPlus) -> None:
    assert check_optimizer(optimizer, n=24) == ["box"]


def test_is_chosen_by_name_and_by_class() -> None:
    assert study_of("gfm").optimizer == GFM() == bbo.GFM()
    assert study_of("gfm_plus").optimizer == GFMPlus() == bbo.GFMPlus()
    assert {"gfm", "gfm_plus"} <= set(bbo.list_optimizers())


@pytest.mark.parametrize("f", [quadratic, kinked])
def test_gfm_steps_against_the_estimate(f: Callable[[Array], float]) -> None:
    study = study_of(GFM(batch=5, step=0.03))
    x, size = np.full(3, 0.5), None
    for _ in range(6):
        trials = phase(study, f)
        points = np.array([vector(trial.params) for trial in trials]).reshape(5, 2, 3)
        directions = (points[:, 0] - points[:, 1]) / 0.04
        np.testing.assert_allclose(points.mean(axis=1), np.tile(x, (5, 1)), atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-12)
        gradient = estimate(f, x, directions, 0.02)
        size = size or 0.03 / np.linalg.norm(gradient)
        x = x - size * gradient
        np.testing.assert_allclose(state_of(study).x, x, rtol=1e-9)


def test_gfm_plus_corrects_by_the_same_directions_at_both_iterates() -> None:
    """The recursion of the paper, over two rounds of an anchor and two corrections."""
    f = kinked
    study = study_of(GFMPlus(batch=2, every=3, step=0.01))
    x, before, v, size = np.full(3, 0.5), np.full(3, 0.5), np.zeros(3), None
    for number in range(6):
        trials = phase(study, f)
        points = np.array([vector(trial.params) for trial in trials]).reshape(6 if number % 3 == 0 else 2, -1, 2, 3)
        directions = (points[:, 0, 0] - points[:, 0, 1]) / 0.04
        np.testing.assert_allclose(points[:, 0].mean(axis=1) - x, 0, atol=1e-12)
        if number % 3 == 0:
            assert points.shape[1] == 1
            v = estimate(f, x, directions, 0.02)
        else:
            np.testing.assert_allclose(points[:, 1].mean(axis=1) - before, 0, atol=1e-12)
            np.testing.assert_allclose((points[:, 1, 0] - points[:, 1, 1]) / 0.04, directions, atol=1e-12)
            v = v + estimate(f, x, directions, 0.02) - estimate(f, before, directions, 0.02)
        size = size or 0.01 / np.linalg.norm(v)
        x, before = x - size * v, x
        np.testing.assert_allclose(state_of(study).gradient, v, rtol=1e-9)
        np.testing.assert_allclose(state_of(study).x, x, rtol=1e-9)
        np.testing.assert_allclose(state_of(study).before, before, rtol=1e-9)
        assert not state_of(study).note


@pytest.mark.parametrize("f", [quadratic, kinked])
def test_a_correction_is_not_zero_on_a_function_that_bends(f: Callable[[Array], float]) -> None:
    """The published code overwrote the iterate before with the new one, and every correction was exactly zero."""
    study = study_of(GFMPlus(batch=4, every=5, step=0.05))
    phase(study, f)
    anchor = state_of(study).gradient
    trials = phase(study, f)
    assert len({tuple(trial.params.values()) for trial in trials}) == 16  # the two iterates differ
    corrected = state_of(study).gradient
    assert anchor is not None
    assert corrected is not None
    assert np.linalg.norm(corrected - anchor) > 1e-3 * np.linalg.norm(anchor)


def test_on_a_linear_function_the_anchor_stays() -> None:
    study = study_of(GFMPlus(batch=2, every=5, step=0.02))
    phase(study, linear)
    anchor = state_of(study).gradient
    for _ in range(4):
        assert len(phase(study, linear)) == 8
        np.testing.assert_allclose(state_of(study).gradient, anchor, rtol=0, atol=1e-12)
    assert len(phase(study, linear)) == 20


def test_where_the_iterate_did_not_move_the_correction_is_exactly_zero() -> None:
    """In a corner that the slope points into, the iterate and the one before it are one point, however the function bends there."""
    study = study_of(GFMPlus(batch=40, every=3))
    study.add({"x": 0.0, "y": 1.0, "z": 0.0}, -9.0)

    def steep(x: Array) -> float:
        return float(x @ [1.0, -1.0, 1.0] + x[0] ** 2)

    phase(study, steep)
    anchor = state_of(study).gradient
    np.testing.assert_allclose(state_of(study).x, [0.02, 0.98, 0.02])
    np.testing.assert_array_equal(state_of(study).x, state_of(study).before)
    phase(study, steep)
    np.testing.assert_array_equal(state_of(study).gradient, anchor)


def test_gfm_plus_that_always_estimates_anew_is_gfm() -> None:
    first, second = study_of(GFM(batch=3, step=0.05)), study_of(GFMPlus(batch=3, step=0.05, every=1))
    for _ in range(5):
        assert [t.params for t in phase(first, kinked)] == [t.params for t in phase(second, kinked)]


def test_units_of_the_objective_and_of_the_axes_do_not_matter() -> None:
    wide = bbo.Space({"x": bbo.Float(-4, 4), "y": bbo.Float(-4, 4), "z": bbo.Float(1e-2, 1, log=True)})
    first, second = study_of("gfm"), study_of("gfm", wide, objectives={"loss": "maximize"})
    for _ in range(5):
        phase(first, quadratic)
        trials = second.ask(1000)
        second.tell(trials, [-1024 * quadratic(wide.encode([t.params])[0]) for t in trials])
    np.testing.assert_allclose(state_of(first).x, state_of(second).x, rtol=1e-9)


@pytest.mark.parametrize("name", ["gfm", "gfm_plus"])
def test_descends_to_the_minimum_of_a_function_with_a_kink(name: str) -> None:
    study = study_of(name)
    while len(study.trials) < 1500:
        phase(study, kinked)
    x = state_of(study).x
    assert x is not None
    assert kinked(x) < 0.02
    assert min(kinked(vector(trial.params)) for trial in study.trials) < 0.03


def test_all_queries_lie_in_the_box_and_pairs_are_whole() -> None:
    study = study_of(GFM(delta=0.25, step=1.0))
    for _ in range(10):
        for plus, minus in zip(*[iter(phase(study, linear))] * 2, strict=True):
            assert UNIT.contains(plus.params)
            assert UNIT.contains(minus.params)
            np.testing.assert_allclose(np.linalg.norm(vector(plus.params) - vector(minus.params)), 0.5, rtol=1e-9)


def test_trials_of_one_direction_share_their_random_numbers() -> None:
    study = study_of(GFMPlus(batch=2, every=2))
    anchor = phase(study, quadratic)
    correction = phase(study, quadratic)
    seeds = [trial.seed for trial in anchor + correction]
    assert seeds[:8:2] == seeds[1:8:2]
    assert seeds[8:12] == seeds[8:9] * 4
    assert seeds[12:] == seeds[12:13] * 4
    assert len(set(seeds)) == 4 + 2
    assert ticket(study, correction[5])["group"] == "1/1"
    assert ticket(study, correction[5])["role"] == "direction"
    assert ticket(study, correction[5])["ticket"] == [1, 5]


def test_noise_that_is_common_to_a_pair_changes_nothing() -> None:
    still, noisy = study_of(GFMPlus(every=3)), study_of(GFMPlus(every=3))
    for _ in range(5):
        phase(still, quadratic)
        trials = noisy.ask(1000)
        noisy.tell(trials, [quadratic(vector(t.params)) + np.random.default_rng(t.seed).normal() for t in trials])
    np.testing.assert_allclose(state_of(noisy).x, state_of(still).x, rtol=1e-6)


# -- what the log brings in between -----------------------------------------------------------------------------------------------


def test_pairs_that_failed_are_left_out() -> None:
    study = study_of(GFM(batch=4, step=0.05))
    trials = study.ask(8)
    for k, trial in enumerate(trials):
        if k == 2:
            study.fail(trial, "exploded")
        elif k == 7:
            study.abandon(trial, "not worth it")
        elif k == 4:
            study.tell(trial, 1e6, params={**trial.params, "x": 0.9})
        else:
            study.tell(trial, quadratic(vector(trial.params)))
    u = (vector(trials[0].params) - vector(trials[1].params)) / 0.04
    gradient = estimate(quadratic, np.full(3, 0.5), u[None], 0.02)
    np.testing.assert_allclose(state_of(study).gradient, gradient, rtol=1e-9)
    np.testing.assert_allclose(state_of(study).x, 0.5 - 0.05 * gradient / np.linalg.norm(gradient), rtol=1e-9)


def test_a_phase_of_which_no_pair_is_whole_is_drawn_anew() -> None:
    study = study_of(GFM(batch=2))
    for k, trial in enumerate(study.ask(4)):
        if k % 2:
            study.fail(trial)
        else:
            study.tell(trial, 1.0)
    assert state_of(study).gradient is None
    trials = study.ask(4)
    assert "no pair of it has both values" in study.explain(trials[0])
    np.testing.assert_allclose(vector(trials[0].params) + vector(trials[1].params), 1, rtol=1e-12)


def test_a_phase_whose_differences_overflow_is_drawn_anew() -> None:
    """As with a penalty of the largest float, and one of the opposite sign."""
    study = study_of(GFM(batch=2))
    most = float(np.finfo(float).max)
    study.tell(study.ask(4), [most, -most, 1.0, 2.0])
    assert state_of(study).gradient is None
    trials = study.ask(4)
    assert "too large to take differences of" in study.explain(trials[0])
    np.testing.assert_allclose(vector(trials[0].params) + vector(trials[1].params), 1, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [GFM(batch=2, step=0.05), GFMPlus(batch=2, every=1, step=0.05)])
def test_the_first_step_is_as_long_as_it_should_be_where_squares_overflow(optimizer: Any) -> None:
    """The first estimate has a length of about 1e200. What comes later is no progress, and halves the step size."""
    study = study_of(optimizer)
    phase(study, lambda x: 1e200 * quadratic(x))
    first = state_of(study).step_size
    assert first is not None
    assert 1e-203 < first < 1e-200
    assert np.linalg.norm(state_of(study).x - 0.5) == pytest.approx(0.05, rel=1e-9)
    for _ in range(10):
        phase(study, lambda x: 1e300)
    assert state_of(study).step_size == first / 2


def test_a_correction_that_grows_too_long_is_given_up() -> None:
    study = study_of(GFMPlus(batch=2, every=9, step=0.1))
    phase(study, quadratic)
    x = state_of(study).x
    phase(study, lambda point: 1e3 * quadratic(point))
    np.testing.assert_array_equal(state_of(study).x, x)
    trials = study.ask(1000)
    assert len(trials) == 36
    assert "estimated anew" in study.explain(trials[0])


def test_the_step_size_is_halved_after_ten_phases_without_progress_and_never_below_a_hundredth() -> None:
    study = study_of(GFM(batch=1))
    phase(study, lambda x: linear(x) - 100)
    first = state_of(study).step_size
    assert first is not None
    sizes = []
    for _ in range(80):
        phase(study, linear)
        sizes.append(state_of(study).step_size / first)  # type: ignore[operator]
    assert sizes[8:10] == [1, 0.5]
    assert sizes[18:20] == [0.5, 0.25]
    assert sizes[-1] == 0.01


def test_waits_while_a_phase_is_out_and_starts_at_the_best_point_known() -> None:
    study = study_of(GFM(batch=2))
    study.add({"x": 0.2, "y": 0.3, "z": 0.6}, -1.0)
    study.add({"x": 0.9, "y": 0.9, "z": 0.9}, 1.0)
    trials = study.ask(10)
    assert len(trials) == 4
    np.testing.assert_allclose((vector(trials[0].params) + vector(trials[1].params)) / 2, [0.2, 0.3, 0.6], rtol=1e-12)
    study.tell(trials[1:], [1.0, 2.0, 3.0])
    with pytest.raises(bbo.Waiting):
        study.ask()


def test_the_order_of_tells_changes_nothing_bit_for_bit() -> None:
    study = study_of(GFMPlus(batch=2, every=3))
    phase(study, kinked)
    trials = study.ask(100)
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": kinked(vector(t.params))}}, trial=t.number) for t in trials]
    told[3] = Event("failed", {"attempt": 1, "reason": ""}, trial=trials[3].number)

    first = next_of([*log, *told])
    assert first.queries[0].ticket == (2, 0)
    assert next_of([*log, *told[::-1]]).queries == first.queries
    assert next_of([*log, *(told[k] for k in np.random.default_rng(0).permutation(len(told)))]).queries == first.queries


# -- what it refuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gfm", "gfm_plus"])
@pytest.mark.parametrize(
    ("space", "arguments", "reason"),
    [
        ({"x": bbo.Float(0, 1), "i": bbo.Int(0, 9)}, {}, "'i' goes in steps"),
        ({"x": bbo.Float(0, 1, step=0.1)}, {}, "'x' goes in steps"),
        ({"x": bbo.Float(0, 1), "c": bbo.Categorical(["a", "b"])}, {}, "'c' is a Categorical"),
        ({"x": bbo.Float(0, 1)}, {"objectives": {"a": "minimize", "b": "minimize"}}, "there are 2"),
        ({"x": bbo.Float(0, 1)}, {"outcome_constraints": ["heat <= 1"]}, "there is one on 'heat'"),
        ({"x": bbo.Float(0, 1)}, {"objectives": [bbo.Objective("a", feedback="ranking")]}, "told rankings"),
    ],
)
def test_refuses_with_the_reason(name: str, space: Any, arguments: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        study_of(name, bbo.Space(space), **arguments)


def test_refuses_fixed_parts() -> None:
    with pytest.raises(bbo.Unsupported, match="gfm_plus cannot honour fixed="):
        study_of("gfm_plus").ask(fixed={"x": 0.5})


def test_runs_with_a_fixed_parameter_beside_one_that_varies() -> None:
    study = study_of("gfm", bbo.Space({"x": bbo.Float(0, 1), "f": bbo.Fixed(2)}))
    phase(study, lambda x: float(x[0]))
    assert all(trial.params["f"] == 2 for trial in study.trials)


@pytest.mark.parametrize("settings", [{"delta": 0}, {"delta": 0.3}, {"step": "1"}, {"step": 2}, {"batch": 0}, {"batch": 2.0}, {"every": 0}])
def test_refuses_settings_out_of_range(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        GFMPlus(**settings)
