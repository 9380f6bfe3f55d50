"""Gradients of layers from noise in their outputs: unbiased for the smoothed loss, of the variance they should have, and local.

Means over repeated estimates are checked within five of their standard errors (6e-7 for one number that is normal).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bbo.zeroth_order import antithetic, gaussian
from bbo.zeroth_order.modules import coordinate_gradient, likelihood_ratio_gradient

Array = NDArray[np.float64]
Loss = Callable[[Tensor, Tensor], Tensor]


def data(n: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 4, generator=generator, dtype=torch.float64), torch.randn(n, 2, generator=generator, dtype=torch.float64)


def net(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(layers or (nn.Linear(4, 3), nn.Linear(3, 2)))).double()


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().sum(1)


def autograd(model: nn.Module, layer: nn.Module, mean: Tensor) -> Array:
    slopes = torch.autograd.grad(mean, list(layer.parameters()))
    return np.concatenate([slope.flatten().numpy() for slope in slopes])


def estimates(count: int, model: nn.Module, layer: nn.Module, loss: Loss, seed: int = 0, **options: object) -> Array:
    rng, (x, y) = np.random.default_rng(seed), data()
    found = [likelihood_ratio_gradient(model, layer, loss, x, y, rng=rng, **options) for _ in range(count)]  # type: ignore[arg-type]
    return np.array([np.concatenate([slope.flatten().numpy() for slope in gradient.values()]) for gradient in found])


def assert_mean(found: Array, wanted: Array) -> None:
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - wanted) <= 5 * error + 1e-9)
    assert error.max() < 0.1 * np.abs(wanted).max()  # the check says something


WAYS = [(True, "normal"), (True, "sobol"), (False, "normal"), (False, "sobol")]


@pytest.mark.parametrize(("pairs", "noise"), WAYS)
def test_unbiased_on_a_linear_loss(pairs: bool, noise: str) -> None:
    model, (x, _) = net(), data()
    slope = torch.tensor([1.0, -2.0], dtype=torch.float64)
    wanted = autograd(model, model[0], (model(x) @ slope).mean())
    found = estimates(100, model, model[0], lambda out, _: out @ slope, antithetic=pairs, noise=noise, passes=8)
    assert_mean(found, wanted)


@pytest.mark.parametrize(("pairs", "noise"), WAYS)
def test_of_a_two_layer_linear_net_it_is_the_gradient_of_the_smoothed_loss(pairs: bool, noise: str) -> None:
    """Of squared errors smoothing adds ``sigma^2 |W_2|^2``, which does not depend on the first layer."""
    model, (x, y) = net(), data()
    wanted = autograd(model, model[0], squares(model(x), y).mean())
    assert_mean(estimates(100, model, model[0], squares, antithetic=pairs, noise=noise, passes=16, sigma=0.7), wanted)


@pytest.mark.parametrize(("pairs", "noise"), WAYS)
def test_of_an_exponential_loss_it_is_the_gradient_of_the_smoothed_loss(pairs: bool, noise: str) -> None:
    """The mean of ``exp(a'(z + sigma e))`` is ``exp(a'z + sigma^2 |a|^2 / 2)``, by far not the loss itself."""
    model, (x, _), sigma = net(), data(), 0.9
    a = torch.tensor([1.2, -0.9], dtype=torch.float64)
    through = (a @ model[1].weight.detach()).square().sum()
    plain = torch.exp(model(x) @ a).mean()
    wanted = autograd(model, model[0], plain * torch.exp(sigma**2 * through / 2))
    assert math.exp(sigma**2 * through / 2) > 1.1
    found = estimates(200, model, model[0], lambda out, _: torch.exp(out @ a), antithetic=pairs, noise=noise, passes=16, sigma=sigma)
    assert_mean(found, wanted)


@pytest.mark.parametrize("noise", ["normal", "sobol"])
def test_pairs_cancel_an_even_loss(noise: str) -> None:
    model = net()
    for layer in model:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    nn.init.normal_(model[1].weight)
    found = estimates(3, model, model[0], lambda out, _: out.abs().sum(1) + out.prod(1), noise=noise, sigma=0.5)
    assert np.array_equal(found, np.zeros_like(found))
    assert np.any(estimates(1, model, model[0], lambda out, _: out.abs().sum(1), antithetic=False, noise=noise, sigma=0.5))


@pytest.mark.parametrize("pairs", [True, False])
def test_the_variance_is_inversely_proportional_to_the_passes(pairs: bool) -> None:
    """The ratio of two sums of variances over 150 estimates of 15 numbers is within some 8 % of a quarter; 30 % are let through."""
    model = net(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    few, many = (
        estimates(150, model, model[0], squares, seed=r, antithetic=pairs, noise="normal", passes=r, sigma=0.5).var(axis=0).sum()
        for r in (8, 32)
    )
    assert many / few == pytest.approx(1 / 4, rel=0.3)


def test_scrambled_sobol_pairs_beat_independent_ones_on_a_smooth_loss() -> None:
    """By the mean squared error to the smoothed loss's gradient at equal passes; measured 0.13, and 0.5 is asked for."""
    model, (x, y) = net(), data()
    wanted = autograd(model, model[0], squares(model(x), y).mean())
    independent, sobol = (
        ((estimates(60, model, model[0], squares, noise=noise, passes=64, sigma=0.5) - wanted) ** 2).sum(axis=1).mean()
        for noise in ("normal", "sobol")
    )
    assert sobol < 0.5 * independent


