"""ZO-RankSGD: descent along directions estimated from rankings alone. A phase is a look around the incumbent, or a line search from it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.log.ledger import Ranking, Record, Update
from bbo.log.states import State
from bbo.optimizers.base import Comparison, Proposal, Query, Request, refuse
from bbo.optimizers.cma_es import ranking_values
from bbo.optimizers.phases import InPhases, Phases, executed, goes_in_steps, one_objective_on_a_box
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.problem import Problem
from bbo.zeroth_order import better_by_losses, dag_weights, gaussian_directions, known_better, ranking_gradient, told_better

Array = NDArray[np.float64]
Relation = NDArray[np.bool_]

_SMALLEST = 2.0**-20  # of the first scale: below it steps are lost in rounding, and no judge tells points apart
_WINNER = -1  # where a ticket's index stands, of the best trial of the phase before


@dataclass(frozen=True, slots=True)
class RankSGD(InPhases):
    """Descent by rankings (ZO-RankSGD), on boxes of floats, log axes included: for people who rank, and for any study told numbers.

    Phases alternate. The first shows `m` points around the incumbent, displaced along every axis by normal numbers of standard
    deviation `mu` and moved into the box; their ranking gives a direction in which points get better. The second shows `line_search`
    points along it, the first at the distance `step` and each after it at half of that, to be ranked together with the incumbent and
    the best point of the first phase. What comes first there is the next incumbent. All is in the cube of `Space.encode`.

    After a success, distances are such that the middle one is that of the success, and directions are estimated from nothing; after a
    failure all distances are halved, and the next directions are added to those before. No distance is longer than the diagonal of
    the box. `mu` shrinks and grows with the distances, to what it was at first and no further. Directions that nothing orders, since
    all were judged equal, are drawn anew, twice as far out.

    In studies that are told rankings, any rankings of a phase count together, whole or partial, until the next phase is asked for:
    pairs, the best few, corrections. Contradictions are settled by majority (`bbo.zeroth_order.known_better`). An incumbent that was
    not ranked with its line search stays. In studies that are told numbers trials are ranked by these, feasible ones first, then by
    their violations. Failed and pruned trials are worst, and of abandoned and lost ones nothing is known. It starts at the best point
    known, and ignores trials of other origin after that.

    Args:
        m: Points around the incumbent, at least 2.
        k: How many of them are to be put in order, the best ones. Where numbers are told, the order of the others is not used. None
            means all. Rankings are used as they are told, whatever k is.
        mu: Standard deviation of the displacements, in ranges of the axes.
        step: The largest distance in the first line search, in ranges of the axes.
        line_search: Points in a line search.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Tang, Rybin & Chang (ICLR 2024), arXiv:2303.03751, for the estimate and the accumulation of directions after failures;
    the rule of the distances is ours.
    """

    m: int = 10
    k: int | None = None
    mu: float = 0.05
    step: float = 0.25
    line_search: int = 5
    name: ClassVar[str] = "rank_sgd"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        demand_integer(self, "m", least=2)
        demand_integer(self, "k", least=1, most=self.m, optional=True)
        demand_integer(self, "line_search", least=1)
        for setting in ("mu", "step"):
            demand_number(self, setting, least=1e-6, most=1, unit="ranges of the axes")

    def supports(self, problem: Problem) -> str | None:
        """None for one objective, measured or ranked, over a box of floats or arrays, else the reason."""
        if (reason := one_objective_on_a_box(problem, rankings=True)) is not None:
            return reason
        if (name := goes_in_steps(problem.space)) is not None:
            return f"it takes ever smaller steps, and {name!r} has steps of its own"
        if problem.objectives[0].feedback == "ranking" and problem.outcome_constraints:
            return "it takes no outcome constraints where rankings are told: there are no values that could keep them"
        if problem.space.d < 1:
            return "it needs a parameter to vary"
        return None

    def init(self, problem: Problem) -> RankedDescent:
        """No phase open yet."""
        return RankedDescent(problem, self)

    def propose(self, state: Phases, request: Request) -> Proposal:
        """The next tickets of the open phase; where that is complete, those of the next, with what it led to in the memo."""
        assert isinstance(state, RankedDescent)
        if not state.complete:
            return InPhases.propose(self, state, request)
        refuse(request, "fixed", "shared", "context", optimizer=self.name)
        following = state.following()
        return following.tickets(request.n, memo=following.standing.to_json())

    def comparison(self, state: RankedDescent) -> Comparison:
        """What is to be ranked together."""
        return state.comparison()

    def remark(self, state: RankedDescent) -> str:
        """Which trial is the incumbent."""
        state = state.following() if state.complete else state
        if not state.started or (number := state.standing.incumbent) is None:
            return ""
        return f"incumbent after {state.phase} phases: trial {number}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a descent stands when a phase opens.

    Args:
        x: The incumbent (`d`, cube).
        incumbent: The trial that was run there, None while there is none with a result.
        winner: The best trial of the phase before a line search.
        gradient: The estimate from all pairs in order since the last success (`d`), which points to the worse; empty without any.
        pairs: How many these are.
        scale: What the distances are multiplied by, and `mu` where it is less than 1.
        line: Whether the phase is a line search.
        note: What was out of the ordinary.
    """

    x: tuple[float, ...]
    incumbent: int | None = None
    winner: int | None = None
    gradient: tuple[float, ...] = ()
    pairs: int = 0
    scale: float = 1.0
    line: bool = False
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it stands in the memo of the ask that opens the phase."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, memo: Mapping[str, Any]) -> Standing:
        """What `to_json` wrote."""
        fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in memo.items()}
        return cls(**fields)

    def shrunk(self) -> Standing:
        """After a line search that did not succeed: look around again, nearer."""
        return replace(self, winner=None, line=False, scale=max(self.scale / 2, _SMALLEST))


