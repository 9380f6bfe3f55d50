"""A gain for each unit of a cost that is learnt, the less so the less of a budget is left."""

from __future__ import annotations

from dataclasses import dataclass, replace

from acquisitions.gaussian import Array, GaussianModel
from acquisitions.protocol import Climbable, Growing, Rough


@dataclass(frozen=True, slots=True, eq=False)
class LogPerLearntCost:
    """``log gain(x) - alpha m(x)``, where m is the mean of a model of the logarithm of what an evaluation costs.

    With ``alpha = 1`` it is the gain per unit of cost (Snoek, Larochelle & Adams 2012, arXiv:1206.2944), which keeps to
    where evaluations are cheap for too long if the best point is not there; cooling takes the share of a budget that is left for alpha,
    so that the last evaluations are as without costs (Lee et al. 2020, arXiv:2003.10870). The exponential of the mean is
    the median of a cost whose logarithm is normal.

    Args:
        log_gain: The logarithm of a gain.
        log_cost: Of an evaluation, in units of `scale`; a constant beside it makes no difference.
        scale: Of the logarithm.
        alpha: From 0 to 1.
    """

    log_gain: Climbable
    log_cost: GaussianModel
    scale: float
    alpha: float

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha}; it is from 0 to 1")

    def with_pending(self, X: Array) -> LogPerLearntCost:
        """The same with X (`q x d`) awaited as well."""
        assert isinstance(self.log_gain, Growing)
        grown = self.log_gain.with_pending(X)
        assert isinstance(grown, Climbable)
        return replace(self, log_gain=grown)

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self.log_gain.value(X) - self._weight * self.log_cost.at(X).mean

    def rough(self, X: Array) -> Array:
        """Nearly the score, where the gain has a rough one, to rank candidates by; shape `m`."""
        gain = self.log_gain.rough(X) if isinstance(self.log_gain, Rough) else self.log_gain.value(X)
        return gain - self._weight * self.log_cost.at(X).mean

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`)."""
        gain, climb = self.log_gain.value_and_gradient(X)
        cost = self.log_cost.at(X)
        return gain - self._weight * cost.mean, climb - self._weight * cost.pull(cost.mean * 0.0 + 1.0, None)

    @property
    def _weight(self) -> float:
        return self.alpha * self.scale
