"""The gradient of a module's loss by differences along the entries of its parameters, one at a time.

Sources: Chen et al. (2024), DeepZero: Scaling up zeroth-order optimization for deep model training, arXiv:2310.02025, for coordinates,
masks, feature reuse and workers; Press et al. (2007), Numerical Recipes, section 5.7, for steps and for dividing by the step that
rounding left.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import torch
from torch import Tensor, nn

from bbo.zeroth_order.modules.evaluation import Evaluation, Loss, evaluating, set_random_state
from bbo.zeroth_order.modules.masks import Masks, checked
from bbo.zeroth_order.modules.parameters import Gradient, trainable
from bbo.zeroth_order.modules.workers import costs_of_blocks, split


def coordinate_gradient(
    model: nn.Module,
    loss: Loss,
    inputs: Any,
    targets: Any,
    *,
    masks: Mapping[str, Tensor] | None = None,
    step: float | None = None,
    central: bool = False,
    blocks: Sequence[nn.Module] | None = None,
    executor: Executor | None = None,
    workers: int = 1,
) -> Gradient:
    """The gradient of ``loss(model(inputs), targets)`` by differences along the entries of the parameters.

    Entry i of a forward difference is off by ``step / 2`` times the second derivative in i, and takes one evaluation more than there
    are entries; a central one is off by ``step^2 / 6`` times the third derivative, and takes two for each. Entries off the masks are 0,
    and so is one whose loss is not finite. Parameters and buffers are as before, bit by bit, also when the loss raises, and graphs that
    hold them can still be gone back. Every evaluation sees the same random numbers of torch (dropout).

    Args:
        model: The module, in training or evaluation mode.
        loss: Of outputs and targets, one number; it need not be differentiable. The precision of the differences is the loss's: float64
            models (``model.double()``) allow smaller steps.
        inputs: What the model is called with, one argument.
        targets: What the loss is called with after the outputs.
        masks: Boolean tensors by the names of parameters, the entries to take (`random_masks`); parameters that are not named have none.
            By default all entries of parameters that require a gradient.
        step: How far to move an entry. By default the square root of the machine's precision in the parameter's type for forward
            differences, the cube root for central ones, times the entry's size where that is above 1. Where the loss is noisy or has
            jumps, choose one so large that it is seen above them.
        central: Whether to take central differences.
        blocks: Modules that make up the model, run one after the other; an entry of one of them is evaluated without running those before.
            By default those of a plain ``nn.Sequential``.
        executor: Where to evaluate: any pool. Model, loss and data are sent by cloudpickle. Threads share torch's random numbers; give
            them models without random layers.
        workers: In how many parts, of equal cost.

    Returns:
        By the names of all trainable parameters, tensors of their shapes (`set_gradient`).

    Raises:
        ValueError: The loss is not one finite number at the parameters, a step is none or too small to move an entry, the blocks are not
            the model, or a mask fits no parameter.
    """
    if step is not None and not 0 < step < math.inf:
        raise ValueError(f"step is {step!r}; it is a number above 0, in the units of the parameters")
    parameters = trainable(model)
    masks = checked(masks, parameters)
    with evaluating(model, loss, inputs, targets, blocks=blocks) as evaluation:
        if executor is None:
            found = [(masks, _slopes(evaluation, parameters, masks, step=step, central=central))]
        else:
            found = _sent(executor, workers, evaluation, model, masks, (loss, inputs, targets, step, central))
    gradient = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for part, slopes in found:
        for name, mask in part.items():
            gradient[name][mask.to(gradient[name].device)] = gradient[name].new_tensor(slopes[name])
    return gradient


def _slopes(
    evaluation: Evaluation, parameters: Mapping[str, nn.Parameter], masks: Masks, *, step: float | None, central: bool
) -> dict[str, list[float]]:
    """Slopes along the entries of the masks, in their order."""
    first = evaluation.first_blocks(parameters)
    base = number(evaluation.base)
    if not math.isfinite(base):
        raise ValueError(f"the loss is {base} at the parameters, so no difference to it means anything")
    return {
        name: [
            _slope(evaluation, parameters[name].data, tuple(index), first[name], base, step, central) for index in mask.nonzero().tolist()
        ]
        for name, mask in masks.items()
    }


def _slope(
    evaluation: Evaluation, entries: Tensor, index: tuple[int, ...], first: int, base: float, step: float | None, central: bool
) -> float:
    # `entries` are `.data`: autograd does not count the change, and need not, since it is undone.
    old = entries[index].item()
    if step is None:
        step = float(torch.finfo(entries.dtype).eps ** (1 / 3 if central else 1 / 2) * max(1.0, abs(old)))
    try:
        above, high = _moved(evaluation, entries, index, first, old + step)
        below, low = _moved(evaluation, entries, index, first, old - step) if central else (old, base)
    finally:
        entries[index] = old  # saved and put back: adding and subtracting the step would leave its rounding behind
    if above == below:
        raise ValueError(f"a step of {step:.3g} does not move an entry of {old:.3g} in {entries.dtype}; it is too small")
    slope = (high - low) / (above - below)
    return slope if math.isfinite(slope) else 0.0


def _moved(evaluation: Evaluation, entries: Tensor, index: tuple[int, ...], first: int, to: float) -> tuple[float, float]:
    """Where rounding has put the entry, and the loss there."""
    entries[index] = to
    return entries[index].item(), number(evaluation(first))


def number(loss: Any) -> float:
    """A loss as a float.

    Raises:
        ValueError: It is more than one.
    """
    if not isinstance(loss, Tensor):
        return float(loss)
    if loss.numel() != 1:
        raise ValueError(f"the loss has shape {tuple(loss.shape)}; it is one number, such as the mean over the samples")
    return float(loss.detach())


def _sent(
    executor: Executor, workers: int, evaluation: Evaluation, model: nn.Module, masks: Masks, how: tuple[Any, ...]
) -> list[tuple[Masks, dict[str, list[float]]]]:
    """Slopes of parts of the masks, each evaluated by a worker on a model of its own."""
    import cloudpickle

    first = evaluation.first_blocks(trainable(model))
    costs = costs_of_blocks(evaluation)
    parts = [part for part in split(masks, workers, costs={name: costs[first[name]] for name in masks}) if part]
    evaluation.rewind()  # the model is sent as it was before the first run
    common = cloudpickle.dumps((model, evaluation.blocks, evaluation.start, *how))
    futures = [executor.submit(_at_worker, common, cloudpickle.dumps(part)) for part in parts]
    return [(part, future.result()) for part, future in zip(parts, futures, strict=True)]


def _at_worker(common: bytes, part: bytes) -> dict[str, list[float]]:
    model, blocks, state, loss, inputs, targets, step, central = pickle.loads(common)  # noqa: S301  # made by `_sent`
    set_random_state(state)
    with evaluating(model, loss, inputs, targets, blocks=blocks) as evaluation:
        return _slopes(evaluation, trainable(model), pickle.loads(part), step=step, central=central)  # noqa: S301
