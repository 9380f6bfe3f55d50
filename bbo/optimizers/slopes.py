"""Whether `bayes` models told gradients, and what it says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bbo.gradients import usable
from bbo.log.states import State
from bbo.optimizers.acquisitions import TABLE, default
from bbo.optimizers.history import History
from bbo.problem import Problem

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.targets import Target

KERNELS = ("rbf", "matern52")
"""Those whose functions have gradients."""


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
    name = settings.acquisition or default(problem)
    if TABLE[name].botorch or not TABLE[name].gradients:
        return f"the acquisition {name!r} works on a model of values only"
    if any(role != "decision" for role in problem.space.roles.values()):
        return "its models of fidelities, sources and other roles are of values only"
    if settings.kernel not in KERNELS:
        return f"the kernel {settings.kernel!r} has too few derivatives; {' and '.join(map(repr, KERNELS))} have enough"
    if settings.input_warp:
        return "its model of warped axes (input_warp) is of values only"
    if not usable(problem.space):
        return "it uses derivatives by floats without steps and conditions, and there are none"
    return ""


def said(state: History, target: Target) -> str:
    """How many derivatives a target has, for the note of a proposal; empty where it has none."""
    if target.gradients is None:
        return ""
    names = usable(state.problem.space)
    told = sum(name in names for record in state.finished(State.DONE) for name in record.gradient.get(target.name, ()))
    count = int(np.sum(~np.isnan(target.gradients.values)))
    return (
        f" and {count} partial derivatives"
        if count == told
        else f" and {count} of {told} partial derivatives (not those at the worst trials)"
    )
