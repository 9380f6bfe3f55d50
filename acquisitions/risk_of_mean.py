"""The posterior mean of a design under all conditions, by a risk measure: what recommendations climb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, in_blocks
from acquisitions.risk_measures import RiskMeasure
from acquisitions.scenarios import Scenarios

_BLOCK = 64  # designs at a time, each of which is asked under all conditions


@dataclass(frozen=True, slots=True, eq=False)
class RiskOfMean:
    """``rho_w m(x, w)``, for the posterior mean m and a risk measure rho over the conditions w.

    It is the expected measure of the latent function where rho is the expectation. Elsewhere it leaves the model's doubt out of account,
    which makes concave measures better than they are expected to be; `acquisitions.risk_knowledge_gradient` takes it into account.

    Args:
        gp: The model of the gain.
        scenarios: The conditions.
        measure: What counts of the gain.
    """

    gp: GaussianModel
    scenarios: Scenarios
    measure: RiskMeasure

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`; columns that the conditions set have no influence."""
        return in_blocks(self._value, X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); one of them where several conditions share a rank."""
        moments = self.gp.at(self.scenarios.expand(X))
        values = self.scenarios.by_row(moments.mean)
        shares = self.measure.shares(values, self.scenarios.weights)
        gradient = moments.pull(np.ascontiguousarray(shares).reshape(-1), None)
        return (shares * values).sum(1), self.scenarios.pull(X, gradient)

    def _value(self, X: Array) -> Array:
        return self.measure.of(self.scenarios.by_row(self.gp.at(self.scenarios.expand(X)).mean), self.scenarios.weights)
