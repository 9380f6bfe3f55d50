"""How far from the optimum `bayes`, `sobol` and `random` end on three problems: paired seeds, medians, wins.

Every finished run is kept as a line of a file, so that a run of this script that was cut off goes on where it stopped.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch are loaded

import argparse
import json
import statistics
import time
from pathlib import Path

from problems import PROBLEMS

import bbo

METHODS = ("bayes", "sobol", "random")


def regret(problem: str, method: str, *, seed: int, trials: int) -> float:
    """Best value found minus the least value there is."""
    task = PROBLEMS[problem]
    study = bbo.Study(task.space, optimizer=method, seed=seed)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, task.function(trial.params))
    return study.best_value - task.optimum


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--seconds", type=float, default=3600.0, help="start no further run after so many")
    parser.add_argument("--results", type=Path, default=Path("build/foundation_regret.jsonl"))
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    found = (
        {tuple(key): value for key, value in map(json.loads, arguments.results.read_text().splitlines())}
        if arguments.results.exists()
        else {}
    )
    start = time.perf_counter()
    for seed in range(arguments.seeds):
        for problem in arguments.problems:
            for method in METHODS:
                key = (problem, method, seed, arguments.trials)
                if key not in found and time.perf_counter() - start < arguments.seconds:
                    found[key] = regret(problem, method, seed=seed, trials=arguments.trials)
                    with arguments.results.open("a") as file:
                        file.write(json.dumps([key, found[key]]) + "\n")
    for problem in arguments.problems:
        report(problem, found, arguments.seeds, arguments.trials)


def report(problem: str, found: dict[tuple[object, ...], float], seeds: int, trials: int) -> None:
    complete = [seed for seed in range(seeds) if all((problem, method, seed, trials) in found for method in METHODS)]
    if not complete:
        print(f"{problem}: no complete seed yet")
        return
    regrets = {method: [found[problem, method, seed, trials] for seed in complete] for method in METHODS}
    print(f"{problem}: regret after {trials} evaluations, {len(complete)} seeds")
    for method, values in regrets.items():
        wins = sum(ours < theirs for ours, theirs in zip(regrets["bayes"], values, strict=True))
        versus = "" if method == "bayes" else f"  bayes is better in {wins} of {len(complete)}"
        print(f"  {method:<7} median {statistics.median(values):.3g}  (from {min(values):.3g} to {max(values):.3g}){versus}")


if __name__ == "__main__":
    main()
