"""CONFIG: the best that confidence bounds allow, among the points that they allow to be feasible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bbo.optimizers.optimistic import Optimistic

if TYPE_CHECKING:
    from bbo.optimizers.auxiliary import Aim, Auxiliary
    from bbo.optimizers.history import History


@dataclass(frozen=True, slots=True)
class CONFIG(Optimistic):
    """Constrained optimization by lower confidence bounds (CONFIG), which says when a problem has no feasible point.

    Each proposal solves an auxiliary problem: minimize the lower confidence bound ``l_0 = m_0 - beta s_0`` of the objective where the
    lower bounds ``l_i = m_i - beta s_i`` of all constraints ``g_i <= 0`` are at most zero. Regret and violation then add up to less
    than in proportion to the trials, with high probability, if the width is right. Source: Xu, Jiang, Svetozarevic & Jones
    (ICML 2023), arXiv:2211.00162.

    Where no point keeps all ``l_i <= 0``, the problem is *declared infeasible*, in the notes of proposals and by `Study.explain`;
    points that come nearest to being feasible are proposed then. The declaration rests on the data and hyperparameters of the
    moment: it is gone as soon as they allow a point again, and while a measured point is feasible (without much noise) there is none.

    Proposals approach the optimum from where constraints are just broken, as far as the models leave that open: take the point to use
    from `Study.recommend`. Starts with Sobol points; where a failure is likelier than not nothing is proposed; running trials take
    part at their means; without outcome constraints it is the rule of the lower confidence bound alone. Prefer `bayes` for a good
    best point: this one is for a verdict on feasibility, and for violations whose sum stays small.

    Args:
        beta: Half width of the confidence intervals in standard deviations; 3 in the code of the paper. A smaller one trusts
            hyperparameters that are fitted to few data too early: with 2, three of six runs on `gkxwc1` stayed at its second-best
            optimum, with 3 none. With `delta` the bound on each function's norm.
        delta: None for a constant width; else the probability with which some interval may fail, and the width grows with what the
            data tell: ``beta + sigma sqrt(2 (gamma + 1 + log((m + 1) / delta)))`` for m constraints, sigma the noise (see
            `bbo.optimizers.auxiliary.widths`).
        n_initial: Finished trials before the model takes over; None means ``d + 1``, at least 5 and at most 10.
        kernel: Of numeric parameters: ``"rbf"``, ``"matern12"``, ``"matern32"`` or ``"matern52"``.

    Raises:
        InvalidStudy: A setting is not one of these.
    """

    name: ClassVar[str] = "config"
    version: ClassVar[int] = 1

    def aim(self, auxiliary: Auxiliary) -> Aim:
        """The auxiliary problem; the least violation where it has no feasible point."""
        from acquisitions.optimistic_constraints import LeastViolation
        from bbo.optimizers.auxiliary import Aim

        if not auxiliary.bounds.constraints:
            return Aim(auxiliary.objective, "lower confidence bound")
        points, least = auxiliary.nearest()
        if least >= 0:
            name = "lower confidence bound, where those of the constraints allow it"
            return Aim(auxiliary.objective, name, auxiliary.smooth, points)
        why = "" if auxiliary.fixed else auxiliary.infeasible()
        name = f"declared infeasible: {why}; the nearest" if why else "least violation, since no point is left that may be feasible"
        return Aim(LeastViolation(auxiliary.bounds), name, seeds=points)

    def remark(self, state: History) -> str:
        """The declaration of infeasibility as the data stand; empty where there is none."""
        from bbo.optimizers import auxiliary, fitting

        surrogate = self._surrogate(state)
        if surrogate is None:
            return ""
        with fitting.one_thread():
            beta = auxiliary.widths(surrogate, self.beta, self.delta)
            why = auxiliary.current(state, surrogate, beta).infeasible()
        return f"Declared infeasible as the data stand: {why}." if why else ""
