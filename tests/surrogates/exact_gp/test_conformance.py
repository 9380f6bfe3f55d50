"""The exact Gaussian process passes the public kit, and the kit finds what is broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bbo.testing.surrogate import check_surrogate
from surrogates.exact_gp import fit_model
from surrogates.exact_gp.model import ExactGPModel


def test_it_keeps_the_contract():
    assert "gradients" in check_surrogate(fit_model)


class Shifted(ExactGPModel):
    """Predicts something else when asked about several points at once."""

    def posterior(self, X, *args, **kwargs):
        return super().posterior(X + (0.1 if X.shape[-2] > 1 else 0.0), *args, **kwargs)


class Silent(ExactGPModel):
    """Forgets what it is told."""

    def condition_on_observations(self, X, Y, noise=None, **_):
        return self


def broken_noise(X, Y, Yvar=None, **arguments):
    return fit_model(X, Y, None, **arguments)


def forgetful(X, Y, Yvar=None, *, seed=0, **arguments):
    noise = torch.randn(1).item() * 1e-3
    return fit_model(X, Y + noise, Yvar, seed=seed, **arguments)


def ignorant(X, Y, Yvar=None, *, columns=None, **arguments):
    return fit_model(X[:, :1].repeat(X.shape[1], 1) if columns else X, Y, Yvar, **arguments)


@pytest.mark.parametrize(
    "fit, promise",
    [
        (lambda *a, **k: Shifted(fit_model(*a, **k).outputs), "depends on what it is asked with"),
        (lambda *a, **k: Silent(fit_model(*a, **k).outputs), "conditioning"),
        (lambda X, Y, *a, **k: fit_model(X, np.zeros_like(Y), *a, **k), "learning"),
        (broken_noise, "noise"),
        (forgetful, "repeatable"),
        (ignorant, "mixed"),
    ],
)
def test_the_kit_finds_what_is_broken(fit, promise):
    with pytest.raises(AssertionError, match=promise):
        check_surrogate(fit)
