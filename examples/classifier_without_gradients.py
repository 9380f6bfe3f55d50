"""Train small networks on handwritten digits without backpropagation, from losses alone.

    python examples/classifier_without_gradients.py

The first one is smooth; its gradient is estimated weight by weight, from half of the weights at a time. The second one has units that are
either on or off: what backpropagation makes of them is zero, so that it trains the last layer only. Noise in the outputs of the layers
estimates the gradient of the loss that the noise smooths. Beside both stands logistic regression on the pixels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bbo.zeroth_order.modules import coordinate_gradient, likelihood_ratio_gradient, random_masks, set_gradient

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=0)

Estimate = Callable[..., dict[str, Tensor]]


class Threshold(nn.Module):
    """On or off, with a derivative of zero nearly everywhere."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.where(z > 0, 1.0, -1.0)


def network(filters: int, unit: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, filters, 3, stride=2), unit, nn.Flatten(), nn.Linear(9 * filters, 10))


def images(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).float().reshape(-1, 1, 8, 8)


def by_coordinates(model: nn.Sequential, inputs: Tensor, targets: Tensor, *, rng: np.random.Generator, epoch: int) -> dict[str, Tensor]:
    masks = random_masks(model, 0.5, rng=np.random.default_rng(epoch))  # the same all epoch long
    return coordinate_gradient(model, cross_entropy, inputs, targets, masks=masks, step=0.01)


def by_noise(model: nn.Sequential, inputs: Tensor, targets: Tensor, *, rng: np.random.Generator, epoch: int) -> dict[str, Tensor]:
    gradient: dict[str, Tensor] = {}
    for layer in (model[0], model[3]):
        gradient |= likelihood_ratio_gradient(model, layer, each, inputs, targets, rng=rng, passes=8, sigma=0.3)
    return gradient


def each(outputs: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(outputs, targets, reduction="none")


def by_backpropagation(model: nn.Sequential, inputs: Tensor, targets: Tensor, *, rng: np.random.Generator, epoch: int) -> dict[str, Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    slopes = torch.autograd.grad(cross_entropy(model(inputs), targets), parameters, allow_unused=True, materialize_grads=True)
    return dict(zip(names, slopes, strict=True))


def train(model: nn.Sequential, estimate: Estimate, *, epochs: int, rate: float, seed: int) -> float:
    """The accuracy on the test set after some epochs of Adam along the estimates."""
    rng = np.random.default_rng(seed)
    inputs, targets = images(X_train), torch.from_numpy(y_train)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        for batch in torch.from_numpy(rng.permutation(len(inputs))).split(126):
            set_gradient(model, estimate(model, inputs[batch], targets[batch], rng=rng, epoch=epoch))
            optimizer.step()
        schedule.step()
    with torch.no_grad():
        return float((model(images(X_test)).argmax(1).numpy() == y_test).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    accuracy = LogisticRegression(max_iter=1000).fit(X_train, y_train).score(X_test, y_test)
    print(f"{'logistic regression, 650 parameters':54} {accuracy:.1%}")
    for kind, filters, unit, rate, estimate in (
        ("smooth units", 4, nn.Tanh(), 0.05, by_coordinates),
        ("on or off", 8, Threshold(), 0.02, by_backpropagation),
        ("on or off", 8, Threshold(), 0.02, by_noise),
    ):
        torch.manual_seed(options.seed)
        model = network(filters, unit)
        size = sum(parameter.numel() for parameter in model.parameters())
        accuracy = train(model, estimate, epochs=options.epochs, rate=rate, seed=options.seed)
        print(f"{f'{kind}, {size} parameters, {estimate.__name__}'.replace('_', ' '):54} {accuracy:.1%}", flush=True)


if __name__ == "__main__":
    main()
