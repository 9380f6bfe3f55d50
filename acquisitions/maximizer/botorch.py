"""BoTorch's acquisition functions as ours, by automatic differentiation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from torch import Tensor

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BoTorchAcquisition:
    """A BoTorch acquisition function as a `Climbable`.

    Args:
        function: Maps `m x q x d` to shape `m`; it is evaluated where its parameters and buffers live, in float64.
        q: Points that are scored together; a row of X holds their entries one point after another, `m x (q d)`.
    """

    function: AcquisitionFunction
    q: int = 1

    def value(self, X: Array) -> Array:
        """Scores of the rows of X, shape `m`."""
        import torch

        with torch.no_grad():
            values: Array = self.function(self._tensor(X)).double().cpu().numpy()
        return values

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """Scores, shape `m`, and their gradients, of the shape of X."""
        import torch

        points = self._tensor(X).requires_grad_()
        with torch.enable_grad():
            values = self.function(points)
            (gradient,) = torch.autograd.grad(values.sum(), points)
        return values.detach().double().cpu().numpy(), gradient.double().cpu().numpy().reshape(X.shape)

    def _tensor(self, X: Array) -> Tensor:
        import torch

        home = next(chain(self.function.parameters(), self.function.buffers()), None)
        device = "cpu" if home is None else home.device
        return torch.tensor(X, dtype=torch.float64, device=device).reshape(len(X), self.q, -1)


def from_botorch(function: AcquisitionFunction, q: int = 1) -> BoTorchAcquisition:
    """Any BoTorch acquisition function for `maximize`; for q > 1 on the domain `power(domain, q)`."""
    return BoTorchAcquisition(function, q)
