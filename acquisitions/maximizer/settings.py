"""How much work a maximization may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from acquisitions.maximizer.lbfgs import ClimbSettings


@dataclass(frozen=True, slots=True)
class MaximizerSettings:
    """A budget in evaluations of the acquisition function, never in seconds.

    Args:
        screened: Points of the maximizer's own that are scored first; 0 for the caller's pool alone. BoTorch's loops take 512 to
            1,024 and 20 starts; more points and fewer starts cost less where a score is cheaper than a gradient's rounds.
        near: Share of these that perturb the seeds.
        starts: Points climbed from.
        chunk: Points scored in one call, which bounds memory.
        climb: Tolerances and budget of the gradient steps.
        alternations: Rounds of climbs and discrete moves, at most, in mixed spaces (BoTorch's ``optimize_acqf_mixed_alternating``
            has 64; most end after a few, when no move gains).
        discrete: Discrete moves in a row, at most (8 there).
        perturbations: Rounds of local search where there is no gradient.
        wander: Points scored in each around each start.
    """

    screened: int = 3_000
    near: float = 0.5
    starts: int = 10
    chunk: int = 1_024
    climb: ClimbSettings = field(default_factory=ClimbSettings)
    alternations: int = 16
    discrete: int = 8
    perturbations: int = 12
    wander: int = 20
