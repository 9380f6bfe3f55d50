"""How much each parameter matters: variance-based and derivative-based sensitivity indices of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import Simplex, Within
from bbo.model.contract import CubeModel, Model
from bbo.model.prediction import model_of
from bbo.space.sampling import sobol_points
from surrogates.columns import INACTIVE

if TYPE_CHECKING:
    from bbo.problem import Problem
    from bbo.space import Space
    from bbo.study import Study

Array = NDArray[np.float64]

_LEAST, _MOST = 512, 1_024  # base points; powers of two, as Sobol points want it
_ENTRIES = 4_200_000  # covariances that are worth their time: fewer base points where trials and columns are many
_SLOPES = 512  # points at which slopes are taken, at most


@dataclass(frozen=True, slots=True)
class Importance:
    """How much a parameter matters to an outcome.

    Args:
        parameter: Its name.
        outcome: The outcome's name.
        value: Share of the variance of the model over the space in which the parameter has a part, alone or together with others
            (total-order Sobol index). The shares of interacting parameters add up to more than 1.
        first: The share that it has alone (first-order Sobol index), with the effect of all others averaged out.
        dgsm: Upper bound of `value` from the model's slopes (derivative-based global sensitivity measure). It is far above `value`
            where the outcome changes fast in a small part of the range. None for what is no single continuous parameter, and
            where the model has no gradients.
    """

    parameter: str
    outcome: str
    value: float
    first: float
    dgsm: float | None = None


def importance(study: Study) -> list[Importance]:
    """Sobol indices and derivative-based measures of the model's expectation; greatest total-order index first.

    Parameters are varied independently over their ranges (log axes on their scale, levels and choices equally likely, shares of a
    mixture uniformly); known constraints are left aside. A parameter that changes which others are active is charged with what
    that does. Of outcomes that are bent in the fit (``output_warp``) the model's median is looked at.

    Indices come from two Sobol designs of 1,024 points, or of 512 where trials and parameters are many. Their errors beside those of
    the model: root mean squares over 60 seeds of at most 0.012 with 1,024 points and 0.06 with 512, for the functions of Ishigami &
    Homma (1990; 3 parameters) and of Sobol ("g", 6 parameters).

    Raises:
        NoBest: Too little was told for a model, or there can be none.

    Source: total order by Jansen (1999), doi:10.1016/S0010-4655(98)00154-4, first order by Saltelli et al. (2010),
    doi:10.1016/j.cpc.2009.09.018, table 2 (f) and (b); slopes by Sobol & Kucherenko (2009), doi:10.1016/j.matcom.2009.01.023.
    """
    from bbo.optimizers.fitting import one_thread

    problem, (model, _) = study._problem, model_of(study)
    with one_thread():
        return indices(problem, model)


def indices(problem: Problem, model: Model) -> list[Importance]:
    """`importance` of a model."""
    space, groups = problem.space, _columns_of(problem.space)
    n = _MOST
    if isinstance(model, CubeModel):
        n = _MOST if len(model.outcomes) * len(model.trials) * (len(groups) + 2) * _MOST <= _ENTRIES else _LEAST
    A, B = _designs(space, n, problem.rng("importance"))
    base, other = _medians(space, model, A), _medians(space, model, B)
    both = np.vstack([base, other])
    centre, variance = both.mean(axis=0), both.var(axis=0)
    vary = variance > 1e-24 * np.max(np.abs(both), axis=0, initial=0.0) ** 2
    scale = np.where(vary, variance, 1.0)
    bounds = _dgsm(space, model, A, scale)
    found = []
    for name, columns in groups.items():
        mixed = A.copy()
        mixed[:, columns] = B[:, columns]
        changed = _medians(space, model, mixed)
        total = vary * np.mean((base - changed) ** 2, axis=0) / 2 / scale
        first = vary * np.mean((other - centre) * (changed - base), axis=0) / scale
        for k, outcome in enumerate(model.outcomes):
            dgsm = float(vary[k] * bounds[name][k]) if name in bounds else None
            found.append(Importance(name, outcome, float(total[k]), float(min(max(first[k], 0.0), total[k])), dgsm))
    return sorted(found, key=lambda entry: -entry.value)


def _designs(space: Space, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two designs of n encoded points that are independent of each other, every column as if it were active."""
    U = sobol_points(n, 2 * space.d, seed=int(rng.integers(2**31)))
    designs = U[:, : space.d].copy(), U[:, space.d :].copy()
    for X in designs:
        for i in space.columns.discrete:
            levels = np.asarray(space.columns[i].levels)
            X[:, i] = levels[np.minimum((X[:, i] * len(levels)).astype(int), len(levels) - 1)]
        for shape in space.cube.shapes:
            if isinstance(shape, Simplex | Within):
                X[:, shape.columns] = shape.sample(n, rng)
    return designs


def _medians(space: Space, model: Model, X: Array) -> Array:
    """What the model expects at points of a design, `n x m`."""
    return model.medians(_settled(space, X)) if isinstance(model, CubeModel) else model.predict(space.decode(X))[0]


def _settled(space: Space, X: Array) -> Array:
    """Points of a design with inactive columns as the model knows them."""
    columns = space.columns
    if columns.unlisted:
        return space.encode(space.decode(X))
    return np.where(columns.active(X), X, INACTIVE) if columns.tree else X


def _dgsm(space: Space, model: Model, A: Array, variance: Array) -> Mapping[str, Array]:
    """Upper bounds of the total-order indices, `m` a parameter: mean squared slopes over ``pi^2 variance``.

    The constant is that of Poincare's inequality on the unit interval, Sobol & Kucherenko (2009). It asks for an outcome without
    jumps, so parameters that decide on the activity of others have none.
    """
    if not isinstance(model, CubeModel):
        return {}
    columns = space.columns
    deciding = {j for column in columns if column.parent is not None for j in column.parent.columns}
    smooth = [i for i, c in enumerate(columns) if c.kind == "continuous" and c.group is None and i not in deciding]
    owner = {i: name for name, place in _columns_of(space).items() for i in place}
    if not smooth:
        return {}
    squares = np.mean(model.slopes(_settled(space, A[:_SLOPES])) ** 2, axis=0)
    return {owner[i]: squares[:, i] / (np.pi**2 * variance) for i in smooth}


def _columns_of(space: Space) -> dict[str, list[int]]:
    """The columns of each parameter, by its name; constants have none and are left out."""
    return {name: list(place) for name in space.names if len(place := space.columns_of(name))}
