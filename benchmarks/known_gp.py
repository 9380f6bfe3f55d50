"""Optimistic methods with Gaussian processes that are known, as theory has it: nothing is fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from bbo.log.states import State
from bbo.optimizers import auxiliary, fitting
from bbo.optimizers.base import Proposal, Request, resolve
from bbo.optimizers.history import FromHistory, History
from bbo.optimizers.optimistic import Optimistic
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Target
from bbo.problem import Problem
from surrogates.exact_gp import ExactGP, Settings
from surrogates.exact_gp.transforms import Standardise

NOISE = 1e-6
"""Variance of the noise that keeps covariance matrices sound, in units of the processes' variance."""


@dataclass(frozen=True, slots=True)
class KnownGP(FromHistory):
    """An optimistic method on processes of one variance and one length scale, whose means are each outcome's first value.

    That is what the code of Xu et al. (2023) does. For boxes and constraints ``g <= 0``; begins when one trial is done.

    Args:
        method: Name of the method.
        settings: Its settings.
        variance: Of every process, in the outcomes' units.
        lengthscale: Of the squared exponential kernel, in widths of the box.
    """

    method: str = "config"
    settings: Mapping[str, Any] = field(default_factory=dict)
    variance: float = 2.0
    lengthscale: float = 0.05
    name: ClassVar[str] = "known_gp"
    version: ClassVar[int] = 1

    def supports(self, problem: Problem) -> str | None:
        return self._method.supports(problem)

    def propose(self, state: History, request: Request) -> Proposal:
        with fitting.one_thread():
            surrogate = self._surrogate(state)
            beta = auxiliary.widths(surrogate, self._method.beta, self._method.delta)
            queries, name, path = auxiliary.points(state, surrogate, request, beta, self._method.aim)
        return Proposal(tuple(queries), note=f"{name}; {path}")

    def model(self, state: History) -> None:
        return None

    @property
    def _method(self) -> Optimistic:
        method = resolve({"name": self.method, "settings": self.settings})
        assert isinstance(method, Optimistic)
        return method

    def _surrogate(self, state: History) -> Surrogate:
        problem, records, scale = state.problem, state.finished(State.DONE), math.sqrt(self.variance)
        X = problem.space.encode([record.params for record in records])
        settings = Settings(kernel="rbf", noise_floor=NOISE)
        targets, gps = [], []
        for name in problem.outcomes:
            objective = name == problem.objectives[0].name
            sign = -problem.objectives[0].sign if objective else 1.0
            y = sign * np.array([record.values[name] for record in records]) / scale
            target = Target(name, X, y, sign=sign, transform=Standardise(0.0, scale), upper=None if objective else 0.0)
            parameters = {f"lengthscale[{i}]": math.log(self.lengthscale) for i in range(X.shape[1])}
            memo = {"parameters": parameters, "noise": NOISE, "mean": [float(y[0])]}
            targets.append(target)
            gps.append(ExactGP.from_memo(X, y, None, memo, columns=problem.space.columns, settings=settings))  # type: ignore[arg-type]
        return Surrogate(tuple(targets), tuple(gps))
