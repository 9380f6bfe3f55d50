"""A test problem as a frozen value: what is optimized, and what is known of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy
from bbo.objectives import Constraint, Objective
from bbo.problem import derive
from bbo.result import Result
from bbo.space import Fidelity, Source, Space

if TYPE_CHECKING:
    from bbo.study import Study

Evaluation = Callable[[Mapping[str, Any]], Mapping[str, float]]
"""Maps parameters to all outcomes, without noise. To be sent to worker processes it must be picklable."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best that is known of a problem.

    Args:
        value: With one objective the best feasible value at the target fidelity, in the objective's own sign and without noise; with an
            environment, or inexact settings, the best expectation over that. With several objectives the largest hypervolume over their
            reference points.
        points: Where it is taken, as decisions, without fidelity, source or environment; feasible up to rounding. Empty where not known, or
            with several objectives.
        exact: Whether it is the optimum by a formula or by agreement of many searches with the literature; otherwise the best found.
        source: Where the number is from.
    """

    value: float
    points: tuple[Mapping[str, Any], ...] = ()
    exact: bool = True
    source: str = ""


@dataclass(frozen=True, eq=False)
class TestProblem:
    """A function on a space, and its known optimum. Called with parameters it returns what `Study.tell` takes.

    ``study.optimize(problem, ...)`` and ``bbo.compare(problem, ...)`` take it as it is; `study` makes a study of its space, objectives
    and constraints.

    Args:
        name: Its name in the registry.
        space: The parameters, with fidelities in their role.
        function: Maps parameters to all outcomes, without noise.
        objectives: What is optimized; with several, each has its `reference`.
        outcome_constraints: What must hold of the outcomes.
        optimum: What is known of the answer; None where nothing is, as when no point is feasible.
        source: Where the problem is from.
        variant: With problems whose published code errs, ``"as_published"`` or ``"corrected"``; never compare numbers of the two.
        noise: Standard deviation of what is added to each objective as it is measured. `optimum` is without it.
        note: What a user should know, such as how the variants differ.
        gradient: Maps decisions to the partial derivatives of the only objective, without noise, which are then told with the values.
        expectation: Maps decisions to the expected objective over the environment, or over what inexact settings become; None where there
            is neither.
    """

    __test__: ClassVar[bool] = False  # its name is no sign to pytest

    name: str
    space: Space
    function: Evaluation = field(repr=False)
    objectives: tuple[Objective, ...] = (Objective("value"),)
    outcome_constraints: tuple[Constraint, ...] = ()
    optimum: Optimum | None = None
    source: str = ""
    variant: str | None = None
    noise: float = 0.0
    note: str = ""
    gradient: Evaluation | None = field(default=None, repr=False)
    expectation: Callable[[Mapping[str, Any]], float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.noise, bool) or not isinstance(self.noise, (int, float)) or not 0 <= self.noise < float("inf"):
            raise InvalidStudy(f"problem {self.name!r}: noise is {self.noise!r}; it is a standard deviation, at least 0")
        if len(self.objectives) > 1 and any(objective.reference is None for objective in self.objectives):
            raise InvalidStudy(f"problem {self.name!r}: with several objectives each needs a reference")
        if len(self.objectives) > 1 and self.gradient is not None:
            raise InvalidStudy(f"problem {self.name!r}: a gradient is that of the only objective, and there are {len(self.objectives)}")

    @property
    def dimension(self) -> int:
        """Number of decisions: parameters without a role."""
        return sum(parameter.role == "decision" for parameter in self.space.parameters.values())

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of what an evaluation returns: objectives, then constraints."""
        return tuple(dict.fromkeys([o.name for o in self.objectives] + [c.name for c in self.outcome_constraints]))

    def evaluate(self, params: Mapping[str, Any]) -> dict[str, float]:
        """All outcomes of a point, without noise."""
        values = self.function(params)
        return {name: float(values[name]) for name in self.outcomes}

    def cost(self, params: Mapping[str, Any]) -> float | None:
        """What an evaluation costs by its fidelity or source; None where the problem knows no costs."""
        costs = [p.cost_at(params[name]) for name, p in self.space.parameters.items() if isinstance(p, (Fidelity, Source))]
        return float(np.prod(costs)) if costs else None

    def feasible(self, values: Mapping[str, float], *, tolerance: float = 0.0) -> bool:
        """Whether outcomes keep every constraint, up to `tolerance` in the outcome's units."""
        return all(g <= tolerance for c in self.outcome_constraints for g in c.violations(values[c.name]))

    def __call__(self, params: Mapping[str, Any], *, seed: int | None = None) -> Any:
        """Outcomes as they are measured: with noise, and as a `Result` with the cost or the gradient where there is one.

        Args:
            params: A `Trial`, or any mapping of parameters.
            seed: Of the noise; by default the trial's own. Equal seeds give equal noise.

        Raises:
            InvalidStudy: There is noise, and nothing to seed it by.
        """
        values = self.evaluate(params)
        if self.noise:
            seed = getattr(params, "seed", None) if seed is None else seed
            if seed is None:
                raise InvalidStudy(f"problem {self.name!r} is noisy: call it with a trial or with seed=; evaluate(params) is without noise")
            rng = np.random.Generator(np.random.Philox(key=derive("noise", self.name, seed, bits=128)))
            draws = self.noise * rng.standard_normal(len(self.objectives))
            values |= {o.name: values[o.name] + e for o, e in zip(self.objectives, draws.tolist(), strict=True)}
        cost = self.cost(params)
        if self.gradient is None:
            return values if cost is None else Result(values, cost=cost)
        partials = {name: float(value) for name, value in self.gradient(params).items()}
        return Result(values, cost=cost, gradient={self.objectives[0].name: partials})

    def study(self, **settings: Any) -> Study:
        """A study of this problem; `settings` are those of `Study`."""
        from bbo.study import Study

        return Study(self.space, list(self.objectives), outcome_constraints=list(self.outcome_constraints), **settings)


@dataclass(frozen=True)
class OfVector:
    """A function of named parameters from one of a vector: picklable, and quick enough.

    Args:
        function: Takes shape ``d``; returns a number, or one number an outcome.
        parameters: Names of the entries of the vector.
        outcomes: Names of what is returned.
    """

    function: Callable[[NDArray[np.float64]], Any]
    parameters: tuple[str, ...]
    outcomes: tuple[str, ...] = ("value",)

    def __call__(self, params: Mapping[str, Any]) -> Mapping[str, float]:
        found = self.function(np.array([params[name] for name in self.parameters], dtype=float))
        return dict(zip(self.outcomes, (found,) if len(self.outcomes) == 1 else found, strict=True))
