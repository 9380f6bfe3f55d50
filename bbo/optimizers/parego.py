"""ParEGO: several objectives as one, by a scalarization of its own for each proposal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisitions.chebyshev import AugmentedChebyshev, random_weights
from acquisitions.gaussian import Array
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.protocol import Acquisition
from bbo.best import nondominated
from bbo.log.ledger import Record
from bbo.optimizers import fitting
from bbo.optimizers.asked import Asked
from bbo.optimizers.history import History
from bbo.optimizers.improvement import expected_improvement, own_log_ei
from bbo.optimizers.targets import Target
from surrogates.exact_gp.transforms import Standardise

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context

SCALARIZED = "(scalarized)"
"""Name of the target that the objectives become."""


def parego(asked: Asked) -> tuple[Acquisition, str]:
    """The log noisy expected improvement of a random augmented Chebyshev scalarization.

    As Knowles (2006) has it, what was measured is scalarized and one Gaussian process is fitted to that. (`qLogNParEGO` scalarizes samples
    of a process for each objective instead, which has no closed form.) The scalarization is of the values that the model is of, which
    are clipped and bent like those of any objective, and normalised by their front.
    """
    surrogate, m = asked.surrogate, len(asked.problem.objectives)
    if m == 1:
        return expected_improvement(asked)
    weights = random_weights(m, np.random.default_rng(asked.seed))
    target = scalarized(surrogate.targets[:m], asked.feasible, weights)
    warm = {SCALARIZED: surrogate.gps[int(weights.argmax())].memo()}
    gp = fitting.further(asked.problem, target, asked.settings, warm=warm, seed=asked.seed)
    baseline = np.vstack([asked.measured, asked.waiting])
    improvement = LogNoisyExpectedImprovement(gp, baseline, surrogate.constraints, seed=asked.seed)
    return _OnceOnly(improvement), "log expected improvement of a random Chebyshev scalarization"


def scalarized(targets: Sequence[Target], feasible: Sequence[Record], weights: Array) -> Target:
    """What objectives are together, standardised; the front is that of the feasible trials, of all where there are none."""
    Y = np.column_stack([target.y for target in targets])
    Z = Y
    if feasible:
        natives = [target.sign * np.array([r.values[target.name] for r in feasible], dtype=float) for target in targets]
        Z = np.column_stack([target.transform.forward(values) for target, values in zip(targets, natives, strict=True)])
    scalarization = AugmentedChebyshev.over(Z[nondominated(-Z)], weights)
    values = scalarization.value(Y)
    unit = Standardise.fit(values)
    noises = [target.variance for target in targets]
    known = [noise for noise in noises if noise is not None]
    variance = None
    if len(known) == len(noises):
        variance = scalarization.variance(Y, np.column_stack(known)) * unit.derivative(values) ** 2
    return Target(SCALARIZED, targets[0].X, unit.forward(values), variance, transform=unit)


def own_parego(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """BoTorch's, for a model of the user's; with one objective that of `log_ei`."""
    several = len(state.problem.objectives) > 1

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
        from botorch.acquisition.multi_objective.parego import qLogNParEGO

        from bbo.optimizers.custom import sampler_of

        return qLogNParEGO(
            model,
            context.X_baseline,
            objective=IdentityMCMultiOutputObjective(list(range(len(context.objectives)))),
            constraints=context.constraints,
            sampler=sampler_of(model, context.X),
            prune_baseline=True,
        )

    return build if several else own_log_ei(state, settings, targets)


@dataclass(frozen=True, slots=True, eq=False)
class _OnceOnly:
    """An improvement that does not grow by pending points, so that the next point of a batch has weights of its own."""

    improvement: LogNoisyExpectedImprovement

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        return self.improvement.value(X)

    def rough(self, X: Array) -> Array:
        """As `Rough.rough`."""
        return self.improvement.rough(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        return self.improvement.value_and_gradient(X)