def test_terms_are_those_of_the_estimators_for_arrays() -> None:
    """Of a single sample whose layer only adds its bias, the gradient by the bias is the estimate at the layer's output."""

    class Shift(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(4, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.bias

    model, x = net(Shift(), nn.Tanh()), data(1)[0]

    def loss(z: Tensor, _: Tensor) -> Tensor:
        return z.exp().sum(1) + z[:, 0] * z[:, 1]

    def values(points: Array) -> Array:
        return loss(torch.tanh(torch.from_numpy(points.reshape(-1, 4))), x).numpy().reshape(points.shape[:-1])

    e, at = np.random.default_rng(3).standard_normal((8, 4)), x.numpy()
    found = likelihood_ratio_gradient(
        model, model[0], loss, x, x, rng=np.random.default_rng(3), noise="normal", passes=8, antithetic=False, sigma=0.4
    )
    np.testing.assert_allclose(found["0.bias"], gaussian(values(at)[0], values(at + 0.4 * e), e, 0.4), rtol=1e-9)
    found = likelihood_ratio_gradient(model, model[0], loss, x, x, rng=np.random.default_rng(3), noise="normal", passes=16, sigma=0.4)
    pairs = np.stack([values(at + 0.4 * e), values(at - 0.4 * e)], axis=1)
    np.testing.assert_allclose(found["0.bias"], antithetic(pairs, e, 0.4), rtol=1e-9)


def test_what_comes_after_the_layer_may_have_no_gradient() -> None:
    """Signs of ``z + sigma e`` have the mean ``2 Phi(z / sigma) - 1``, which has one."""

    class Sign(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.from_numpy(np.sign(z.numpy()))

    model, (x, _), sigma = net(nn.Linear(4, 3), Sign()), data(), 0.6
    smooth = (2 * torch.special.ndtr(model[0](x) / sigma) - 1).sum(1).mean()
    found = estimates(100, model, model[0], lambda out, _: out.sum(1), sigma=sigma, passes=16)
    assert_mean(found, autograd(model, model[0], smooth))


def test_layers_of_any_kind_keep_their_own_derivatives() -> None:
    """A layer with several modules, statistics, dropout and work in place; after it, work in place on its output."""
    layer = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.ELU(inplace=True), nn.Dropout(0.5))
    torch.manual_seed(2)
    after = nn.Hardtanh(-50, 50, inplace=True)  # linear as far as the noise goes
    model = nn.Sequential(nn.Unflatten(1, (1, 4)), layer, after, nn.Flatten()).double()
    x, y = data()
    slope = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        return (outputs + 100.0) @ slope

    for training in (True, False):
        model.train(training)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        torch.manual_seed(3)
        found = likelihood_ratio_gradient(model, layer, loss, x, y, rng=np.random.default_rng(0), passes=2048, sigma=1.0)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        torch.manual_seed(3)
        wanted = torch.autograd.grad(loss(layer(model[0](x)).flatten(1), y).mean(), list(layer.parameters()))
        for value, name in zip(wanted, ("1.0.weight", "1.0.bias", "1.1.weight", "1.1.bias"), strict=True):
            torch.testing.assert_close(found[name], value, rtol=0, atol=0.02)
        assert max(float(value.abs().max()) for value in wanted) > 0.2
        model.load_state_dict(before)


def test_layers_are_joined_to_a_whole_gradient() -> None:
    model, (x, y) = net(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).float(), data()
    rng = np.random.default_rng(4)
    found: dict[str, Tensor] = {}
    for layer in (model[0], model[2]):
        found |= likelihood_ratio_gradient(model, layer, squares, x.float(), y.float(), rng=rng, passes=1024, sigma=0.05)
    wanted = coordinate_gradient(model, lambda out, y: squares(out, y).mean(), x.float(), y.float(), central=True)
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=0.05 * float(wanted[name].abs().max()))


def test_nothing_is_left_behind_when_the_loss_raises() -> None:
    model = net(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).train()
    before, calls = {name: value.clone() for name, value in model.state_dict().items()}, []

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if not calls:
            raise RuntimeError("enough")
        calls.pop()
        return squares(outputs, targets)

    for allowed in range(5):  # the last of them in the middle of the noisy passes
        calls[:] = [1] * allowed
        with pytest.raises(RuntimeError, match="enough"):
            estimates(1, model, model[0], loss)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert not model[0]._forward_hooks
        assert not model[0]._forward_pre_hooks
        assert torch.is_grad_enabled()


def test_losses_that_are_not_finite_are_left_out() -> None:
    model = net()

    def cut(outputs: Tensor, targets: Tensor) -> Tensor:
        losses = squares(outputs, targets)
        losses[2] = math.nan  # a sample of which nothing is known adds nothing
        return losses

    def zero(outputs: Tensor, targets: Tensor) -> Tensor:
        losses = squares(outputs, targets)
        losses[2] = 0.0
        return losses

    for pairs in (True, False):
        found, wanted = (estimates(1, model, model[0], loss, antithetic=pairs) for loss in (cut, zero))
        assert np.array_equal(found, wanted)
    with pytest.raises(ValueError, match="no loss with noise"):
        estimates(1, model, model[0], lambda out, y: squares(out, y) * math.inf)


class Lengthy(nn.Module):
    """Calls a layer twice, one that makes a tuple, and one whose output does not begin with the samples."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.recurrent, self.flat = nn.Linear(4, 4), nn.GRU(4, 4), nn.Linear(1, 1)
        self.idle = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.recurrent(self.twice(self.twice(x))[None])[0][0]
        return self.flat(x.reshape(-1, 1)).reshape(len(x), -1)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("twice", "the layer makes 2 outputs"),
        ("recurrent", "the layer makes a tuple"),
        ("flat", r"1 outputs of shapes \[\(24, 1\)\] for 6 samples"),
        ("idle", "the layer makes 0 outputs"),
    ],
)
def test_layers_without_a_place_for_noise_are_refused(layer: str, message: str) -> None:
    model = Lengthy().double()
    with pytest.raises(ValueError, match=message):
        estimates(1, model, getattr(model, layer), lambda out, _: out.sum(1))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passes": 1}, "passes is 1"),
        ({"passes": 7}, "passes is 7"),
        ({"passes": 0, "antithetic": False}, "passes is 0"),
        ({"sigma": 0.0}, "sigma is 0.0"),
        ({"sigma": math.inf}, "sigma is inf"),
        ({"noise": "halton"}, "noise is 'halton'"),
        ({"loss": lambda out, y: squares(out, y).mean()}, r"the loss has shape \(\)"),
        ({"loss": lambda out, y: (out - y) ** 2}, r"the loss has shape \(6, 2\)"),
        ({"layer": nn.Tanh()}, "the layer has no trainable parameter"),
        ({"layer": nn.Linear(4, 3)}, "the layer has no trainable parameter"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    model = net()
    with pytest.raises(ValueError, match=message):
        estimates(1, model, **({"layer": model[0], "loss": squares} | options))  # type: ignore[arg-type]


def test_too_wide_for_sobol() -> None:
    model = net(nn.Linear(4, 21202), nn.Flatten())
    with pytest.raises(ValueError, match=r"Sobol sequences have 21201"):
        estimates(1, model, model[0], lambda out, _: out.sum(1), passes=2)


def test_noise_is_a_tenth_of_the_output_by_default() -> None:
    model = net(nn.Linear(4, 3), nn.Flatten())
    seen = []

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        seen.append(outputs)
        return F.relu(outputs).sum(1)

    estimates(1, model, model[0], loss, passes=256, noise="normal")
    noise = torch.stack(seen[-256:]) - seen[0]
    assert float(noise.std()) == pytest.approx(0.1 * float(seen[0].square().mean().sqrt()), rel=0.1)
    nn.init.zeros_(model[0].weight)
    nn.init.zeros_(model[0].bias)
    estimates(1, model, model[0], loss, passes=256, noise="normal")
    assert float(torch.stack(seen[-256:]).std()) == pytest.approx(0.1, rel=0.1)
