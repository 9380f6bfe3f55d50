"""FZooS beside methods of as many evaluations, in local mode on functions of 20 parameters; and federations with and without corrections.

All local runs start at the same random point of the box, whose value is given, with default settings. With noise, values are of what was
found, without it. Clients of a federation have quadratic functions of their own, whose curvatures and minima differ, so that the mean of
where each of them would go is not the minimum of the mean. Without corrections its clients are the same in all else.
Settings and rules were fixed before the runs that are reported, on a quadratic, an ellipsoid and Rosenbrock's function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

import bbo
from bbo.optimizers.fzoos_client import ClientDescent
from benchmarks.resumable import Row
from benchmarks.zeroth_order.rank_sgd import dixon_price, quadratic, rosenbrock

Array = NDArray[np.float64]

CLAIM = (
    "FZooS in local mode finds lower values than descent by two-point differences (`gfm`) with 600 evaluations of smooth functions, d = 20;"
    " corrections bring a federation of clients that differ nearer to the minimum of their mean."
)
D, SEEDS, BUDGETS = 20, 5, (200, 600)
OPTIMIZERS = ("fzoos", "gfm", "cma_es")
CLIENTS, ROUNDS, FEDERATIONS = 5, 10, 3


def ackley(x: Array) -> float:
    """A funnel full of local minima."""
    return float(20 + np.e - 20 * np.exp(-0.2 * np.sqrt(x @ x / len(x))) - np.exp(np.cos(2 * np.pi * x).mean()))


FUNCTIONS: dict[str, tuple[Callable[[Array], float], float, float, float]] = {
    "quadratic": (quadratic, -5, 10, 0.0),
    "quadratic, noise 1": (quadratic, -5, 10, 1.0),
    "rosenbrock": (rosenbrock, -5, 10, 0.0),
    "dixon_price": (dixon_price, -10, 10, 0.0),
    "ackley": (ackley, -5, 10, 0.0),
}


def alone(function: str, optimizer: str, seed: int, queries: int = max(BUDGETS)) -> Row:
    """Where the best measured trial is, by the exact function, after each budget."""
    f, low, high, sd = FUNCTIONS[function]
    noise = np.random.default_rng((2308, 4077, seed))
    start = noise.uniform(low, high, D)
    study = bbo.Study(bbo.Space({"x": bbo.Array(D, low, high)}), "minimize", optimizer=optimizer, seed=seed)
    study.add({"x": start.tolist()}, f(start) + sd * noise.normal())
    exact: list[float] = []
    told: list[float] = []
    while len(exact) < queries:
        trials = study.ask(1000)
        exact += (found := [f(np.array(trial["x"])) for trial in trials])
        values = [value + sd * noise.normal() for value in found]
        study.tell(trials, values)
        told += values
    row: Row = {"start": f(start)}
    for budget in BUDGETS:
        if budget <= queries:
            row[f"value_{budget}"] = exact[int(np.argmin(told[:budget]))]
    return row


def together(corrected: bool, seed: int, rounds: int = ROUNDS, n: int = CLIENTS) -> Row:
    """What is left of the gap between the mean of the functions at the start and its minimum, by round."""
    rng = np.random.default_rng((2308, seed))
    bends, middles = 10 ** rng.uniform(-1, 1, (n, D)), rng.uniform(0.2, 0.8, (n, D))

    def mean(x: Array) -> float:
        return float((bends * (x - middles) ** 2).sum() / n)

    least = mean((bends * middles).sum(axis=0) / bends.sum(axis=0))
    space = bbo.Space({"x": bbo.Array(D, 0, 1)})
    clients = {str(k): bbo.Study(space, "minimize", name=str(k), seed=seed) for k in range(n)}
    functions: dict[str, Any] = {str(k): lambda trial, k=k: float(bends[k] @ (np.array(trial["x"]) - middles[k]) ** 2) for k in range(n)}
    federation = bbo.Federation(clients)
    gaps = [mean(np.array(federation.params["x"])) - least]
    rule = ClientDescent.correction if corrected else (lambda state: np.zeros(len(state.x)))
    with patch.object(ClientDescent, "correction", rule):
        for _ in range(rounds):
            federation.optimize(functions, rounds=1)
            gaps.append(mean(np.array(federation.params["x"])) - least)
    trials = sum(len(study.trials) for study in clients.values())
    return {"gaps": gaps, "trials": trials}


def jobs() -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """Every optimizer on every function, and federations."""
    for seed in range(SEEDS):
        for function in FUNCTIONS:
            for optimizer in OPTIMIZERS:
                key = {"part": "alone", "function": function, "optimizer": optimizer, "seed": seed}
                yield key, partial(alone, function, optimizer, seed)
        if seed < FEDERATIONS:
            for corrected in (True, False):
                yield {"part": "together", "corrected": corrected, "seed": seed}, partial(together, corrected, seed)


def report(rows: list[Row]) -> str:
    """Two tables."""
    head = " | ".join(f"{name}, {budget}" for budget in BUDGETS for name in OPTIMIZERS)
    lines = [
        f"Value at the best trial after {' and '.join(map(str, BUDGETS))} evaluations, medians; and how often `fzoos` ended lower.",
        "",
        f"| function | seeds | start | {head} | below gfm |",
        f"|---|---|---|{'---|' * (len(BUDGETS) * len(OPTIMIZERS))}---|",
    ]
    for function in FUNCTIONS:
        runs = {
            name: {row["seed"]: row for row in rows if row["part"] == "alone" and (row["function"], row["optimizer"]) == (function, name)}
            for name in OPTIMIZERS
        }
        seeds = sorted(set.intersection(*(set(of_it) for of_it in runs.values())))
        if not seeds:
            continue
        cells = [np.median([runs[name][s][f"value_{budget}"] for s in seeds]) for budget in BUDGETS for name in OPTIMIZERS]
        last = f"value_{max(BUDGETS)}"
        below = sum(runs["fzoos"][s][last] < runs["gfm"][s][last] for s in seeds)
        start = np.median([runs["fzoos"][s]["start"] for s in seeds])
        shown = " | ".join(f"{cell:.2g}" for cell in cells)
        lines.append(f"| {function} | {len(seeds)} | {start:.2g} | {shown} | {below} of {len(seeds)} |")
    runs_together = [row for row in rows if row["part"] == "together"]
    if runs_together:
        after = (1, 2, 5, ROUNDS)
        lines += [
            "",
            f"Share of the gap to the minimum of the mean that a federation of {CLIENTS} clients has left after so many rounds; medians:",
            "",
            f"| corrections | seeds | trials a client | {' | '.join(map(str, after))} |",
            f"|---|---|---|{'---|' * len(after)}",
        ]
        for corrected in (True, False):
            of_it = [row for row in runs_together if row["corrected"] is corrected]
            shares = [np.median([row["gaps"][k] / row["gaps"][0] for row in of_it]) for k in after] if of_it else []
            if of_it:
                trials = np.median([row["trials"] for row in of_it]) / CLIENTS
                lines.append(
                    f"| {'with' if corrected else 'without'} | {len(of_it)} | {trials:.0f} | {' | '.join(f'{s:.2g}' for s in shares)} |"
                )
    return "\n".join(lines)
