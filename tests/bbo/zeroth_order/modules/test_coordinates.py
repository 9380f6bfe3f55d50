"""Coordinate-wise gradients of modules: beside autograd's, within the masks, without a trace in the module, over blocks and workers."""

from __future__ import annotations

import copy
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bbo.zeroth_order.modules import coordinate_gradient, set_gradient
from bbo.zeroth_order.modules.evaluation import chain, evaluating


def mlp(dtype: torch.dtype = torch.float64, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).to(dtype)


def data(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(20, 4, generator=generator, dtype=dtype), torch.randint(0, 3, (20,), generator=generator)


class Images(nn.Module):
    """Everything that makes a module awkward: statistics, random layers, work in place, a weight used twice."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.SiLU(inplace=True))
        self.body = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Dropout(0.3, inplace=True))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(3 * 5 * 5, 2))
        self.body[1].weight = self.stem[1].weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(self.stem(x)))
        return out

    @property
    def blocks(self) -> list[nn.Module]:
        return [*self.stem, *self.body, *self.head]


def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(6, 1, 5, 5, generator=generator), torch.randint(0, 2, (6,), generator=generator)


def autograd(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(F.cross_entropy(model(x), y), parameters), strict=True))


def curvatures(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The second derivative along every entry."""
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradient = torch.autograd.grad(F.cross_entropy(model(x), y), parameters, create_graph=True)
    found = {}
    for name, parameter, slopes in zip(names, parameters, gradient, strict=True):
        rows = [torch.autograd.grad(slope, parameter, retain_graph=True)[0].flatten()[i] for i, slope in enumerate(slopes.flatten())]
        found[name] = torch.stack(rows).reshape(parameter.shape)
    return found


def state(model: nn.Module) -> dict[str, bytes]:
    return {name: value.detach().numpy().tobytes() for name, value in model.state_dict().items()}


def test_forward_differences_are_off_by_half_the_step_times_the_curvature() -> None:
    model, (x, y), step = mlp(), data(), 1e-4
    found, wanted, curved = coordinate_gradient(model, F.cross_entropy, x, y, step=step), autograd(model, x, y), curvatures(model, x, y)
    most = max(float(curvature.abs().max()) for curvature in curved.values())
    for name in wanted:
        error = found[name] - wanted[name]
        # The curvature is that at the parameters, and changes over the step; rounding is 2 eps |loss| / step = 5e-12.
        assert float(error.abs().max()) <= step / 2 * most * (1 + 1e-3) + 1e-11
        torch.testing.assert_close(error, step / 2 * curved[name], rtol=0, atol=step / 2 * most * 1e-3 + 1e-11)
    assert most > 0.1  # the check says something


def test_central_differences_are_off_by_the_square_of_the_step() -> None:
    model, (x, y) = mlp(), data()
    wanted = autograd(model, x, y)

    def error(step: float) -> Tensor:
        found = coordinate_gradient(model, F.cross_entropy, x, y, step=step, central=True)
        return torch.cat([(found[name] - wanted[name]).flatten() for name in wanted])

    coarse, fine = error(2e-2), error(1e-2)
    torch.testing.assert_close(coarse, 4 * fine, rtol=0, atol=2e-3 * float(coarse.abs().max()))


@pytest.mark.parametrize(
    ("dtype", "central", "within"),
    [(torch.float64, False, 1e-7), (torch.float64, True, 1e-9), (torch.float32, False, 5e-3), (torch.float32, True, 5e-4)],
)
def test_default_steps_are_as_good_as_the_precision_allows(dtype: torch.dtype, central: bool, within: float) -> None:
    """Square and cube roots of the precision, by which truncation and rounding are of one size."""
    model, (x, y) = mlp(dtype), data(dtype)
    with torch.no_grad():
        model[0].bias[2] = 1000.0  # a step that were not relative would vanish beside it
    found, wanted = coordinate_gradient(model, F.cross_entropy, x, y, central=central), autograd(model, x, y)
    for name in wanted:
        assert found[name].dtype == dtype
        torch.testing.assert_close(found[name], wanted[name], rtol=0, atol=within)


def test_entries_off_the_mask_are_zero_and_not_evaluated() -> None:
    model, (x, y) = mlp(), data()
    masks = {"2.bias": torch.tensor([True, False, True]), "0.weight": torch.zeros(5, 4, dtype=torch.bool)}
    masks["0.weight"][1, 3] = masks["0.weight"][4, 0] = True
    calls = []

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(1)
        return F.cross_entropy(outputs, targets)

    whole, part = coordinate_gradient(model, F.cross_entropy, x, y), coordinate_gradient(model, loss, x, y, masks=masks)
    assert len(calls) == 1 + 4
    assert part.keys() == whole.keys()
    for name, value in part.items():
        mask = masks.get(name, torch.zeros(value.shape, dtype=torch.bool))
        assert torch.equal(value, whole[name] * mask)
        assert bool((value[mask] != 0).all())


@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_left_behind(training: bool) -> None:
    model, (x, y) = Images().train(training), pictures()
    tensors = [*model.parameters(), *model.buffers()]
    before, inputs = state(model), x.clone()
    masks = {"body.0.weight": torch.rand(3, 3, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.3, "stem.1.bias": torch.ones(3) > 0}
    pending = F.cross_entropy(copy.deepcopy(model)(x) if training else model(x), y)
    for blocks in (None, model.blocks):
        found = coordinate_gradient(model, F.cross_entropy, x, y, masks=masks, blocks=blocks, central=True)
        assert any(float(value.abs().max()) > 0 for value in found.values())
    assert state(model) == before
    assert torch.equal(x, inputs)
    assert all(a is b for a, b in zip(tensors, [*model.parameters(), *model.buffers()], strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.is_grad_enabled()
    pending.backward()
    with torch.no_grad():
        model(x)
    assert (state(model) != before) == training  # a plain call is not so careful


@pytest.mark.parametrize("call", [0, 1, 2, 5])
def test_nothing_is_left_behind_when_the_loss_raises(call: int) -> None:
    model, (x, y) = Images().train(), pictures()
    before, calls = state(model), []

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) > call:
            raise RuntimeError("the simulator is out of licences")
        return F.cross_entropy(outputs, targets)

    with pytest.raises(RuntimeError, match="licences"):
        coordinate_gradient(model, loss, x, y)
    assert state(model) == before
    assert torch.is_grad_enabled()


def test_parameters_that_are_not_contiguous() -> None:
    class Transposed(nn.Module):
        def __init__(self, weight: Tensor) -> None:
            super().__init__()
            self.weight = nn.Parameter(weight)
            self.scale = nn.Parameter(torch.tensor(0.7, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(x @ self.weight) * self.scale

    values = torch.randn(3, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    wide = torch.zeros(4, 6, dtype=torch.float64)
    wide[:, ::2] = values.T
    x, y = data()
    with ThreadPoolExecutor(1) as executor:
        for weight in (values.T, wide[:, ::2]):
            model = Transposed(weight)
            assert not model.weight.is_contiguous()
            wanted = autograd(model, x, y)
            for found in (
                coordinate_gradient(model, F.cross_entropy, x, y),
                coordinate_gradient(model, F.cross_entropy, x, y, executor=executor, workers=3),
            ):
                torch.testing.assert_close(found["weight"], wanted["weight"], rtol=0, atol=1e-7)
                torch.testing.assert_close(found["scale"], wanted["scale"], rtol=0, atol=1e-7)


def test_random_layers_see_the_same_numbers_within_a_gradient_and_new_ones_in_the_next() -> None:
    """Of dropout before a linear loss the slope is the input that was let through, doubled, in every evaluation alike."""
    x, model = torch.ones(1, 8, dtype=torch.float64), nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 1)).double()
    torch.manual_seed(5)

    def gradient(blocks: list[nn.Module] | None = None) -> Tensor:
        return coordinate_gradient(model, lambda out, _: out.sum(), x, None, blocks=blocks)["1.weight"]

    found = [gradient() for _ in range(4)]
    for value in found:
        torch.testing.assert_close(value, 2 * (value > 1).double(), rtol=0, atol=1e-6)
    assert len({tuple((value > 1).flatten().tolist()) for value in found}) > 1  # all alike: once in 2^24
    torch.manual_seed(5)
    assert all(torch.equal(gradient([model]), value) for value in found)


@pytest.mark.parametrize("training", [False, True])
def test_reused_features_give_the_loss_of_a_full_run_bit_by_bit(training: bool) -> None:
    model, (x, y) = Images().train(training), pictures()
    torch.manual_seed(6)
    start = torch.get_rng_state()
    with evaluating(model, F.cross_entropy, x, y, blocks=model.blocks) as evaluation:
        base, first = float(evaluation.base), evaluation.first_blocks(dict(model.named_parameters()))
        assert {first[name] for name in ("stem.0.weight", "stem.1.weight", "body.0.bias", "head.1.weight")} == {0, 1, 3, 7}
        for name, parameter in model.named_parameters():
            kept = parameter.detach().clone()
            parameter.detach().add_(0.1 * torch.randn(kept.shape))
            for _ in range(2):  # what works in place has not spoilt what is stored
                torch.set_rng_state(start)
                whole = float(F.cross_entropy(copy.deepcopy(model)(x), y))
                assert float(evaluation(first[name])) == whole != base, name
            parameter.detach().copy_(kept)
            assert float(evaluation(first[name])) == base


def test_feature_reuse_runs_no_block_before_the_one_that_moved() -> None:
    model, (x, y) = nn.Sequential(mlp(), nn.Linear(3, 3).double()), data()
    blocks, runs = chain(model), []
    assert blocks == [*model[0], model[1]]
    for k, block in enumerate(blocks):
        block.register_forward_hook(lambda *_, k=k: runs.append(k))
    masks = {"1.bias": torch.tensor([True, True, False]), "0.2.bias": torch.tensor([True, False, False])}
    found = coordinate_gradient(model, F.cross_entropy, x, y, masks=masks)
    assert [runs.count(k) for k in range(4)] == [2, 2, 2 + 1, 2 + 1 + 2]  # twice to begin with: as a whole and block by block
    whole = coordinate_gradient(model, F.cross_entropy, x, y, masks=masks, blocks=[model])
    assert all(torch.equal(found[name], whole[name]) for name in whole)


def test_blocks_that_are_not_the_model_are_refused() -> None:
    model, (x, y) = Images().eval(), pictures()
    with pytest.raises(ValueError, match="are not the model"):
        coordinate_gradient(model, F.cross_entropy, x, y, blocks=[model.stem, model.head])
    identity = nn.Sequential(nn.Flatten(), nn.Linear(25, 2))
    outside = nn.Module()
    outside.net, outside.idle = identity, nn.Linear(1, 1)
    outside.forward = identity  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=r"'idle.weight' is in none of the blocks"):
        coordinate_gradient(outside, F.cross_entropy, x, y, blocks=[identity])


@pytest.mark.parametrize("central", [False, True])
def test_workers_find_what_one_finds_bit_by_bit(central: bool) -> None:
    model, (x, y) = mlp(torch.float32), data(torch.float32)
    wanted, before = coordinate_gradient(model, F.cross_entropy, x, y, central=central), state(model)
    with ThreadPoolExecutor(2) as executor:
        for workers in (1, 3, 60):
            found = coordinate_gradient(model, F.cross_entropy, x, y, central=central, executor=executor, workers=workers)
            assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert state(model) == before


class Counting(nn.Module):
    """Its output depends on a buffer that every run changes, as do layers that normalize spectra or average over batches."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("runs", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        return x * self.runs


def test_workers_begin_with_the_same_buffers() -> None:
    (x, y), model = data(), nn.Sequential(nn.Linear(4, 3), Counting(), nn.Linear(3, 3)).double()
    wanted = coordinate_gradient(model, F.cross_entropy, x, y)
    with ThreadPoolExecutor(1) as executor:
        found = coordinate_gradient(model, F.cross_entropy, x, y, executor=executor, workers=2)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert float(model[1].runs) == 0


@pytest.mark.slow
def test_workers_in_processes_see_the_same_random_numbers() -> None:
    model, (x, y) = Images().train(), pictures()
    torch.manual_seed(7)
    wanted = coordinate_gradient(model, F.cross_entropy, x, y, blocks=model.blocks)
    after = torch.get_rng_state()
    torch.manual_seed(7)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        found = coordinate_gradient(model, lambda *a: F.cross_entropy(*a), x, y, blocks=model.blocks, executor=executor, workers=2)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert torch.equal(torch.get_rng_state(), after)


def test_a_loss_with_jumps_is_estimated_over_the_step() -> None:
    """The share of errors has no gradient; a step that is large enough sees it fall."""
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)[:, None]
    model = nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(1.0)
        model.bias.fill_(0.5)

    def errors(outputs: Tensor, targets: Tensor) -> float:
        return float(((outputs > 0) != targets).double().mean())

    found = coordinate_gradient(model, errors, x, x > 0, step=0.1, central=True)
    assert float(found["bias"]) == pytest.approx(0.5, abs=0.05)  # half the inputs lie within a unit of the bias, which shifts the edge


def test_an_entry_whose_loss_is_not_finite_has_no_slope() -> None:
    model, (x, y) = mlp(), data()
    reference = model[2].bias[1].item()

    def loss(outputs: Tensor, targets: Tensor) -> float:
        return float("nan") if model[2].bias[1].item() > reference else float(F.cross_entropy(outputs, targets))

    found, wanted = coordinate_gradient(model, loss, x, y), coordinate_gradient(model, F.cross_entropy, x, y)
    assert float(found["2.bias"][1]) == 0 != float(wanted["2.bias"][1])
    wanted["2.bias"][1] = 0
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    reference = float("-inf")
    with pytest.raises(ValueError, match="loss is nan at the parameters"):
        coordinate_gradient(model, loss, x, y)


Change = Callable[[nn.Module], dict[str, object]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: {"step": 0.0}, "step is 0.0"),
        (lambda model: {"step": float("nan")}, "step is nan"),
        (lambda model: {"step": 1e-12}, "too small"),
        (lambda model: {"masks": {"0.wait": torch.ones(5, 4) > 0}}, "no trainable parameter '0.wait'"),
        (lambda model: {"masks": {"0.weight": torch.ones(4, 5) > 0}}, r"it is torch.bool of shape \(5, 4\)"),
        (lambda model: {"masks": {"0.bias": torch.ones(5)}}, "torch.float32 of shape"),
        (lambda model: {"masks": {"0.bias": torch.ones(5) > 0}} | {"nothing": model[0].bias.requires_grad_(False)}, "no trainable"),
        (lambda model: model.requires_grad_(False) and {}, "no parameter that requires a gradient"),
        (lambda model: {"loss": lambda out, _: out[:, 0]}, r"the loss has shape \(20,\)"),
    ],
)
def test_what_cannot_be_is_refused(change: Change, message: str) -> None:
    model, (x, y) = mlp(torch.float32), data(torch.float32)
    options = {"loss": F.cross_entropy, **change(model)}
    options.pop("nothing", None)
    before = state(model)
    with pytest.raises(ValueError, match=message):
        coordinate_gradient(model, inputs=x, targets=y, **options)  # type: ignore[arg-type]
    assert state(model) == before


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_any_optimizer_steps_as_it_would_along_the_gradient(optimizer: type[torch.optim.Optimizer]) -> None:
    (x, y), ours, theirs = data(), mlp(), mlp()
    steps = [optimizer(model.parameters(), lr=0.1) for model in (ours, theirs)]  # type: ignore[call-arg]
    start = F.cross_entropy(ours(x), y).item()
    for _ in range(5):
        set_gradient(ours, coordinate_gradient(ours, F.cross_entropy, x, y, central=True))
        set_gradient(theirs, autograd(theirs, x, y))
        for step in steps:
            step.step()
    assert F.cross_entropy(ours(x), y).item() == pytest.approx(F.cross_entropy(theirs(x), y).item(), abs=1e-7)
    assert F.cross_entropy(ours(x), y).item() < start - 0.01


def test_set_gradient_replaces_what_it_names() -> None:
    model = mlp()
    model[2].bias.grad = torch.ones(3, dtype=torch.float64)
    set_gradient(model, {"0.bias": torch.full((5,), 2.0, dtype=torch.float64)})
    set_gradient(model, {"0.bias": torch.full((5,), 3.0, dtype=torch.float64)})
    assert model[0].bias.grad.tolist() == [3.0] * 5
    assert model[2].bias.grad.tolist() == [1.0] * 3
    with pytest.raises(ValueError, match="no parameter 'bias'"):
        set_gradient(model, {"bias": torch.zeros(3)})
