"""The problem as an optimizer sees it: minimization, constraints ``g <= 0``, keyed random numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bbo.objectives import Constraint, Objective
from bbo.space import Space

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be optimized, and the study's source of random numbers.

    Args:
        space: The parameters and known constraints.
        objectives: At least one.
        outcome_constraints: Bounds on measured outcomes.
        seed: The study's seed.
        configuration: Number of the configuration (optimizer and settings) in force; part of every random key.
    """

    space: Space
    objectives: tuple[Objective, ...]
    outcome_constraints: tuple[Constraint, ...] = ()
    seed: int = 0
    configuration: int = 0

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], configuration: int = 0) -> Problem:
        """The problem that the body of a `created` event defines."""
        return cls(
            space=Space.from_json(definition["space"]),
            objectives=tuple(Objective(**entry) for entry in definition["objectives"]),
            outcome_constraints=tuple(Constraint(**entry) for entry in definition["outcome_constraints"]),
            seed=definition["seed"],
            configuration=configuration,
        )

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of what a trial is told: objectives, then constraints that are not objectives too."""
        return tuple(dict.fromkeys([o.name for o in self.objectives] + [c.name for c in self.outcome_constraints]))

    def losses(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Objectives as minimized, shape ``m``."""
        return np.array([objective.sign * values[objective.name] for objective in self.objectives])

    def violations(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Outcome constraints as ``g <= 0``, one entry a bound, in the outcome's units."""
        return np.array([g for constraint in self.outcome_constraints for g in constraint.violations(values[constraint.name])])

    def feasible(self, values: Mapping[str, float]) -> bool:
        """Whether measured outcomes keep every outcome constraint."""
        return all(g <= 0 for constraint in self.outcome_constraints for g in constraint.violations(values[constraint.name]))

    def rng(self, *key: str | int) -> np.random.Generator:
        """Random numbers for one purpose, the same in every process: Philox keyed by seed, configuration and key."""
        return np.random.Generator(np.random.Philox(key=derive(self.seed, self.configuration, *key, bits=128)))


def derive(*key: str | int, bits: int) -> int:
    """An integer of so many bits that depends on the whole key and on nothing else (SHA-256 of its JSON)."""
    digest = hashlib.sha256(json.dumps(key).encode()).digest()
    return int.from_bytes(digest[: bits // 8], "little")
