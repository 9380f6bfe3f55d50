"""Lottery tickets: which weights an evolution strategy can do without, and the settings that begin again without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy
from bbo.evolution import sparsity as pruning
from bbo.optimizers.evolution import EvolutionStrategy, Generations
from bbo.space import Array, Float, Space

if TYPE_CHECKING:
    from bbo.study import Study

Numbers = NDArray[np.float64]


def signal_to_noise(study: Study) -> dict[str, Numbers]:
    """How far from zero the search distribution of a study holds each weight: ``|m| / s``, in native units.

    Args:
        study: One that an evolution strategy runs, by `SNES`, `PGPE`, `OpenAIES` or `SepCMA`.

    Returns:
        Scores by parameter, of its shape, of floats and arrays on linear scales; 0 for what is not searched.

    Raises:
        InvalidStudy: The optimizer is another one, or has not begun.
    """
    state = _state_of(study)
    space = state.problem.space
    deviations = np.full(space.d, np.inf)
    deviations[state.searched] = state.distribution.deviations
    mean, scores = state.mean(), {}
    for name in _weights(space):
        m = np.asarray(mean[name])
        s = (_range(space, name) * deviations[space.columns_of(name)]).reshape(m.shape)
        scores[name] = pruning.signal_to_noise(m, s)
    return scores


def lottery_ticket(study: Study, sparsity: float, *, dense: Sequence[str] = ()) -> EvolutionStrategy:
    """The study's optimizer, to begin again where it began with its weakest weights zero and left alone.

    One threshold for all weights, in the scores of `signal_to_noise`. Weights are floats and entries of arrays, on linear scales, of
    parameters that the study's mask names, all where it has none. Those that it held, as one pruned before, stay as they were.

    Args:
        study: One that an evolution strategy has run.
        sparsity: Share of the weights that are left alone then, at least 0 and below 1: 0.2, 0.36, 0.488, ... drop a fifth of those
            that are left in each round (`bbo.evolution.sparsity.scheduled_sparsity`).
        dense: Names of parameters that are no weights and lose nothing, such as biases.

    Raises:
        InvalidStudy: The optimizer is another one or has not begun, a name is unknown, `sparsity` is out of range or less than the study
            has already, or zero lies outside a range.
    """
    state = _state_of(study)
    space, settings = state.problem.space, state.settings
    if unknown := [name for name in dense if name not in space.parameters]:
        raise InvalidStudy(f"lottery_ticket: dense has {unknown[0]!r}; the parameters are {', '.join(space.names)}")
    if isinstance(sparsity, bool) or not isinstance(sparsity, int | float) or not 0 <= sparsity < 1:
        raise InvalidStudy(f"lottery_ticket: sparsity is {sparsity!r}; it is a number from 0 to below 1")
    searched = np.zeros(space.d, dtype=bool)
    searched[state.searched] = True
    masked = list(space.names) if settings.mask is None else list(settings.mask)
    scores = {name: score for name, score in signal_to_noise(study).items() if name in masked and name not in dense}
    free = {name: searched[space.columns_of(name)].reshape(score.shape) for name, score in scores.items()}
    # What is not searched comes after all that is, even after weights that are zero.
    flat = np.concatenate([np.where(free[name], score, -1.0).ravel() for name, score in scores.items()] or [np.empty(0)])
    kept = pruning.strongest(flat, sparsity)
    if (held := int((flat < 0).sum())) > len(flat) - kept.sum():
        raise InvalidStudy(f"lottery_ticket: sparsity is {sparsity:g}, and {held} of the {len(flat)} weights are held already")
    start: dict[str, Any] = dict(state.begun)
    mask: dict[str, Any] = {name: True for name in masked if space.columns_of(name)} | dict(settings.mask or {})
    place = 0
    for name, score in scores.items():
        ones = kept[place : place + score.size].reshape(score.shape)
        place += score.size
        if not ones.all() and not _holds_zero(space, name, ones):
            raise InvalidStudy(f"lottery_ticket: {name!r} cannot be zero; it is {space.parameters[name]!r}. Name it in dense=")
        start[name] = np.where(ones | ~free[name], start[name], 0.0).tolist()
        mask[name] = ones.tolist()
    return replace(settings, start=start, mask=mask)


def _state_of(study: Study) -> Generations:
    with study._synced() as replica:
        state = replica.state
    if not isinstance(state, Generations):
        raise InvalidStudy(f"study {study.name!r} is run by {study.optimizer.name}, which is no evolution strategy such as snes")
    if state.distribution is None:
        raise InvalidStudy(f"study {study.name!r} has not begun: there is no distribution of its weights yet")
    return state


def _weights(space: Space) -> list[str]:
    """Names of the floats and arrays on linear scales."""
    return [
        name
        for name, parameter in space.parameters.items()
        if isinstance(parameter, Array) or (isinstance(parameter, Float) and not parameter.log and parameter.step is None)
    ]


def _range(space: Space, name: str) -> Numbers:
    parameter: Any = space.parameters[name]
    return parameter.scale if isinstance(parameter, Array) else np.array([parameter.high - parameter.low])


def _holds_zero(space: Space, name: str, ones: NDArray[np.bool_]) -> bool:
    """Whether all that is dropped may be zero."""
    parameter: Any = space.parameters[name]
    within = (np.asarray(parameter.low) <= 0) & (np.asarray(parameter.high) >= 0)
    return bool((within | ones).all())
