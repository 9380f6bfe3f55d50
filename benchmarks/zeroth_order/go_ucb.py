"""GO-UCB on functions of twenty parameters: two that a family contains, and two that its family does not.

All are maximized over ``[-5, 5]^20`` through noise of standard deviation 0.1, 100 evaluations, and judged by the sum of the regrets of all
evaluations, the first ones included, without the noise:

- ``network``: one hidden layer of 25 sigmoids, drawn anew for each seed: weights of the first layer normal with variance 1/20, others
  standard normal. Its greatest value is what 200 climbs find.
- ``tang``: ``-(1/20) sum (x^4 - 16 x^2 + 5 x)`` (after Styblinski and Tang), whose greatest value is 78.33.
- ``rastrigin``: ``-(1/20) sum (x^2 - 10 cos(2 pi x) + 10)``, whose greatest value is 0.
- ``bowl``: ``-(1/20) |x - c|^2`` with c uniform on ``[-3, 3]^20``, whose greatest value is 0. Here ``go_ucb, known`` is given the family of
  all such functions with a height and a width, 22 parameters.

The first three functions are those of Liu & Wang (2023), arXiv:2211.09100, as far as they are known to us; the distribution of the
network, the scale of ``rastrigin`` and the noise are our choice. ``go_ucb`` has its default settings; ``go_ucb, published`` five first
trials, whose fit is made once and of which the ellipsoid takes no account. ``gp_ei`` and ``gp_ucb`` are `bbo.Bayes`, default settings
but for the acquisition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import bbo
from benchmarks.resumable import Row
from surrogates.parametric import SigmoidNetwork

if TYPE_CHECKING:
    import torch

CLAIM = (
    "GO-UCB beats GP-EI and GP-UCB in cumulative regret on the 20-dimensional realizable and misspecified functions (at least 5 seeds), "
    "or the docs say where it does not."
)

Array = NDArray[np.float64]

D, SEEDS, BUDGET, NOISE = 20, 5, 100, 0.1
FUNCTIONS = ("network", "tang", "rastrigin", "bowl")
KNOWN, PUBLISHED = "go_ucb, known", "go_ucb, published"


def bowls(d: int) -> torch.nn.Module:
    """Bowls with a centre, a height and a width."""
    import torch

    class Bowl(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.centre = torch.nn.Parameter(torch.rand(d))
            self.height = torch.nn.Parameter(torch.zeros(()))
            self.width = torch.nn.Parameter(torch.ones(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.height - self.width * ((x - self.centre) ** 2).sum(1)

    return Bowl()


OPTIMIZERS: dict[str, Any] = {
    "go_ucb": bbo.GOUCB(),
    KNOWN: bbo.GOUCB(family=bowls),
    PUBLISHED: bbo.GOUCB(n_initial=5, count_first=False, growth=None),
    "gp_ei": bbo.Bayes(acquisition="log_ei"),
    "gp_ucb": bbo.Bayes(acquisition="ucb"),
    "random": bbo.Random(),
}


def network(seed: int) -> tuple[Callable[[Array], float], float]:
    """A drawn network of points in ``[-5, 5]^20``, and its greatest value there as far as climbs find it."""
    from acquisitions.domain import Domain
    from acquisitions.maximizer import MaximizerSettings, maximize
    from acquisitions.parametric_optimism import LinearisedBound
    from surrogates.columns import Column, Columns
    from surrogates.parametric import LinearisedPosterior

    family, rng = SigmoidNetwork(D), np.random.default_rng((2211, 9100, seed))
    w = rng.standard_normal(family.n_parameters)
    w[: family.hidden * D] /= np.sqrt(D)
    domain = Domain(Columns(tuple(Column(f"x{k}") for k in range(D))), np.array([[-5.0] * D, [5.0] * D]))
    score = LinearisedBound(family, LinearisedPosterior.prior(w, 1.0), 0.0)
    best = maximize(score, domain, rng=rng, settings=MaximizerSettings(screened=5_000, starts=200)).value
    return lambda x: float(family.value(w, x[None])[0]), best


def tang(x: Array) -> float:
    """Greatest where all entries are -2.9035."""
    return float(-np.sum(x**4 - 16 * x**2 + 5 * x) / 20)


def rastrigin(x: Array) -> float:
    """Greatest at zero."""
    return float(-np.sum(x**2 - 10 * np.cos(2 * np.pi * x) + 10) / 20)


def function(name: str, seed: int) -> tuple[Callable[[Array], float], float]:
    """A function of points in ``[-5, 5]^20``, and its greatest value."""
    if name == "network":
        return network(seed)
    if name == "bowl":
        centre = np.random.default_rng((2211, 9101, seed)).uniform(-3, 3, D)
        return lambda x: float(-np.sum((x - centre) ** 2) / 20), 0.0
    return (tang, tang(np.full(D, -2.903534027771177))) if name == "tang" else (rastrigin, 0.0)


def run(name: str, optimizer: str, seed: int, budget: int = BUDGET) -> Row:
    """A run: regrets added up at every tenth evaluation, the least regret, and seconds an ask.

    Raises:
        RuntimeError: A model failed, and another point was proposed in its stead.
    """
    f, best = function(name, seed)
    study = bbo.Study(bbo.Space({f"x{k}": bbo.Float(-5, 5) for k in range(D)}), "maximize", optimizer=OPTIMIZERS[optimizer], seed=seed)
    noise, regrets, seconds = np.random.default_rng((100, seed)), [], 0.0
    for _ in range(budget):
        began = time.perf_counter()
        trial = study.ask()
        seconds += time.perf_counter() - began
        if "failed" in (note := study.storage.read(study.name)[-1].body["note"]):
            raise RuntimeError(f"{optimizer} on {name}, seed {seed}: {note}")
        value = f(np.array(list(trial.values())))
        regrets.append(best - value)
        study.tell(trial, value + NOISE * noise.standard_normal())
    summed = np.cumsum(regrets)
    return {"regret": [round(float(r), 4) for r in summed[9::10]], "least": min(regrets), "seconds": seconds / budget}


def jobs() -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """Seed by seed, so that a part is a fair part; the published form, and what is ours to ask, after all others."""
    plain = [name for name in OPTIMIZERS if name not in (KNOWN, PUBLISHED)]
    parts = ((FUNCTIONS[:3], plain), (FUNCTIONS[:3], [PUBLISHED]), (FUNCTIONS[3:], [*plain, KNOWN, PUBLISHED]))
    for functions, optimizers in parts:
        for seed in range(SEEDS):
            for name in functions:
                for optimizer in optimizers:
                    yield {"function": name, "optimizer": optimizer, "seed": seed}, partial(run, name, optimizer, seed)


def report(rows: list[Row]) -> str:
    """Mean cumulative regret with its standard error, in how many seeds it is less than that of both Gaussian processes, least regret."""
    text = [
        "| function | optimizer | seeds | regret of 100 evaluations | below both GPs | least regret (median) | seconds an ask |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in FUNCTIONS:
        total = {(row["optimizer"], row["seed"]): row["regret"][-1] for row in rows if row["function"] == name}
        for optimizer in OPTIMIZERS:
            mine = [row for row in rows if (row["function"], row["optimizer"]) == (name, optimizer)]
            if not mine:
                continue
            sums = np.array([row["regret"][-1] for row in mine])
            error = f" ± {sums.std(ddof=1) / np.sqrt(len(sums)):.0f}" if len(sums) > 1 else ""
            pairs = [(row["regret"][-1], *(total.get((gp, row["seed"])) for gp in ("gp_ei", "gp_ucb"))) for row in mine]
            whole = [pair for pair in pairs if None not in pair]
            below = "" if optimizer.startswith("gp") else f"{sum(pair[0] < min(pair[1:]) for pair in whole)} of {len(whole)}"
            least, seconds = (np.median([row[key] for row in mine]) for key in ("least", "seconds"))
            text.append(f"| {name} | {optimizer} | {len(mine)} | {sums.mean():.0f}{error} | {below} | {least:.2f} | {seconds:.2f} |")
    return "\n".join(text)
