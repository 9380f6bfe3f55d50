"""Samples of ensemble posteriors that say the same of a point whatever points it is scored with."""

from __future__ import annotations

from typing import Any

import torch
from botorch.sampling.index_sampler import IndexSampler


class EnsembleMembers(IndexSampler):
    """The same members of an ensemble for every point of a batch, each as often as its weight says.

    BoTorch's `IndexSampler` (0.18.1) draws others for each point of a batch, so that scores depend on which points are scored together and
    in which order, and a search compares what is not to be compared. Members are taken by systematic sampling: with equal weights each
    equally often, up to one.

    Args:
        samples: How many samples; the members are repeated where they are fewer.
    """

    def __init__(self, samples: int = 128) -> None:
        super().__init__(sample_shape=torch.Size([samples]))

    def _construct_base_samples(self, posterior: Any) -> None:
        (samples,) = self.sample_shape
        places = (torch.arange(samples, dtype=posterior.weights.dtype, device=posterior.device) + 0.5) / samples
        members = torch.searchsorted(posterior.weights.cumsum(-1), places).clamp_max(posterior.ensemble_size - 1)
        shape = posterior.batch_shape
        self.register_buffer("base_samples", members.reshape(samples, *[1] * len(shape)).expand(samples, *shape))
