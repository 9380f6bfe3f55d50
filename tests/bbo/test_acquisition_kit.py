"""All acquisition functions of `acquisitions` pass the public kit, on models of several kinds, and the kit finds what is broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.active_learning import qNegIntegratedPosteriorVariance
from botorch.acquisition.analytic import LogProbabilityOfImprovement, UpperConfidenceBound
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.thompson_sampling import PathwiseThompsonSampling
from botorch.exceptions.errors import UnsupportedError
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.ensemble import EnsembleModel
from botorch.models.model import Model
from botorch.posteriors.ensemble import EnsemblePosterior

import acquisitions
from acquisitions import OutcomeConstraint
from acquisitions import botorch as ours
from acquisitions.crowding import LogRoom
from acquisitions.per_cost import ColumnCost
from bbo.optimizers.thompson import own_thompson
from bbo.testing import check_acquisition
from bbo.testing.surrogate import TREE
from surrogates.columns import INACTIVE
from surrogates.exact_gp import ExactGP, fit, fit_model, gradients, sample_path
from surrogates.exact_gp.gpytorch_twin import UnsupportedKernel

rng = np.random.default_rng(0)
X = TREE.snap(rng.random((16, 4)))
X[~TREE.active(X)] = INACTIVE
Y = np.column_stack([np.sin(4 * X[:, 0]) - X[:, 3], np.cos(4 * X[:, 0]) + X[:, 1]])
Y += 0.2 * rng.standard_normal(Y.shape)
Y = (Y - Y.mean(0)) / Y.std(0, ddof=1)


class Polynomials(EnsembleModel):
    """Ridge regressions on half of the data each."""

    def __init__(self, X: torch.Tensor, Y: torch.Tensor) -> None:
        super().__init__()
        self._num_outputs = Y.shape[1]
        draws = np.random.default_rng(1)
        rows = [torch.from_numpy(draws.permutation(len(X))[: -(-len(X) // 2)]) for _ in range(8)]
        H = self._basis(X)
        eye = 1e-2 * torch.eye(H.shape[1], dtype=H.dtype)
        self.register_buffer("weights", torch.stack([torch.linalg.solve(H[r].T @ H[r] + eye, H[r].T @ Y[r]) for r in rows]))

    @staticmethod
    def _basis(X: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.ones_like(X[..., :1]), X, X**2], -1)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self._basis(X).unsqueeze(-3) @ self.weights


def members(model: Model) -> ours.EnsembleMembers | None:
    return ours.EnsembleMembers() if isinstance(model, EnsembleModel) else None


def tensors(k: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(X), torch.from_numpy(Y[:, :k])


MODELS = {
    "exact_gp": lambda: fit_model(X, Y[:, :1], columns=TREE),
    "botorch_gp": lambda: SingleTaskGP(*tensors(), outcome_transform=None).eval(),
    "ensemble": lambda: Polynomials(*tensors()),
    "model_list": lambda: ModelListGP(SingleTaskGP(*tensors(), outcome_transform=None)).eval(),
}
BASELINE = torch.from_numpy(X[:12])
OF_BOTORCH = {
    "log_ei": lambda m: qLogNoisyExpectedImprovement(m, BASELINE, sampler=members(m)),
    "knowledge_gradient": lambda m: ours.LogDiscreteKnowledgeGradient(m, BASELINE, candidate=True),
    "kgcp": lambda m: ours.LogKGCP(m, BASELINE),
    "log_pi": lambda m: LogProbabilityOfImprovement(m, best_f=0.5),
    "ucb": lambda m: UpperConfidenceBound(m, beta=4.0),
    "straddle": lambda m: ours.Straddle(m, 0.1),
    "thompson": lambda m: own_thompson(None, None, ())(m, SimpleNamespace(X=BASELINE)),
    "integrated_variance": lambda m: ours.LogIntegratedVarianceReduction(m, BASELINE),
}
PENDING = ("log_ei", "thompson")
REFUSED = {
    *((name, "ensemble") for name in ("knowledge_gradient", "kgcp", "thompson", "integrated_variance")),
    ("thompson", "exact_gp"),
}
BOUNDS = {"upper": 0.5}
TARGET = {0: 0.8}
GROWING = (
    "log_nei",
    "batch_log_nei",
    "log_nehvi",
    "knowledge_gradient",
    "kgcp",
    "integrated_variance",
    "entropy_search",
    "mes",
    "gibbon",
    "mf_mes",
    "mf_gibbon",
    "augmented_ei",
    "derivative_knowledge_gradient",
    "integrated_kg",
    "risk_kg",
    "augmented_ucb",
    "variable_fidelity_pi",
)


@pytest.fixture(scope="module")
def gps() -> list[ExactGP]:
    return [fit(X, y, columns=TREE) for y in Y.T]


def constraints(gps: list[ExactGP]) -> list[OutcomeConstraint]:
    return [OutcomeConstraint(gps[1], **BOUNDS)]


def sloped() -> ExactGP:
    """The first of them, told derivatives by its numbers as well."""
    slopes = np.full(X.shape, np.nan)
    slopes[:, 0] = np.cos(4 * X[:, 0])
    return gradients.fit(X, Y[:, 0], gradients.Gradients(slopes, np.full(X.shape, 0.2)), columns=TREE)


BUILDS = {
    "ei": lambda gps: acquisitions.ExpectedImprovement(gps[0], 0.5),
    "log_ei": lambda gps: acquisitions.LogExpectedImprovement(gps[0], 0.5),
    "log_nei": lambda gps: acquisitions.LogNoisyExpectedImprovement(gps[0], X, constraints(gps)),
    "batch_log_nei": lambda gps: acquisitions.LogBatchExpectedImprovement(gps[0], X),
    "log_ehvi": lambda gps: acquisitions.LogExpectedHypervolumeImprovement(gps, Y[:4], [-2, -2]),
    "log_nehvi": lambda gps: acquisitions.LogNoisyExpectedHypervolumeImprovement(gps, X, [-2, -2]),
    "knowledge_gradient": lambda gps: acquisitions.LogDiscreteKnowledgeGradient(gps[0], X, 0.05, constraints(gps), candidate=True),
    "derivative_knowledge_gradient": lambda gps: acquisitions.LogDerivativeKnowledgeGradient(
        sloped(), X, np.array([0.05, 0.2]), (0,), constraints(gps), samples=4
    ),
    "kgcp": lambda gps: acquisitions.LogKGCP(gps[0], X, 0.05),
    "entropy_search": lambda gps: acquisitions.LogEntropySearch(gps[0], X, 0.05, constraints(gps)),
    "mes": lambda gps: acquisitions.LogMaxValueEntropy(gps[0], X, 0.05, constraints(gps)),
    "gibbon": lambda gps: acquisitions.GIBBON(gps[0], X, 0.05),
    "mf_mes": lambda gps: acquisitions.LogMultiFidelityMaxValueEntropy(gps[0], X, 0.05, TARGET, constraints(gps)),
    "mf_gibbon": lambda gps: acquisitions.MultiFidelityGIBBON(gps[0], X, 0.05, TARGET),
    "augmented_ei": lambda gps: acquisitions.LogAugmentedExpectedImprovement(gps[0], X, 0.05, TARGET, constraints(gps)),
    "variable_fidelity_ei": lambda gps: acquisitions.LogVariableFidelityExpectedImprovement(gps[0], 0.5, 0, (0.1, 0.8)),
    "variable_fidelity_pi": lambda gps: acquisitions.LogExtendedProbabilityOfImprovement(
        LogRoom(gps[0]), 0.5, 0.05, TARGET, constraints(gps)
    ),
    "variable_fidelity_lcb": lambda gps: acquisitions.VariableFidelityConfidenceBound(gps[0], 4.0, 0, (0.1, 0.8), (1.0, 9.0)),
    "two_stage_ei": lambda gps: acquisitions.LogTwoStageExpectedImprovement(
        gps[0], 0.5, 0.05, 0, (0.1, 0.8), ColumnCost(0, (0.1, 0.8), (1.0, 9.0)), constraints(gps)
    ),
    "boca": lambda gps: acquisitions.BOCA(gps[0], 4.0, 0, (0.1, 0.8), (1.0, 9.0), (0.5, 0.0), (1.0, 1.0)),
    "mf_gp_ucb": lambda gps: acquisitions.MultiFidelityUpperConfidenceBound(gps[0], 4.0, 0, (0.1, 0.8), (1.0, 9.0), (0.2, 0.0)),
    "pi": lambda gps: acquisitions.ProbabilityOfImprovement(gps[0], 0.5),
    "log_pi": lambda gps: acquisitions.LogProbabilityOfImprovement(gps[0], 0.5),
    "augmented_ucb": lambda gps: acquisitions.AugmentedUpperConfidenceBound(gps[0], 0.5, 4.0, TARGET, 0.05),
    "ucb": lambda gps: acquisitions.UpperConfidenceBound(gps[0], 4.0),
    "integrated_variance": lambda gps: acquisitions.LogIntegratedVarianceReduction(gps[0], X, 0.05),
    "bald": lambda gps: acquisitions.LogBALD(gps[0], 0.05),
    "straddle": lambda gps: acquisitions.Straddle(gps[0], 0.1),
    "eubo": lambda gps: acquisitions.ExpectedUtilityOfBestOption(gps[0], X[3]),
    "log_eubo": lambda gps: acquisitions.LogGainOfBestOption(gps[0], X[3]),
    "mean": lambda gps: acquisitions.PosteriorMean(gps[0]),
    "log_pof": lambda gps: acquisitions.LogProbabilityOfFeasibility(constraints(gps)),
    "expected_violation": lambda gps: acquisitions.ExpectedViolation(constraints(gps)),
    "log_cei": lambda gps: acquisitions.LogConstrainedExpectedImprovement(gps[0], 0.5, constraints(gps)),
}
CONDITIONS = acquisitions.Scenarios(
    np.array([0.2, 0.5, 0.3]), {1: np.array([0.0, 0.5, 1.0])}, {0: acquisitions.Shift(np.array([-0.1, 0.0, 0.2]))}
)
MORE = {
    "thompson": lambda gps: sample_path(gps[0], np.random.default_rng(0)),
    "integrated_kg": lambda gps: acquisitions.LogIntegratedKnowledgeGradient(gps[0], X[:8], CONDITIONS, 0.05, constraints(gps)),
    "risk_kg": lambda gps: acquisitions.LogRiskKnowledgeGradient(gps[0], X[:6], CONDITIONS, acquisitions.RiskMeasure("cvar", 0.6), 0.05),
    "risk_of_mean": lambda gps: acquisitions.RiskOfMean(gps[0], CONDITIONS, acquisitions.RiskMeasure("worst_case")),
    "weighed": lambda gps: acquisitions.LogFeasibleGain(acquisitions.LogKGCP(gps[0], X, 0.05), constraints(gps)),
}


class Both:
    """Two processes as what the kit looks at."""

    def __init__(self, gps: list[ExactGP]) -> None:
        self.gps = gps

    def predict(self, X: Any) -> Any:
        return self.gps[0].predict(X)


def test_the_kit_is_run_on_all_of_the_registry() -> None:
    missing = set(acquisitions.REGISTRY) - set(BUILDS)
    assert not missing, "give the new ones a line in BUILDS"


@pytest.mark.parametrize("name", [*BUILDS, *MORE])
def test_on_the_exact_gaussian_process(name: str, gps: list[ExactGP]) -> None:
    checks = check_acquisition(lambda both: {**BUILDS, **MORE}[name](both.gps), Both(gps), X, columns=TREE)
    assert checks[:3] == ["shapes", "repeatable", "gradients"]
    assert ("pending" in checks) is (name in GROWING)


def pairs() -> Iterator[Any]:
    """Names and models, with the quick ones and the refusals in every run of the tests."""
    for name in OF_BOTORCH:
        for model in MODELS:
            quick = (model == "botorch_gp" and name in ("ucb", "kgcp", "integrated_variance")) or (name, model) in {
                *REFUSED,
                ("log_ei", "ensemble"),
            }
            yield pytest.param(name, model, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("name", "model"), [*pairs()])
def test_on_botorch_models(name: str, model: str) -> None:
    """Either all checks are passed, or it is refused with a reason, and never on a model that has joint Gaussian posteriors."""
    if (name, model) in REFUSED:
        with pytest.raises((UnsupportedError, UnsupportedKernel)):  # GPyTorch has no kernel of trees
            check_acquisition(OF_BOTORCH[name], MODELS[model](), X, columns=TREE)
        return
    checks = check_acquisition(OF_BOTORCH[name], MODELS[model](), X, columns=TREE)
    assert {"shapes", "repeatable", "gradients", "tails", "untouched"} <= set(checks)
    assert ("pending" in checks) is (name in PENDING)


@pytest.mark.slow
@pytest.mark.parametrize("build", [OF_BOTORCH["log_ei"], PathwiseThompsonSampling], ids=["log_ei", "thompson"])
def test_four_points_together(build: Any) -> None:
    assert "gradients" in check_acquisition(build, MODELS["botorch_gp"](), X, columns=TREE, q=4)


@pytest.mark.slow
def test_the_kit_finds_botorchs_wrong_gradients_of_the_integrated_variance() -> None:
    """Why there is one of our own. If this fails BoTorch has mended it, and ours can go."""
    with pytest.raises(AssertionError, match="gradients: column 0"):
        check_acquisition(lambda m: qNegIntegratedPosteriorVariance(m, BASELINE), MODELS["botorch_gp"](), X, columns=TREE)


def test_the_kit_finds_botorchs_ensembles_noisy() -> None:
    """Why there is a sampler of our own. If this fails BoTorch has mended it, and ours can go."""
    with pytest.raises(AssertionError, match="where each is asked alone"):
        check_acquisition(lambda m: qLogNoisyExpectedImprovement(m, BASELINE), MODELS["ensemble"](), X, columns=TREE)


@pytest.mark.parametrize("weights", [None, torch.tensor([3.0, 0, 0, 0, 0, 0, 0, 1.0], dtype=torch.float64)])
def test_the_members_of_an_ensemble_are_sampled_by_their_weights(weights: torch.Tensor | None) -> None:
    values = torch.rand(5, 8, 2, 1, dtype=torch.float64)
    posterior = EnsemblePosterior(values, weights)
    samples = ours.EnsembleMembers(64)(posterior)
    assert samples.shape == (64, 5, 2, 1)
    torch.testing.assert_close(samples.mean(0), posterior.mean)
    torch.testing.assert_close(ours.EnsembleMembers(64)(EnsemblePosterior(values[3], weights)), samples[:, 3])


# -- what is broken --------------------------------------------------------------------------------------------------------------


@dataclass
class Broken:
    """An upper confidence bound with one fault."""

    gp: ExactGP
    fault: str
    calls: int = 0

    def value(self, X: Any) -> Any:
        self.calls += 1
        score = acquisitions.UpperConfidenceBound(self.gp, 4.0).value(X)
        if self.fault == "nan at data":
            return np.where(np.isin(X[:, 0], self.gp.X[:, 0]), np.nan, score)
        faults = {
            "column": lambda: score[:, None],
            "single": lambda: score.astype(np.float32),
            "relative": lambda: score - score.max(),
            "noisy": lambda: score + 1e-6 * self.calls,
            "greedy": lambda: X.__imul__(0.5)[:, 0] + score if X.flags.writeable else score,
        }
        return faults.get(self.fault, lambda: score)()

    def value_and_gradient(self, X: Any) -> Any:
        value, gradient = acquisitions.UpperConfidenceBound(self.gp, 4.0).value_and_gradient(X)
        return value, gradient * (1.01 if self.fault == "slope" else 1.0)


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        ("column", "shapes: 6 points have scores of shape"),
        ("single", "shapes: scores are float32"),
        ("relative", "where each is asked alone"),
        ("noisy", "repeatable: the same points"),
        ("slope", "gradients: column 0"),
        ("nan at data", "tails: scores at data"),
    ],
)
def test_the_kit_finds_what_is_broken(fault: str, promise: str, gps: list[ExactGP]) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_acquisition(lambda gp: Broken(gp, fault), gps[0], X, columns=TREE)
    assert "gradients" in check_acquisition(lambda gp: Broken(gp, ""), gps[0], X, columns=TREE)


def test_the_kit_finds_a_score_that_changes_what_it_is_given(gps: list[ExactGP]) -> None:
    with pytest.raises(AssertionError):
        check_acquisition(lambda gp: Broken(gp, "greedy"), gps[0], X, columns=TREE)


class Fresh(AcquisitionFunction):
    """Of other random numbers at each call, or with another shape, or changing its model."""

    def __init__(self, model: Model, fault: str) -> None:
        super().__init__(model)
        self.fault = fault

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        mean = self.model.posterior(X).mean[..., 0]  # type: ignore[attr-defined]  # of this model
        if self.fault == "random":
            return mean[..., 0] + torch.randn(1, dtype=mean.dtype)
        if self.fault == "flat":
            return mean[..., 0].reshape(-1)
        if self.fault == "model":
            self.model.weights *= 1.1
        return mean[..., 0] if getattr(self, "X_pending", None) is None else mean[..., 0] * torch.nan


@pytest.mark.parametrize(
    ("fault", "promise"),
    [("random", "where each is asked alone"), ("flat", "3 x 2 batch"), ("model", "repeatable|alone"), ("", "pending: with points awaited")],
)
def test_the_kit_finds_what_is_broken_in_botorchs(fault: str, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_acquisition(lambda m: Fresh(m, fault), MODELS["ensemble"](), X, columns=TREE)


def test_points_together_are_botorchs_business(gps: list[ExactGP]) -> None:
    with pytest.raises(ValueError, match="q is 4, and UpperConfidenceBound scores each point by itself"):
        check_acquisition(lambda gp: acquisitions.UpperConfidenceBound(gp, 4.0), gps[0], X, columns=TREE, q=4)
