"""The best of what was measured: feasible, inside the space, at the target of fidelities and sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bbo.errors import NoBest
from bbo.log.ledger import Ledger, Record
from bbo.log.states import State
from bbo.problem import Problem


def candidates(problem: Problem, ledger: Ledger) -> list[Record]:
    """Trials that may be the best, by number."""
    return [record for record in ledger.records if eligible(problem, record)]


def eligible(problem: Problem, record: Record) -> bool:
    """Whether a trial may be the best: done, measured in full, inside the space as it is now, at the target, feasible."""
    return (
        record.state is State.DONE
        and not record.outside
        and all(name in record.values for name in problem.outcomes)
        and all(record.params.get(name) == value for name, value in problem.space.targets.items())
        and problem.feasible(record.values)
        and problem.space.contains(record.params)
    )


def best(problem: Problem, ledger: Ledger) -> Record:
    """The best measured trial of a study with one objective; the earliest of equals.

    Raises:
        NoBest: Nothing qualifies, there are several objectives, or an environment that each trial met in one state only; the message
            names what to ask instead.
    """
    if len(problem.objectives) > 1:
        raise NoBest(f"{len(problem.objectives)} objectives have no single best trial; use study.pareto_front()")
    if problem.objectives[0].feedback == "ranking":
        return _best_ranked(ledger)
    if names := problem.space.of_role("environment"):
        raise NoBest(
            f"each trial was measured under one value of the environment {', '.join(map(repr, names))}, and no design under all of them; "
            "use study.recommend()"
        )
    found = candidates(problem, ledger)
    if not found:
        raise NoBest(_why_none(problem, ledger))
    return min(found, key=lambda record: (problem.losses(record.values)[0], record.number))


def pareto_front(problem: Problem, ledger: Ledger) -> list[Record]:
    """The trials that no other one beats in all objectives, in the order of their numbers."""
    found = candidates(problem, ledger)
    if not found:
        return []
    keep = nondominated(np.stack([problem.losses(record.values) for record in found]))
    return [record for record, kept in zip(found, keep, strict=True) if kept]


def nondominated(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows no other row dominates (at most as large everywhere, smaller somewhere). Equal rows are all kept.

    Args:
        losses: ``n x m``, minimized.

    Returns:
        Shape ``n``.
    """
    keep = np.zeros(len(losses), dtype=bool)
    left = np.lexsort(losses.T[::-1])  # whoever dominates a row comes before it: the first one left is dominated by nobody
    while len(left):
        rows, first = losses[left], losses[left[0]]
        keep[left[(rows == first).all(axis=1)]] = True
        left = left[(rows < first).any(axis=1)]
    return keep


def _best_ranked(ledger: Ledger) -> Record:
    """The trial that stands first in the latest ranking."""
    if not ledger.rankings:
        raise NoBest("nothing is ranked yet; use study.tell_ranking")
    return ledger.records[ledger.rankings[-1].tiers[0][0]]


def _why_none(problem: Problem, ledger: Ledger) -> str:
    done: Sequence[Record] = [record for record in ledger.records if record.state is State.DONE]
    if not done:
        counts = ", ".join(f"{count} {state}" for state, count in ledger.counts.items() if count) or "no trials"
        return f"no trial is done yet ({counts})"
    inside = [record for record in done if not record.outside]
    if not inside:
        return f"all {len(done)} measured points lie outside the space"
    if (targets := problem.space.targets) and not any(all(r.params.get(k) == v for k, v in targets.items()) for r in inside):
        return f"none of {len(done)} trials was run at the target {targets}; use study.recommend()"
    if problem.outcome_constraints and not any(problem.feasible(record.values) for record in inside):
        nearest = min(inside, key=lambda record: float(np.maximum(problem.violations(record.values), 0).sum()))
        shown = ", ".join(f"{name}={value:g}" for name, value in nearest.values.items())
        wanted = ", ".join(map(str, problem.outcome_constraints))
        return f"nothing feasible yet among {len(done)} trials (wanted: {wanted}); nearest is trial {nearest.number} with {shown}"
    return f"none of {len(done)} measured trials lies in the space as it is defined now and is feasible"
