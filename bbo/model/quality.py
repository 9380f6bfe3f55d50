"""Whether a study's model can be relied on, and what it says of goals out of reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bbo.diagnosis import Finding
from bbo.errors import BBOError
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.model.climbing import Climber
from bbo.model.contract import CubeModel
from bbo.model.prediction import own_model_of

if TYPE_CHECKING:
    from acquisitions.feasibility import OutcomeConstraint
    from bbo.problem import Problem
    from bbo.study import Study

ENOUGH = 20
"""So many trials say something about a model, and at least twice as many as it has length scales and a mean."""

UNTOLD = 0.3
"""Rank correlation of expected and measured values below which a model foretells little.

Studies of 40 trials with smooth functions of two to six parameters had 0.58 and more; those of noise alone from -0.01 to 0.41.
With these limits, ten studies each of Branin's function, spheres with and without a little noise, Rosenbrock's and a cliff, looked at
after 25 and 40 trials, had no finding; of noise alone 7 and 5 of ten were called unpredicted; of Ackley's function, whose optimum is
a narrow hole, 3 and 3 of ten had an outlier.
"""

COVERED = 0.8
"""Share of measured values in the model's 95 % intervals below which it is too sure of itself; studies as above had 0.88 and more."""

FAR = 4.5
"""So many standard deviations from what the others let expect is far; studies as above had 3.7 at most.

A lone error raises the noise that is fitted, and so hides behind it: among n trials it is seldom further off than ``sqrt(n)``.
"""

NOISY = 0.3
"""Share of the variance of an outcome taken for noise from which on noise is what holds a study up."""

HOPELESS = 0.05
"""Greatest probability of keeping a constraint at which a model sees it out of reach."""

_FEW = 5  # trials far off that are errors; more of them are the model's own fault


def judge(study: Study) -> Iterator[Finding]:
    """Findings by the model of the study's optimizer; none where it has no model that answers all over the cube.

    A model is not fitted for this question alone: predictions of an optimizer without one are not judged.
    """
    from bbo.optimizers.fitting import one_thread

    problem, ledger = study._problem, study._replica.ledger
    done = [record for record in ledger.records if record.state is State.DONE]
    if len(done) < max(ENOUGH, 2 * (problem.space.d + 1)) or problem.objectives[0].feedback == "ranking":
        return
    try:
        model = own_model_of(study)
    except (ArithmeticError, ValueError) as error:
        yield Finding("model", "warning", f"no model can be fitted: {error}", "look for outcomes that cannot be right, and amend them")
        return
    if isinstance(model, CubeModel):
        with one_thread():
            yield from _fit(model)
            yield from _unreachable(problem, done, model)


def _fit(model: CubeModel) -> Iterator[Finding]:
    """How well each outcome is foretold from the other trials."""
    for outcome, loo in model.leave_one_out().items():
        if not np.ptp(loo.measured) > 0:
            continue
        n, share = len(loo.measured), loo.coverage()
        if (agreement := loo.rank_correlation) < UNTOLD:
            yield Finding(
                "unpredicted",
                "warning",
                f"the model foretells little of {outcome}: expected from the other trials, values rank hardly as measured"
                f" (correlation {agreement:.2f} of {n})",
                "rely on measured values, not on recommend, predict or importance; measure more exactly, or vary what matters",
            )
        if share < COVERED:
            yield Finding(
                "overconfident",
                "warning",
                f"only {share:.0%} of {n} values of {outcome} lie in the 95 % intervals that the model expects from the other trials",
                "take its sd for too small; tell the sd of measurements if it is known, or try bbo.Bayes(input_warp=True)",
            )
        far = np.flatnonzero(np.abs(loo.residuals) > FAR)
        if 0 < len(far) <= _FEW:
            trials = tuple(model.trials[k] for k in far)
            yield Finding(
                "outlier",
                "info",
                f"{outcome} of {'trial' if len(far) == 1 else 'trials'} {', '.join(map(str, trials))} is far from what the other trials"
                f" let expect ({', '.join(f'{abs(loo.residuals[k]):.0f}' for k in far)} sd)",
                "see whether it was measured and told right; if not, study.amend it",
                trials,
            )
        if loo.noise >= NOISY:
            yield Finding(
                "noise_bound",
                "info",
                f"{loo.noise:.0%} of the variance of {outcome} is noise, by the model",
                "repeat the best trials before you choose among them (study.repeat); measure more exactly, or vary more widely",
            )


def _unreachable(problem: Problem, done: Sequence[Record], model: CubeModel) -> Iterator[Finding]:
    """Constraints that no trial keeps, and that the model sees kept nowhere; each alone, else all together."""
    known = [record for record in done if all(constraint.name in record.values for constraint in problem.outcome_constraints)]
    if not known or any(problem.feasible(record.values) for record in known):
        return
    hopeless = False
    for wanted in problem.outcome_constraints:
        worst = [max(wanted.violations(record.values[wanted.name])) for record in known]
        if min(worst) > 0:
            chance = _best_chance(problem, known[int(np.argmin(worst))], [model.constraints[wanted.name]])
            if chance < HOPELESS:
                hopeless = True
                yield Finding(
                    "unreachable",
                    "warning",
                    f"the model expects {wanted} to be kept nowhere in the space (probability at most {max(chance, 1e-3):.1g})",
                    "relax it, or widen the space; more trials here are not likely to meet it",
                )
    if not hopeless and len(problem.outcome_constraints) > 1:
        bounds = [model.constraints[wanted.name] for wanted in problem.outcome_constraints]
        nearest = min(known, key=lambda record: float(np.max(problem.violations(record.values))))
        if (chance := _best_chance(problem, nearest, bounds)) < HOPELESS:
            yield Finding(
                "unreachable",
                "warning",
                f"the model expects all outcome constraints together to be kept nowhere in the space"
                f" (probability at most {max(chance, 1e-3):.1g})",
                "see which of them exclude each other, and relax one",
            )


def _best_chance(problem: Problem, nearest: Record, constraints: Sequence[OutcomeConstraint]) -> float:
    """The greatest probability over the space that the latent outcomes keep their bounds."""
    from acquisitions.feasibility import LogProbabilityOfFeasibility

    space = problem.space
    try:
        leaders = [space.validate(nearest.params)]
    except BBOError:  # outside, or of an older definition of the space
        leaders = []
    found = Climber(space, leaders, problem.rng("diagnose"))(LogProbabilityOfFeasibility(tuple(constraints)))
    return float(np.exp(found.value))
