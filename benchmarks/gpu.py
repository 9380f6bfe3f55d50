"""Many climbs at once on one device: ours over BoTorch's, from equal starts, of one acquisition function of one model.

    python -m benchmarks.gpu                                               # restarts 16 to 4,096, batches 1 to 64; CUDA where there is one
    python -m benchmarks.gpu --device cpu --restarts 16 64 --q 1 4         # a part of it on CPU tensors
    python -m benchmarks.gpu --every-start                                 # no start is given up for lagging behind

Ours is `acquisitions.maximizer.climb` on tensors of the device; BoTorch's is `gen_candidates_scipy`, the climber of `optimize_acqf`,
so that screening is left out of both. Its L-BFGS-B is SciPy's on the CPU, one state a start, and points and gradients cross to the
device and back each round. Both score all starts that still climb in one call. The function is BoTorch's: log EI for one point, log EI
of the batch by 128 samples for more. Both have SciPy's default tolerances. They take turns, and who is first alternates.

Both stop after the same number of rounds: 200, or what `--evaluations` divided by the restarts leaves. A round is a call of the
function for us and an iteration, which may take several calls, for BoTorch: its batched L-BFGS-B has no cap on calls.
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.generation.gen import gen_candidates_scipy
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.sampling import draw_sobol_samples
from linear_operator.utils.warnings import NumericalWarning
from torch import Tensor

from acquisitions.maximizer import ClimbSettings, climb
from surrogates.exact_gp import fit_model

RESTARTS = (16, 64, 256, 1024, 4096)
BATCHES = (1, 4, 16, 64)
ROUNDS = 200
SAMPLES = 128


@dataclass(frozen=True, slots=True)
class Setting:
    """What all cases share."""

    device: torch.device
    n: int
    d: int
    seed: int
    repeats: int
    evaluations: int
    every_start: bool

    def rounds(self, restarts: int) -> int:
        """Most rounds of a climb."""
        return max(1, min(ROUNDS, self.evaluations // restarts))


@dataclass(frozen=True, slots=True)
class Climb:
    """One climb from all starts: seconds by the clock, batches scored, and the best score."""

    seconds: float
    scored: int
    best: float


def acquisitions(setting: Setting) -> Callable[[int], AcquisitionFunction]:
    """The acquisition function for q points, of a model fitted once to a noisy function."""
    rng = np.random.default_rng(setting.seed)
    X = rng.random((setting.n, setting.d))
    waves = np.sin(4 * X @ rng.normal(size=setting.d) / np.sqrt(setting.d))
    y = waves + (X - rng.random(setting.d)) ** 2 @ rng.normal(size=setting.d) + 0.01 * rng.normal(size=setting.n)
    # The twin, whose posterior is GPyTorch's: what is compared is the climbs, and neither side evaluates code of its own.
    model = fit_model(X, y[:, None], seed=setting.seed).to_gpytorch().to(setting.device)

    def of(q: int) -> AcquisitionFunction:
        best = float(y.max())
        if q == 1:
            return LogExpectedImprovement(model, best_f=best).to(setting.device)
        sampler = SobolQMCNormalSampler(torch.Size([SAMPLES]), seed=setting.seed)
        return qLogExpectedImprovement(model, best_f=best, sampler=sampler).to(setting.device)

    return of


def ours(acquisition: AcquisitionFunction, starts: Tensor, setting: Setting) -> float:
    """The best score that our climbs reach from the starts, `b x q x d`."""
    b, q, d = starts.shape

    def objective(X: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        points = X.detach().reshape(-1, q, d).requires_grad_()
        values = acquisition(points)
        (gradient,) = torch.autograd.grad(values.sum(), points)
        return values.detach(), gradient.reshape(X.shape)

    flat = starts.reshape(b, q * d)
    settings = ClimbSettings(
        rounds=setting.rounds(b), evaluations=ROUNDS * b, lag=np.inf if setting.every_start else ClimbSettings().lag
    )  # the cap is on rounds, as it is on the other side
    low, high = torch.zeros_like(flat[0]), torch.ones_like(flat[0])
    return float(climb(objective, flat, low, high, settings).values.max())  # type: ignore[arg-type]  # declared for NumPy's arrays


def theirs(acquisition: AcquisitionFunction, starts: Tensor, setting: Setting) -> float:
    """The best score that BoTorch's climbs reach from the same starts."""
    options = {"maxiter": setting.rounds(len(starts))}
    _, values = gen_candidates_scipy(starts, acquisition, lower_bounds=0.0, upper_bounds=1.0, options=options)
    return float(values.max())


