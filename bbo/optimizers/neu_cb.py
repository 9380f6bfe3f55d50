"""NeuSquareCB and NeuFastCB: contextual bandits whose losses are learned by a network, a step for each result."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.bandits import network
from bbo.bandits.inverse_gap import fast_cb, square_cb
from bbo.bandits.network import Perturbed
from bbo.log.ledger import Update
from bbo.optimizers.arms import Plays, Results, arms_of, demand_range, limits, playable
from bbo.optimizers.base import Proposal, Request
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.problem import Problem
from bbo.space import Space

Array = NDArray[np.float64]

_LEAST_WEIGHT = 10.0  # of gaps in NeuFastCB, times the number of arms, as in the analysis of FastCB


@dataclass(frozen=True, slots=True)
class _NeuCB(ABC):
    """What the two have in common."""

    arms: int = 20
    gamma: float = 10.0
    width: int = 100
    step: float = 0.5
    perturbation: float = 0.01
    copies: int = 5
    radius: float = 10.0
    best: float | None = None
    worst: float | None = None
    name: ClassVar[str]
    version: ClassVar[int]
    link: ClassVar[Callable[[Array], Array]]

    def __post_init__(self) -> None:
        demand_integer(self, "arms", least=2)
        demand_integer(self, "copies", least=1)
        demand_integer(self, "width", least=1)
        for each in ("gamma", "perturbation"):
            demand_number(self, each, least=0)
        for each in ("step", "radius"):
            demand_number(self, each, above=0)
        demand_range(self)

    @abstractmethod
    def probabilities(self, predicted: Array, losses: Array) -> Array:
        """Probabilities of the arms from their predicted losses (shape `K`), and the losses of results so far; all between 0 and 1."""

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective and at most 1,000 decisions, with any contexts, else the reason."""
        return playable(problem, self.arms, best=self.best, worst=self.worst)

    def init(self, problem: Problem) -> Learner:
        """Nothing played, the network at its start."""
        return Learner(Plays(problem, arms_of(problem.space, self.arms)), self)

    def fold(self, state: Learner, update: Update) -> Learner:
        """Take in results, count draws."""
        state.plays.fold(update)
        return state

    def propose(self, state: Learner, request: Request) -> Proposal:
        """Arms drawn by what the network predicts in this context.

        Raises:
            Unsupported, OutOfRange: See `Plays.allowed`.
        """
        from bbo.optimizers.fitting import one_thread

        plays = state.plays
        allowed = plays.allowed(request, self.name)
        with one_thread():
            theta, losses = state.trained()
            y = state.network.predict(theta, state.features([{**point, **request.context} for point in plays.points]))
        p = np.zeros(len(y))
        p[allowed] = self.probabilities(y[allowed], losses)
        played = np.bincount(plays.results().arms, minlength=len(y))

        def said(arm: int) -> str:
            return f"predicted {y[arm]:.3g} of the way from the best outcome to the worst, after {played[arm]} plays of it"

        return plays.draw(request, self.name, p, said=said)

    def remark(self, state: Learner) -> str:
        """What each arm was measured at, over all contexts, and how often it was played."""
        return state.plays.remark()

    def model(self, state: Learner) -> None:
        """None: the network says nothing of how sure it is."""
        return


@dataclass(frozen=True, slots=True)
class NeuSquareCB(_NeuCB):
    """Plays a finite set of decisions in given contexts, of any number and kind, by what a network predicts: a contextual bandit.

    Each ask draws an arm by inverse gap weighting of the predicted losses; any number may be out at once. Losses go from 0, the best
    outcome, to 1, the worst: `best` and `worst`, or the best and worst seen so far, and whenever one of these moves the network is
    trained anew from its start. It takes one step for each result of an arm, whoever asked for it, in the order of the trials' numbers.
    Failed and pruned trials have the loss 1.

    Args:
        arms: Values of each continuous parameter, equally spaced, both ends included (in the logarithm on log axes). Finite parameters
            are taken whole, and known constraints remove arms; up to 1,000 may be left.
        gamma: How much is exploited: with `K` arms the gaps after `t` results weigh ``gamma sqrt(K t)``; 0 draws uniformly.
        width: Hidden units; an odd number is rounded up.
        step: Length of a gradient step. Features have length one, so that below 2 a step lessens the error of the result it is made for.
        perturbation: Strength of the perturbation of the network's copies; with 0 it is plain SquareCB.
        copies: Number of perturbed copies.
        radius: How far parameters may go from the start.
        best: The best outcome there can be, in the objective's units; None takes the best seen.
        worst: What worse outcomes count as; None takes the worst seen.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Deb, Ban, Zuo, He and Banerjee, Contextual bandits with online neural regression (2024); no code of the authors was found,
    and scale, start, steps and features are ours.
    """

    name: ClassVar[str] = "neu_square_cb"
    version: ClassVar[int] = 2
    link: ClassVar[Callable[[Array], Array]] = staticmethod(network.identity)

    def probabilities(self, predicted: Array, losses: Array) -> Array:
        """By the gaps between predictions."""
        return square_cb(predicted, self.gamma * math.sqrt(len(predicted) * (len(losses) + 1)))


