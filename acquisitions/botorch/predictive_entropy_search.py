"""BoTorch's predictive entropy search with gradients that can be followed."""

from __future__ import annotations

from typing import cast

import torch
from botorch.acquisition.predictive_entropy_search import qPredictiveEntropySearch
from torch import Tensor


class PredictiveEntropySearch(qPredictiveEntropySearch):
    """`qPredictiveEntropySearch`, with zeros for the gradient where expectation propagation has none.

    Its gradient is exact at most points and not a number at some, so that a search by gradients would end with an error there; with
    zeros it stays where it is.
    """

    def forward(self, X: Tensor) -> Tensor:
        """The score at each batch of candidates, `b x q x d` to `b`; may be negative."""
        if X.requires_grad:
            X = X.clone()
            X.register_hook(torch.nan_to_num)  # type: ignore[no-untyped-call]  # torch lacks it
        return cast(Tensor, super().forward(X))
