"""The parameters of a module that a gradient is estimated for, one by one and as a vector; and handing a gradient to an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Gradient = dict[str, Tensor]
"""Partial derivatives by the name of a parameter, each tensor of that parameter's shape."""


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that require a gradient, by name; one that is shared by several modules stands once, under its first name.

    Raises:
        ValueError: There is none, or one holds no real numbers.
    """
    found = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if not found:
        raise ValueError("the model has no parameter that requires a gradient")
    if strange := [name for name, parameter in found.items() if not parameter.is_floating_point()]:
        raise ValueError(f"parameter {strange[0]!r} is of {found[strange[0]].dtype}; differences are taken along real numbers")
    return found


def set_gradient(model: nn.Module, gradient: Mapping[str, Tensor]) -> None:
    """Write an estimate into the ``.grad`` of the parameters it names, so that any ``torch.optim`` optimizer can step.

    What stood there is replaced; parameters that are not named keep theirs.

    Raises:
        ValueError: A name is no parameter's.
    """
    parameters = dict(model.named_parameters())
    if unknown := [name for name in gradient if name not in parameters]:
        raise ValueError(f"the model has no parameter {unknown[0]!r} (parameters: {', '.join(parameters)})")
    for name, value in gradient.items():
        parameters[name].grad = value


def as_vector(tensors: Mapping[str, Tensor]) -> NDArray[np.float64]:
    """Tensors as one vector, in their order and each row by row, `d`."""
    return np.concatenate([tensor.detach().to("cpu", torch.float64).numpy().ravel() for tensor in tensors.values()])


def as_tensors(vector: NDArray[np.float64], like: Mapping[str, Tensor]) -> Gradient:
    """The inverse of `as_vector`: tensors of the shapes, types and devices of those given."""
    ends = np.cumsum([tensor.numel() for tensor in like.values()])
    parts = np.split(vector, ends[:-1])
    return {
        name: torch.from_numpy(part.reshape(tuple(tensor.shape))).to(tensor.device, tensor.dtype)
        for (name, tensor), part in zip(like.items(), parts, strict=True)
    }


@contextmanager
def displaced(parameters: Mapping[str, nn.Parameter], by: NDArray[np.float64]) -> Iterator[None]:
    """Within it the parameters are moved by a vector, `d`; after it they have their old values, bit by bit."""
    old = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    try:
        for name, move in as_tensors(by, parameters).items():
            parameters[name].data.add_(move)  # not counted by autograd: it is undone
        yield
    finally:
        for name, value in old.items():
            parameters[name].data.copy_(value)
