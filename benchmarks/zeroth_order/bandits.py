"""Bandits that choose the relaxation factor of a solver from one linear system to the next (Khodak et al. 2024, Section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np

import bbo
from bbo.problems.relaxation import Relaxation, best_omega, sor_iterations
from benchmarks.resumable import Row

CLAIM = """Over a sequence of linear systems solved by over-relaxation, with offsets of high or low variance, `tsallis_inf` approaches the
best fixed factor of a grid of 20, which nobody knows beforehand; `cheb_cb`, which is given the offset, needs fewer iterations than any
fixed factor, and approaches the best one for each system."""

Variance = Literal["high", "low"]
VARIANCES: tuple[Variance, ...] = ("high", "low")
SEEDS = range(3)
INSTANCES = 1000  # the paper has 5000, and 40 trials
OMEGAS = np.linspace(1.0, 1.95, 20)
PLAYERS: dict[str, tuple[str, bool]] = {  # a name in the table, the optimizer, and whether it is given the offset
    "Tsallis-INF": ("tsallis_inf", False),
    "Tsallis-INF in 6 bins": ("tsallis_inf", True),
    "NeuSquareCB": ("neu_square_cb", True),
    "NeuFastCB": ("neu_fast_cb", True),
    "ChebCB": ("cheb_cb", True),
}


def jobs() -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """A run of a bandit each, and one that solves every system with every factor."""
    for seed in SEEDS:
        for variance in VARIANCES:
            key = {"variance": variance, "seed": seed, "instances": INSTANCES}
            yield {**key, "player": "grid"}, partial(every_factor, variance, seed)
            for player in PLAYERS:
                yield {**key, "player": player}, partial(play, player, variance, seed)


def every_factor(variance: Variance, seed: int, instances: int = INSTANCES) -> Row:
    """Iterations of each factor, of the best one of the grid for each system, and of the one of the least spectral radius; totals."""
    systems = Relaxation(variance, seed)
    counts = np.zeros((instances, len(OMEGAS)), int)
    radius = 0
    for t in range(instances):
        c, b = systems.instance(t)
        counts[t] = [sor_iterations(c, b, float(omega)) for omega in OMEGAS]
        radius += sor_iterations(c, b, best_omega(c))
    late = counts[instances // 2 :]
    return {
        "fixed": counts.sum(axis=0).tolist(),
        "fixed_late": late.sum(axis=0).tolist(),
        "best_each": int(counts.min(axis=1).sum()),
        "best_each_late": int(late.min(axis=1).sum()),
        "radius": radius,
    }


def play(player: str, variance: Variance, seed: int, instances: int = INSTANCES) -> Row:
    """Total iterations of a bandit, and those over the second half of the systems."""
    optimizer, sees = PLAYERS[player]
    systems = Relaxation(variance, seed)
    factor = bbo.Space({"omega": systems.space.parameters["omega"]})
    study = bbo.Study(systems.space if sees else factor, {"iterations": "minimize"}, optimizer=optimizer, seed=seed)
    counts = []
    for t in range(instances):
        trial = study.ask(context=systems.context(t) if sees else None)
        counts.append(systems.iterations(trial["omega"], t))
        study.tell(trial, counts[-1])
    return {"iterations": sum(counts), "late": sum(counts[instances // 2 :])}


def report(rows: list[Row]) -> str:
    """Iterations a system, over trials."""
    lines = []
    for variance in VARIANCES:
        of_it = [row for row in rows if row["variance"] == variance]
        grids = [row for row in of_it if row["player"] == "grid"]
        if not grids:
            continue
        n = grids[0]["instances"]
        lines += [
            f"Offsets of {variance} variance, {n} systems in a trial, {len(grids)} trials; iterations a system, mean and standard error:",
            "",
            "| | all systems | the second half |",
            "|---|---|---|",
        ]
        best = int(np.sum([row["fixed"] for row in grids], axis=0).argmin())
        lines.append(_line("a factor drawn at random", n, [np.mean(r["fixed"]) for r in grids], [np.mean(r["fixed_late"]) for r in grids]))
        named = f"the best fixed factor, {OMEGAS[best]:.2f}"
        lines.append(_line(named, n, [r["fixed"][best] for r in grids], [r["fixed_late"][best] for r in grids]))
        for player in PLAYERS:
            if found := [row for row in of_it if row["player"] == player]:
                lines.append(_line(f"{player}", n, [r["iterations"] for r in found], [r["late"] for r in found]))
        lines.append(
            _line("the best factor of the grid for each system", n, [r["best_each"] for r in grids], [r["best_each_late"] for r in grids])
        )
        lines.append(_line("the factor of the least spectral radius for each system", n, [r["radius"] for r in grids], []))
        lines.append("")
    return "\n".join(lines).rstrip()


def _line(name: str, n: int, totals: list[Any], late: list[Any]) -> str:
    return f"| {name} | {_mean(np.array(totals) / n)} | {_mean(np.array(late) / (n - n // 2)) if late else ''} |"


def _mean(each: np.ndarray) -> str:
    error = f" ± {each.std(ddof=1) / np.sqrt(len(each)):.1f}" if len(each) > 1 else ""
    return f"{each.mean():.1f}{error}"
