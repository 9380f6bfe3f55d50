"""Several points at once: one after another, or all together in one larger domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquisitions.domain import Box, Domain, Linear, Opaque, Shape, Simplex, UnsupportedDomain
from acquisitions.maximizer.multistart import maximize
from acquisitions.maximizer.result import Maximum
from acquisitions.maximizer.settings import MaximizerSettings
from acquisitions.protocol import Acquisition
from surrogates.columns import Columns

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def maximize_sequential(
    build: Callable[[Array], Acquisition],
    domain: Domain,
    q: int,
    *,
    rng: np.random.Generator,
    seeds: ArrayLike | None = None,
    pool: ArrayLike | None = None,
    fixed: Mapping[int, float] | None = None,
    feasible: Callable[[Array], Mask] | None = None,
    settings: MaximizerSettings | None = None,
) -> tuple[Maximum, ...]:
    """A batch of q points, each chosen given those before it; within a factor 1 - 1/e of the best batch where scores are submodular.

    The optima found for one point are seeds for the next. Wilson, Hutter and Deisenroth (2018), arXiv:1805.10196.

    Args:
        build: Makes the score given the points chosen so far, `k x d` with k from 0 to q - 1.
        domain: Where to search, and the other arguments as for `maximize`.
        q: How many points.
        rng: Source of all draws.
        seeds: Points worth a closer look around.
        pool: Points of the caller's.
        fixed: Values of columns that stand still.
        feasible: Which points may be chosen.
        settings: How much work to do for each point.
    """
    chosen, start = (
        np.empty((0, domain.d)),
        np.empty((0, domain.d)) if seeds is None else np.array(seeds, dtype=float).reshape(-1, domain.d),
    )
    found: list[Maximum] = []
    for _ in range(q):
        beside = np.vstack([start, *(one.optima[:3] for one in found[-1:])])
        one = maximize(build(chosen), domain, rng=rng, seeds=beside, pool=pool, fixed=fixed, feasible=feasible, settings=settings)
        found.append(one)
        chosen = np.vstack([chosen, one.x])
    return tuple(found)


@dataclass(frozen=True)
class _Copy:
    """What a function says of the k-th point of a row."""

    function: Callable[[Array], Any]
    k: int
    d: int

    def __call__(self, X: Array) -> Any:
        return self.function(X[:, self.k * self.d : (self.k + 1) * self.d])


def power(domain: Domain, q: int) -> Domain:
    """The domain of rows that hold q points of the given domain one after another, `m x (q d)`.

    Raises:
        UnsupportedDomain: It has a shape that is neither a box nor a simplex.
    """
    d = domain.d
    columns = []
    for k in range(q):
        for column in domain.columns:
            parent = column.parent and replace(column.parent, columns=tuple(k * d + j for j in column.parent.columns))
            group = None if column.group is None else f"{column.group}[{k}]"
            columns.append(replace(column, name=f"{column.name}[{k}]", parent=parent, group=group))
    constraints = tuple(_shifted(constraint, k, q, d) for k in range(q) for constraint in domain.constraints)
    shapes = tuple(_moved(shape, k * d) for k in range(q) for shape in domain.shapes)
    return Domain(Columns(tuple(columns)), np.tile(domain.bounds, (1, q)), constraints, shapes)


def _shifted(constraint: Linear | Opaque, k: int, q: int, d: int) -> Linear | Opaque:
    if isinstance(constraint, Opaque):
        excess = None if constraint.excess is None else _Copy(constraint.excess, k, d)
        return replace(constraint, check=_Copy(constraint.check, k, d), excess=excess)
    coefficients = np.zeros(q * d)
    coefficients[k * d : (k + 1) * d] = constraint.coefficients
    return replace(constraint, coefficients=coefficients)


def _moved(shape: Shape, offset: int) -> Shape:
    if not isinstance(shape, Box | Simplex):
        raise UnsupportedDomain(f"a batch cannot be searched jointly in a {type(shape).__name__}; choose its points one after another")
    return replace(shape, columns=tuple(offset + i for i in shape.columns))
