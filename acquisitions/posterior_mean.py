"""The posterior mean as a score: pure exploitation, and what `recommend` maximizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel


@dataclass(frozen=True, slots=True)
class PosteriorMean:
    """``m(x)``, the posterior mean of the latent function of gp. BoTorch: `PosteriorMean`."""

    gp: GaussianModel

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self.gp.at(X).mean

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        return moments.mean, moments.pull(np.ones(len(moments.mean)), None)
