"""FZooS in local mode: the gradient and its steps written down again; what failures and orders of tells may bring in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import bbo
from bbo.log.events import Event
from bbo.optimizers.fzoos import FZooS
from bbo.optimizers.surrogate_descent import SurrogateDescent
from bbo.optimizers.trajectory_surrogate import TrajectorySurrogate
from bbo.testing import check_optimizer
from tests.bbo.optimizers.logs import next_of

Array = NDArray[np.float64]
D = 3
UNIT = bbo.Space({"x": bbo.Array(D, 0, 1)})
CENTRE = np.array([0.4, 0.7, 0.55])
CURVATURE = np.array([1.0, 4.0, 2.0])


def vector(trial: bbo.Trial) -> Array:
    return np.array(trial["x"], dtype=np.float64)


def quadratic(x: Array) -> float:
    return float(CURVATURE @ (x - CENTRE) ** 2)


def study_of(optimizer: Any = "fzoos", space: bbo.Space = UNIT, **arguments: Any) -> bbo.Study:
    return bbo.Study(space, optimizer=optimizer, seed=3, **arguments)


def state_of(study: bbo.Study) -> SurrogateDescent:
    study.trials  # brings it up to date
    state: SurrogateDescent = study._replica.state
    return state


def phase(study: bbo.Study, f: Callable[[Array], float] = quadratic) -> list[bbo.Trial]:
    """Ask for a whole phase and tell it."""
    trials = study.ask(1000)
    study.tell(trials, [f(vector(trial)) for trial in trials])
    return trials


def asked(study: bbo.Study, trial: bbo.Trial) -> Mapping[str, Any]:
    return next(e.body for e in study.storage.read(study.name) if e.kind == "asked" and e.trial == trial.number)


def posterior_mean(x: torch.Tensor, X: Array, y: Array, memo: Mapping[str, Any], reach: float, centre: Array) -> torch.Tensor:
    """The mean of the process in the cube's own coordinates and units of the loss, by the formula, with a plain inverse."""
    scales = torch.tensor([np.exp(memo["parameters"][f"lengthscale[{i}]"]) * 2 * reach for i in range(len(centre))])

    def kernel(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
        r = (5 * (((A[:, None] - B) / scales) ** 2).sum(-1) + 1e-300).sqrt()
        return (1 + r + r**2 / 3) * torch.exp(-r)

    points, unit = torch.tensor(X), (y - y.mean()) / y.std(ddof=1)
    K = kernel(points, points) + memo["noise"] * torch.eye(len(X), dtype=torch.float64)
    (mean,) = memo["mean"]
    alpha = torch.linalg.solve(K, torch.tensor(unit) + mean)  # the process is of gains: minus the loss
    return (y.std(ddof=1) * (kernel(x[None], points) @ alpha - mean) + y.mean())[0]


@pytest.mark.parametrize("optimizer", [FZooS(), FZooS(active=0), FZooS(active=1, step=0.1, radius=0.1)])
def test_keeps_the_contract(optimizer: FZooS) -> None:
    assert check_optimizer(optimizer, n=24) == ["box"]


def test_is_chosen_by_name_and_by_class() -> None:
    assert study_of("fzoos").optimizer == FZooS() == bbo.FZooS()
    assert "fzoos" in bbo.list_optimizers()


def test_steps_along_the_gradient_of_the_posterior_mean() -> None:
    """Beside automatic differentiation of the formula; then Adam, written down once more."""
    study = study_of()
    phase(study)
    first, second, x = np.zeros(D), np.zeros(D), np.full(D, 0.5)
    for step in range(1, 8):
        X, y = np.array([vector(t) for t in study.trials]), np.array([t.value for t in study.trials])
        trials = phase(study)
        memo = asked(study, trials[0])["memo"]
        at = torch.tensor(x, requires_grad=True)
        mean = posterior_mean(at, X, y, memo["gp"], max(float(np.abs(X - x).max()), 0.01), x)
        (gradient,) = torch.autograd.grad(mean, at)
        np.testing.assert_allclose(memo["gradient"], gradient.numpy(), rtol=1e-5, atol=1e-7)
        assert memo["loss"] == pytest.approx(mean.item(), rel=1e-6)
        first, second = 0.9 * first + 0.1 * gradient.numpy(), 0.999 * second + 0.001 * gradient.numpy() ** 2
        x = x - 0.01 * first / (1 - 0.9**step) / np.sqrt(second / (1 - 0.999**step))
        np.testing.assert_allclose(vector(trials[0]), x, atol=1e-6)


def test_the_gradient_of_a_quadratic_is_right_once_trials_are_enough() -> None:
    """(d + 1) (d + 2) / 2 values without noise fix a quadratic."""
    study, errors = study_of(), []
    phase(study)
    for _ in range(20):
        x = state_of(study).x
        trials = phase(study)
        exact = 2 * CURVATURE * (x - CENTRE)
        errors.append(np.linalg.norm(asked(study, trials[0])["memo"]["gradient"] - exact) / np.linalg.norm(exact))
    assert max(errors[3:]) < 0.02


def test_active_points_are_where_the_gradient_is_least_certain() -> None:
    study = study_of(FZooS(active=4))
    phase(study)
    phase(study)
    state = state_of(study)
    surrogate = TrajectorySurrogate.around(state.x, state.history, least=0.01, warm=state.memo["gp"], seed=0)
    trials = phase(study)
    after = state_of(study)
    candidates = after.points[1:]
    assert np.all(np.abs(candidates - after.x) <= 0.01 + 1e-12)
    order = np.argsort(-surrogate.uncertainty(candidates))
    np.testing.assert_array_equal({tuple(vector(t)) for t in trials[1:]}, {tuple(candidates[k]) for k in order[:4]})
    assert [asked(study, t)["role"] for t in trials] == ["iterate", *["active query"] * 4]


@pytest.mark.parametrize(("optimizer", "trials", "value"), [(FZooS(), 420, 5e-4), (FZooS(active=0, step=0.02), 70, 0.2)])
def test_descends_to_the_minimum_of_a_quadratic(optimizer: FZooS, trials: int, value: float) -> None:
    d = 8
    study = study_of(optimizer, bbo.Space({"x": bbo.Array(d, -2, 3)}))
    while len(study.trials) < trials:
        phase(study, lambda x: float(np.arange(1, d + 1) @ (x - 1) ** 2))
    assert study.best_value < value  # 9 in the middle


def test_goes_along_the_boundary_that_the_slope_points_into() -> None:
    study = study_of(FZooS(step=0.1))
    for _ in range(20):
        phase(study, lambda x: float(x[0] - x[1] + (x[2] - 0.5) ** 2))
    assert all(UNIT.contains(t.params) for t in study.trials)
    np.testing.assert_allclose(state_of(study).x, [0, 1, 0.5], atol=0.05)


def test_units_of_the_objective_and_of_the_axes_do_not_matter() -> None:
    wide = bbo.Space({"x": bbo.Float(-4, 4), "y": bbo.Float(-4, 4), "z": bbo.Float(1e-2, 1, log=True)})
    first, second = study_of(), study_of("fzoos", wide, objectives={"loss": "maximize"})
    for _ in range(6):
        phase(first)
        trials = second.ask(1000)
        second.tell(trials, [-1024 * quadratic(wide.encode([t.params])[0]) for t in trials])
    np.testing.assert_allclose(state_of(first).x, state_of(second).x, rtol=1e-6)


def test_sees_a_function_as_well_in_a_small_neighbourhood() -> None:
    """Shrunk tenfold about the middle, radius and step with it, the run is the same."""

    def shrunk(x: Array) -> float:
        return quadratic(0.5 + 10 * (x - 0.5))

    large, small = study_of(FZooS(step=0.02, radius=0.02)), study_of(FZooS(step=0.002, radius=0.002))
    for _ in range(6):
        phase(large)
        phase(small, shrunk)
    np.testing.assert_allclose(10 * (state_of(small).x - 0.5), state_of(large).x - 0.5, rtol=1e-5)


def test_known_noise_is_the_noise_of_the_process() -> None:
    study = study_of()
    for _ in range(3):
        trials = study.ask(1000)
        study.tell(trials, [quadratic(vector(t)) for t in trials], sd=0.05)
    trials = study.ask(1000)
    assert asked(study, trials[0])["memo"]["gp"]["noise"] is None
    state = state_of(study)
    surrogate = TrajectorySurrogate.around(state.x, state.history, least=0.01, warm=None, seed=0)
    spread = float(np.std([t.value for t in study.trials if t.value is not None], ddof=1))
    assert surrogate.gp.yvar == pytest.approx(np.full(surrogate.n, (0.05 / spread) ** 2))
    study.tell(trials, [quadratic(vector(t)) for t in trials])  # from here on some noise is unknown, and inferred
    assert asked(study, phase(study)[0])["memo"]["gp"]["noise"] is not None


def test_the_process_has_the_150_nearest_trials() -> None:
    study = study_of()
    rng = np.random.default_rng(0)
    points = rng.random((300, D))
    for x in points:
        study.add({"x": x.tolist()}, quadratic(x))
    phase(study)
    trials = study.ask(1000)
    assert asked(study, trials[0])["memo"]["n"] == 150
    assert "150 trials" in study.explain(trials[0])


def test_after_ten_steps_without_progress_it_goes_back_to_the_best_iterate_with_half_the_rate() -> None:
    study = study_of(FZooS(active=2))
    phase(study)
    lowest = state_of(study).x
    for value in range(1, 11):  # nothing that follows is as good as the first
        trials = study.ask(1000)
        study.tell(trials, [float(value)] * len(trials))
    back = study.ask(1000)
    assert len(back) == 2  # the iterate itself has a value
    assert "back at the best iterate with a rate of 0.005" in study.explain(back[0])
    state = state_of(study)
    np.testing.assert_array_equal(state.x, lowest)
    assert state.rate == 0.005
    study.tell(back, [11.0, 11.0])
    trials = study.ask(1000)
    np.testing.assert_allclose(np.abs(vector(trials[0]) - lowest), 0.005)


# -- what the log brings in between -----------------------------------------------------------------------------------------------


def test_starts_at_the_best_point_known_without_running_it_again_and_waits_while_a_phase_is_out() -> None:
    study = study_of()
    study.add({"x": [0.2, 0.3, 0.6]}, -1.0)
    study.add({"x": [0.9, 0.9, 0.9]}, 1.0)
    trials = study.ask(100)
    assert len(trials) == 10
    assert all(np.all(np.abs(vector(t) - [0.2, 0.3, 0.6]) <= 0.01) for t in trials)
    study.tell(trials[1:], [0.0] * 9)
    with pytest.raises(bbo.Waiting):
        study.ask()
    fresh = study_of().ask(100)
    assert len(fresh) == 11
    assert fresh[0]["x"] == [0.5, 0.5, 0.5]


def test_trials_without_a_value_are_left_out() -> None:
    """However an active point ends without a value, the process is the same."""
    ends: list[Callable[[bbo.Study, bbo.Trial], object]] = [
        lambda s, t: s.fail(t, "exploded"),
        lambda s, t: s.abandon(t, "not worth it"),
    ]
    found = []
    for end in ends:
        study = study_of()
        *others, last = study.ask(100)
        study.tell(others, [quadratic(vector(t)) for t in others])
        end(study, last)
        found.append(asked(study, study.ask())["memo"])
    assert found[0] == found[1]
    assert found[0]["n"] == 10


def test_an_iterate_that_fails_is_a_step_too_far() -> None:
    study = study_of(FZooS(step=0.08))
    phase(study)
    before = np.full(D, 0.5)
    for _ in range(3):
        iterate, *active = study.ask(1000)
        x = vector(iterate)
        study.fail(iterate, "exploded")
        study.tell(active, [quadratic(vector(t)) for t in active])
        trials = study.ask(1000)
        np.testing.assert_allclose(vector(trials[0]), (before + x) / 2, rtol=1e-12)
        assert "halfway back" in study.explain(trials[0])
        study.tell(trials, [quadratic(vector(t)) for t in trials])
        before = vector(trials[0])
    steps = [t for t in study.trials if t.state == "failed"]
    assert len({tuple(t["x"]) for t in steps}) == 3


def test_where_the_first_iterate_fails_it_begins_at_the_best_that_did_not() -> None:
    study = study_of()
    iterate, *active = study.ask(1000)
    study.fail(iterate, "exploded")
    study.tell(active, [quadratic(vector(t)) for t in active])
    trials = study.ask(1000)
    assert len(trials) == 10  # around the best, which has a value
    np.testing.assert_array_equal(state_of(study).x, vector(min(active, key=lambda t: quadratic(vector(t)))))
    assert "begun anew" in study.explain(trials[0])


def test_where_all_fail_it_begins_anew_elsewhere() -> None:
    study, places = study_of(), []
    for _ in range(3):
        trials = study.ask(1000)
        assert len(trials) == 11
        places.append(vector(trials[0]))
        for trial in trials:
            study.fail(trial, "exploded")
    assert min(np.linalg.norm(a - b) for a, b in pairwise(places)) > 0.05


def test_where_the_model_fails_it_looks_around_the_same_iterate(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(FZooS(active=0))
    phase(study)

    def broken(*_: Any, **__: Any) -> None:
        raise ArithmeticError("no factor")

    with monkeypatch.context() as patched:
        patched.setattr(TrajectorySurrogate, "around", broken)
        (trial,) = phase(study)
    assert "points around the same iterate, since the model failed: ArithmeticError: no factor" in study.explain(trial)
    np.testing.assert_array_equal(state_of(study).x, np.full(D, 0.5))
    assert asked(study, trial)["role"] == "active query"
    assert asked(study, phase(study)[0])["memo"]["n"] == 12


def test_values_that_are_all_alike_lead_nowhere_and_do_no_harm() -> None:
    study = study_of(FZooS(active=0))
    for _ in range(4):
        assert phase(study, lambda x: 2.0)
    np.testing.assert_allclose(state_of(study).x, np.full(D, 0.5), atol=0.05)


def test_the_order_of_tells_changes_nothing_bit_for_bit() -> None:
    study = study_of()
    phase(study)
    trials = study.ask(100)
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": quadratic(vector(t))}}, trial=t.number) for t in trials]
    told[3] = Event("failed", {"attempt": 1, "reason": ""}, trial=trials[3].number)

    first = next_of([*log, *told])
    assert first.queries[0].ticket == (2, 0)
    assert next_of([*log, *told[::-1]]).queries == first.queries
    assert next_of([*log, *(told[k] for k in np.random.default_rng(0).permutation(len(told)))]).queries == first.queries


# -- what it refuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "arguments", "reason"),
    [
        ({"x": bbo.Float(0, 1), "i": bbo.Int(0, 9)}, {}, "'i' goes in steps"),
        ({"x": bbo.Float(0, 1), "c": bbo.Categorical(["a", "b"])}, {}, "'c' is a Categorical"),
        ({"x": bbo.Float(0, 1)}, {"objectives": {"a": "minimize", "b": "minimize"}}, "there are 2"),
        ({"x": bbo.Float(0, 1)}, {"outcome_constraints": ["heat <= 1"]}, "there is one on 'heat'"),
        ({"x": bbo.Float(0, 1)}, {"objectives": [bbo.Objective("a", feedback="ranking")]}, "told rankings"),
    ],
)
def test_refuses_with_the_reason(space: Any, arguments: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        study_of("fzoos", bbo.Space(space), **arguments)


def test_refuses_fixed_parts_in_every_phase() -> None:
    study = study_of()
    for _ in range(2):
        with pytest.raises(bbo.Unsupported, match="fzoos cannot honour fixed="):
            study.ask(fixed={"x": [0.5, 0.5, 0.5]})
        phase(study)


@pytest.mark.parametrize("settings", [{"step": 0}, {"step": 2}, {"radius": "1"}, {"active": -1}, {"active": 2.0}, {"active": 101}])
def test_refuses_settings_out_of_range(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        FZooS(**settings)
