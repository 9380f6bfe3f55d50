"""A user's own acquisition function and model inside `bbo.Bayes`."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import LogExpectedImprovement, PosteriorMean, UpperConfidenceBound
from botorch.acquisition.knowledge_gradient import qKnowledgeGradient
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.deterministic import GenericDeterministicModel
from botorch.models.model import Model
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

import bbo
from acquisitions.upper_confidence_bound import UpperConfidenceBound as ClosedFormUpperConfidenceBound
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.custom import Context
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import BOX, bowl, filled, propose

BETA = 4.0


def ucb(model: Model, context: Context) -> AcquisitionFunction:
    return UpperConfidenceBound(model, beta=BETA)


def mean(model: Model, context: Context) -> AcquisitionFunction:
    return PosteriorMean(model)


def unfitted(X: Tensor, Y: Tensor, context: Context) -> Model:
    """A GP with the hyperparameters it begins with, which is quick."""
    return SingleTaskGP(X, Y, context.Yvar)


def fitted(X: Tensor, Y: Tensor, context: Context) -> Model:
    """BoTorch's own way, an outcome at a time."""
    models = [SingleTaskGP(X, y.unsqueeze(-1)) for y in Y.T]
    for model in models:
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return models[0] if len(models) == 1 else ModelListGP(*models)


def hill(X: Tensor) -> Tensor:
    return 1 - ((X - torch.tensor([0.2, 0.9])) ** 2).sum(-1, keepdim=True)


def known(X: Tensor, Y: Tensor, context: Context) -> Model:
    """A model that knows better than the data: its best point is (0.2, 0.9)."""
    return GenericDeterministicModel(hill)


class Heights(AcquisitionFunction):
    """The model's mean, with noise from torch's global random numbers, and not differentiable."""

    def forward(self, X: Tensor) -> Tensor:
        heights = self.model.posterior(X).mean[:, 0, 0]
        return (heights + 1e-3 * torch.randn(len(X), dtype=torch.float64)).detach()


def noisy(model: Model, context: Context) -> AcquisitionFunction:
    return Heights(model)


# -- an acquisition -------------------------------------------------------------------------------------------------------------


def test_a_users_confidence_bound_is_maximized_over_the_studys_model() -> None:
    study = filled(optimizer=bbo.Bayes(acquisition=ucb), n=12)
    proposal = propose(study)
    surrogate = study._replica.optimizer.model(study._replica.state).surrogate
    ours = ClosedFormUpperConfidenceBound(surrogate.gps[0], BETA)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 201)] * 2), -1).reshape(-1, 2)
    best = ours.value(grid).max()
    assert best - 1e-9 <= ours.value(BOX.encode([proposal.queries[0].params]))[0] <= best + 1e-3
    assert "the acquisition" in proposal.note and "test_custom:ucb, by Gaussian processes on 12 trials" in proposal.note


def test_what_an_acquisition_is_told() -> None:
    seen: list[Context] = []

    def build(model: Model, context: Context) -> AcquisitionFunction:
        seen.append(context)
        return PosteriorMean(model.subset_output([0]))

    values = {"f": lambda p: bowl(p), "c": lambda p: p["x"] / 2}
    study = filled(
        optimizer=bbo.Bayes(acquisition=build, output_warp=False),
        f=lambda p: {name: value(p) for name, value in values.items()},
        objectives={"f": "minimize"},
        outcome_constraints=["c >= 1", "f <= 4"],
    )
    pending = study.ask()
    propose(study)
    first, second, believing = seen  # an analytic acquisition is built again, as if what is pending had been measured
    points = [trial.params for trial in study.trials if trial.value is not None]
    np.testing.assert_allclose(second.X, BOX.encode(points))
    f, c = (np.array([value(p) for p in points]) for value in values.values())
    gain, scaled = -(f - f.mean()) / f.std(ddof=1), (c - c.mean()) / c.std(ddof=1)
    np.testing.assert_allclose(second.Y, np.column_stack([gain, scaled]), atol=1e-12)
    assert second.outcomes == ("f", "c")
    assert second.bounds["f"] == (pytest.approx((f.mean() - 4) / f.std(ddof=1)), None)
    assert second.bounds["c"] == (pytest.approx((1 - c.mean()) / c.std(ddof=1)), None)
    feasible = (c >= 1) & (f <= 4)
    assert 0 < feasible.sum() < 8
    assert second.best == pytest.approx(gain[feasible].max())
    assert second.constraints is not None
    kept = torch.stack([constraint(second.Y) <= 0 for constraint in second.constraints]).all(0)
    np.testing.assert_array_equal(kept, feasible)
    np.testing.assert_allclose(second.X_baseline, BOX.encode(points)[feasible])
    assert first.X_pending is None
    assert second.X_pending is not None
    np.testing.assert_allclose(second.X_pending, BOX.encode([pending.params]))
    assert believing.X_pending is None
    np.testing.assert_array_equal(believing.X, torch.cat([second.X, second.X_pending]))
    surrogate = study._replica.optimizer.model(study._replica.state).surrogate
    means = [gp.predict(second.X_pending.numpy())[0][0] for gp in surrogate.gps]
    np.testing.assert_allclose(believing.Y[-1], means, atol=1e-9)
    assert believing.best == max(second.best, means[0])


