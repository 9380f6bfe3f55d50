"""A user's belief where the optimum lies: the setting `optimum` of `bbo.Bayes`, from what was written to what a proposal is weighed by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.prior_guided import LevelsMarginal, LogOptimumPrior, NormalMarginal, prior_guided
from acquisitions.protocol import Acquisition
from bbo.errors import BBOError, InvalidStudy
from bbo.space import Bool, Categorical, Float, Int, Normal, Ordinal, Space
from bbo.space.drawing import candidates, draws
from bbo.space.parameter import Parameter
from bbo.space.sampling import sobol_points
from bbo.space.tree import nearest

Array = NDArray[np.float64]
Params = dict[str, Any]

WEIGHT = 5.0
"""Exponent of the belief after the first trial, after n of them the n-th part: a tenth of a budget of 50.

A tenth of the budget is the choice of Hvarfner et al. (2022) and of SMAC3, and `Bayes` knows no budget.
"""

_LEADERS = 8

_DRAWN = 64  # random points of the belief among which one that keeps the constraints is looked for


def canonical(optimum: Any) -> dict[str, Any] | None:
    """The setting as plain JSON, distributions as those of environments: ``{"normal": [mean, sd]}``, ``{"weights": [[value, w], ...]}``.

    Raises:
        InvalidStudy: It is no mapping of names to distributions.
    """
    if optimum is None:
        return None
    if not isinstance(optimum, Mapping) or not optimum or not all(isinstance(name, str) for name in optimum):
        example = '{"lr": bbo.Normal(1e-3, 0.5), "kernel": {"rbf": 0.8, "poly": 0.2}}'
        raise InvalidStudy(f"bayes: optimum is {optimum!r}; it maps names of parameters to beliefs, such as {example}")
    return {name: _distribution(entry, name) for name, entry in optimum.items()}


def _distribution(given: Any, name: str) -> dict[str, Any]:
    match given:
        case Normal(mean, sd):
            return {"normal": [mean, sd]}
        case {"normal": [mean, sd]}:
            try:
                return _distribution(Normal(mean, sd), name)
            except BBOError as error:
                raise InvalidStudy(f"bayes: optimum[{name!r}]: {error}") from None
        case {"weights": [*pairs]} if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            weights = [(value, weight) for value, weight in pairs]
        case Mapping():
            weights = list(given.items())
        case _:
            weights = []
    if not weights:
        forms = "bbo.Normal(mean, sd), or the weights of all choices such as {'rbf': 0.8, 'poly': 0.2}"
        raise InvalidStudy(f"bayes: optimum[{name!r}] is {given!r}; it is {forms}")
    for value, weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise InvalidStudy(
                f"bayes: optimum[{name!r}]: the weight of {value!r} is {weight!r}; it is a positive number, however small: "
                "a choice that is out of the question does not belong into the space"
            )
    return {"weights": [[value, float(weight)] for value, weight in weights]}


def refusal(optimum: Mapping[str, Any], space: Space) -> str | None:
    """Why there can be no such belief about a space; None where there can."""
    for name, distribution in optimum.items():
        if name not in space.parameters:
            return f"it has a belief about {name!r}, which is no parameter{nearest(name, space.parameters)}"
        parameter = space.parameters[name]
        if parameter.role != "decision":
            return f"it takes beliefs about decisions, and {name!r} is a {parameter.role} parameter"
        if reason := _unfit(distribution, parameter, name):
            return reason
    return None


def _unfit(distribution: Mapping[str, Any], parameter: Parameter, name: str) -> str | None:
    if "normal" in distribution:
        if not isinstance(parameter, Float | Int | Ordinal):
            return f"it takes a bbo.Normal for a number only, and {name!r} is a {type(parameter).__name__}"
        low, high = _ends(parameter)
        if not low <= distribution["normal"][0] <= high:
            return f"it believes the best {name!r} to be about {distribution['normal'][0]:g}, out of the range from {low:g} to {high:g}"
        return None
    if not isinstance(parameter, Bool | Categorical | Ordinal):
        return f"it takes weights for a parameter with choices only, and {name!r} is a {type(parameter).__name__}; give a bbo.Normal"
    try:
        given = [parameter.identity(parameter.check(value, name)) for value, _ in distribution["weights"]]
    except BBOError as error:
        return f"it has a belief about what is no choice: {error}"
    if len(set(given)) < len(given):
        return f"it has two weights for one choice of {name!r}"
    missing = [value for value in parameter.grid(1) if parameter.identity(value) not in given]
    return f"it has weights for some choices of {name!r} only; give {missing[0]!r} one too" if missing else None


def _ends(parameter: Float | Int | Ordinal) -> tuple[float, float]:
    return (parameter.values[0], parameter.values[-1]) if isinstance(parameter, Ordinal) else (parameter.low, parameter.high)


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """A belief about the parameters of a space that are named in it; of all others nothing is believed.

    Args:
        space: The space.
        prior: Its logarithm at encoded points.
        draws: By index of a uniform number that a random point is made of: the marginal it then is of.
    """

    space: Space
    prior: LogOptimumPrior
    draws: Mapping[int, NormalMarginal | LevelsMarginal]

    @classmethod
    def of(cls, optimum: Mapping[str, Any] | None, space: Space) -> Belief | None:
        """The belief of a canonical setting that fits the space; None where nothing is preferred to anything."""
        marginals, drawn, first = list[NormalMarginal | LevelsMarginal](), dict[int, NormalMarginal | LevelsMarginal](), 0
        for name, parameter in space.parameters.items():
            if (marginal := _marginal((optimum or {}).get(name), parameter, space.columns_of(name).start)) is not None:
                marginals.append(marginal)
                drawn[first] = _by_levels(marginal, parameter) if isinstance(parameter, Ordinal) else marginal
            first += parameter.draws
        return cls(space, LogOptimumPrior(tuple(marginals), space.columns), drawn) if marginals else None

    def sobol(self, seed: int, number: int, fixed: Mapping[str, Any]) -> Params:
        """The point of that number of a Sobol sequence; every second one, from the first on, is bent to be of the belief."""
        if number % 2:
            return self.space.sobol(1, seed=seed, start=number, fixed=fixed)[0]
        for point in candidates(self.space, self._bent(sobol_points(1, draws(self.space), seed, number)), fixed):
            if point is not None and self.space.satisfies(point):
                return point
        return self.sample(1, np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, number]))), fixed=fixed)[0]

    def sample(self, n: int, rng: np.random.Generator, *, fixed: Mapping[str, Any]) -> list[Params]:
        """Random feasible points of the belief with the fixed values.

        Where few of them keep the known constraints, they are drawn from the feasible ones by how likely they are.
        """
        U = self._bent(rng.random((_DRAWN + n, draws(self.space))))
        points = [point for point in candidates(self.space, U, fixed) if point is not None and self.space.satisfies(point)][:n]
        if len(points) < n:
            others = self.space.sample(_DRAWN, rng, fixed=fixed)
            likely = self.prior.value(self.space.encode(others))
            share = np.exp(likely - likely.max())
            points += [others[k] for k in rng.choice(len(others), n - len(points), p=share / share.sum())]
        return points

    def _bent(self, U: Array) -> Array:
        bent = U.copy()
        for column, marginal in self.draws.items():
            bent[:, column] = [marginal.quantile(p) for p in U[:, column].tolist()]
        return bent


def _marginal(distribution: Mapping[str, Any] | None, parameter: Parameter, column: int) -> NormalMarginal | LevelsMarginal | None:
    """What a distribution is in the unit cube; None where it prefers nothing."""
    if distribution is None or parameter.cardinality == 1:
        return None
    if "normal" in distribution:
        assert isinstance(parameter, Float | Int | Ordinal)  # refused before
        mean, sd = distribution["normal"]
        low, high = _ends(parameter)
        start, centre, end = parameter.encode([low, mean, high])[:, 0].tolist()
        log = not isinstance(parameter, Ordinal) and parameter.log
        length = math.log10(high) - math.log10(low) if log else high - low
        return NormalMarginal(column, min(max(centre, 0.0), 1.0), sd / length * (end - start))
    by_value = {parameter.identity(parameter.check(value, "optimum")): weight for value, weight in distribution["weights"]}
    weights = tuple(by_value[parameter.identity(value)] for value in parameter.grid(1))
    levels = tuple(float(u) for u in parameter.encode(list(parameter.grid(1)))[:, 0])
    return LevelsMarginal(column, levels, weights) if len(set(weights)) > 1 else None


def _by_levels(marginal: NormalMarginal | LevelsMarginal, parameter: Ordinal) -> LevelsMarginal:
    """An ordinal parameter is drawn by the number of its level, whatever the distance between levels."""
    if isinstance(marginal, LevelsMarginal):
        return marginal
    levels = parameter.encode(list(parameter.values))[:, 0]
    logarithms = marginal.log_density(levels)[0]
    return LevelsMarginal(
        marginal.column, tuple(levels.tolist()), tuple(np.maximum(np.exp(logarithms - logarithms.max()), 1e-300).tolist())
    )


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """A belief as it counts for one proposal.

    Args:
        belief: The belief.
        exponent: The power that it is taken to.
    """

    belief: Belief
    exponent: float

    @property
    def aim(self) -> str:
        """For `study.explain()`."""
        return f"times the belief where the optimum lies to the power of {self.exponent:.2g}"

    def leaders(self, rng: np.random.Generator, fixed: Mapping[str, Any]) -> list[Params]:
        """Points to search around: a narrow belief may be missed by points from all over the space."""
        return self.belief.sample(_LEADERS, rng, fixed=fixed)


def guided(acquisition: Acquisition, guide: Guide | None) -> Acquisition:
    """What is maximized: the logarithm of a gain, weighed by a belief where there is one."""
    return acquisition if guide is None else prior_guided(acquisition, guide.belief.prior, guide.exponent)
