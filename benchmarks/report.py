"""Make tables of finished runs.

    python -m benchmarks.report .bench/results/runs.jsonl
    python -m benchmarks.report a.jsonl b.parquet --output docs/benchmarks/visible.md

Runs of one optimizer under several tags (``bbo@before``, ``bbo@after``) are optimizers of their own here.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import ranks, results
from benchmarks.results import Run
from benchmarks.suite import suite
from benchmarks.suite.case import Case

ORDER = ("bbo", "optuna_gp", "botorch", "ax", "hebo", "smac", "optuna_tpe", "cma_es", "nevergrad", "vizier", "random")


def report(runs: Sequence[Run], cases: Mapping[str, Case], ours: str) -> str:
    """The tables as Markdown."""
    names = {run.optimizer for run in runs}
    optimizers = sorted(names, key=lambda name: (name != ours, ORDER.index(name) if name in ORDER else 0, name))
    regrets = ranks.normalised(runs, cases)
    shown = [name for name in cases if any((name, o) in regrets for o in optimizers)]
    table = ranks.medians(regrets, shown, optimizers)
    parts = [
        _summary(runs, regrets, table, shown, optimizers, ours),
        _per_case(regrets, cases, shown, optimizers),
        _seconds(runs, optimizers),
    ]
    if bad := [run for run in runs if run.status in ("failed", "timeout")]:
        lines = [
            f"- {run.case}, {run.optimizer}, seed {run.seed}: {run.status} after {len(run.values)} of {run.budget}: {_line(run)}"
            for run in bad
        ]
        parts.append("## Runs that ended early\n\n" + "\n".join(lines))
    parts.append(_releases(runs, optimizers))
    return "\n\n".join(parts) + "\n"


def _summary(
    runs: Sequence[Run], regrets: ranks.Regrets, table: np.ndarray, cases: Sequence[str], optimizers: Sequence[str], ours: str
) -> str:
    lines = [
        "## Summary",
        "",
        "Normalised regret is (final - best known) / (median of random search - best known), or the same of hypervolumes, at least 0.001.",
        "",
        f"| optimizer | cases | seeds | mean rank | geometric mean | {ours} / it (95 % interval) | strictly last by median |",
        "|---|---|---|---|---|---|---|",
    ]
    try:
        ranked = ranks.ranks(table, optimizers)
    except ValueError:
        ranked = None
    lasts = ranks.last(regrets, cases, optimizers)
    for k, name in enumerate(optimizers):
        logs = [np.mean(np.log(list(r.values()))) for c in cases if (r := regrets.get((c, name)))]
        seeds = [len(r) for c in cases if (r := regrets.get((c, name)))]
        rank = f"{ranked.mean[name]:.2f}" if ranked else ""
        versus = ""
        if name != ours:
            try:
                found = ranks.ratio(regrets, ours, name)
                versus = f"{found.ratio:.2f} ({found.low:.2f} to {found.high:.2f}), {found.cases} cases"
            except ValueError:
                versus = "no run in common"
        geometric = f"{math.exp(float(np.mean(logs))):.3f}" if logs else ""
        spread = f"{min(seeds)}" if len(set(seeds)) == 1 else f"{min(seeds)} to {max(seeds)}" if seeds else "0"
        lines.append(f"| {name} | {(~np.isnan(table[:, k])).sum()} | {spread} | {rank} | {geometric} | {versus} | {len(lasts[name])} |")
    if ranked:
        lines += [
            "",
            f"Ranks are of medians, over the {ranked.cases} cases that all of them ran; the critical difference at 5 % is",
            f"{ranked.difference:.2f} (Nemenyi), Friedman's p is {ranked.p:.2g}. Geometric means are over the cases each of them ran.",
            "Who is last is asked pair by pair, over the seeds that both ran.",
        ]
    unsupported = {(run.optimizer, run.reason) for run in runs if run.status == "unsupported"}
    lines += [""] + [f"- {name} is left out where it does not apply: {reason}." for name, reason in sorted(unsupported)]
    return "\n".join(lines).rstrip()


def _per_case(regrets: ranks.Regrets, cases: Mapping[str, Case], shown: Sequence[str], optimizers: Sequence[str]) -> str:
    lines = ["## Normalised regret by case", "", "Median over seeds (quartiles).", "", f"| case | d | budget | {' | '.join(optimizers)} |"]
    lines.append("|---" * (3 + len(optimizers)) + "|")
    for name in shown:
        cells = []
        for optimizer in optimizers:
            values = list(regrets.get((name, optimizer), {}).values())
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if values else (0, 0, 0)
            cells.append(f"{middle:.3g} ({low:.2g} to {high:.2g})" if values else "")
        lines.append(f"| {name} | {cases[name].d} | {cases[name].budget} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(runs: Sequence[Run], optimizers: Sequence[str]) -> str:
    lines = [
        "## Seconds a proposal",
        "",
        "Processor time of an ask and the tell after it, one core; the largest is over all asks.",
        "",
        "| optimizer | median | mean | largest |",
        "|---|---|---|---|",
    ]
    for name in optimizers:
        both = [a + t for run in runs if run.optimizer == name for a, t in zip(run.ask_cpu, [*run.tell_cpu, 0.0], strict=False)]
        if both:
            lines.append(f"| {name} | {np.median(both):.3g} | {np.mean(both):.3g} | {max(both):.3g} |")
    return "\n".join(lines)


def _releases(runs: Sequence[Run], optimizers: Sequence[str]) -> str:
    dates = sorted({run.date for run in runs})
    lines = ["## Releases", "", f"Run from {dates[0]} to {dates[-1]}.", ""]
    for name in optimizers:
        found = sorted({run.versions for run in runs if run.optimizer == name and run.versions})
        lines.append(f"- {name}: {'; '.join(each.replace('==', ' ') for each in found)}")
    return "\n".join(lines)


def _line(run: Run) -> str:
    return run.reason.strip().splitlines()[-1][:200] if run.reason.strip() else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="JSON Lines or Parquet files")
    parser.add_argument("--ours", default="bbo", help="the optimizer that the others are compared with")
    parser.add_argument("--optimizers", nargs="+", help="only these, and random")
    parser.add_argument("--output", type=Path, help="a Markdown file (default: print)")
    arguments = parser.parse_args()
    runs = results.read(arguments.runs)
    if arguments.optimizers:
        runs = [run for run in runs if run.optimizer in {*arguments.optimizers, "random"}]
    if not runs:
        raise SystemExit("no runs there")
    cases = {case.name: case for name in ("visible", "sealed") for case in suite(name, sealed=True)}
    text = report(runs, cases, arguments.ours)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
