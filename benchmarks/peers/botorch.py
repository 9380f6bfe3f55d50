"""BoTorch's own loop, as its tutorials write it: `SingleTaskGP` at its defaults and log expected improvement.

LogEI where measurements are exact and unconstrained, qLogNoisyEI where they are noisy or constrained, qLogNEHVI for several
objectives; ten restarts from 512 raw samples. Choices and whole numbers go through `MixedSingleTaskGP` and the mixed alternating
optimizer. Conditions are unknown to it: inactive parameters stand in the middle.

Settings: ``acquisition``: ``"log_constrained_ei"`` is the analytic log constrained expected improvement over the best feasible value told,
and the log probability of feasibility while there is none.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from botorch.acquisition.analytic import LogConstrainedExpectedImprovement, LogExpectedImprovement, LogProbabilityOfFeasibility
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_mixed_alternating
from gpytorch.mlls import ExactMarginalLogLikelihood, SumMarginalLogLikelihood

from benchmarks.peers.spec import Point, Spec

PACKAGES = ("botorch", "gpytorch", "torch", "numpy")


class Adapter:
    """Refits after every tell, as the tutorials do."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        self._spec = spec
        self._analytic = settings.get("acquisition") == "log_constrained_ei"
        self._rows: list[np.ndarray] = []
        self._values: list[list[float]] = []
        self._asked = 0
        # Whole numbers and choices count 0, 1, ...: the alternating optimizer wants the grid's ends to be the bounds'.
        self._levels = [
            len(p.choices) if p.kind == "categorical" else int(p.high - p.low) + 1 if p.kind == "int" and not p.log else 0
            for p in spec.parameters
        ]
        self._choices = [i for i, p in enumerate(spec.parameters) if p.kind == "categorical"]
        self._whole = [i for i, p in enumerate(spec.parameters) if p.kind == "int" and not p.log]

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        self._rows.append(self._encode(point))
        self._values.append([-outcomes[name] for name in self._spec.objectives] + [outcomes[name] for name in self._spec.constraints])

    def ask(self, n: int) -> list[tuple[int, Point]]:
        X, Y = torch.tensor(np.array(self._rows)), torch.tensor(self._values, dtype=torch.float64)
        models = [self._model(X, Y[:, [k]]) for k in range(Y.shape[1])]
        model = models[0] if len(models) == 1 else ModelListGP(*models)
        fit_gpytorch_mll((ExactMarginalLogLikelihood if len(models) == 1 else SumMarginalLogLikelihood)(model.likelihood, model))
        found = self._maximize(self._acquisition(model, X, Y, n), n)
        self._asked += n
        return [(self._asked - n + k, self._decode(x)) for k, x in enumerate(found.numpy())]

    def _model(self, X: torch.Tensor, Y: torch.Tensor) -> SingleTaskGP:
        return MixedSingleTaskGP(X, Y, cat_dims=self._choices) if self._choices else SingleTaskGP(X, Y)

    def _acquisition(self, model: Any, X: torch.Tensor, Y: torch.Tensor, n: int) -> Any:
        m, g = len(self._spec.objectives), len(self._spec.constraints)
        constraints = [lambda Z, k=k: Z[..., k] for k in range(m, m + g)] or None
        if m > 1:
            reference = [-r for r in self._spec.reference]
            objective = IdentityMCMultiOutputObjective(outcomes=list(range(m)))
            return qLogNoisyExpectedHypervolumeImprovement(
                model, reference, X, objective=objective, constraints=constraints, prune_baseline=True
            )
        if g and self._analytic:
            bounds = dict.fromkeys(range(m, m + g), (None, 0.0))
            feasible = (Y[:, m:] <= 0).all(dim=1)
            if not feasible.any():
                return LogProbabilityOfFeasibility(model, bounds)
            return LogConstrainedExpectedImprovement(model, Y[feasible, 0].max(), 0, bounds)
        if g:
            first = GenericMCObjective(lambda Z, X=None: Z[..., 0])
            return qLogNoisyExpectedImprovement(model, X, objective=first, constraints=constraints, prune_baseline=True)
        if self._spec.noisy or n > 1:
            return qLogNoisyExpectedImprovement(model, X, prune_baseline=True)
        return LogExpectedImprovement(model, best_f=Y.max())

    def _maximize(self, acquisition: Any, n: int) -> torch.Tensor:
        upper = [float(levels - 1) if levels else 1.0 for levels in self._levels]
        bounds = torch.tensor([[0.0] * self._spec.d, upper], dtype=torch.float64)
        if not any(self._levels):
            return optimize_acqf(acquisition, bounds, q=n, num_restarts=10, raw_samples=512, sequential=True)[0].detach()
        whole = {i: [float(k) for k in range(self._levels[i])] for i in self._whole}
        choices = {i: [float(k) for k in range(self._levels[i])] for i in self._choices}
        found, _ = optimize_acqf_mixed_alternating(
            acquisition, bounds, discrete_dims=whole or None, cat_dims=choices or None, q=n, num_restarts=10, raw_samples=512
        )
        return found.detach()

    def _encode(self, point: Point) -> np.ndarray:
        u = self._spec.encode(point)
        return np.array([np.floor(x * levels) if levels else x for x, levels in zip(u, self._levels, strict=True)])

    def _decode(self, x: np.ndarray) -> Point:
        u = [(np.rint(v) + 0.5) / levels if levels else v for v, levels in zip(x, self._levels, strict=True)]
        return self._spec.decode(u)
