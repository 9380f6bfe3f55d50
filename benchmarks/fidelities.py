"""What cheaper evaluations save: `bayes` with fidelities, by one rule or another, against `bayes` that runs the target alone.

    python -m benchmarks.fidelities --file fidelities.jsonl --hours 1
    python -m benchmarks.fidelities --file fidelities.jsonl --report

A run that is cut short goes on where it ended: a line of the file is one finished run. What counts is the regret, at the target, of the
point that is recommended, against the cost spent, in evaluations of the target; both sides have their own initial designs.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import bbo
from bbo.problems.problem import TestProblem
from benchmarks.resumable import go_on, read

BUDGETS = {
    "forrester": 12,
    "branin_levels": 25,
    "hartmann3_levels": 25,
    "hartmann6_levels": 40,
    "borehole": 25,
    "augmented_branin": 25,
    "augmented_hartmann6": 40,
}
"""Cost of a run, in evaluations of the target."""

TARGET = "target"
CLAIMED = ("mf_mes", "mf_gibbon", "augmented_ei")
SEEDS = {TARGET: 10, **dict.fromkeys(CLAIMED, 10), "knowledge_gradient": 3, "two_stage_ei": 3}
"""Methods: the acquisition functions of `bayes` by name, and the target alone, with their seeds at most. Those with three are reported
without a claim."""

SHARES = (0.25, 0.375, 0.5, 0.75, 1.0)


def run(name: str, method: str, seed: int) -> dict[str, Any]:
    """One run: cost spent and regret of the recommended point, whenever another evaluation of the target's cost is spent."""
    problem = bbo.problems.get(name)
    (key,) = problem.space.targets
    parameter: Any = problem.space.parameters[key]
    dear = parameter.cost_at(parameter.target)
    parameters = {k: p for k, p in problem.space.parameters.items() if method != TARGET or k != key}
    study = bbo.Study(
        bbo.Space(parameters), list(problem.objectives), optimizer=bbo.Bayes(acquisition=None if method == TARGET else method), seed=seed
    )
    spent, trace, levels = 0.0, list[tuple[float, float]](), list[Any]()
    while spent < BUDGETS[name]:
        trial = study.ask()
        params = {**problem.space.targets, **trial.params}
        study.tell(trial, _value(problem, params))
        before, spent = spent, spent + parameter.cost_at(params[key]) / dear
        levels.append(params[key])
        if len(levels) > 1 and (int(spent) > int(before) or spent >= BUDGETS[name]):
            trace.append((spent, _regret(problem, study)))
    share = float(np.mean([level == parameter.target for level in levels]))
    return {"problem": name, "method": method, "seed": seed, "trace": trace, "trials": len(levels), "at_target": share}


def _value(problem: TestProblem, params: Mapping[str, Any]) -> float:
    return float(problem(params).values[problem.objectives[0].name])


def _regret(problem: TestProblem, study: bbo.Study) -> float:
    found = {**study.recommend().params, **problem.space.targets}
    return problem.objectives[0].sign * (_value(problem, found) - problem.optimum.value)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Medians over seeds, and the cost at which fidelities have reached for good what the target alone reaches at the end."""
    lines = [
        f"| problem | method | runs | {' | '.join(f'regret at {share:g}' for share in SHARES)} | reaches it at |",
        "|---" * (len(SHARES) + 4) + "|",
    ]
    for name, budget in BUDGETS.items():
        runs = {m: [row["trace"] for row in rows if (row["problem"], row["method"]) == (name, m)] for m in SEEDS}
        costs = np.arange(2, budget + 1)
        medians = {m: np.array([np.median([_at(trace, c) for trace in found]) for c in costs]) for m, found in runs.items() if found}
        for method, median in medians.items():
            shown = " | ".join(f"{median[np.searchsorted(costs, share * budget, side='right') - 1]:.2g}" for share in SHARES)
            reached = ""
            if method != TARGET and TARGET in medians:
                above = np.flatnonzero(median > max(medians[TARGET][-1], 1e-6))
                last = above[-1] + 1 if len(above) else 0
                reached = f"{costs[last] / budget:.2f}" if last < len(costs) else "never"
            lines.append(f"| {name} | {method} | {len(runs[method])} | {shown} | {reached} |")
    return "\n".join(lines)


def _at(trace: Sequence[Sequence[float]], cost: float) -> float:
    """Regret once so much was spent; infinite before anything could be recommended."""
    return next((regret for spent, regret in reversed(trace) if spent <= cost + 1e-9), np.inf)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=Path(".bench/results/fidelities.jsonl"))
    parser.add_argument("--methods", nargs="+", default=list(SEEDS), choices=list(SEEDS))
    parser.add_argument("--problems", nargs="+", default=list(BUDGETS), choices=list(BUDGETS))
    parser.add_argument("--seeds", type=int, default=10, help="at most; those without a claim have three")
    parser.add_argument("--hours", type=float, default=24.0, help="start no further run after so many")
    parser.add_argument("--report", action="store_true", help="print the table of what is there")
    arguments = parser.parse_args()
    if arguments.report:
        print(report(read(arguments.file)))
        return
    jobs = (
        ({"problem": name, "method": method, "seed": seed}, partial(run, name, method, seed))
        for seed in range(arguments.seeds)
        for name in arguments.problems
        for method in arguments.methods
        if seed < SEEDS[method]
    )
    go_on(arguments.file, jobs, hours=arguments.hours, say=_said)


def _said(row: Mapping[str, Any]) -> str:
    return f"{row['problem']} {row['method']} seed {row['seed']}: regret {row['trace'][-1][1]:.2g} after {row['trials']} trials"


if __name__ == "__main__":
    main()
