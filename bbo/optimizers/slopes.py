"""Gradients that were told, as `bayes` models them: whether it does, in the units of its model, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bbo import gradients
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.history import History
from bbo.problem import Problem
from bbo.space import Space

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.targets import Target

KERNELS = ("rbf", "matern52")
"""Those whose functions have gradients."""

MOST_DERIVATIVES = 500
"""Partial derivatives that are modelled at most, those at the best trials: a fit to as many took 1.1 s from scratch, and 0.1 s from the
hyperparameters of the one before."""

_LEAST_SD = 1e-3  # of the scale of an outcome, for a side of the cube; a smaller one is no noise to a model


def used(settings: Bayes, problem: Problem) -> bool:
    """Whether told gradients of the first objective are modelled."""
    return not refusal(settings, problem, problem.objectives[0].name)


def refusal(settings: Bayes, problem: Problem, outcome: str) -> str:
    """Why told gradients of an outcome are not modelled; empty where they are."""
    first = problem.objectives[0].name
    if outcome != first:
        return f"it uses those of {first}, the first objective"
    if problem.objectives[0].feedback == "ranking":
        return "its model is of rankings"
    if callable(settings.surrogate) or callable(settings.acquisition):
        return "a model or an acquisition function of your own is told values only"
    name, entry = settings.named(problem)
    if entry.botorch or not entry.gradients:
        return f"the acquisition {name!r} works on a model of values only"
    if any(role != "decision" for role in problem.space.roles.values()):
        return "its models of fidelities, sources and other roles are of values only"
    if settings.prior_studies:
        return "its model of finished studies is of values only"
    if settings.judges_conditions(problem):
        return "what it judges designs by over conditions rests on a model of values only"
    if settings.kernel not in KERNELS:
        return f"the kernel {settings.kernel!r} has too few derivatives; {' and '.join(map(repr, KERNELS))} have enough"
    if settings.input_warp:
        return "its model of warped axes (input_warp) is of values only"
    if not gradients.usable(problem.space):
        return "it uses derivatives by floats without steps and conditions, and there are none"
    return ""


def with_gradients(space: Space, target: Target, done: Sequence[Record]) -> Target:
    """The target with the gradients that were told with its trials, by the chain rule of its transform; itself where there are none.

    Where a value was clipped its gradient is left out, and of more than `MOST_DERIVATIVES` those at the best values are kept, whole
    gradients at a time. Their noise is known where every derivative was told with a standard deviation.

    Args:
        space: Of the trials.
        target: Theirs, an objective.
        done: The trials, in the order of the target's rows.
    """
    from surrogates.exact_gp.gradients import Gradients
    from surrogates.exact_gp.transforms import Chain, Winsorise

    values, sd = gradients.encoded(space, list(done), target.name)
    gains = target.sign * np.array([record.values[target.name] for record in done], dtype=float)
    steps = target.transform.steps if isinstance(target.transform, Chain) else ()
    for step in steps:
        if isinstance(step, Winsorise):
            values[(gains < step.low) | (gains > step.high)] = np.nan
    counts = (~np.isnan(values)).sum(1)
    best = np.argsort(-target.y, kind="stable")
    values[best[np.cumsum(counts[best]) > MOST_DERIVATIVES]] = np.nan
    told = ~np.isnan(values)
    if not told.any():
        return target
    stretch = target.transform.derivative(gains)[:, None]
    known = not np.isnan(sd[told]).any()
    variance = np.maximum(sd * stretch, _LEAST_SD) ** 2 if known else None
    return replace(target, gradients=Gradients(target.sign * stretch * values, variance))


def said(state: History, target: Target) -> str:
    """How many derivatives a target has, for the note of a proposal; empty where it has none."""
    if target.gradients is None:
        return ""
    names = gradients.usable(state.problem.space)
    told = sum(name in names for record in state.finished(State.DONE) for name in record.gradient.get(target.name, ()))
    count = int(np.sum(~np.isnan(target.gradients.values)))
    return (
        f" and {count} partial derivatives"
        if count == told
        else f" and {count} of {told} partial derivatives (not those at the worst trials)"
    )
