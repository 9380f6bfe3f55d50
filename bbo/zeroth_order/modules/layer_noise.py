"""The gradient of one layer from noise in its output: the likelihood-ratio method.

The layer's output ``z = f(x; theta)`` becomes ``z + sigma e`` with e standard normal. Of the expected loss the gradient by z is
``E[loss(z + sigma e) e] / sigma``, an average of losses, and the gradient by theta is that times the derivatives of this layer alone.
What comes after the layer need not be differentiable: the noise smooths it.

Source: Jiang et al. (2024), One forward is enough for neural network training via likelihood ratio method (ICLR).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bbo.zeroth_order.modules.evaluation import Evaluation, Loss, evaluating
from bbo.zeroth_order.modules.parameters import Gradient, trainable


def likelihood_ratio_gradient(
    model: nn.Module,
    layer: nn.Module,
    loss: Loss,
    inputs: Any,
    targets: Any,
    *,
    rng: np.random.Generator,
    passes: int = 64,
    sigma: float | None = None,
    antithetic: bool = True,
    noise: Literal["sobol", "normal"] = "sobol",
) -> Gradient:
    """The gradient, by the parameters of one layer, of the mean loss over the samples with normal noise in the layer's output.

    Each pass runs the model with other noise, and each sample's loss weighs its own noise. The variance is proportional to
    ``1 / passes`` with ``noise="normal"`` and falls faster with ``"sobol"`` where the loss is smooth. As `sigma` shrinks, it stays bounded
    for a smooth loss and grows like ``1 / sigma`` for one with jumps, ``1 / sigma^2`` for one with noise of its own; as `sigma` grows,
    the smoothed loss departs from the loss. Parameters and buffers are as before, also when the loss raises.

    Args:
        model: The module. A sample's loss must not depend on other samples: batch normalization after the layer belongs in evaluation
            mode.
        layer: The submodule that gets a gradient; the model calls it once, and samples are the first axis of its output. Its own
            derivatives are taken by autograd.
        loss: Of outputs and targets, one number for each sample (``reduction="none"``); it need not be differentiable.
        inputs: What the model is called with, one argument, `n` samples.
        targets: What the loss is called with after the outputs.
        rng: The random numbers.
        passes: How many noisy passes to make.
        sigma: Standard deviation of the noise, in the units of the layer's output. By default a tenth of the output's root mean square,
            and 0.1 where that is 0.
        antithetic: Whether noise comes in pairs of opposite sign, which cancels what is even in it. Otherwise the baseline of a sample's
            losses is its loss without noise.
        noise: ``"sobol"``, a scrambled Sobol sequence, of which every sample has its own part (best with a power of two of passes), or
            ``"normal"``, independent numbers.

    Returns:
        By the names that the layer's parameters have in the model, tensors of their shapes. Those of several layers are joined by ``|``.

    Raises:
        ValueError: The layer is not in the model, has no parameters or is not called once, the loss is not one number for each sample,
            an option is out of range, or no pass has a finite loss.
    """
    _check(passes, sigma, antithetic, noise)
    own = {id(parameter) for parameter in layer.parameters()}
    parameters = {name: parameter for name, parameter in trainable(model).items() if id(parameter) in own}
    if not parameters:
        raise ValueError("the layer has no trainable parameter that the model has too; give a submodule of the model")
    with evaluating(model, loss, inputs, targets, blocks=[model]) as evaluation:
        output, clean = _recorded(evaluation, layer)
        n = len(clean)
        if sigma is None:
            sigma = 0.1 * float(output.detach().double().square().mean().sqrt()) or 0.1
        e = _draws(noise, passes // 2 if antithetic else passes, n, output.numel() // n, rng)
        moves = torch.from_numpy(sigma * e).to(output.device, output.dtype).reshape(len(e), *output.shape)
        above = torch.stack([_noisy(evaluation, layer, move) for move in moves])
        below = torch.stack([_noisy(evaluation, layer, -move) for move in moves]) if antithetic else clean
        weights = _weights((above - below) / (2 if antithetic else 1))
        cotangent = torch.einsum("rn,rn...->n...", weights, moves.double()) / (sigma**2 * n)
        output, _ = _recorded(evaluation, layer)  # again: noisy passes may have written over what its graph holds
        slopes = torch.autograd.grad(output, list(parameters.values()), cotangent.to(output), allow_unused=True, materialize_grads=True)
    return dict(zip(parameters, slopes, strict=True))


def _check(passes: int, sigma: float | None, antithetic: bool, noise: str) -> None:
    if passes < 1 or (antithetic and passes % 2):
        raise ValueError(f"passes is {passes}; it is at least 1, and even where they come in pairs (antithetic=True)")
    if sigma is not None and not 0 < sigma < math.inf:
        raise ValueError(f"sigma is {sigma!r}; it is a number above 0, in the units of the layer's output")
    if noise not in {"sobol", "normal"}:
        raise ValueError(f'noise is {noise!r}; it is "sobol" or "normal"')


def _draws(noise: str, r: int, n: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Standard normal noise for `r` passes over `n` samples, `r x n x width`."""
    if noise == "normal":
        return rng.standard_normal((r, n, width))
    from scipy.stats import qmc

    if width > qmc.Sobol.MAXDIM:
        raise ValueError(f'the layer makes {width} numbers a sample, and Sobol sequences have {qmc.Sobol.MAXDIM}; take noise="normal"')
    sequence = qmc.MultivariateNormalQMC(np.zeros(width), rng=rng).random(1 << (n * r - 1).bit_length())
    return np.asarray(sequence[: n * r].reshape(n, r, width).swapaxes(0, 1), dtype=np.float64)


