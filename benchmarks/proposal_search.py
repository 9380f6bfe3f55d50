"""What the search for a proposal costs, and what it misses of the acquisition function, by its settings.

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.proposal_search

Studies are told random points of synthetic functions, and a few proposals follow. The last two maximizations of each are run again
from the same random state with other settings. Given are process times, the better of two, and the loss: how far the found maximum
of the log expected improvement is below that of a search with 12,000 screened points and 40 starts; 0.05 are 5 % of the improvement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bbo
from acquisitions.domain import Domain
from acquisitions.maximizer import ClimbSettings, MaximizerSettings, maximize
from acquisitions.maximizer.result import Maximum
from acquisitions.protocol import Acquisition
from bbo.optimizers import search
from bbo.problems.functions import ackley, levy, rastrigin, rosenbrock, styblinski_tang
from benchmarks.suite.boxes import moved

Array = NDArray[np.float64]

FUNCTIONS = {"levy": (levy, 10.0), "ackley": (ackley, 5.0), "rosenbrock": (rosenbrock, 2.0), "rastrigin": (rastrigin, 5.0)}
HELD_OUT = {"styblinski-tang": (styblinski_tang, 5.0)}  # looked at after the choice, like the mixed spaces
DIMENSIONS = (3, 6, 20)
TRIALS = (20, 50, 200, 400)
ASKS = 3

REFERENCE = MaximizerSettings(screened=12_000, starts=40, climb=ClimbSettings(lag=1e9))
LOOSE = ClimbSettings(value_tolerance=1e-4, gradient_tolerance=1e-3, patience=3, lag=3.0)
SETTINGS = {
    "maximize's defaults": MaximizerSettings(),
    "loose climbs": MaximizerSettings(climb=LOOSE),
    "loose, 2,000 screened, 8 starts": MaximizerSettings(screened=2_000, starts=8, climb=LOOSE),
    "loose, 1,000 screened, 8 starts": MaximizerSettings(screened=1_000, starts=8, climb=LOOSE),
    "loose, 1,000 screened, 6 starts": MaximizerSettings(screened=1_000, starts=6, climb=LOOSE),
}


@dataclass(frozen=True)
class Case:
    """A maximization as it was called, and the number of trials behind it."""

    trials: int
    acquisition: Acquisition
    domain: Domain
    state: Any
    arguments: Mapping[str, Any]

    def run(self, settings: MaximizerSettings) -> tuple[float, float]:
        """Maximum and seconds."""
        seconds, value = np.inf, -np.inf
        for _ in range(2):
            bits = np.random.Philox()
            bits.state = deepcopy(self.state)
            start = time.process_time()
            found = maximize(self.acquisition, self.domain, rng=np.random.Generator(bits), **{**self.arguments, "settings": settings})
            seconds, value = min(seconds, time.process_time() - start), found.value
        return value, seconds


@contextmanager
def recorded(trials: int) -> Iterator[list[Case]]:
    """The maximizations of proposals made meanwhile."""
    cases: list[Case] = []

    def spy(acq: Acquisition, domain: Domain, *, rng: np.random.Generator, **arguments: Any) -> Maximum:
        cases.append(Case(trials, acq, domain, deepcopy(rng.bit_generator.state), arguments))
        return maximize(acq, domain, rng=rng, **arguments)

    search.maximize = spy  # type: ignore[attr-defined]  # what is timed is what bayes calls, with its own arguments
    try:
        yield cases
    finally:
        search.maximize = maximize  # type: ignore[attr-defined]


def of_study(space: bbo.Space, function: Callable[[Mapping[str, Any]], float], trials: int, *, batch: int = 1) -> list[Case]:
    """The last two searches of a study that was told random points; they are for the last points of a batch where it has several."""
    study = bbo.Study(space, "minimize", seed=trials, optimizer=bbo.Bayes(n_initial=2))
    rng = np.random.default_rng([trials, 7])
    for params in space.sample(trials - ASKS, rng):
        study.add(params, function(params))
    with recorded(trials) as cases:
        for _ in range(ASKS):
            for trial in study.ask(batch):
                study.tell(trial, function(trial))
    return cases[-2:]


def boxes(functions: Mapping[str, tuple[Callable[[Array], float], float]], *, batch: int = 1) -> Iterator[Case]:
    for function, half in functions.values():
        for d in DIMENSIONS:
            shifted = moved(function, np.ones(d), half, seed=d)
            space = bbo.Space({f"x{i}": bbo.Float(-1, 1) for i in range(d)})
            for trials in TRIALS:
                yield from of_study(space, lambda p, f=shifted: float(f(np.array(list(p.values())))), trials, batch=batch)  # type: ignore[misc]  # mypy takes no defaults of lambdas


def mixed() -> Iterator[Case]:
    """Spaces with categories, integers and conditions."""
    flat = bbo.Space(
        {"a": bbo.Float(-1, 1), "b": bbo.Float(-1, 1), "k": bbo.Int(0, 10), "c": bbo.Categorical(list("uvwx")), "s": bbo.Bool()}
    )
    tree = bbo.Space(
        {
            "a": bbo.Float(-1, 1),
            "c": bbo.Categorical(["u", "v", "w"]),
            "b": bbo.Float(-1, 1, when={"c": "u"}),
            "k": bbo.Int(0, 10, when={"c": ["v", "w"]}),
        }
    )

    def function(p: Mapping[str, Any]) -> float:
        offset = {"u": 0.3, "v": -0.2, "w": 0.5, "x": 0.1}[p["c"]]
        x = np.array([p["a"] - offset, p.get("b", 0.2) + offset / 2, p.get("k", 3) / 5 - 1 + offset])
        return levy(1 + 5 * x) + 0.5 * bool(p.get("s"))

    for space in (flat, tree):
        for trials in TRIALS:
            yield from of_study(space, function, trials)


def table(title: str, cases: list[Case]) -> None:
    print(f"\n{title}: {len(cases)} maximizations\n")
    print(f"| settings | {' | '.join(f'ms at n = {n}' for n in TRIALS)} | median loss | mean loss | largest | share above 0.05 |")
    print("|---" * (len(TRIALS) + 5) + "|")
    reference = np.array([case.run(REFERENCE)[0] for case in cases])
    trials = np.array([case.trials for case in cases])
    for name, settings in SETTINGS.items():
        values, seconds = np.array([case.run(settings) for case in cases]).T
        loss = reference - values
        times = " | ".join(f"{1e3 * seconds[trials == n].mean():.1f}" for n in TRIALS)
        losses = f"{np.median(loss):.1e} | {loss.mean():.4f} | {loss.max():.3f} | {np.mean(loss > 0.05):.2f}"
        print(f"| {name} | {times} | {losses} |", flush=True)


def main() -> None:
    table("Chosen on", list(boxes(FUNCTIONS)))
    table("Held out, boxes", list(boxes(HELD_OUT)))
    table("Later points of batches of five", list(boxes(FUNCTIONS, batch=5)))
    table("Held out, mixed and conditional", list(mixed()))


if __name__ == "__main__":
    main()
