"""Joint Gaussian posteriors of BoTorch models, or the reason why there are none."""

from __future__ import annotations

from typing import Any

import torch
from botorch.exceptions.errors import UnsupportedError


def joint_normal(posterior: Any, what: str) -> torch.distributions.MultivariateNormal:
    """The distribution of a posterior.

    Args:
        posterior: Of a model at some points.
        what: What needs it, for the message.

    Raises:
        UnsupportedError: It is no joint normal one.
    """
    normal = getattr(posterior, "distribution", None)
    if not isinstance(normal, torch.distributions.MultivariateNormal):
        raise UnsupportedError(f"{what} needs joint Gaussian posteriors, and those of the model are {type(posterior).__name__}")
    return normal