def timed(
    side: Callable[[AcquisitionFunction, Tensor, Setting], float], acquisition: AcquisitionFunction, starts: Tensor, setting: Setting
) -> Climb:
    """One climb with the device's queue emptied before and after."""
    scored = 0

    def count(_: object, inputs: tuple[Tensor, ...], __: object) -> None:
        nonlocal scored
        scored += len(inputs[0])

    hook = acquisition.register_forward_hook(count)
    try:
        wait(setting.device)
        start = time.perf_counter()
        best = side(acquisition, starts, setting)
        wait(setting.device)
        return Climb(time.perf_counter() - start, scored, best)
    finally:
        hook.remove()


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(acquisition: AcquisitionFunction, restarts: int, q: int, setting: Setting) -> tuple[list[Climb], list[Climb]]:
    """Repetitions of ours and of BoTorch's, after one call of the function that is not timed."""
    bounds = torch.tensor([[0.0] * setting.d, [1.0] * setting.d], dtype=torch.float64)
    starts = draw_sobol_samples(bounds, n=restarts, q=q, seed=setting.seed).to(setting.device)
    mine: list[Climb] = []
    other: list[Climb] = []
    sides = [(ours, mine), (theirs, other)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)  # GPyTorch says when it adds jitter, as it must where points of a batch meet
        points = starts.clone().requires_grad_()
        torch.autograd.grad(acquisition(points).sum(), points)  # fills caches, and finds out at once whether memory suffices
        for _ in range(setting.repeats):
            for side, into in sides:
                into.append(timed(side, acquisition, starts, setting))
            sides.reverse()
    return mine, other


def cell(climbs: list[Climb]) -> str:
    """Median, least and most seconds."""
    seconds = [each.seconds for each in climbs]
    return f"{np.median(seconds):.3g} ({min(seconds):.3g} to {max(seconds):.3g})"


def line(restarts: int, q: int, setting: Setting, acquisition: AcquisitionFunction) -> str:
    """One row of the table."""
    head = f"| {restarts:,} | {q} | {setting.rounds(restarts)} |"
    try:
        mine, other = measure(acquisition, restarts, q, setting)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return f"{head} out of memory | | | | | |"
    ratio = np.median([m.seconds for m in mine]) / np.median([o.seconds for o in other])
    gap = max(m.best for m in mine) - max(o.best for o in other)
    return f"{head} {cell(mine)} | {cell(other)} | {ratio:.2f} | {mine[0].scored:,} | {other[0].scored:,} | {gap:+.1e} |"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error is of memory; on the CPU torch has no class for that."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def name(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    return f"CPU tensors, {platform.machine()}, threads: {torch.get_num_threads()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--restarts", type=int, nargs="+", default=list(RESTARTS))
    parser.add_argument("--q", type=int, nargs="+", default=list(BATCHES), help="points a batch")
    parser.add_argument("--n", type=int, default=50, help="points the model knows")
    parser.add_argument("--d", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--evaluations", type=int, default=1_000_000, help="about the most batches scored in one climb, all starts together"
    )
    parser.add_argument("--every-start", action="store_true", help="climb every start to its end, as BoTorch does")
    a = parser.parse_args()
    setting = Setting(torch.device(a.device), a.n, a.d, a.seed, a.repeats, a.evaluations, a.every_start)
    print(f"{name(setting.device)}; torch {torch.__version__}, BoTorch {version('botorch')}")
    print(f"n = {a.n}, d = {a.d}, seed {a.seed}, {a.repeats} repetitions, {'every start to its end' if a.every_start else 'defaults'}\n")
    print("| restarts | q | most rounds | ours, s | BoTorch, s | ours / BoTorch | ours scored | BoTorch scored | best, ours - BoTorch |")
    print("|---" * 9 + "|")
    of = acquisitions(setting)
    for q in a.q:
        acquisition = of(q)
        for restarts in a.restarts:
            print(line(restarts, q, setting, acquisition), flush=True)
            gc.collect()
            if setting.device.type == "cuda":
                torch.cuda.empty_cache()  # what an attempt without success has left


if __name__ == "__main__":
    main()
