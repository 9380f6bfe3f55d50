"""Is there a point that keeps all known constraints? Found, refuted by proof, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.constraints import Check, Condition, Known
from bbo.space.construction import construct
from bbo.space.drawing import candidates, draws
from bbo.space.linear_system import linear_system
from bbo.space.milp import nearest_feasible

if TYPE_CHECKING:
    from bbo.space.space import Params, Space

_PILOT = 256  # random points tried before any programming


def find_feasible(space: Space) -> Params:
    """A feasible point.

    Raises:
        InvalidSpace: There is none, with a smallest set of constraints that contradict each other, or none was found; the message says
            which. Or a callable constraint failed.
    """
    rng = np.random.default_rng(0)
    try:
        for point in candidates(space, rng.random((_PILOT, draws(space))), {}):
            if point is not None and space._keeps(point, exact=True):
                return point
        _refute(space)
        return construct(space, 1, rng, {})[0]
    except OutOfRange:
        raise InvalidSpace(
            f"no point was found that keeps the constraints {_quoted(space._known)}; this is no proof that there is none: "
            "widen a range, or loosen a constraint"
        ) from None
    except InvalidSpace:
        raise
    except Exception as error:
        checks = [known for known in space._known if isinstance(known, Check)]
        if not checks:
            raise
        raise InvalidSpace(f"a constraint among {_quoted(checks)} raised {type(error).__name__}: {error}") from error


def acceptance(space: Space) -> float:
    """See `Space.acceptance`."""
    if not space._known:
        return 1.0
    tried = candidates(space, np.random.default_rng(0).random((_PILOT, draws(space))), {})
    return sum(point is not None and space._keeps(point, exact=True) for point in tried) / _PILOT


def _refute(space: Space) -> None:
    """Raise if the constraints that are linear in always active numbers contradict each other."""
    always = {name for name in space.names if name not in space._tree.conditions}
    skeleton = {name: value for name, value in _any_point(space).items() if name in always}
    moving = {variable.name for variable in linear_system(space, skeleton, (), known=()).variables}
    linear = [known for known in space._known if isinstance(known, Condition) and known.names <= moving]

    def contradict(known: Sequence[Known]) -> bool:
        system = linear_system(space, skeleton, (), known=known)
        return bool(system.variables) and nearest_feasible(system, (system.low + system.high) / 2).proved_empty

    if not contradict(linear):
        return
    core: list[Known] = list(linear)
    for known in linear:  # what can be left out without ending the contradiction is no part of it (deletion filter)
        rest = [other for other in core if other is not known]
        if contradict(rest):
            core = rest
    if len(core) == 1:
        raise InvalidSpace(f"the constraint {_quoted(core)} cannot hold within the ranges {_ranges(space, core)}")
    raise InvalidSpace(f"the constraints {_quoted(core)} contradict each other within the ranges {_ranges(space, core)}")


def _any_point(space: Space) -> dict[str, Any]:
    return next(point for point in candidates(space, np.full((1, draws(space)), 0.5), {}) if point is not None)


def _quoted(known: Sequence[Known]) -> str:
    return ", ".join(repr(constraint.text) for constraint in known)


def _ranges(space: Space, core: Sequence[Known]) -> str:
    owners = {space._tree.owner[name] for known in core for name in known.names}
    return ", ".join(f"{name}: {space.parameters[name]!r}" for name in space.names if name in owners)