def test_an_output_is_what_the_context_holds() -> None:
    """The model speaks the units of `context.Y`: without noise it passes through the data."""
    found: list[float] = []

    def build(model: Model, context: Context) -> AcquisitionFunction:
        found.append(float((model.posterior(context.X).mean - context.Y).abs().max()))
        return UpperConfidenceBound(model, beta=BETA)

    propose(filled(optimizer=bbo.Bayes(acquisition=build)))
    assert max(found) < 0.05


def test_a_class_of_botorch_gets_its_inputs() -> None:
    builtin = propose(filled(optimizer=bbo.Bayes(), n=12)).queries[0].params
    proposal = propose(filled(optimizer=bbo.Bayes(acquisition=qLogNoisyExpectedImprovement), n=12))
    assert "qLogNoisyExpectedImprovement, by Gaussian processes" in proposal.note
    np.testing.assert_allclose(BOX.encode([proposal.queries[0].params]), BOX.encode([builtin]), atol=0.02)


def test_several_objectives_have_a_reference_point() -> None:
    def f(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": bowl(p), "g": p["x"]}

    objectives = [bbo.Objective("f", reference=5.0), bbo.Objective("g")]
    builtin, own = (
        propose(filled(optimizer=bbo.Bayes(**settings), f=f, objectives=objectives, n=12))
        for settings in ({}, {"acquisition": qLogNoisyExpectedHypervolumeImprovement})
    )
    assert "qLogNoisyExpectedHypervolumeImprovement, by Gaussian processes" in own.note
    X = BOX.encode([proposal.queries[0].params for proposal in (builtin, own)])
    np.testing.assert_allclose(X[0], X[1], atol=0.05)


def test_a_batch_is_spread_also_by_analytic_acquisitions() -> None:
    """Without a warp, by which the bowl is known so well that there is little left to spread over."""
    for own in ({"acquisition": LogExpectedImprovement}, {"surrogate": fitted, "acquisition": ucb}):
        optimizer = bbo.Bayes(**own, output_warp=False)
        proposal = propose(filled(optimizer=optimizer), n=3)
        X = BOX.encode([query.params for query in proposal.queries])
        assert "failed" not in proposal.note
        assert min(np.linalg.norm(X[i] - X[j]) for i in range(3) for j in range(i)) > 0.02


def test_a_score_without_gradient_and_with_noise_is_searched_and_reproduced() -> None:
    study = filled(optimizer=bbo.Bayes(surrogate=known, acquisition=noisy))
    state = torch.get_rng_state()
    proposal = propose(study)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert propose(study) == proposal
    assert "searched around, since the score has no gradient" in proposal.note
    np.testing.assert_allclose(BOX.encode([proposal.queries[0].params])[0], [0.2, 0.9], atol=0.05)


def test_where_a_failure_is_likely_nothing_is_proposed() -> None:
    study = filled(optimizer=bbo.Bayes(surrogate=known, acquisition=mean))
    assert propose(study).queries[0].params["x"] == pytest.approx(2, abs=0.01)
    for x in (1.5, 2.0, 2.5):
        for y in (0.7, 0.8, 0.9):
            study.enqueue({"x": x, "y": y})
            study.fail(study.ask(), "exploded")
    (query,) = propose(study).queries
    works = study._replica.optimizer.model(study._replica.state).surrogate.gps[-1]
    assert works.predict(BOX.encode([query.params]))[0][0] >= 0
    assert BOX.encode([query.params])[0] != pytest.approx([0.2, 0.9], abs=0.05)


# -- a model --------------------------------------------------------------------------------------------------------------------


def test_a_users_model_decides() -> None:
    proposal = propose(filled(optimizer=bbo.Bayes(surrogate=known, acquisition=mean)))
    np.testing.assert_allclose(BOX.encode([proposal.queries[0].params])[0], [0.2, 0.9], atol=1e-3)
    assert "by the model" in proposal.note and "test_custom:known on 8 trials" in proposal.note


def test_a_users_model_is_improved_on_by_log_expected_improvement() -> None:
    study = filled(optimizer=bbo.Bayes(surrogate=fitted), n=12)
    proposal = propose(study)
    assert proposal.note.startswith("log expected improvement, by the model")
    assert bowl(proposal.queries[0].params) < min(bowl(t.params) for t in study.trials)
    study.optimize(bowl, 3, progress=False)
    assert study.recommend().params.keys() == {"x", "y"}  # by the study's own model


def test_a_users_model_looks_for_feasibility_first() -> None:
    def f(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": bowl(p), "c": p["x"]}

    study = filled(optimizer=bbo.Bayes(surrogate=fitted), f=f, objectives={"f": "minimize"}, outcome_constraints=["c >= 9.5"])
    proposal = propose(study)
    assert proposal.note.startswith("probability of feasibility, since nothing feasible is known, by the model")
    assert proposal.queries[0].params["x"] > 9.5
    study.add({"x": 10.0, "y": 0.0}, f({"x": 10.0, "y": 0.0}))
    assert propose(study).note.startswith("log expected improvement, by the model")


# -- the log --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [bbo.Bayes(acquisition=ucb), bbo.Bayes(surrogate=unfitted)], ids=["acquisition", "surrogate"])
def test_equal_logs_lead_to_equal_proposals(optimizer: bbo.Bayes) -> None:
    study = filled(optimizer=optimizer)
    asked = [study.ask(), *study.ask(2)]
    study.tell(asked[0], 0.5)
    asked.append(study.ask())
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")  # torch's, once, where BoTorch's posterior has several outcomes
@pytest.mark.parametrize(
    "optimizer", [bbo.Bayes(acquisition=qLogNoisyExpectedImprovement), bbo.Bayes(surrogate=unfitted)], ids=["acquisition", "surrogate"]
)
def test_check_optimizer(optimizer: bbo.Bayes) -> None:
    assert check_optimizer(replace(optimizer, n_initial=3), n=4)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(tmp_path)
    source = """
        from botorch.acquisition.analytic import UpperConfidenceBound
        from botorch.models import SingleTaskGP

        def build(model, context):
            return UpperConfidenceBound(model, beta=4.0)

        def fit(X, Y, context):
            return SingleTaskGP(X, Y)
    """
    (tmp_path / "bbo_test_custom.py").write_text(textwrap.dedent(source))
    yield importlib.import_module("bbo_test_custom")
    sys.modules.pop("bbo_test_custom")


def test_a_stored_study_goes_on_in_another_process(module: ModuleType, tmp_path: Path) -> None:
    optimizer = bbo.Bayes(surrogate=module.fit, acquisition=module.build, n_initial=2)
    data = to_json(optimizer, durable=True)
    assert data["settings"]["acquisition"]["callable"] == "bbo_test_custom:build"
    assert resolve(data) == optimizer
    study = bbo.Study(BOX, optimizer=optimizer, storage=tmp_path / "runs.db", name="own", seed=0)
    for point in BOX.sobol(4, seed=1):
        study.add(point, bowl(point))
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import bbo
study = bbo.load_study("own", {str(tmp_path / "runs.db")!r})
study.ask()
print(study.explain())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(bbo.__file__).parents[1])
    assert "bayes(surrogate=bbo_test_custom:fit, acquisition=bbo_test_custom:build, n_initial=2" in done.stdout
    assert "the acquisition bbo_test_custom:build, by the model bbo_test_custom:fit on 4 trials" in done.stdout


def test_a_changed_source_is_noticed(module: ModuleType) -> None:
    data = to_json(bbo.Bayes(acquisition=module.build), durable=True)
    data["settings"]["acquisition"]["sha256"] = "0" * 64
    with pytest.raises(bbo.InvalidStudy, match=r"the source of the acquisition bbo_test_custom:build changed.*configure"):
        resolve(data)


def test_lambdas_stay_in_memory(tmp_path: Path) -> None:
    optimizer = bbo.Bayes(acquisition=lambda model, context: UpperConfidenceBound(model, beta=BETA), n_initial=2)
    with pytest.raises(bbo.InvalidStudy, match=r"the acquisition .*<lambda> cannot be stored.*Move it into a module, or keep the study in"):
        bbo.Study(BOX, optimizer=optimizer, storage=tmp_path / "runs.db", seed=0)
    assert resolve(to_json(optimizer)) == optimizer
    study = filled(optimizer=optimizer)
    study.configure(pruner="median")
    assert "<lambda>, by Gaussian processes" in propose(study).note


# -- faults ---------------------------------------------------------------------------------------------------------------------


def broken(*_: Any) -> Any:
    raise ZeroDivisionError("no such luck")


def misled(*_: Any) -> Any:
    raise bbo.OutOfRange("from within")


def number(*_: Any) -> Any:
    return 3


def two_outputs(X: Tensor, Y: Tensor, context: Context) -> Model:
    return SingleTaskGP(X, Y.repeat(1, 2))


class Whole(AcquisitionFunction):
    def forward(self, X: Tensor) -> Tensor:
        return X.sum()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"acquisition": broken}, "ZeroDivisionError: no such luck"),
        ({"surrogate": broken}, "ZeroDivisionError: no such luck"),
        ({"acquisition": misled}, "RuntimeError: OutOfRange: from within"),
        ({"acquisition": number}, "test_custom:number returned int; build(model, context) returns a BoTorch AcquisitionFunction"),
        ({"surrogate": number}, "test_custom:number returned int; fit(X, Y, context) returns a BoTorch Model"),
        ({"surrogate": two_outputs}, "test_custom:two_outputs returned a model of 2 outcomes; Y has 1"),
        ({"acquisition": lambda model, context: Whole(model)}, "Whole maps one point (1 x 1 x d) to shape (); it must be (1,)"),
        ({"acquisition": qKnowledgeGradient}, "qKnowledgeGradient is a one-shot acquisition function"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:24],
)
def test_a_sobol_point_with_the_reason_where_it_fails(settings: dict[str, Any], reason: str) -> None:
    proposal = propose(filled(optimizer=bbo.Bayes(**settings)))
    assert len(proposal.queries) == 1
    assert proposal.note.startswith("a Sobol point, since the model failed: ") and reason in proposal.note


@pytest.mark.parametrize(("setting", "value"), [*((s, v) for s in ("surrogate", "acquisition") for v in ("ei", 3)), ("surrogate", None)])
def test_what_is_neither_a_name_nor_a_function_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=rf"{setting} is {value!r}; it is one of .*, a function"):
        bbo.Bayes(**{setting: value})


def test_a_class_without_input_constructor_is_refused() -> None:
    with pytest.raises(bbo.InvalidStudy, match=r"class Whole, for which BoTorch has no input constructor; register one by"):
        bbo.Bayes(acquisition=Whole)


def test_a_model_alone_has_one_objective() -> None:
    with pytest.raises(bbo.Unsupported, match="an acquisition of your own"):
        bbo.Study(BOX, {"f": "minimize", "g": "minimize"}, optimizer=bbo.Bayes(surrogate=unfitted))