@dataclass(frozen=True, slots=True)
class NeuFastCB(_NeuCB):
    """As `NeuSquareCB`, with the log loss, and greedier the smaller the losses are: for problems with a policy that loses almost nothing.

    Args:
        arms: As in `NeuSquareCB`, as all that follow but `gamma`.
        gamma: How much is exploited: with `K` arms and the sum `L` of all losses so far the gaps, over the least predicted loss, weigh
            ``max(gamma sqrt(K (L + 1)), 10 K)``.
        width: Hidden units.
        step: Length of a gradient step.
        perturbation: Strength of the perturbation of the network's copies; with 0 it is plain FastCB.
        copies: Number of perturbed copies.
        radius: How far parameters may go from the start.
        best: The best outcome there can be.
        worst: What worse outcomes count as.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: as for `NeuSquareCB`. The analysis has the loss of the best policy in place of `L`, which is not known.
    """

    name: ClassVar[str] = "neu_fast_cb"
    version: ClassVar[int] = 2
    link: ClassVar[Callable[[Array], Array]] = staticmethod(network.sigmoid)

    def probabilities(self, predicted: Array, losses: Array) -> Array:
        """By the gaps between predictions, over the least of them."""
        k = len(predicted)
        return fast_cb(predicted, max(self.gamma * math.sqrt(k * (float(losses.sum()) + 1)), _LEAST_WEIGHT * k))


@dataclass(slots=True)
class Learner:
    """What is known of the arms, and a network trained on it in the order of the trials' numbers.

    Steps up to the first trial whose result may still come are taken once and kept; those beyond it are taken anew after each result.

    Attributes:
        plays: What is known.
        settings: The settings it runs with.
        network: The network with its perturbed copies.
    """

    plays: Plays
    settings: _NeuCB
    network: Perturbed = field(init=False)
    _kept: Array = field(init=False)
    _upto: int = 0  # trials below this number are in what is kept
    _range: tuple[float, float] | None = None
    _trained: tuple[Results, Array, Array] | None = None

    def __post_init__(self) -> None:
        settings, problem = self.settings, self.plays.problem
        width = settings.width + settings.width % 2
        rng = problem.rng(settings.name, "network")
        start = network.start(self.features([]).shape[1], width, rng)
        signs = np.where(rng.random((settings.copies, len(start))) < 0.5, -1.0, 1.0)
        self.network = Perturbed(start, width, signs, settings.perturbation, type(settings).link)
        self._kept = start

    def trained(self) -> tuple[Array, Array]:
        """Parameters after all results, and the losses of these from 0 to 1, in order."""
        results = self.plays.results()
        if self._trained is None or self._trained[0] is not results:
            self._trained = results, *self._train(results)
        return self._trained[1:]

    def features(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Encoded points, categories as one column for each, of length one."""
        return network.unit(spread(self.plays.problem.space, rows))

    def _train(self, results: Results) -> tuple[Array, Array]:
        plays = self.plays
        ends, losses = self._between(results.losses)
        settled = min(plays.awaited, default=len(plays.records))
        changed = settled if plays.changed is None else min(plays.changed, settled)
        if ends != self._range or changed < self._upto:  # what was kept does not hold any more, or an early trial is tried again
            self._kept, self._upto, self._range = self.network.start, 0, ends
        plays.changed = None
        numbers = results.numbers
        self._kept = self._steps(self._kept, results, losses, (self._upto <= numbers) & (numbers < settled))
        self._upto = settled
        return self._steps(self._kept, results, losses, numbers >= settled), losses

    def _steps(self, theta: Array, results: Results, losses: Array, which: NDArray[np.bool_]) -> Array:
        """Parameters after a step for each of these results, in order."""
        plays, some = self.plays, np.flatnonzero(which)
        points = [{**plays.points[results.arms[k]], **plays.context_of(int(results.numbers[k]))} for k in some]
        for x, loss in zip(self.features(points), losses[some].tolist(), strict=True):
            theta = self.network.step(theta, x, loss, rate=self.settings.step, radius=self.settings.radius)
        return theta

    def _between(self, losses: Array) -> tuple[tuple[float, float], Array]:
        """The ends that losses are measured by, and the losses on that scale; failed trials at its end."""
        best, worst = limits(self.plays.problem, self.settings.best, self.settings.worst)
        seen = losses[~np.isnan(losses)]
        low = best if best is not None else float(seen.min()) if len(seen) else 0.0
        high = worst if worst is not None else float(seen.max()) if len(seen) else 0.0
        alike = 0.0 if worst is None else 1.0  # what all losses are where they do not differ, or all are beyond the worst
        scaled = ((losses - low) / (high - low)).clip(0, 1) if high > low else np.where(np.isnan(losses), np.nan, alike)
        return (low, high), np.where(np.isnan(scaled), 1.0, scaled)


def spread(space: Space, rows: Sequence[Mapping[str, Any]]) -> Array:
    """Encoded points (`n x d'`, unit cube) with a column of zeros and ones for each category of a categorical column."""
    U = space.encode(rows)
    parts = []
    for k, column in enumerate(space.columns):
        if column.kind == "categorical" and len(column.levels) > 2:
            parts += [(np.abs(U[:, k] - level) < 1e-9).astype(float) for level in column.levels]
        else:
            parts.append(U[:, k])
    return np.stack(parts, axis=1) if parts else np.zeros((len(rows), 0))
