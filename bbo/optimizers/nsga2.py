"""NSGA-II: survival by nondominated fronts and crowding distances. A phase is a generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.optimizers.genetic import Array, GeneticAlgorithm
from bbo.optimizers.variation import Variation
from bbo.problem import Problem


@dataclass(frozen=True, slots=True)
class NSGA2(GeneticAlgorithm):
    """NSGA-II: a genetic algorithm for several objectives and cheap evaluations, of any space of decisions.

    With one objective it is an elitist genetic algorithm, the only method here that learns from thousands of trials on spaces with
    categories and conditions. With more than three objectives nearly all points are nondominated, and `NSGA3` is meant for that.
    Of spaces, constraints and failures see `GeneticAlgorithm`.

    Args:
        popsize: Points in the population and in each generation; None means 100.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Deb, Pratap, Agarwal and Meyarivan (2002), IEEE Trans. Evol. Comput. 6(2), doi:10.1109/4235.996017; its parts by `pymoo`,
    with the distribution index 15 that is the default there.
    """

    name: ClassVar[str] = "nsga2"
    version: ClassVar[int] = 1

    def size(self, m: int) -> int:
        """As given, or 100."""
        return self.popsize or 100

    def survival(self, m: int) -> Crowding:
        """By fronts and crowding."""
        return Crowding()

    def variation(self, problem: Problem) -> Variation:
        """Nine of ten pairs cross."""
        return Variation(problem.space.columns, eta=15.0, share=0.9)


class Crowding:
    """Fronts in order; the last one that does not fit whole, by its crowding distances."""

    def select(self, F: Array, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], Array]:
        """As `Survival.select`; tournaments compare fronts, then crowding distances."""
        from pymoo.operators.survival.rank_and_crowding.metrics import get_crowding_function
        from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

        kept: list[NDArray[np.intp]] = []
        merits: list[Array] = []
        left, crowding = n, get_crowding_function("cd")
        for rank, front in enumerate(NonDominatedSorting().do(F, n_stop_if_ranked=n)):
            distances = crowding.do(F[front])
            order = np.arange(len(front))
            if len(front) > left:
                order = np.lexsort((rng.random(len(front)), -distances))[:left]
            kept.append(front[order])
            merits.append(np.column_stack([np.full(len(order), float(rank)), -distances[order]]))
            left -= len(order)
        return np.concatenate(kept), np.concatenate(merits)