def _weights(gains: Tensor) -> Tensor:
    """What each move counts in the mean over the passes, `r x n`: what it gains, where that is finite, among those of its sample."""
    came = gains.isfinite()
    if not bool(came.any()):
        raise ValueError("no loss with noise in the layer is finite")
    return torch.where(came, gains, 0.0) / came.sum(0).clamp(min=1)


def _noisy(evaluation: Evaluation, layer: nn.Module, move: Tensor) -> Tensor:
    """Losses with the output of the layer moved, `n`."""
    handle = layer.register_forward_hook(lambda _module, _arguments, output: output + move)
    try:
        return _losses(evaluation)
    finally:
        handle.remove()


def _losses(evaluation: Evaluation) -> Tensor:
    losses = torch.as_tensor(evaluation())
    if losses.ndim != 1:
        raise ValueError(f'the loss has shape {tuple(losses.shape)}; it is one number for each sample, with reduction="none"')
    return losses.detach().double()


def _recorded(evaluation: Evaluation, layer: nn.Module) -> tuple[Tensor, Tensor]:
    """The output of the layer, with a graph to its own parameters and to nothing before it, and the losses, `n`; both without noise."""
    outputs: list[Tensor] = []

    def begin(_module: nn.Module, _arguments: Any) -> None:
        torch.set_grad_enabled(True)

    def end(_module: nn.Module, _arguments: Any, output: Any) -> Tensor:
        torch.set_grad_enabled(False)
        if not isinstance(output, Tensor):
            raise ValueError(f"the layer makes a {type(output).__name__}; it makes one tensor")
        outputs.append(output)
        return output.detach().clone()

    handles = [layer.register_forward_pre_hook(begin), layer.register_forward_hook(end)]
    try:
        losses = _losses(evaluation)
    finally:
        for handle in handles:
            handle.remove()
    if len(outputs) != 1 or outputs[0].shape[:1] != losses.shape:
        told = f"{len(outputs)} outputs of shapes {[tuple(output.shape) for output in outputs]}"
        raise ValueError(
            f"the layer makes {told} for {len(losses)} samples; it is called once, and samples are the first axis of its output"
        )
    return outputs[0], losses
