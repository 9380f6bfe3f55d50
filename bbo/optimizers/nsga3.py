"""NSGA-III: survival by nondominated fronts and niches around reference directions. A phase is a generation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.optimizers.genetic import Array, GeneticAlgorithm
from bbo.optimizers.variation import Variation
from bbo.problem import Problem

_SHRUNK = 0.5  # the inner layer of directions, towards the middle one
_FEW, _MANY = 100, 300  # directions for up to three objectives, and for more


@dataclass(frozen=True, slots=True)
class NSGA3(GeneticAlgorithm):
    """NSGA-III: a genetic algorithm for many objectives and cheap evaluations, of any space of decisions.

    Survivors spread over reference directions in the space of the objectives, which are normalised by the extreme points found so far;
    the units of an objective do not matter. Of spaces, constraints and failures see `GeneticAlgorithm`.

    Args:
        popsize: Points in the population and in each generation, and directions at most; None means as many as there are
            directions when these may be 100 for up to three objectives and 300 for more: 91 for three, 210 for five, 156 for eight,
            275 for ten, as the authors have it.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Deb and Jain (2014), IEEE Trans. Evol. Comput. 18(4), doi:10.1109/TEVC.2013.2281535; its parts by `pymoo`. Where the
    normalization has thresholds they are relative to the range of the first front.
    """

    name: ClassVar[str] = "nsga3"
    version: ClassVar[int] = 1

    def supports(self, problem: Problem) -> str | None:
        """None for two objectives or more, no more than the population has points; else the reason."""
        m = len(problem.objectives)
        if m < 2:
            return "its directions spread over several objectives, and there is one; nsga2 takes it"
        if self.popsize is not None and self.popsize < m:
            return f"it needs a direction for each objective, and there are {m} for a population of {self.popsize}"
        return GeneticAlgorithm.supports(self, problem)

    def size(self, m: int) -> int:
        """As given, or as many as there are directions."""
        return self.popsize or len(self.directions(m))

    def directions(self, m: int) -> Array:
        """The reference directions for m objectives, ``k x m``."""
        return reference_directions(m, self.popsize or (_FEW if m <= 3 else _MANY))

    def survival(self, m: int) -> Niches:
        """By fronts and niches."""
        return Niches(self.directions(m))

    def variation(self, problem: Problem) -> Variation:
        """All pairs cross, and children stay near their parents."""
        return Variation(problem.space.columns, eta=30.0, share=1.0)


@dataclass(slots=True)
class Niches:
    """Fronts in order; of the last one that does not fit whole, points near the directions that have the fewest.

    Attributes:
        directions: Reference directions, ``k x m``.
        ideal: The least losses seen, ``m``.
        worst: The largest losses seen, ``m``.
        extremes: The points nearest to each axis of the objectives, one a row, ``m x m``; None before the first selection.
    """

    directions: Array
    ideal: Array = field(init=False)
    worst: Array = field(init=False)
    extremes: Array | None = None

    def __post_init__(self) -> None:
        m = self.directions.shape[1]
        self.ideal, self.worst = np.full(m, np.inf), np.full(m, -np.inf)

    def select(self, F: Array, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], Array]:
        """As `Survival.select`; tournaments between feasible points are drawn."""
        from pymoo.algorithms.moo.nsga3 import associate_to_niches, calc_niche_count, niching
        from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

        fronts = NonDominatedSorting().do(F, n_stop_if_ranked=n)
        Z, nadir = self._normalised(F, fronts[0])
        last = fronts[-1]
        whole = np.concatenate([np.zeros(0, dtype=np.intp), *fronts[:-1]])
        kept = np.concatenate([whole, last])
        if len(kept) > n:
            niches, distances, _ = associate_to_niches(Z[kept], self.directions, np.zeros_like(nadir), nadir)
            counts = calc_niche_count(len(self.directions), niches[: len(whole)])
            places, far = niches[len(whole) :], distances[len(whole) :]
            chosen = niching(range(len(last)), n - len(whole), counts, places, far, random_state=rng)
            kept = np.concatenate([whole, last[chosen]])
        return kept, np.empty((len(kept), 0))

    def _normalised(self, F: Array, first: NDArray[np.intp]) -> tuple[Array, Array]:
        """Losses from the ideal point in ranges of the first front (`k x m`), and the nadir point in the same (`m`).

        The library's thresholds are absolute numbers, which this makes relative: without it, what is measured in small units would
        count as nothing.
        """
        from pymoo.algorithms.moo.nsga3 import get_extreme_points_c, get_nadir_point

        self.ideal, self.worst = np.minimum(self.ideal, F.min(axis=0)), np.maximum(self.worst, F.max(axis=0))
        span = F[first].max(axis=0) - self.ideal
        span[span <= 0] = 1.0
        Z, zero = (F - self.ideal) / span, np.zeros(len(span))
        before = None if self.extremes is None else (self.extremes - self.ideal) / span
        extremes = get_extreme_points_c(Z[first], zero, extreme_points=before)
        self.extremes = self.ideal + extremes * span
        nadir = get_nadir_point(extremes, zero, (self.worst - self.ideal) / span, Z[first].max(axis=0), Z.max(axis=0))
        return Z, nadir


def reference_directions(m: int, n: int) -> Array:
    """At most n evenly spread directions for m objectives, entries at least 0 that add up to 1: ``k x m``, k at least m.

    The finest lattice of one layer (Das and Dennis, 1998) where that has points within the simplex; else two layers, the finest that
    fits at the boundary and one within, as Deb and Jain (2014) have it from eight objectives on.
    """
    from pymoo.util.reference_direction import das_dennis, scale_reference_directions

    outer = _finest(m, n)
    layer = np.asarray(das_dennis(outer, m))
    inner = min(_finest(m, n - len(layer)), outer - 1)
    if outer >= m or inner < 1:
        return layer
    return np.vstack([layer, scale_reference_directions(np.asarray(das_dennis(inner, m)), _SHRUNK)])


def _finest(m: int, n: int) -> int:
    """Divisions of the finest lattice for m objectives with at most n points; 0 where there is none."""
    divisions = 0
    while math.comb(m + divisions, divisions + 1) <= n:
        divisions += 1
    return divisions
