"""The loss of a model, evaluated again and again under the same circumstances while its parameters are moved.

Every evaluation begins with the same buffers (the running statistics of batch normalization, for one) and the same state of torch's
random numbers (which dropout uses), so that two losses differ because the parameters do and for no other reason.

Feature reuse: of a model that is a chain of blocks, what goes into each block is stored once. Where only a parameter of block k was
moved, the blocks from k on are run from there, with the same result. Source: Chen et al. (2024), DeepZero, arXiv:2310.02025.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

Loss = Callable[[Any, Any], Any]
"""Of outputs and targets, as in `torch.nn.functional`. It need not be differentiable, nor computed by torch."""

RandomState = dict[str, Tensor]


class Evaluation:
    """The loss at the present parameters of a model; made by `evaluating`.

    Attributes:
        base: The loss at the parameters when it was made.
        blocks: The chain that the model is.
        start: The random numbers that an evaluation begins with.
    """

    def __init__(self, model: nn.Module, loss: Loss, inputs: Any, targets: Any, *, blocks: Sequence[nn.Module], buffers: Buffers) -> None:
        self.blocks, self._loss, self._targets, self._buffers = blocks, loss, targets, buffers
        self.start = random_state(model)
        whole = model(_copy(inputs)) if len(blocks) > 1 else None
        self.rewind()
        self._before: list[tuple[Any, RandomState]] = []  # what goes into each block, and the random numbers there
        features = _copy(inputs)
        for block in blocks:
            self._before.append((_copy(features), random_state(model)))
            features = block(features)
        if whole is not None:
            _compare(features, whole)
        self.base = loss(features, targets)
        self._end = random_state(model)

    def __call__(self, first: int = 0) -> Any:
        """The loss, when nothing was moved in the blocks before `first`."""
        features, state = self._before[first]
        self._restart(state)
        features = _copy(features)
        for block in self.blocks[first:]:
            features = block(features)
        return self._loss(features, self._targets)

    def first_blocks(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, int]:
        """The first block that each parameter is in, by name.

        Raises:
            ValueError: One is in none.
        """
        found: dict[int, int] = {}
        for k, block in reversed(list(enumerate(self.blocks))):
            found.update((id(parameter), k) for parameter in block.parameters())
        if outside := [name for name, parameter in parameters.items() if id(parameter) not in found]:
            raise ValueError(f"parameter {outside[0]!r} is in none of the blocks; give blocks that hold all of the model")
        return {name: found[id(parameter)] for name, parameter in parameters.items()}

    def inputs_of_blocks(self) -> list[Any]:
        """Copies of what goes into each block."""
        return [_copy(features) for features, _ in self._before]

    def rewind(self) -> None:
        """Buffers and random numbers as an evaluation begins with them."""
        self._restart(self.start)

    def finish(self) -> None:
        """Buffers as they were; random numbers as after one evaluation, so that the next estimate gets new ones."""
        self._restart(self._end)

    def _restart(self, state: RandomState) -> None:
        self._buffers.restore()
        set_random_state(state)


@contextmanager
def evaluating(
    model: nn.Module, loss: Loss, inputs: Any, targets: Any, *, blocks: Sequence[nn.Module] | None = None
) -> Iterator[Evaluation]:
    """An `Evaluation`, within which nothing is recorded for backpropagation and after which the model's buffers are as before.

    Args:
        model: The model; it is run as it is, in training or evaluation mode.
        loss: Of outputs and targets.
        inputs: What the model is called with, one argument.
        targets: What the loss is called with after the outputs.
        blocks: Modules that are the model when they are run one after the other; by default those of a plain ``nn.Sequential``, nested
            ones included, and else the model as one block.

    Raises:
        ValueError: The blocks make something else of the inputs than the model does.
    """
    buffers = Buffers(model)
    try:
        with torch.no_grad():
            parts = chain(model) if blocks is None else list(blocks)
            evaluation = Evaluation(model, loss, inputs, targets, blocks=parts, buffers=buffers)
            try:
                yield evaluation
            finally:
                evaluation.finish()
    finally:
        buffers.restore()


def chain(model: nn.Module) -> list[nn.Module]:
    """The modules that a plain ``nn.Sequential`` runs one after the other; of any other model, the model."""
    if type(model) is not nn.Sequential or not len(model):
        return [model]
    return [block for part in model for block in chain(part)]


def random_state(model: nn.Module) -> RandomState:
    """Where torch's random numbers stand, on the processor and on the model's other devices."""
    devices = {str(part.device) for part in [*model.parameters(), *model.buffers()] if part.device.type == "cuda"}
    return {"cpu": torch.get_rng_state(), **{device: torch.cuda.get_rng_state(device) for device in sorted(devices)}}


def set_random_state(state: RandomState) -> None:
    """Back to there."""
    for device, part in state.items():
        if device == "cpu":
            torch.set_rng_state(part)
        else:
            torch.cuda.set_rng_state(part, device)


class Buffers:
    """The buffers of a model, to be put back."""

    def __init__(self, model: nn.Module) -> None:
        self._all = [
            (module, name, buffer, buffer.detach().clone())
            for module in model.modules()
            for name, buffer in module.named_buffers(recurse=False)
        ]

    def restore(self) -> None:
        """The values that they had, in the tensors that they were; those that did not change are not written."""
        for module, name, buffer, value in self._all:
            if not torch.equal(buffer, value):  # else a graph that holds it would take it for changed
                buffer.detach().copy_(value)
            if getattr(module, name) is not buffer:
                setattr(module, name, buffer)


def _copy(features: Any) -> Any:
    """Blocks may work in place."""
    return features.clone() if isinstance(features, Tensor) else copy.deepcopy(features)


def _compare(chained: Any, whole: Any) -> None:
    try:
        torch.testing.assert_close(chained, whole, equal_nan=True)
    except AssertionError as difference:
        raise ValueError(f"the blocks, one after the other, are not the model: {difference}") from None
