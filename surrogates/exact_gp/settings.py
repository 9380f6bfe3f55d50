"""What a user may choose about an exact Gaussian process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Kernel
from surrogates.exact_gp.kernels.stationary import Profile


@dataclass(frozen=True, slots=True)
class Settings:
    """Kernel, mean, priors and effort of a fit; by default what BoTorch 0.18's `SingleTaskGP` has.

    Args:
        kernel: Of continuous, integer and ordinal columns: ``rbf``, ``matern12``, ``matern32``, ``matern52``.
        categorical: ``hamming`` (all levels equally far apart) or ``latent`` (which levels are alike is learned).
        warp: Whether to warp the numeric columns that have no condition.
        outputscale: Whether the variance of the process is inferred; otherwise it is one.
        mean: ``constant``, ``linear`` or ``zero``.
        noise_floor: Least inferred variance of the noise; 1e-6 or more.
        noise_prior: Location and scale of its LogNormal prior: Hvarfner et al. (2024), arXiv:2402.02229.
        lengthscale_floor: Least length scale, in units of the cube's side.
        starts: Where a cold fit begins; None for two places, and for three where several maxima are the rule (warping, latent
            levels, few data).
        max_iterations: Of each search.
        derivatives: Whether rows may be partial derivatives, and whether the variances of their noise are known; see
            `surrogates.exact_gp.gradients`, which sets it.
    """

    kernel: Profile = "rbf"
    categorical: Literal["hamming", "latent"] = "hamming"
    warp: bool = False
    outputscale: bool = False
    mean: Literal["constant", "linear", "zero"] = "constant"
    noise_floor: float = 1e-4
    noise_prior: tuple[float, float] = (-4.0, 1.0)
    lengthscale_floor: float = 2.5e-2
    starts: int | None = None
    max_iterations: int = 200
    derivatives: Literal["none", "known", "inferred"] = "none"

    def build(self, columns: Columns | None, d: int) -> Kernel:
        """The kernel for d columns."""
        from surrogates.exact_gp.kernels.default import default_kernel

        kernel = default_kernel(columns, self, d)
        if self.derivatives != "inferred":
            return kernel
        from surrogates.exact_gp.kernels.derivatives import DerivativeNoise

        return DerivativeNoise(kernel, self.noise_prior, self.noise_floor)

    def n_weights(self, d: int) -> int:
        """Number of the mean's weights."""
        return 1 + d if self.mean == "linear" else 1

    def ridge(self, X: Array) -> Array | None:
        """Precisions of the priors of the mean's weights; None for a constant, which has none.

        Slopes have N(0, 10^2): flat for standardised values on the unit cube, and enough to tell them apart when rows are few.
        A mean of zero is a constant that is known so well that no data move it.
        """
        if self.mean == "constant":
            return None
        xp = of(X)
        if self.mean == "zero":
            return 1e12 * xp.ones(1)
        return xp.concatenate((xp.zeros(1), 1e-2 * xp.ones(X.shape[1])), 0)


DEFAULT = Settings()
