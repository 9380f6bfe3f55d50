"""Any PyTorch module as a parametric family."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.func import functional_call, grad, grad_and_value, vmap

from surrogates.parametric.family import Array

if TYPE_CHECKING:
    from torch import Tensor


class TorchFamily:
    """Functions computed by a module, of its parameters in the order of ``module.parameters()``; the methods are those of `Family`.

    It is run in float64 and evaluation mode, on one thread's worth of CPU, through `torch.func`: layers that mix the points of a batch
    do not work. Buffers stay as they are.

    Args:
        build: Makes the module for a number of inputs; it takes a batch (`m x d`) to one number for each (`m` or `m x 1`). It is called
            again, with torch's random numbers seeded, to draw parameters that a fit begins from.
        d: Numbers of a point.

    Raises:
        TypeError: `build` does not return a module.
        ValueError: The module has no parameters, or does not give one number for each point.
    """

    def __init__(self, build: Callable[[int], torch.nn.Module], d: int) -> None:
        self.d = d
        self._build = build
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            self._module = self._made()
        self._shapes = {name: parameter.shape for name, parameter in self._module.named_parameters()}
        if not self._shapes:
            raise ValueError("the module has no parameters")
        with torch.no_grad():
            out = self._module(torch.full((2, d), 0.5, dtype=torch.float64))
        if out.shape not in ((2,), (2, 1)):
            raise ValueError(f"the module takes 2 points to a tensor of shape {tuple(out.shape)}; it is to give one number for each")

        def f(w: Tensor, x: Tensor) -> Tensor:
            out: Tensor = functional_call(self._module, self._unflattened(w), (x[None],))
            return out.reshape(())

        def along(x: Tensor, w: Tensor, v: Tensor) -> Tensor:
            return torch.dot(grad(f)(w, x), v)

        self._of: dict[str, Callable[..., Any]] = {
            "value": f,
            "weights": grad_and_value(f),
            "points": grad_and_value(f, argnums=1),
            "mixed": grad(along),
        }

    @property
    def n_parameters(self) -> int:
        """Entries of all parameters of the module."""
        return sum(math.prod(shape) for shape in self._shapes.values())

    def starts(self, n: int, rng: np.random.Generator) -> Array:
        """As the module's own initialization draws them."""
        found = []
        for seed in rng.integers(2**31, size=n):
            with torch.random.fork_rng([]):
                torch.manual_seed(int(seed))
                module = self._made()
            found.append(np.concatenate([parameter.detach().numpy().ravel() for parameter in module.parameters()]))
        return np.stack(found)

    def value(self, W: Array, X: Array) -> Array:
        """See `Family.value`."""
        with torch.no_grad():
            return _array(self._mapped("value", W)(*_tensors(W, X)))

    def weight_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.weight_gradient`."""
        slopes, values = self._mapped("weights", W)(*_tensors(W, X))
        return _array(values), _array(slopes)

    def point_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.point_gradient`."""
        slopes, values = self._mapped("points", W)(*_tensors(W, X))
        return _array(values), _array(slopes)

    def mixed(self, W: Array, X: Array, V: Array) -> Array:
        """See `Family.mixed`."""
        w, x, v = _tensors(W, X, V)
        return _array(vmap(self._of["mixed"], in_dims=(0, None if W.ndim == 1 else 0, 0))(x, w, v))

    def _mapped(self, which: str, W: Array) -> Callable[..., Any]:
        mapped: Callable[..., Any] = vmap(self._of[which], in_dims=(None if W.ndim == 1 else 0, 0))
        return mapped

    def _made(self) -> torch.nn.Module:
        module = self._build(self.d)
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"a family is built as a torch.nn.Module, and {self._build!r} returns {type(module).__name__}")
        return module.double().eval()

    def _unflattened(self, w: Tensor) -> dict[str, Tensor]:
        parts = torch.split(w, [math.prod(shape) for shape in self._shapes.values()])
        return {name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}


def _tensors(*arrays: Array) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(array, dtype=float)) for array in arrays)


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.detach().numpy(), dtype=float)
