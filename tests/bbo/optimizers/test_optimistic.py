"""CONFIG, EPBO and primal-dual: the auxiliary problem against grids, declarations and their end, multipliers by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import bbo
from acquisitions import LeastViolation, OptimisticConstraints, OutcomeConstraint, UpperConfidenceBound, maximize
from bbo.optimizers.auxiliary import current, information, widths
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.optimistic import Optimistic
from bbo.optimizers.search import SETTINGS
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Target, anchored
from bbo.replay import reproduce
from surrogates.exact_gp import Settings, fit
from surrogates.exact_gp.transforms import Standardise
from tests.bbo.optimizers.modelled import BOX, TREE, propose

CONFIG, EPBO, PrimalDual = (cls(n_initial=2) for cls in (bbo.CONFIG, bbo.EPBO, bbo.PrimalDual))
METHODS = (CONFIG, EPBO, PrimalDual)


def outcomes(p: Mapping[str, Any]) -> dict[str, float]:
    """The objective falls to the right, and the constraint holds on two islands."""
    return {"f": -p["x"] + p["y"] ** 2, "c": float(np.cos(p["x"] / 2) + p["y"] ** 2)}


def filled(optimizer: Optimistic, *, n: int = 8, bound: str = "c <= -0.5", f: Any = outcomes, space: bbo.Space = BOX) -> bbo.Study:
    study = bbo.Study(space, {"f": "minimize"}, outcome_constraints=[bound] if bound else [], optimizer=optimizer, seed=4)
    for point in space.sobol(n, seed=1):
        study.add(point, {name: value for name, value in f(point).items() if bound or name == "f"})
    return study


def surrogate_of(study: bbo.Study) -> Surrogate:
    model = study._replica.optimizer.model(study._replica.state)
    assert model is not None
    return model.surrogate  # type: ignore[no-any-return]


def score_and_bounds(study: bbo.Study, beta: float) -> tuple[UpperConfidenceBound, OptimisticConstraints]:
    surrogate = surrogate_of(study)
    return UpperConfidenceBound(surrogate.gps[0], beta**2), OptimisticConstraints(
        surrogate.constraints, (beta,) * len(surrogate.constraints)
    )


def note(study: bbo.Study) -> str:
    return str(study.storage.read(study.name)[-1].body["note"])


GRID = np.stack(np.meshgrid(np.linspace(0, 1, 301), np.linspace(0, 1, 301)), axis=-1).reshape(-1, 2)


# -- CONFIG ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("n", [8, 20])
def test_proposals_solve_the_auxiliary_problem(beta: float, n: int) -> None:
    """As well as a grid of 90,601 points does; with a width of zero it is the best mean where means are feasible."""
    study = filled(bbo.CONFIG(beta=beta, n_initial=2), n=n)
    (query,) = propose(study).queries
    objective, bounds = score_and_bounds(study, beta)
    allowed = (bounds.value(GRID) <= 0).all(axis=1)
    assert 0 < allowed.sum() < len(GRID)
    x = BOX.encode([query.params])
    assert bounds.value(x).max() <= 1e-9
    best = objective.value(GRID[allowed]).max()
    assert best - 1e-4 <= objective.value(x)[0] < best + 0.05


def test_without_constraints_it_is_the_lower_confidence_bound() -> None:
    for optimizer in METHODS:
        study = filled(optimizer, bound="")
        (query,) = propose(study).queries
        objective, _ = score_and_bounds(study, 3.0)
        assert objective.value(BOX.encode([query.params]))[0] >= objective.value(GRID).max() - 1e-4


def test_comes_near_the_optimum_of_a_problem_with_two_feasible_islands() -> None:
    """By regret and violation together, the measure of its paper: it comes from where the constraint is just broken."""
    problem = bbo.problems.get("gkxwc2")
    study = problem.study(optimizer="config", seed=0)
    study.optimize(problem, n_trials=30, progress=False)
    assert problem.optimum is not None
    best = problem.optimum.value
    assert min(max(t.outcomes["value"] - best, 0.0) + max(t.outcomes["g"], 0.0) for t in study.trials) < 0.01


def test_declares_what_is_infeasible_and_takes_it_back() -> None:
    """By hand: c >= y^2 - 1 > -1.2. A later measurement shows that it was wrong."""
    study = filled(CONFIG, n=12, bound="c <= -1.2")
    for _ in range(6):
        study.tell(trial := study.ask(), outcomes(trial.params))
    study.tell(trial := study.ask(), outcomes(trial.params))
    asked = study.storage.read(study.name)[-2].body["note"]
    assert asked.startswith(
        "declared infeasible: within 3 standard deviations of the models' means no point keeps c <= -1.2 (there c is -1"
    )
    assert trial.params["x"] == pytest.approx(2 * np.pi, abs=0.3) and abs(trial.params["y"]) < 0.1  # least violation
    assert "Declared infeasible as the data stand: within 3 standard deviations" in study.explain()
    study.add({"x": 0.5, "y": 0.9}, {"f": 1.0, "c": -1.5})
    assert "as the data stand" not in study.explain()
    study.ask()
    assert note(study).startswith("lower confidence bound, where those of the constraints allow it")


def test_constraints_that_exclude_each_other_are_both_named() -> None:
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["a <= 3", "b >= 7"], optimizer=CONFIG, seed=1)
    for point in BOX.sobol(12, seed=1):
        study.add(point, {"f": point["y"], "a": point["x"], "b": point["x"]})
    remark = CONFIG.remark(study._replica.state)
    assert "no point keeps a <= 3 (there a is " in remark and " and keeps b >= 7 (there b is " in remark


def test_a_kink_is_no_infeasible_problem() -> None:
    """Where several bounds meet, climbs of the worst one alone end on the wrong side of zero."""
    problem = bbo.problems.get("heat_exchanger")
    study = problem.study(optimizer=bbo.CONFIG(beta=0.3), seed=2)
    for point in problem.space.sobol(30, seed=2):
        study.add(point, problem.evaluate(point))
    with one_thread():
        auxiliary = current(study._replica.state, surrogate_of(study), (0.3,) * 7)
        tightened = [OutcomeConstraint(c.gp, upper=c.upper - 0.06) for c in auxiliary.bounds.constraints if c.upper is not None]
        bounds = OptimisticConstraints(tightened, (0.3,) * 6)
        plain = maximize(LeastViolation(bounds), problem.space.cube, rng=np.random.default_rng(0), settings=SETTINGS)
        points, value = auxiliary._nearest(bounds)
    assert plain.value < -0.02
    assert value >= 0 and bounds.value(points[:1]).max() <= 0


def test_no_declaration_while_a_feasible_point_is_known() -> None:
    """And each proposal keeps every optimistic bound: of the models as they are when it is asked for."""
    study = filled(CONFIG, n=4)
    study.add({"x": 2 * np.pi, "y": 0.0}, outcomes({"x": 2 * np.pi, "y": 0.0}))
    for _ in range(8):
        trial = study.ask()
        assert "declared" not in note(study) and "failed" not in note(study)
        study.tell(trial, outcomes(trial.params))


def test_nothing_to_remark_before_there_is_a_model() -> None:
    study = filled(CONFIG, n=1)
    assert CONFIG.remark(study._replica.state) == ""


def test_where_only_the_fixed_part_is_hopeless_nothing_is_declared() -> None:
    study = filled(CONFIG, n=25)
    proposal = propose(study, fixed={"y": 1.0})  # c >= 1 + cos >= 0 there
    assert proposal.queries[0].params["y"] == 1.0
    assert proposal.note.startswith("least violation, since no point is left that may be feasible")


def test_running_trials_do_not_make_a_problem_infeasible() -> None:
    """A batch fills the region that may be feasible; what is declared rests on results."""
    study = filled(CONFIG, n=12, bound="c <= -0.99")
    objective, bounds = score_and_bounds(study, 3.0)
    assert (bounds.value(GRID) <= 0).any()
    proposal = propose(study, n=10)
    assert "declared" not in proposal.note
    X = BOX.encode([query.params for query in proposal.queries])
    assert min(np.linalg.norm(X[i] - X[j]) for i in range(10) for j in range(i)) > 1e-4


def test_where_a_failure_is_likelier_than_not_nothing_is_proposed() -> None:
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c <= 0"], optimizer=bbo.CONFIG(n_initial=6), seed=1)
    for _ in range(16):
        trial = study.ask()
        if trial.params["x"] > 6:
            study.fail(trial, "exploded")
        else:
            study.tell(trial, {"f": -trial.params["x"], "c": -1.0 - trial.params["y"] ** 2})
    assert sum(trial.params["x"] > 7 for trial in study.trials[6:]) <= 4
    assert 5.5 < study.best_params["x"] <= 6
    assert "Declared" not in study.explain()


# -- the comparators ------------------------------------------------------------------------------------------------------------


def test_a_large_exact_penalty_is_config_and_none_is_the_bare_bound() -> None:
    small = {"beta": 0.5, "n_initial": 2}
    config, large, none = (
        filled(optimizer, n=20) for optimizer in (bbo.CONFIG(**small), bbo.EPBO(**small, penalty=1e3), bbo.EPBO(**small, penalty=0.0))
    )
    (first,), (second,) = propose(config).queries, propose(large).queries
    objective, bounds = score_and_bounds(config, 0.5)
    x, z = BOX.encode([first.params]), BOX.encode([second.params])
    assert objective.value(z)[0] == pytest.approx(objective.value(x)[0], abs=1e-3)
    assert bounds.value(z).max() < 1e-5
    (third,) = propose(none).queries
    assert objective.value(BOX.encode([third.params]))[0] >= objective.value(GRID).max() - 1e-4
    assert bounds.value(BOX.encode([third.params])).max() > 0.01


def test_the_multipliers_follow_what_was_violated() -> None:
    gp = fit(np.zeros((1, 1)), np.zeros(1))
    targets = [
        Target("f", np.zeros((4, 1)), np.zeros(4)),
        Target("a", np.zeros((4, 1)), np.array([-2.0, 0.5, 0.25, 1.0]), upper=0.0),
        Target("b", np.zeros((4, 1)), np.array([-2.0, 0.5, 0.25, 1.0]), lower=-1.0, upper=0.75),
    ]
    # from one on, steps of 2: a: 1 - 4 -> 0, 1, 1.5, 3.5; b's lower: 1 + 2 = 3, 0, 0, 0; its upper: 0, 0, 0, 0.5
    assert bbo.PrimalDual(eta=2.0).multipliers(Surrogate(tuple(targets), (gp,) * 3)) == (3.5, 0.0, 0.5)


def test_primal_dual_solves_its_lagrangian() -> None:
    study = filled(PrimalDual, n=10)
    (query,) = propose(study).queries
    objective, bounds = score_and_bounds(study, 3.0)
    (multiplier,) = PrimalDual.multipliers(surrogate_of(study))
    assert multiplier > 0

    def value(X: Any) -> Any:
        return objective.value(X) - multiplier * bounds.value(X)[:, 0]

    assert value(BOX.encode([query.params]))[0] >= value(GRID).max() - 1e-4


# -- what they share ------------------------------------------------------------------------------------------------------------


def test_a_constraint_is_measured_from_its_bound() -> None:
    y = np.array([4.0, 6.0, 8.0])
    standard = Standardise.fit(-y)
    low = Target("c", np.zeros((3, 1)), standard.forward(-y), np.full(3, 0.01), -1.0, standard, upper=float(standard.forward(-3.0)))
    made = anchored(low)
    size = np.sqrt((1 + 9 + 25) / 3)
    np.testing.assert_allclose(made.y, np.array([-1.0, -3.0, -5.0]) / size, rtol=1e-12)
    assert made.upper == 0.0 and made.lower is None and made.anchored
    mean, sd = made.native(made.y, made.variance)  # type: ignore[arg-type]
    np.testing.assert_allclose(mean, y)
    np.testing.assert_allclose(sd, 0.1 * standard.scale)
    both = anchored(Target("c", np.zeros((2, 1)), np.array([1.0, 5.0]), lower=2.0, upper=4.0))
    np.testing.assert_allclose([both.lower, both.upper, *both.y], np.array([-1.0, 1.0, -2.0, 2.0]) / 2.0)
    exact = anchored(Target("c", np.zeros((2, 1)), np.array([3.0, 3.0]), upper=3.0))
    assert exact.y.tolist() == [0.0, 0.0]


def test_far_from_all_violations_a_constraint_stands_at_its_bound() -> None:
    """With a mean fitted to data that are all violated, what is far away would look as hopeless as these."""
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c <= 0"], optimizer=CONFIG, seed=1)
    for x in np.linspace(0.0, 0.5, 6):
        study.add({"x": float(x), "y": 0.0}, {"f": 0.0, "c": 5.0 + float(np.sin(40 * x))})
    (constraint,), far = surrogate_of(study).constraints, np.array([[1.0, 0.5]])
    mean, variance = constraint.gp.predict(far)
    assert mean[0] < 0.5 and mean[0] - 2 * np.sqrt(variance[0]) < 0
    (usual,) = bbo.Bayes().model(study._replica.state).surrogate.constraints  # type: ignore[union-attr]
    mean, variance = usual.gp.predict(far)
    assert mean[0] - 2 * np.sqrt(variance[0]) > usual.upper


def test_a_mean_of_zero_has_the_evidence_of_its_normal_distribution() -> None:
    X, y = np.linspace(0, 1, 7)[:, None], np.array([3.0, 2.5, 2.0, 2.2, 2.4, 3.0, 3.1])
    gp = fit(X, y, settings=Settings(mean="zero"))
    K = gp.L @ gp.L.T
    assert gp.log_marginal_likelihood == pytest.approx(float(multivariate_normal.logpdf(y, np.zeros(7), K)), rel=1e-9)
    assert abs(gp.weights[0]) < 1e-9
    assert fit(X, y, settings=Settings(mean="constant")).weights[0] > 0.5


def test_what_the_data_tell_and_how_wide_intervals_become() -> None:
    X, y = np.random.default_rng(0).random((9, 2)), np.random.default_rng(1).standard_normal(9)
    inferred, known = fit(X, y), fit(X, y, np.linspace(0.1, 0.5, 9))
    for gp, noise in ((inferred, np.full(9, inferred.noise)), (known, np.linspace(0.1, 0.5, 9))):
        K = gp.L @ gp.L.T - np.diag(noise)
        expected = 0.5 * np.linalg.slogdet(np.eye(9) + K / noise[:, None])[1]
        assert information(gp) == pytest.approx(expected, rel=1e-8)
    targets = (Target("f", X, y), Target("c", X, y, upper=0.0))
    surrogate = Surrogate(targets, (inferred, known))
    assert widths(surrogate, 2.5, None) == (2.5, 2.5)
    first, second = widths(surrogate, 2.5, 0.1)
    assert first == pytest.approx(2.5 + np.sqrt(inferred.noise * 2 * (information(inferred) + 1 + np.log(2 / 0.1))))
    assert second == pytest.approx(2.5 + np.sqrt(0.5 * 2 * (information(known) + 1 + np.log(2 / 0.1))))


@pytest.mark.parametrize("optimizer", METHODS, ids=lambda each: each.name)
def test_batches_trees_and_equal_logs(optimizer: Optimistic) -> None:
    study = filled(optimizer, f=lambda p: {"f": p["r"], "c": 0.5 - p["r"] + p.get("t", 0.0)}, bound="c <= 0", space=TREE)
    asked = study.ask(3)
    study.tell(asked[1], {"f": 0.1, "c": 0.1})
    asked.append(study.ask())
    events = study.storage.read(study.name)
    for trial in asked:
        assert TREE.contains(trial.params)
        assert dict(reproduce(events, trial.number).params) == trial.params
    assert len({tuple(trial.params.items()) for trial in asked}) == 4
    assert "failed" not in study.explain()


@pytest.mark.parametrize("optimizer", METHODS, ids=lambda each: each.name)
def test_a_finite_space_is_asked_without_duplicates_and_ends(optimizer: Optimistic) -> None:
    study = bbo.Study(
        bbo.Space({"i": bbo.Int(0, 4), "j": bbo.Int(0, 3)}), {"f": "minimize"}, outcome_constraints=["c <= 4"], optimizer=optimizer, seed=2
    )
    asked: list[tuple[Any, ...]] = []
    for n in (5, 5, 10):
        trials = study.ask(n)
        asked += [tuple(t.params.items()) for t in trials]
        study.tell(trials, [{"f": float(t.params["i"]), "c": float(t.params["i"] + t.params["j"])} for t in trials])
    assert len(set(asked)) == 20
    assert "failed" not in study.explain()
    with pytest.raises(bbo.Exhausted):
        study.ask()


def test_refuses_with_the_reason() -> None:
    with pytest.raises(bbo.Unsupported, match="it takes one objective, and there are 2"):
        bbo.Study(BOX, {"f": "minimize", "g": "minimize"}, optimizer="config")
    with pytest.raises(bbo.Unsupported, match="told rankings"):
        bbo.Study(BOX, [bbo.Objective("f", feedback="ranking")], optimizer="epbo")
    with pytest.raises(bbo.Unsupported, match="it models decisions only"):
        bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "s": bbo.Fidelity(0, 1)}), optimizer="primal_dual")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bbo.CONFIG(beta=-1), "config: beta is -1; it is a number of standard deviations, at least 0"),
        (lambda: bbo.EPBO(delta=1.5), "epbo: delta is 1.5; it is None or a probability between 0 and 1"),
        (lambda: bbo.EPBO(penalty=-1.0), "epbo: penalty is -1.0"),
        (lambda: bbo.PrimalDual(eta=0), "primal_dual: eta is 0"),
        (lambda: bbo.CONFIG(kernel="linear"), "config: kernel is 'linear'"),
        (lambda: bbo.CONFIG(n_initial=1), "config: n_initial is 1"),
    ],
)
def test_settings_are_checked(make: Any, message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        make()
