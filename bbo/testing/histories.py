"""Random histories of a study: what users, workers and accidents may do to it, as a hypothesis strategy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bbo.errors import BBOError, Exhausted, InvalidTell, Waiting
from bbo.space import Space
from bbo.study import Study, load_study
from bbo.trial import Trial

Action = tuple[str, int]
"""What is done, and a number that chooses to which trial and with which values."""

KINDS = (
    *("ask", "ask", "ask", "ask-batch", "ask-client", "tell", "tell", "tell", "tell-part", "tell-executed", "fail", "prune", "abandon"),
    *("retry", "enqueue", "enqueue-part", "add", "amend", "report", "reopen"),
)
"""Kinds of action, the frequent ones more often."""


def histories(max_size: int = 25) -> st.SearchStrategy[list[Action]]:
    """Lists of actions for `play`."""
    return st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2**16)), min_size=1, max_size=max_size)


def play(study: Study, history: Sequence[Action]) -> Study:
    """Do a history to a study; what its states do not allow is refused by the study and skipped here.

    Returns:
        The study, perhaps as another object: a history may open it anew.
    """
    for kind, choice in history:
        if kind == "reopen":
            study = load_study(study.name, study.storage)
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # superseded results are part of the game
                _act(study, kind, np.random.default_rng(choice))
        except (InvalidTell, Waiting, Exhausted):
            continue
    return study


def _act(study: Study, kind: str, rng: np.random.Generator) -> None:
    space = study.space
    if kind.startswith("ask"):
        n, client = (int(rng.integers(1, 4)), None) if kind == "ask-batch" else (1, "c" if kind == "ask-client" else None)
        part = callers_part(space, rng)
        study.ask(n, client=client, fixed=part["fixed"], context=part["context"])
    elif kind == "enqueue":
        study.enqueue(space.sample(1, rng)[0])
    elif kind == "enqueue-part":
        point = space.sample(1, rng)[0]
        free = [name for name in point if space.parameters[name].when is None]
        try:
            study.enqueue({name: point[name] for name in free[: 1 + int(rng.integers(len(free)))]} if free else point)
        except BBOError as error:
            raise InvalidTell(str(error)) from error
    elif kind == "add":
        study.add(space.sample(1, rng)[0], _outcomes(study, rng))
    elif trials := study.trials:
        _act_on(study, kind, trials[int(rng.integers(len(trials)))], rng)


def _act_on(study: Study, kind: str, trial: Trial, rng: np.random.Generator) -> None:
    outcomes = _outcomes(study, rng)
    if kind == "tell":
        study.tell(trial, outcomes, cost=float(rng.random()))
    elif kind == "tell-part":
        name = list(outcomes)[int(rng.integers(len(outcomes)))]
        study.tell(trial, {name: outcomes[name]})
    elif kind == "tell-executed":
        study.tell(trial, outcomes, params=study.space.sample(1, rng)[0], outside=True)
    elif kind == "amend":
        study.amend(trial, outcomes)
    elif kind == "report":
        trial.report([float(rng.normal()) for _ in study.objectives], int(rng.integers(5)))
    else:
        getattr(study, kind)(trial, "by chance")


def callers_part(space: Space, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """What the caller of an ask has to give: tasks in `fixed`, contexts in `context`."""
    point = space.sample(1, rng)[0]
    part: dict[str, dict[str, Any]] = {"fixed": {}, "context": {}}
    for name, role in space.roles.items():
        if name in point and role in ("task", "context"):
            part["fixed" if role == "task" else "context"][name] = point[name]
    return part


def _outcomes(study: Study, rng: np.random.Generator) -> dict[str, float]:
    return {name: float(rng.normal()) for name in study._problem.outcomes}
