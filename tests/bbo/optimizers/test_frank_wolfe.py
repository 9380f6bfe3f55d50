"""Frank-Wolfe through the log: steps equal to the formulas, points that stay inside, and what failures and orders of tells bring in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

import bbo
from acquisitions.domain import ConvexDomain
from acquisitions.domain.convex import ConvexSet
from bbo.log.events import Event
from bbo.optimizers.frank_wolfe import FrankWolfe, Walk, fitted
from bbo.storage import open_storage
from bbo.testing.optimizer import Case, check_mishaps, check_optimizer, check_order, check_pure, check_reproducible, check_resume
from bbo.zeroth_order.frank_wolfe import rates
from tests.bbo.optimizers.logs import next_of

Array = NDArray[np.float64]
D = 10
TARGET = np.array([2.0, 0.5, *[0.0] * (D - 2)])
BALL = bbo.Space({"w": bbo.Array(D, within=bbo.L1Ball(1))})
SMALL = bbo.Space({"w": bbo.Array(3, within=bbo.L1Ball(2))})
SETS: dict[str, ConvexSet] = {
    "box": bbo.Box([0, -1, 2, -3], [1, 3, 2, -1.5]),
    "simplex": bbo.StandardSimplex(2.5, shape=4),
    "l1": bbo.L1Ball(1.5, [1, -2, 0.5, 3]),
    "l2": bbo.L2Ball(1.5, [1, -2, 0.5, 3]),
    "linf": bbo.LInfBall(1.5, [1, -2, 0.5]),
    "polytope": bbo.Polytope([[1, 1, 1], [-1, 2, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1.0]], [2.5, 1, 0, 0, 0]),
    "polytope without interior": bbo.Polytope([[1, 1, 1], [-1, -1, -1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]], [2, -2, 0, 0, 0]),
    "nuclear": bbo.NuclearBall(2.0, shape=(3, 2)),
    "spectral": bbo.SpectralBall(2.0, shape=(3, 2)),
    "spectrahedron": bbo.Spectrahedron(3.0, shape=3),
    "product": bbo.Product([bbo.L1Ball(1, shape=3), bbo.StandardSimplex(2, shape=2), bbo.NuclearBall(1, shape=(2, 2))]),
}
ESTIMATORS = pytest.mark.parametrize("estimator", ["kwsa", "rdsa", "i_rdsa"])


def vector(params: Mapping[str, Any]) -> Array:
    """All entries of a point, one after another."""
    return np.concatenate([np.ravel(list(v.values()) if isinstance(v, dict) else v) for v in params.values()]).astype(float)


def distance(x: Array) -> float:
    return float(0.5 * ((x - TARGET) ** 2).sum())


def bowl(x: Array) -> float:
    return float((np.arange(1, len(x) + 1) * (x - 0.1) ** 2).sum())


def slope(x: Array) -> float:
    return float(x @ [-3.0, 1.0, 2.0])


def study_of(optimizer: Any, space: bbo.Space = SMALL, **arguments: Any) -> bbo.Study:
    return bbo.Study(space, optimizer=optimizer, **{"seed": 3, **arguments})


def state_of(study: bbo.Study) -> Walk:
    study.trials  # brings it up to date
    state: Walk = study._replica.state
    return state


def iterate_of(study: bbo.Study) -> Array:
    """The iterate, in native units."""
    state = state_of(study)
    assert state.iterate is not None
    return vector(study.space.decode(state.iterate.x[None, :])[0])


def phase(study: bbo.Study, f: Callable[[Array], float]) -> list[bbo.Trial]:
    """Ask for a whole phase and tell it."""
    trials = study.ask(1000)
    study.tell(trials, [f(vector(trial.params)) for trial in trials])
    return trials


def asked(study: bbo.Study, trial: bbo.Trial) -> dict[str, Any]:
    body: dict[str, Any] = next(e.body for e in study.storage.read(study.name) if e.kind == "asked" and e.trial == trial.number)
    return body


# -- the contract ---------------------------------------------------------------------------------------------------------------

KIT = {
    "within a ball": BALL,
    "mixture": bbo.Space({"mix": bbo.Simplex(["A", "B", "C"]), "T": bbo.Float(20, 80)}),
    "linear": bbo.Space({"x": bbo.Float(0, 4), "y": bbo.Float(0, 4), "z": bbo.Float(1, 9, log=True)}, constraints=["x + 2*y <= 4"]),
}


@ESTIMATORS
def test_keeps_the_contract(estimator: Any) -> None:
    assert check_optimizer(FrankWolfe(estimator), n=16) == ["box"]


@pytest.mark.parametrize("name", KIT)
def test_keeps_the_contract_on_other_sets(name: str) -> None:
    for check in (check_resume, check_pure, check_reproducible, check_order, check_mishaps):
        check(Case(name, KIT[name], {"gain": "maximize"}), FrankWolfe("kwsa", gap=0.05), n=16, seed=0, storage=open_storage(None))


def test_is_chosen_by_name_and_by_class() -> None:
    assert study_of("frank_wolfe").optimizer == FrankWolfe() == bbo.FrankWolfe()
    assert "frank_wolfe" in bbo.list_optimizers()


# -- steps ----------------------------------------------------------------------------------------------------------------------


def test_a_phase_of_kwsa_is_a_step_of_the_formulas() -> None:
    """Written down again in the units of the ball, whose diameter of 4 is what distances are measured in."""
    study, x, d = study_of(FrankWolfe("kwsa", distance=0.1)), np.zeros(3), np.zeros(3)
    for t in range(6):
        trials = phase(study, bowl)
        points = np.array([vector(trial.params) for trial in trials])
        at = rates("kwsa", t, d=3)
        moves = points[1:] - points[0]
        np.testing.assert_allclose(np.abs(moves), 4 * 0.1 * at.c * np.eye(3), rtol=0, atol=1e-12)
        g = np.diag([(bowl(p) - bowl(points[0])) / m.sum() for p, m in zip(points[1:], moves, strict=True)]).sum(axis=0)
        d = (1 - at.rho) * d + at.rho * g
        i = int(np.argmax(np.abs(d)))
        v = -2 * np.sign(d[i]) * np.eye(3)[i]
        assert state_of(study).iterate.gap == pytest.approx(d @ (x - v), rel=1e-6)  # type: ignore[union-attr]
        x = x + 2 / (t + 8) * (v - x)
        np.testing.assert_allclose(iterate_of(study), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("settings", "m"), [(FrankWolfe("rdsa"), 1), (FrankWolfe("i_rdsa", directions=3), 3), (FrankWolfe("i_rdsa"), 4)])
def test_a_phase_of_random_directions_averages_them(settings: FrankWolfe, m: int) -> None:
    study = study_of(settings)
    trials = phase(study, slope)
    assert len(trials) == m + 1
    at = rates(settings.estimator, 0, d=3, m=m)
    u = (np.array([vector(t.params) for t in trials[1:]]) - vector(trials[0].params)) / (4 * 0.01 * at.c)
    g = np.mean([slope(z) * z for z in u], axis=0)
    iterate = state_of(study).iterate
    assert iterate is not None
    np.testing.assert_allclose(iterate.average, at.rho * 4 * g, rtol=1e-9)  # 4 native units make one of the cube
    again = np.array([vector(t.params) for t in phase(study, slope)])
    assert np.linalg.matrix_rank(np.concatenate([u, again[1:] - again[0]]), tol=1e-6) == min(3, 2 * m)


def test_comes_as_near_on_the_l1_ball_as_its_steps_allow() -> None:
    """Every step goes to the right vertex: 3.7e-3 after 100, as in the formulas alone."""
    study = study_of(FrankWolfe("kwsa"), BALL)
    while state_of(study).steps < 100:
        assert all(np.abs(vector(t.params)).sum() <= 1 + 1e-12 for t in phase(study, distance))
    delta = 42 / (106 * 107)
    assert distance(iterate_of(study)) - 0.625 == pytest.approx(delta + delta**2 / 2, rel=1e-9)
    assert len(study.trials) == 1100
    assert "After 100 steps the averaged Frank-Wolfe gap is 0.00379; it stands at {'w': [0.996" in study.explain()


@ESTIMATORS
@pytest.mark.parametrize("name", SETS)
def test_every_set_is_searched_and_never_left(name: str, estimator: Any) -> None:
    convex, rng = SETS[name], np.random.default_rng(4)
    target = convex.lmo(rng.standard_normal(np.shape(convex.interior_point))).reshape(-1)
    study = study_of(FrankWolfe(estimator, distance=1.0), bbo.Space({"w": bbo.Array(convex.shape, within=convex)}))  # type: ignore[arg-type]

    def off(x: Array) -> float:
        return float(((x - target) ** 2).sum())

    first = off(vector(phase(study, off)[0].params))
    for _ in range(60 if estimator == "rdsa" else 25):
        phase(study, off)
    assert convex.contains([trial.params["w"] for trial in study.trials], 1e-11).all()
    assert off(iterate_of(study)) < 0.25 * first


def test_directions_lie_in_the_plane_of_the_set() -> None:
    """A mixture of three has two dimensions: phases of 2 + 1, and slopes across the plane make no difference."""
    space = bbo.Space({"mix": bbo.Simplex(["A", "B", "C"], total=100)})

    def points(across: float) -> list[Any]:
        study = study_of(FrankWolfe("kwsa"), space)
        for _ in range(4):
            assert len(phase(study, lambda x: bowl(x / 100) + across * (x.sum() - 100))) == 3
        return [vector(trial.params) for trial in study.trials]

    np.testing.assert_allclose(points(0.0), points(1e3), rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.sum(points(0.0), axis=1), 100, rtol=1e-14)


@ESTIMATORS
def test_linear_constraints_are_a_polytope_that_is_searched_to_its_vertex(estimator: Any) -> None:
    constraints = ["x + 2*y <= 4", "mix.A + 0.2*x <= 0.9", "y >= 0.1*x"]
    parts = {"x": bbo.Float(0, 4), "w": bbo.Array(2, within=bbo.L2Ball(1)), "y": bbo.Float(0, 4), "mix": bbo.Simplex(["A", "B"])}
    space, cost = bbo.Space(parts, constraints=constraints), np.array([-1.0, 3.0, -4.0, -0.5, -2.0, 0.0])
    study = study_of(FrankWolfe(estimator), space)
    while state_of(study).steps < 80:
        assert all(space.contains(t.params) for t in phase(study, lambda x: float(cost @ x)))
    A = [[1, 2, 0, 0], [0.2, 0, 1, 0], [0.1, -1, 0, 0]]
    least = (
        linprog([-1, -0.5, -2, 0], A_ub=A, b_ub=[4, 0.9, 0], A_eq=[[0, 0, 1, 1]], b_eq=[1], bounds=[(0, 4), (0, 4), (0, 1), (0, 1)]).fun - 5
    )
    at_first = cost @ vector(study.trials[0].params)
    assert least - 1e-9 <= cost @ iterate_of(study) < least + (0.01 if estimator == "kwsa" else 0.5) * (at_first - least)


def test_units_of_the_objective_and_of_the_set_do_not_matter() -> None:
    wide = bbo.Space({"w": bbo.Array(3, within=bbo.L1Ball(16, [8, -8, 1]))})
    first, second = study_of(FrankWolfe("i_rdsa")), study_of(FrankWolfe("i_rdsa"), wide, objectives={"gain": "maximize"})
    for _ in range(6):
        phase(first, bowl)
        phase(second, lambda x: -1024 * bowl((x - [8, -8, 1]) / 8))
    np.testing.assert_allclose((iterate_of(second) - [8, -8, 1]) / 8, iterate_of(first), rtol=0, atol=1e-9)


def test_all_points_of_a_phase_share_their_random_numbers_and_common_noise_changes_nothing() -> None:
    still, noisy = study_of("frank_wolfe"), study_of("frank_wolfe")
    seeds = set()
    for _ in range(5):
        phase(still, bowl)
        trials = noisy.ask(1000)
        assert len({trial.seed for trial in trials}) == 1
        seeds.add(trials[0].seed)
        noisy.tell(trials, [bowl(vector(t.params)) + np.random.default_rng(t.seed).normal() for t in trials])
    assert len(seeds) == 5
    np.testing.assert_allclose(iterate_of(noisy), iterate_of(still), rtol=0, atol=1e-6)
    assert [asked(still, trial)["role"] for trial in still.trials[:4]] == ["base", *["direction"] * 3]


def test_a_random_function_is_minimized_in_the_mean() -> None:
    """A random tilt for each step, of a standard deviation of 0.3 along each axis: the slopes at the minimum differ by 0.5 and more."""
    study = study_of(FrankWolfe("kwsa"), BALL)
    while state_of(study).steps < 60:
        trials = study.ask(1000)
        tilt = 0.3 * np.random.default_rng(trials[0].seed).standard_normal(D)
        study.tell(trials, [distance(x) + float(tilt @ x) for x in (vector(t.params) for t in trials)])
    assert distance(iterate_of(study)) - 0.625 < 0.1


def test_distances_fall_no_lower_than_the_least() -> None:
    study = study_of(FrankWolfe("kwsa", distance=0.4, least_distance=0.2))
    for t in range(30):
        points = np.array([vector(trial.params) for trial in phase(study, bowl)])
        wanted = 4 * max(0.4 * rates("kwsa", t, d=3).c, 0.2)
        assert np.linalg.norm(points[1:] - points[0], axis=1) == pytest.approx(np.full(3, wanted), rel=1e-9)
    assert 0.4 * rates("kwsa", 0, d=3).c > 0.2 > 0.4 * rates("kwsa", 29, d=3).c


def test_distances_are_those_of_the_paper_where_the_objective_is_noisy() -> None:
    for sd, factor, least in ((None, 0.01, 0.0), (0.0, 0.01, 0.0), (0.3, 1.0, 0.1)):
        study = study_of("frank_wolfe", BALL, objectives=[bbo.Objective("loss", sd=sd)])
        assert study.optimizer.distances(study._problem) == (factor, least)  # type: ignore[attr-defined]
        points = np.array([vector(trial.params) for trial in study.ask(D + 1)])
        assert np.linalg.norm(points[1:] - points[0], axis=1) == pytest.approx(np.full(D, 2 * factor * rates("kwsa", 0, d=D).c), rel=1e-9)


def test_noise_of_each_trial_is_overcome_where_it_is_stated() -> None:
    """What 660 evaluations with noise of 0.1 leave of what is to be gained."""

    def left(sd: float | None) -> float:
        study, rng = study_of("frank_wolfe", BALL, objectives=[bbo.Objective("loss", sd=sd)]), np.random.default_rng(5)
        while len(study.trials) < 660:
            phase(study, lambda x: distance(x) + 0.1 * rng.standard_normal())
        return (distance(iterate_of(study)) - 0.625) / (distance(np.zeros(D)) - 0.625)

    assert left(0.1) < 0.02
    assert left(None) > 0.3


# -- points that fit ------------------------------------------------------------------------------------------------------------


def test_a_direction_that_leaves_the_set_is_reversed() -> None:
    box = ConvexDomain.of(bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}).cube)
    x = np.array([1.0, 0.05])
    base, u, c = fitted(box, x, np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [-1.0, 0.5]]), 0.1)
    np.testing.assert_array_equal(base, x)
    assert c == 0.1
    np.testing.assert_array_equal(u, [[-1, 0], [0, 1], [0, 1], [-1, 0.5]])


def test_the_base_point_is_drawn_inside_as_little_as_it_takes() -> None:
    """From a vertex of the l1 ball of diameter one: along another axis there is room c at ``0.5 - c`` from the centre."""
    ball, x = ConvexDomain.of(BALL.cube), np.full(D, 0.5)
    x[0] = 1.0
    base, u, c = fitted(ball, x, np.eye(D), 0.1)
    assert c == 0.1
    np.testing.assert_allclose(base - 0.5, 0.4 * np.eye(D)[0], rtol=0, atol=1e-6)
    assert ball.contains(base + c * u, 1e-12).all()
    assert u[0, 0] == 1


def test_a_distance_that_is_too_long_for_the_set_is_halved() -> None:
    ball = ConvexDomain.of(BALL.cube)
    base, u, c = fitted(ball, np.full(D, 0.5), 0.9 * np.eye(D), 1.0)
    np.testing.assert_array_equal(base, np.full(D, 0.5))
    assert c == 0.5
    assert ball.contains(base + c * u).all()


# -- what the log brings in between -----------------------------------------------------------------------------------------------


def test_directions_without_a_result_are_left_out() -> None:
    study = study_of(FrankWolfe("i_rdsa", directions=5))
    trials = study.ask(6)
    points = [vector(trial.params) for trial in trials]
    for k, trial in enumerate(trials):
        if k == 1:
            study.fail(trial, "exploded")
        elif k == 2:
            study.abandon(trial, "not worth it")
        elif k == 3:
            study.tell(trial, 1e6, params={"w": [0.3, 0.2, 0.1]})
        else:
            study.tell(trial, slope(points[k]))
    at = rates("i_rdsa", 0, d=3, m=5)
    u = (np.array(points[4:]) - points[0]) / (4 * 0.01 * at.c)
    iterate = state_of(study).iterate
    assert iterate is not None
    np.testing.assert_allclose(iterate.average, at.rho * 4 * np.mean([slope(z) * z for z in u], axis=0), rtol=1e-9)


def test_a_phase_without_any_direction_is_drawn_anew() -> None:
    study = study_of(FrankWolfe("i_rdsa"))
    first = study.ask(5)
    study.tell(first[0], 1.0)
    for trial in first[1:]:
        study.fail(trial)
    assert state_of(study).steps == 0
    trials = study.ask(5)
    assert "none of those before had a result" in study.explain(trials[0])
    assert trials[0].params == first[0].params
    assert not {str(t.params) for t in trials[1:]} & {str(t.params) for t in first}
    assert trials[0].seed != first[0].seed


def test_coordinates_without_a_result_are_asked_again_half_as_far_away() -> None:
    study = study_of(FrankWolfe("kwsa"))
    trials = study.ask(4)
    points = [vector(trial.params) for trial in trials]
    study.tell([trials[k] for k in (0, 1, 3)], [slope(points[k]) for k in (0, 1, 3)])
    study.fail(trials[2], "exploded")
    (again,) = study.ask(5)
    assert again.seed == trials[0].seed
    assert asked(study, again)["ticket"] == [1, 2]
    np.testing.assert_allclose(vector(again.params), (points[0] + points[2]) / 2, rtol=0, atol=1e-12)
    study.tell(again, slope(vector(again.params)))
    np.testing.assert_allclose(state_of(study).iterate.average, 4 * np.array([-3, 1, 2]), rtol=1e-9)  # type: ignore[union-attr]


def test_coordinates_that_never_have_a_result_keep_the_slope_of_the_average() -> None:
    study = study_of(FrankWolfe("kwsa"))
    phase(study, slope)
    trials = study.ask(4)
    study.tell([trials[k] for k in (0, 1, 3)], [2 * slope(vector(trials[k].params)) for k in (0, 1, 3)])
    study.fail(trials[2])
    for _ in range(3):
        (again,) = study.ask(5)
        study.fail(again)
    rho = rates("kwsa", 1, d=3).rho
    state = state_of(study)
    assert state.steps == 2
    np.testing.assert_allclose(state.iterate.average, 4 * np.array([-3, 1, 2]) * [1 + rho, 1, 1 + rho], rtol=1e-9)  # type: ignore[union-attr]
    assert len(study.ask(5)) == 4


def test_a_base_point_without_a_result_draws_the_iterate_back() -> None:
    study = study_of(FrankWolfe("kwsa"))
    worked = vector(phase(study, slope)[0].params)
    x = iterate_of(study)
    for _ in range(2):
        trials = study.ask(4)
        study.fail(trials[0], "exploded")
        study.tell(trials[1:], [1.0, 2.0, 3.0])
        x = (x + worked) / 2
        np.testing.assert_allclose(iterate_of(study), x, rtol=0, atol=1e-12)
    assert state_of(study).steps == 1
    assert "half of the way back" in study.explain(study.ask(4)[0])


def test_a_start_without_a_result_is_left_for_a_random_point() -> None:
    study = study_of(FrankWolfe("kwsa"))
    for trial in study.ask(4):
        study.fail(trial)
    trials = study.ask(4)
    assert "begins anew" in study.explain(trials[0])
    assert np.abs(vector(trials[0].params)).max() > 0.01
    assert SMALL.contains(trials[0].params)


@ESTIMATORS
def test_values_whose_differences_overflow_are_failures(estimator: Any) -> None:
    """As with a penalty of the largest float, at base points and beside them."""

    def points(give_up: Callable[[bbo.Study, bbo.Trial], None]) -> list[Any]:
        study = study_of(FrankWolfe(estimator))
        for number in range(40):
            trial = study.ask()
            if number % 9 in (3, 4):
                give_up(study, trial)
            else:
                study.tell(trial, slope(vector(trial.params)))
        assert state_of(study).steps > 3
        return [trial.params for trial in study.trials]

    most = float(np.finfo(float).max)
    assert points(lambda study, trial: study.tell(trial, most)) == points(lambda study, trial: study.fail(trial))


def test_starts_at_the_best_point_known_and_else_at_the_centre() -> None:
    study = study_of("frank_wolfe")
    study.add({"w": [0.2, 0.3, -0.6]}, -1.0)
    study.add({"w": [0.0, 0.0, 1.0]}, 1.0)
    np.testing.assert_allclose(vector(study.ask().params), [0.2, 0.3, -0.6], rtol=0, atol=1e-12)
    simplex = bbo.Space({"mix": bbo.Simplex(["A", "B", "C", "D"])})
    np.testing.assert_allclose(vector(study_of("frank_wolfe", simplex).ask().params), 0.25, rtol=0, atol=1e-12)


ROUGH = {  # points that a user has rounded, within what a space lets pass
    "equality": (
        bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(-1, 1)}, constraints=["x + y == 0.5"]),
        {"x": 0.2 + 1e-11, "y": 0.3},
    ),
    "simplex": (bbo.Space({"w": bbo.Array(3, within=bbo.StandardSimplex(1))}), {"w": [1 / 3 + 4e-10, 1 / 3, 1 / 3]}),
    "spectrahedron": (bbo.Space({"w": bbo.Array((2, 2), within=bbo.Spectrahedron(1))}), {"w": [[0.5, 0.1], [0.1, 0.5 + 4e-10]]}),
}


@ESTIMATORS
@pytest.mark.parametrize("name", ROUGH)
def test_begins_at_points_that_keep_equalities_but_roughly(name: str, estimator: Any) -> None:
    """No direction along the set fits there, however short; it used to look for one without end."""
    space, params = ROUGH[name]
    study = study_of(FrankWolfe(estimator), space)
    study.add(params, -1.0)
    first = phase(study, bowl)
    np.testing.assert_allclose(vector(first[0].params), vector(params), rtol=0, atol=1e-9)
    for _ in range(3):
        phase(study, bowl)
    body = ConvexDomain.of(space.cube)
    assert body.contains(space.encode([t.params for t in study.trials[1:]]), 1e-11).all()


def test_waits_while_a_phase_is_out_and_the_order_of_tells_changes_nothing_bit_for_bit() -> None:
    study = study_of(FrankWolfe("kwsa"), BALL)
    phase(study, distance)
    trials = study.ask(100)
    assert len(trials) == D + 1
    with pytest.raises(bbo.Waiting):
        study.ask()
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": distance(vector(t.params))}}, trial=t.number) for t in trials]
    told[3] = Event("failed", {"attempt": 1, "reason": ""}, trial=trials[3].number)

    first = next_of([*log, *told])
    assert [query.ticket for query in first.queries] == [(2, 3)]
    assert next_of([*log, *told[::-1]]).queries == first.queries
    assert next_of([*log, *(told[k] for k in np.random.default_rng(0).permutation(len(told)))]).queries == first.queries
    assert next_of([*log, *told[:-1]]).status == "waiting"


# -- the end --------------------------------------------------------------------------------------------------------------------


@ESTIMATORS
def test_ends_with_the_iterate_itself_once_the_gap_is_small(estimator: Any) -> None:
    study = study_of(FrankWolfe(estimator, gap=0.05), BALL)
    study.optimize(lambda trial: distance(vector(trial.params)), n_trials=5000)
    assert 20 < len(study.trials) < 5000
    with pytest.raises(bbo.Exhausted, match=r"nothing left to hand out: the averaged Frank-Wolfe gap is 0\.0\d+ after \d+ steps"):
        study.ask()
    last = study.trials[-1]
    assert asked(study, last)["role"] == "iterate"
    np.testing.assert_allclose(vector(last.params), iterate_of(study), rtol=0, atol=1e-12)
    assert distance(vector(last.params)) - 0.625 < 0.1  # the gap is an estimate
    study.configure(optimizer=FrankWolfe(estimator))
    assert study.ask() is not None


def test_does_not_end_before_as_many_directions_as_dimensions_were_seen() -> None:
    """A constant function has no gap at all, and says so from the first phase on."""
    study = study_of(FrankWolfe("i_rdsa", directions=4, gap=0.0), BALL)
    for _ in range(3):
        assert len(phase(study, lambda x: 1.0)) == 5
    assert len(phase(study, lambda x: 1.0)) == 1
    with pytest.raises(bbo.Exhausted):
        study.ask()


# -- what it refuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "arguments", "reason"),
    [
        ({"x": bbo.Float(0, 1), "i": bbo.Int(0, 9)}, {}, "i goes in steps"),
        ({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1, when="x > 0.5")}, {}, "conditional"),
        ({"m": bbo.Simplex(["A", "B", "C"], max_nonzero=2)}, {}, "few components"),
        ({"x": bbo.Float(0, 1), "t": bbo.Task(["a", "b"])}, {}, "'t' is a task parameter"),
        ({"f": bbo.Fixed(1)}, {}, "nothing to search"),
        ({"w": bbo.Array(1, within=bbo.StandardSimplex(1))}, {}, "nothing to search"),
        ({"x": bbo.Float(0, 1)}, {"objectives": {"a": "minimize", "b": "minimize"}}, "there are 2"),
        ({"x": bbo.Float(0, 1)}, {"outcome_constraints": ["heat <= 1"]}, "there is one on 'heat'"),
        ({"x": bbo.Float(0, 1)}, {"objectives": [bbo.Objective("a", feedback="ranking")]}, "told rankings"),
    ],
)
def test_refuses_with_the_reason(space: Any, arguments: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        study_of("frank_wolfe", bbo.Space(space), **arguments)


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [("x * y <= 0.5", "is not linear"), ("x + y < 1", "write <= or >="), ("x <= 0.8 and y > 0.2", "write <= or >=")],
)
def test_refuses_constraints_that_it_cannot_keep(constraint: str, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        study_of("frank_wolfe", bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=[constraint]))


def test_a_constraint_on_constants_alone_is_none() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "f": bbo.Fixed(2)}, constraints=["f < 3"])
    assert study_of("frank_wolfe", space).ask().params == {"x": 0.5, "f": 2}


def test_refuses_fixed_parts() -> None:
    with pytest.raises(bbo.Unsupported, match="frank_wolfe cannot honour fixed="):
        study_of("frank_wolfe", bbo.Space({"x": bbo.Float(0, 1)})).ask(fixed={"x": 0.5})


@pytest.mark.parametrize(
    "settings",
    [
        {"estimator": "spsa"},
        {"directions": 0, "estimator": "i_rdsa"},
        {"directions": 2.0, "estimator": "i_rdsa"},
        {"directions": 3},
        {"distance": 0},
        {"distance": math.nan},
        {"least_distance": 0.6},
        {"gap": -1.0},
        {"gap": True},
    ],
)
def test_refuses_settings_out_of_range(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        FrankWolfe(**settings)
