"""The acquisition functions of `bayes` on noisy problems: inference regret, against plain expected improvement.

    python -m benchmarks.acquisitions --file acquisitions.jsonl --hours 2
    python -m benchmarks.acquisitions --file acquisitions.jsonl --report

A run that is cut short goes on where it ended: a line of the file is one finished run. What counts is the regret, without noise, of the
point that `Study.recommend` gives at the end; seeds and initial designs are shared. Plain expected improvement takes the best value
measured for what is to be improved on, as if it had no noise. What has up to thirty seeds comes first; all others have three, and are
reported without a claim. Studies have to learn how large the noise is, or are told (`Objective.sd`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import bbo
from benchmarks.resumable import go_on, read

NOISY: Mapping[str, tuple[float, int, Mapping[str, Any]]] = {
    "branin": (5.0, 40, {}),
    "six_hump_camel": (0.5, 40, {}),
    "hartmann3": (0.3, 40, {}),
    "griewank": (3.0, 40, {"d": 3}),
    "styblinski_tang": (8.0, 40, {"d": 3}),
    "levy": (2.0, 50, {"d": 4}),
    "hartmann6": (0.2, 60, {}),
    "cosine8": (0.3, 60, {}),
}
"""Standard deviation of the noise, evaluations of a run, and options of the problem."""


def _plain(model: Any, context: Any) -> Any:
    from botorch.acquisition.analytic import LogExpectedImprovement

    return LogExpectedImprovement(model, best_f=context.Y[:, 0].max())


PLAIN = "plain_ei"
CLAIMED = ("kgcp", "knowledge_gradient", "entropy_search")
METHODS: Mapping[str, Callable[[], bbo.Bayes]] = {
    PLAIN: lambda: bbo.Bayes(acquisition=_plain),
    **{name: lambda name=name: bbo.Bayes(acquisition=name) for name in (*CLAIMED, "log_ei", "mes", "gibbon", "ucb", "thompson", "log_pi")},  # type: ignore[misc]
}
NOISES = ("learnt", "told")
SEEDS = {name: 30 if name in (PLAIN, *CLAIMED) else 3 for name in METHODS}


def run(name: str, method: str, noise: str, seed: int) -> dict[str, Any]:
    """One run: the regret of the recommended point at half of the budget and at its end."""
    sd, budget, options = NOISY[name]
    problem = bbo.problems.get(name, noise=sd, **options)
    if noise == "told":
        problem = replace(problem, objectives=tuple(replace(objective, sd=sd) for objective in problem.objectives))
    study = problem.study(optimizer=METHODS[method](), seed=seed)
    started, trace = time.process_time(), list[tuple[int, float]]()
    for number in range(budget):
        trial = study.ask()
        study.tell(trial, problem(trial))
        if number + 1 in (budget // 2, budget):
            trace.append((number + 1, _regret(problem, study)))
    return {"problem": name, "method": method, "noise": noise, "seed": seed, "trace": trace, "seconds": time.process_time() - started}


def _regret(problem: Any, study: bbo.Study) -> float:
    (objective,) = problem.objectives
    return float(objective.sign * (problem.evaluate(study.recommend().params)[objective.name] - problem.optimum.value))


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table for each way to know the noise."""
    found = {noise: [row for row in rows if row["noise"] == noise] for noise in NOISES}
    return "\n\n".join(f"Noise {noise}:\n\n{_table(of_it)}" for noise, of_it in found.items() if of_it)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Medians over seeds with quartiles, and on how many problems each is below plain expected improvement over the seeds of both."""
    found = {(row["problem"], row["method"], row["seed"]): float(row["trace"][-1][1]) for row in rows}
    methods = [method for method in METHODS if any(key[1] == method for key in found)]
    lines = [f"| problem | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    won = dict.fromkeys(methods, 0)
    compared = dict.fromkeys(methods, 0)
    for name in NOISY:
        cells = []
        for method in methods:
            values = {seed: value for (p, m, seed), value in found.items() if (p, m) == (name, method)}
            plain = {seed: value for (p, m, seed), value in found.items() if (p, m) == (name, PLAIN)}
            shared = sorted(set(values) & set(plain))
            if shared:
                compared[method] += 1
                won[method] += bool(np.median([values[s] for s in shared]) < np.median([plain[s] for s in shared]))
            quartiles = np.quantile(list(values.values()), [0.5, 0.25, 0.75]) if values else None
            cells.append("" if quartiles is None else f"{quartiles[0]:.3g} ({quartiles[1]:.2g} to {quartiles[2]:.2g}; {len(values)})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    counts = [f"{won[method]} of {compared[method]}" if method != PLAIN else "" for method in methods]
    return "\n".join([*lines, f"| below plain expected improvement | {' | '.join(counts)} |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=Path(".bench/results/acquisitions.jsonl"))
    parser.add_argument("--noise", nargs="+", default=list(NOISES), choices=NOISES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=10, help="at most; those without a claim have three")
    parser.add_argument("--hours", type=float, default=8.0, help="start no further run after so many")
    parser.add_argument("--report", action="store_true", help="print the table of what is there")
    arguments = parser.parse_args()
    if arguments.report:
        print(report(read(arguments.file)))
        return
    jobs = (
        ({"problem": name, "method": method, "noise": noise, "seed": seed}, partial(run, name, method, noise, seed))
        for seed in range(arguments.seeds)
        for noise in arguments.noise
        for name in NOISY
        for method in arguments.methods
        if seed < SEEDS[method]
    )
    go_on(arguments.file, jobs, hours=arguments.hours, say=_said)


def _said(row: Mapping[str, Any]) -> str:
    run = f"{row['problem']} {row['method']}, noise {row['noise']}, seed {row['seed']}"
    return f"{run}: regret {row['trace'][-1][1]:.3g} in {row['seconds']:.0f} s"


if __name__ == "__main__":
    main()
