"""What looks wrong with a study: judged from its log, with no clock, and by the model of its optimizer, where it has one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bbo.best import candidates
from bbo.errors import BBOError
from bbo.log.ledger import Ledger, Record
from bbo.log.states import State
from bbo.problem import Problem

if TYPE_CHECKING:
    from bbo.study import Study

MANY_FAILURES = 0.3
"""Share of finished trials that failed, from which on failures are reported."""

LONG = 20
"""So many trials are long: without an improvement, or while another one stays open."""

ENOUGH = 10
"""So many results say something about constraints that are never kept."""

AT_BOUND = 0.01
"""A best value in this outermost part of a range stands at its end."""

NOISY = 0.5
"""Share of the variance of all results that repeated points show, from which on noise is reported."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks wrong.

    Args:
        kind: What sort of thing it is, a stable name.
        severity: ``"warning"`` (results are in danger) or ``"info"`` (worth knowing).
        text: What was seen, with its numbers.
        advice: What would help.
        trials: The trials it rests on, where these are few.
    """

    kind: str
    severity: Literal["warning", "info"]
    text: str
    advice: str
    trials: tuple[int, ...] = ()


def diagnose(study: Study) -> list[Finding]:
    """What looks wrong with a study, warnings first.

    Where the optimizer has a model, it is asked too: whether it foretells each trial from the others (rank correlation, coverage
    of its intervals, trials far off), how much it takes for noise, and whether it sees constraints that are never kept as out of
    reach (`bbo.model.quality`).
    """
    from bbo.model.quality import judge

    study._replica.sync()
    problem, ledger = study._problem, study._replica.ledger
    found = [finding for check in _CHECKS for finding in check(problem, ledger)]
    found += judge(study)
    return sorted(found, key=lambda finding: finding.severity != "warning")


def _done(problem: Problem, ledger: Ledger) -> list[Record]:
    """Trials with all outcomes, in the order in which they were finished."""
    done = [r for r in ledger.records if r.state is State.DONE and all(name in r.values for name in problem.outcomes)]
    return sorted(done, key=lambda record: (record.finished_time, record.number))


def _failures(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    failed = [record for record in ledger.records if record.state is State.FAILED]
    finished = sum(record.state.finished for record in ledger.records)
    if len(failed) >= 3 and len(failed) >= MANY_FAILURES * finished:
        reasons = sorted({record.reason for record in failed if record.reason})[:3]
        said = f" ({'; '.join(reasons)})" if reasons else ""
        yield Finding(
            "failures",
            "warning",
            f"{len(failed)} of {finished} finished trials failed{said}",
            "narrow the space or state what makes points fail as a known constraint; if it was not the points' fault, retry them",
            tuple(record.number for record in failed),
        )


def _infeasible(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    done = _done(problem, ledger)
    if len(done) < ENOUGH or any(problem.feasible(record.values) for record in done):
        return
    for constraint in problem.outcome_constraints:
        worst = [max(constraint.violations(record.values[constraint.name])) for record in done]
        if min(worst) > 0:
            nearest = done[int(np.argmin(worst))]
            value = nearest.values[constraint.name]
            yield Finding(
                "infeasible",
                "warning",
                f"none of {len(done)} trials keeps {constraint}; nearest is trial {nearest.number} with {value:g}",
                "check the bound and its units; widen the space where it may be kept, or relax it in a new study",
                (nearest.number,),
            )
    if all(any(max(c.violations(r.values[c.name])) <= 0 for r in done) for c in problem.outcome_constraints):
        yield Finding(
            "infeasible",
            "warning",
            f"none of {len(done)} trials keeps all outcome constraints at once, though each one is kept by some",
            "see which of them exclude each other, and relax one in a new study",
        )


def _constant(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    done = _done(problem, ledger)
    for objective in problem.objectives:
        values = {record.values[objective.name] for record in done if objective.name in record.values}
        if len(done) >= ENOUGH and len(values) == 1:
            yield Finding(
                "constant",
                "warning",
                f"all {len(done)} trials gave {objective.name}={next(iter(values)):g}",
                "check that the parameters reach the function, and that the outcome is what it should be",
            )


def _noise(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    groups: dict[Hashable, list[Record]] = defaultdict(list)
    done = _done(problem, ledger)
    for record in done:
        try:
            groups[problem.space.key(record.params)].append(record)
        except (BBOError, KeyError):  # a point of an older definition of the space
            continue
    repeated = [group for group in groups.values() if len(group) > 1]
    degrees = sum(len(group) - 1 for group in repeated)
    if degrees < 3 or len(groups) < 3:
        return
    for objective in problem.objectives:
        values = [[record.values[objective.name] for record in group if objective.name in record.values] for group in repeated]
        everything = [record.values[objective.name] for record in done if objective.name in record.values]
        if not everything or not any(values):
            continue
        within = sum(float(np.var(group) * len(group)) for group in values) / degrees
        total = float(np.var(everything, ddof=1))
        if within == 0 and total > 0:
            yield Finding(
                "repeats",
                "info",
                f"{degrees} trials repeat a point and gave the same {objective.name} again",
                "the outcome seems free of noise: repeating points costs trials and says nothing new",
            )
        elif total > 0 and within >= NOISY * total:
            yield Finding(
                "noise",
                "warning",
                f"repeated points scatter in {objective.name} (sd {within**0.5:g}) nearly as much as all points do (sd {total**0.5:g})",
                "measure more exactly, repeat and tell means with their sd, or vary the parameters more widely",
            )


def _lost(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    lost = [record.number for record in ledger.records if record.state is State.LOST]
    if lost:
        yield Finding(
            "lost",
            "warning",
            f"{len(lost)} trials are lost: their workers disappeared again and again",
            "look at the workers' logs (memory, time limits); retry the trials, or fail them if the points are to blame",
            tuple(lost),
        )


def _stale(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    finished = [record for record in ledger.records if record.state.finished and record.origin != "added"]
    stale = []
    for number in ledger.pending:
        record = ledger.records[number]
        later = sum(other.asked_time > record.asked_time for other in finished)
        if record.asked.get("lease") is None and later >= LONG:
            stale.append(number)
    if stale:
        yield Finding(
            "stale",
            "info",
            f"trials {', '.join(map(str, stale[:10]))} are open while {LONG} or more that were asked later are finished",
            "tell them, or abandon them: the optimizer counts them as points under way",
            tuple(stale),
        )


def _few(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    done = len(_done(problem, ledger))
    wanted = 2 * (problem.space.d + 1)
    if done < wanted and problem.objectives[0].feedback == "value":
        yield Finding(
            "few",
            "info",
            f"{done} trials are done; for a space of {problem.space.d} dimensions a model has something to go by from about {wanted} on",
            "go on before you conclude anything",
        )


def _at_bound(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    from bbo.space import Float, Int

    record = _best(problem, ledger)
    if record is None or len(_done(problem, ledger)) < ENOUGH:
        return
    for name, parameter in problem.space.parameters.items():
        if not isinstance(parameter, (Float, Int)) or name not in record.params or (parameter.cardinality or LONG) <= 3:
            continue
        value = record.params[name]
        if parameter.cardinality is None:
            u = float(parameter.encode([value])[0, 0])
            end = "lower" if u <= AT_BOUND else "upper" if u >= 1 - AT_BOUND else None
        else:
            end = "lower" if value == parameter.low else "upper" if value == parameter.high else None
        if end:
            span = f"{parameter.low:g} to {parameter.high:g}"
            yield Finding(
                "at_bound",
                "info",
                f"the best trial, {record.number}, has {name}={value:g}, at the {end} end of its range ({span})",
                "if values beyond are possible, widen the range: study.redefine, or bbo redefine",
                (record.number,),
            )


def _stalled(problem: Problem, ledger: Ledger) -> Iterator[Finding]:
    record = _best(problem, ledger)
    if record is None:
        return
    done = _done(problem, ledger)
    since = len(done) - 1 - next(index for index, other in enumerate(done) if other.number == record.number)
    if since >= max(LONG, len(done) // 2):
        yield Finding(
            "stalled",
            "info",
            f"the last {since} of {len(done)} trials brought no improvement on trial {record.number}",
            "stop here, widen the space, or go on with another optimizer (study.configure)",
            (record.number,),
        )


def _best(problem: Problem, ledger: Ledger) -> Record | None:
    """The best trial of one objective that is told values; None where there is none."""
    if len(problem.objectives) > 1 or problem.objectives[0].feedback != "value":
        return None
    found = candidates(problem, ledger)
    return min(found, key=lambda record: (problem.losses(record.values)[0], record.number), default=None)


_CHECKS: tuple[Callable[[Problem, Ledger], Iterator[Finding]], ...] = (
    _failures,
    _infeasible,
    _constant,
    _noise,
    _lost,
    _stale,
    _few,
    _at_bound,
    _stalled,
)