@dataclass(slots=True)
class RankedDescent(Phases):
    """Where a descent stands, and what was told since.

    A phase is left by the ask that opens the next one, so that all rankings told until then count; what they led to is read from the
    memo of that ask, and is not changed by what comes later.

    Attributes:
        settings: The settings it runs with.
        standing: Where it stood when the open phase was opened.
        records: All trials of the study, by number.
        rankings: All rankings told, in order.
    """

    settings: RankSGD
    standing: Standing = field(default_factory=lambda: Standing(()))
    records: dict[int, Record] = field(default_factory=dict)
    rankings: list[Ranking] = field(default_factory=list)

    def start(self, x0: ArrayLike) -> None:
        """Begin at a point of the cube: at the trial that was run there, if there is one."""
        x = np.asarray(x0, dtype=np.float64)
        at = (
            record.number
            for record in self.records.values()
            if self._is_known(record) and np.array_equal(self.problem.space.encode([record.params])[0], x)
        )
        self.enter(Standing(tuple(x.tolist()), incumbent=next(at, None)))

    def best_known(self) -> list[float]:
        """Where to begin (cube): the first one of the latest ranking, the best value, or the middle."""
        if self.problem.objectives[0].feedback == "value":
            return Phases.best_known(self)
        for ranking in reversed(self.rankings):
            for number in ranking.tiers[0]:
                if self._is_known(record := self.records[number]):
                    return [float(u) for u in self.problem.space.encode([record.params])[0]]
        return [0.5] * self.problem.space.d

    def _is_known(self, record: Record) -> bool:
        return record.state is State.DONE and not record.outside and self.problem.space.contains(record.params)

    def fold(self, update: Update) -> None:
        """Take in one event; where it asks for the first ticket of the next phase, leave the open one."""
        self.records.update((record.number, record) for record in update.records)
        event = update.event
        if event.kind == "ranked":
            self.rankings.append(Ranking.of(event))
        elif self.leaves(event):
            self.phase += 1
            self.enter(Standing.from_json(event.body["memo"]))
        self.take(update)

    def close(self) -> None:
        """Leave the open phase, which is complete, for the next."""
        standing = self._after_line() if self.standing.line else self._after_directions()
        self.phase += 1
        self.enter(standing)

    def following(self) -> RankedDescent:
        """A copy that stands in the next phase, by what was told so far; the open phase is complete."""
        state = copy.copy(self)
        state.close()
        return state

    def enter(self, standing: Standing) -> None:
        """Open the phase that begins with a standing."""
        self.standing, self.note = standing, standing.note
        if not standing.line:
            self.open(self.around(np.array(standing.x), self.problem.rng("rank_sgd", self.phase)).clip(0, 1))
            return
        points, distinct = self._along(standing)
        unknown = [len(points) - 1] if standing.incumbent is None else []
        self.open(points, members=np.array([*distinct, *unknown]))

    def query(self, index: int, params: Mapping[str, Any]) -> Query:
        """A ticket of the open phase; the last one of a line search is the incumbent, where it has no result yet."""
        return Query(params, ticket=(self.phase, index), role="line search" if self.standing.line else "direction", group=self.phase)

    def comparison(self) -> Comparison:
        """What is to be ranked together: what is out, what is ranked already, the incumbent, and the best of the directions."""
        if not self.started:
            return Comparison(left=self.settings.m)
        if self.complete:
            return Comparison(left=len(self.following().members))
        ranked = [self.trials[i].number for i in sorted(self.trials) if self.trials[i].state is State.DONE]
        return Comparison(
            beside=tuple(dict.fromkeys([*(record.number for record in self._beside()), *ranked])),
            left=len(self.members) - len(self.trials),
            best=None if self.standing.line else self.settings.k,
        )

    # -- what a phase leads to -----------------------------------------------------------------------------------------------------

    def around(self, x: Array, rng: np.random.Generator) -> Array:
        """Points around the incumbent, `m x d`."""
        return x + self._mu * gaussian_directions(self.settings.m, len(x), rng)

    def estimate(self, records: Sequence[Record], displacements: Array) -> tuple[Array, int]:
        """The direction in which trials get worse (`d`), from where they were run beside the incumbent (`m x d`), and its weight."""
        better = self.better(records, k=self.settings.k)
        # In units of mu, so that estimates from before and after it shrank can be averaged.
        return ranking_gradient(better, displacements / self._mu, 1.0), int(better.sum())

    def better(self, records: Sequence[Record], *, k: int | None = None) -> Relation:
        """Which trials are known to be better than which others, `n x n`, by what was told so far."""
        if self.problem.objectives[0].feedback == "value":
            losses = np.full(len(records), np.nan)
            finished = [i for i, record in enumerate(records) if record.state.finished]
            losses[finished] = ranking_values(self.problem, [records[i] for i in finished])
            return better_by_losses(losses, k=k)
        place = {record.number: i for i, record in enumerate(records) if record.state is State.DONE}
        told: list[Relation] = [np.zeros((len(records), len(records)), dtype=bool)]
        for ranking in self.rankings:
            if len(place.keys() & ranking.trials) > 1:
                *tiers, rest = ([place[n] for n in tier if n in place] for tier in (*ranking.tiers, ranking.rest))
                told.append(told_better(len(records), tiers, rest))
        done = np.array([record.state is State.DONE for record in records])
        failed = np.array([record.state.finished for record in records]) & ~done
        known: Relation = known_better(told) | (done[:, None] & failed[None, :])
        return known

    def _after_directions(self) -> Standing:
        """Take the trials of the open phase into the estimate, and search along it."""
        before = self.standing
        records = [self.trials[index] for index in range(len(self.points))]
        better = self.better(records)
        if not better.any():
            note = "looked around anew, twice as far if it can be, since nothing orders the directions of the phase before"
            return replace(before, scale=max(before.scale, min(2 * before.scale, 1.0)), note=note)
        points = np.array([executed(self.problem.space, point, r) for point, r in zip(self.points, records, strict=True)])
        gradient, pairs = self.estimate(records, points - np.array(before.x))
        if before.pairs:
            gradient = (before.pairs * np.array(before.gradient) + pairs * gradient) / (before.pairs + pairs)
        weights = dag_weights(better)
        inside = [i for i, record in enumerate(records) if record.state is State.DONE and not record.outside]
        winner = records[min(inside, key=lambda i: (weights[i], i))].number if inside else None
        estimated = replace(before, gradient=tuple(gradient.tolist()), pairs=before.pairs + pairs, note="")
        line = replace(estimated, winner=winner, line=True)
        if not self._along(line)[1]:
            return replace(estimated.shrunk(), note="looked around again, since the direction leads out of the box")
        return line

    def _after_line(self) -> Standing:
        """Go to the best of the line, or stay."""
        before, own = self.standing, len(self.points) - 1
        shown = {int(index): self.trials[int(index)] for index in self.members}
        if before.incumbent is not None:
            shown[own] = self.records[before.incumbent]
        if before.winner is not None:
            shown[_WINNER] = self.records[before.winner]
        indices, records = list(shown), list(shown.values())
        better, known = self.better(records), shown[own].state.finished
        wins = better[:, indices.index(own)] if known else np.ones(len(records), dtype=bool)
        improved = [i for i, r in enumerate(records) if wins[i] and r.state is State.DONE and not r.outside]
        if not improved:
            return replace(before.shrunk(), incumbent=shown[own].number if known else None, note="")
        weights = dag_weights(better)
        best = min(improved, key=lambda i: (weights[i], i))
        scale, index = before.scale, indices[best]
        if index == _WINNER:
            x = self.problem.space.encode([records[best].params])[0].clip(0, 1)
        else:
            x = executed(self.problem.space, self.points[index], records[best])
            longest = max(1.0, np.sqrt(len(x)) / self.settings.step)
            scale = float(np.clip(scale * 2.0 ** ((self.settings.line_search - 1) // 2 - index), _SMALLEST, longest))
        return Standing(tuple(x.tolist()), incumbent=records[best].number, scale=scale)

    def _beside(self) -> list[Record]:
        """Trials of earlier phases that the line search is to be ranked with."""
        known = (self.standing.incumbent, self.standing.winner) if self.standing.line else ()
        return [self.records[number] for number in dict.fromkeys(known) if number is not None]

    def _along(self, standing: Standing) -> tuple[Array, list[int]]:
        """The points of a line search and, last, the incumbent (`(L + 1) x d`); and which of the former differ from all others."""
        x, gradient = np.array(standing.x), np.array(standing.gradient)
        distances = standing.scale * self.settings.step * 0.5 ** np.arange(self.settings.line_search)
        length = float(np.linalg.norm(gradient)) or 1.0
        points = np.vstack([(x - distances[:, None] * gradient / length).clip(0, 1), x])
        distinct = [i for i, point in enumerate(points[:-1]) if not (points[[*range(i), -1]] == point).all(axis=1).any()]
        return points, distinct

    @property
    def _mu(self) -> float:
        return self.settings.mu * min(self.standing.scale, 1.0)
