"""Gradients as users tell them: partial derivatives of outcomes by parameters, in native units; checked, and brought to the unit cube."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidTell
from bbo.log.ledger import Record
from bbo.numbers import finite
from bbo.problem import Problem
from bbo.space import Float, Space

Array = NDArray[np.float64]
Partials = dict[str, dict[str, float]]


def checked(problem: Problem, params: Mapping[str, Any], gradient: Any, sd: Any, where: str) -> dict[str, Partials]:
    """The parts ``gradient`` and ``gradient_sd`` of an event's body, each by outcome and parameter; those that are given.

    Args:
        problem: What is optimized.
        params: The point that was run.
        gradient: Partial derivatives by parameter, or such mappings by outcome.
        sd: Their standard deviations alike, or one number for all.
        where: Whose, for messages.

    Raises:
        InvalidTell: An outcome or a parameter is unknown, a parameter has no derivatives or is not active at the point, a number is not
            finite, or there is a standard deviation of what is not told.
    """
    if gradient is None:
        if sd is not None:
            raise InvalidTell(f"{where}: gradient_sd is given without gradient")
        return {}
    found = {
        outcome: {name: _partial(problem.space, params, name, value, f"{where}: gradient of {outcome}") for name, value in part.items()}
        for outcome, part in _by_outcome(problem, gradient, f"{where}: gradient").items()
    }
    if sd is None:
        return {"gradient": found}
    if not isinstance(sd, Mapping):
        spread = _least_zero(sd, f"{where}: gradient_sd")
        return {"gradient": found, "gradient_sd": {outcome: dict.fromkeys(part, spread) for outcome, part in found.items()}}
    spreads = {
        outcome: {name: _least_zero(value, f"{where}: gradient_sd of {outcome} by {name}") for name, value in part.items()}
        for outcome, part in _by_outcome(problem, sd, f"{where}: gradient_sd").items()
    }
    for outcome, part in spreads.items():
        if unknown := [name for name in part if name not in found.get(outcome, {})]:
            raise InvalidTell(f"{where}: gradient_sd of {outcome} by {unknown[0]} is given, and that derivative is not")
    return {"gradient": found, "gradient_sd": spreads}


def finite_part(gradient: Any) -> Any:
    """A gradient without partial derivatives that are NaN or infinite, as a solver may return some; anything else as it is."""
    if not isinstance(gradient, Mapping):
        return gradient
    parts = {name: finite_part(part) for name, part in gradient.items()}
    return {name: part for name, part in parts.items() if not (_number(part) and not math.isfinite(part))}


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (hasattr(value, "__float__") and getattr(value, "ndim", 0) == 0)


def _by_outcome(problem: Problem, given: Any, what: str) -> dict[str, Mapping[str, Any]]:
    """A mapping by outcome of mappings by parameter; of a study's only outcome the inner one will do."""
    outcomes = problem.outcomes
    if not isinstance(given, Mapping):
        raise InvalidTell(f'{what} is {given!r}; it is a mapping of parameters to derivatives, such as {{"x": 0.2}}')
    if not any(isinstance(part, Mapping) for part in given.values()):
        if len(outcomes) > 1 and given:
            raise InvalidTell(f'{what} is one for {len(outcomes)} outcomes; give it by outcome: {{"{outcomes[0]}": {{...}}}}')
        return {outcomes[0]: given} if given else {}
    for outcome, part in given.items():
        if outcome not in outcomes:
            raise InvalidTell(f"{what}: unknown outcome {outcome!r}{_near(outcome, outcomes)} (outcomes: {', '.join(outcomes)})")
        if not isinstance(part, Mapping):
            raise InvalidTell(f"{what} of {outcome} is {part!r}; it is a mapping of parameters to derivatives")
    return dict(given)


def _partial(space: Space, params: Mapping[str, Any], name: Any, value: Any, what: str) -> float:
    parameter = space.parameters.get(name)
    if parameter is None:
        raise InvalidTell(f"{what}: unknown parameter {name!r}{_near(name, space.names)} (parameters: {', '.join(space.names)})")
    if not isinstance(parameter, Float):
        kind = type(parameter).__name__
        raise InvalidTell(f"{what}: {name!r} is a parameter of kind {kind}, and derivatives are by a Float; leave it out")
    if name not in params:
        raise InvalidTell(f"{what}: {name!r} is not active at this point; leave it out")
    return finite(value, f"{what} by {name}", "; leave out what is not known")


def _least_zero(value: Any, what: str) -> float:
    if (number := finite(value, what)) < 0:
        raise InvalidTell(f"{what} is {number}; it is at least 0")
    return number


def _near(name: Any, names: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(name), names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def usable(space: Space) -> dict[str, int]:
    """Parameters whose derivatives a model takes, with their columns: floats without steps and conditions."""
    return {
        name: space.columns_of(name)[0]
        for name, parameter in space.parameters.items()
        if isinstance(parameter, Float) and parameter.step is None and parameter.when is None
    }


def encoded(space: Space, records: list[Record], outcome: str) -> tuple[Array, Array]:
    """Derivatives of an outcome with respect to the columns of encoded points, and their standard deviations, each `n x d`.

    By the chain rule: a logarithmic axis stretches with the value. NaN where nothing was told or `usable` says no.
    """
    values, spreads = np.full((2, len(records), space.d), np.nan)
    for name, column in usable(space).items():
        axis = space.parameters[name].position_axis  # type: ignore[attr-defined]  # it is a Float
        for row, record in enumerate(records):
            value = record.gradient.get(outcome, {}).get(name)
            if value is None or name not in record.params:
                continue
            stretch = axis.stretch(record.params[name])
            if math.isfinite(stretch):
                values[row, column] = value * stretch
                spreads[row, column] = record.gradient_sd.get(outcome, {}).get(name, math.nan) * stretch
    return values, spreads
