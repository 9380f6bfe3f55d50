"""A study past its initial design, and what its model would propose now: for the tests of `Bayes` and of what users put into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import bbo
from bbo.log.states import State
from bbo.optimizers.asked import Asked
from bbo.optimizers.base import Proposal, Request

BOX = bbo.Space({"x": bbo.Float(0, 10), "y": bbo.Float(-1, 1)})
TREE = bbo.Space(
    {
        "kind": bbo.Categorical(["a", "b", "c"]),
        "n": bbo.Int(1, 8, when={"kind": "a"}),
        "r": bbo.Float(1e-4, 1, log=True),
        "t": bbo.Float(0, 1, when={"kind": ["b", "c"]}),
    },
    constraints=["r * n <= 2", "r + t <= 1.2"],
)


def bowl(p: Mapping[str, Any]) -> float:
    return float((p["x"] - 7) ** 2 / 10 + 3 * (p["y"] - 0.3) ** 2)


def filled(
    space: bbo.Space = BOX,
    f: Callable[[Mapping[str, Any]], Any] = bowl,
    *,
    n: int = 8,
    optimizer: bbo.Bayes = bbo.Bayes(),  # noqa: B008 - settings are frozen
    objectives: Any = "minimize",
    **arguments: Any,
) -> bbo.Study:
    """A study of `Bayes` whose initial design is two points, with n Sobol points told."""
    study = bbo.Study(space, objectives, optimizer=replace(optimizer, n_initial=2), seed=4, **arguments)
    for point in space.sobol(n, seed=1):
        study.add(point, f(point))
    return study


def asked(study: bbo.Study, settings: bbo.Bayes | None = None, *, seed: int = 3) -> Asked:
    """What the next point of a study of `Bayes` is made from; of a study of `Auto` with settings of `Bayes`."""
    replica = study._replica
    state, settings = getattr(replica.state, "inner", replica.state), settings or replica.optimizer
    assert isinstance(settings, bbo.Bayes)
    model = settings.model(state)
    assert model is not None
    feasible = [record for record in state.finished(State.DONE) if study._problem.feasible(record.values)]
    return Asked(state, settings, model.surrogate, feasible, state.running(), seed)


def propose(study: bbo.Study, **request: Any) -> Proposal:
    replica = study._replica
    return replica.optimizer.propose(replica.state, Request(first_number=len(replica.ledger.records), **request))
