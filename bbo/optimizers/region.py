"""Where the points of a moving swarm may lie: a convex part of the unit cube, and how a point moves within it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import Box, Domain, Linear, Simplex, Within
from bbo.problem import Problem
from bbo.space import Array, Fixed, Float, Int, Space
from bbo.space import Simplex as Mixture
from bbo.zeroth_order.mirror import box_from_dual, box_to_dual, simplex_from_dual, simplex_to_dual

Points = NDArray[np.float64]

_INWARD = 1e-9  # of the way to the middle: rounding then breaks no known constraint, and strict inequalities hold
_DRAWS = 256  # points whose mean is taken for the middle


def not_convex(space: Space) -> str | None:
    """None for floats, integers, arrays and plain mixtures without conditions, under linear constraints on floats; else the reason."""
    for name, parameter in space.parameters.items():
        if parameter.role != "decision":
            return f"it searches decisions only, and {name!r} is a {parameter.role} parameter"
        if not isinstance(parameter, (Float, Int, Array, Mixture, Fixed)):
            return f"it searches numbers only, and {name!r} is a {type(parameter).__name__}"
        if isinstance(parameter, Mixture) and (parameter.step or parameter.min_share or parameter.shape.support < parameter.shape.k):
            return f"it searches convex sets, and {name!r} is a Simplex with a step, a least share or few components"
        if parameter.when is not None:
            return f"it cannot leave parameters out, and {name!r} is conditional"
    smooth = np.array([column.kind == "continuous" for column in space.columns])
    for constraint in space.cube.constraints:
        if not isinstance(constraint, Linear) or constraint.coefficients[~smooth].any():
            return (
                f"it keeps known constraints that are linear in floats and shares, without log axes and steps; {constraint.text!r} is not"
            )
    return None


def no_mirror(space: Space) -> str | None:
    """None where every set has a mirror map, else the reason."""
    if space.constraints:
        return f"a mirror map keeps bounds and sums, not {str(space.constraints[0])!r}"
    for shape in space.cube.shapes:
        if isinstance(shape, Within):
            return (
                f"mirror maps are those of bounds and of a StandardSimplex, and {space.columns[shape.columns[0]].group!r} is in another set"
            )
    return None


@dataclass(slots=True)
class Region:
    """Latent points (rows, unit cube): within bounds, sets and linear constraints; whole numbers and steps anywhere between their bounds.

    A point moves by what is added to its dual. Here the dual is the point itself, and the way back is the projection onto the region.

    Args:
        problem: Its space is one that `not_convex` has no objection to.
    """

    problem: Problem
    _domain: Domain = field(init=False)
    _boxed: bool = field(init=False)
    _smooth: NDArray[np.bool_] = field(init=False)
    _bound: NDArray[np.bool_] = field(init=False)
    _middle: Points = field(init=False)

    def __post_init__(self) -> None:
        space = self.problem.space
        self._domain = domain = replace(space.cube, constraints=space.cube.binding)
        linear = [constraint.coefficients for constraint in space.cube.binding]
        self._boxed = not linear and all(isinstance(shape, Box) for shape in domain.shapes)
        self._smooth = np.array([column.kind == "continuous" for column in space.columns])
        self._bound = np.any([*linear, np.zeros(space.d)], axis=0)
        for shape in domain.shapes:
            if isinstance(shape, Simplex) and self._bound[list(shape.columns)].any():
                self._bound[list(shape.columns)] = True
        self._middle = domain.sample(_DRAWS, self.problem.rng("region")).mean(axis=0) if linear else np.full(space.d, 0.5)

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """Independent points, uniform within bounds and mixtures, elsewhere as the set's `sample` says."""
        space = self.problem.space
        points: Points = rng.uniform(size=(n, space.d))
        if not self._boxed:
            points[:, self._smooth] = self._domain.sample(n, rng)[:, self._smooth]
        return points

    def to_dual(self, points: Points) -> Points:
        """Where a step begins."""
        return points

    def from_dual(self, dual: Points) -> Points:
        """The point at the end of a step."""
        points: Points = dual.clip(0, 1)
        if not self._boxed:
            points[:, self._smooth] = self._domain.project(dual)[:, self._smooth]
            points[:, self._bound] += _INWARD * (self._middle - points)[:, self._bound]
        return points


@dataclass(slots=True)
class Mirrored(Region):
    """The same with mirror maps, so that points stay in the interior: a logarithmic barrier for bounds, the entropy for mixtures."""

    def to_dual(self, points: Points) -> Points:
        """Where a step begins."""
        dual = box_to_dual(points)
        for shape in self.problem.space.cube.shapes:
            if isinstance(shape, Simplex):
                dual[:, shape.columns] = simplex_to_dual(points[:, shape.columns], shape.total)
        return dual

    def from_dual(self, dual: Points) -> Points:
        """The point at the end of a step."""
        points = box_from_dual(dual)
        for shape in self.problem.space.cube.shapes:
            if isinstance(shape, Simplex):
                points[:, shape.columns] = simplex_from_dual(dual[:, shape.columns], shape.total)
        return points
