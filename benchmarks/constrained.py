"""`auto` beside BoTorch's log constrained expected improvement on fifteen constrained problems, from equal initial designs.

    python -m benchmarks.run --suite constrained --optimizers bbo botorch_cei --seeds 5 --results constrained.jsonl
    python -m benchmarks.constrained constrained.jsonl

The second command prints the table of what there is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.results import Run
from benchmarks.suite import suite
from benchmarks.suite.scoring import regret

OURS, THEIRS = "bbo", "botorch_cei"


def report(runs: Sequence[Run]) -> str:
    """Median gap to the optimum at the end of both, over the seeds that both have, and in how many of them a feasible point was found."""
    lines = ["| problem | d | constraints | seeds | feasible: ours, theirs | gap: ours | theirs | ours is below |", "|---" * 8 + "|"]
    below, finished = 0, 0
    for case in suite("constrained"):
        gaps = {
            name: {run.seed: regret(case, run.values[-1]) for run in runs if (run.case, run.optimizer) == (case.name, name) and run.values}
            for name in (OURS, THEIRS)
        }
        seeds = sorted(set(gaps[OURS]) & set(gaps[THEIRS]))
        if not seeds:
            continue
        ours, theirs = (np.array([gaps[name][seed] for seed in seeds]) for name in (OURS, THEIRS))
        won = bool(np.median(ours) < np.median(theirs))
        below, finished = below + won, finished + 1
        found = ", ".join(f"{int(np.isfinite(each).sum())}" for each in (ours, theirs))
        title = case.name.removesuffix("_corrected")
        lines.append(
            f"| {title} | {case.d} | {len(case.constraints)} | {len(seeds)} | {found} | {np.median(ours):.3g} | {np.median(theirs):.3g} "
            f"| {'yes' if won else 'no'} |"
        )
    return "\n".join([*lines, "", f"Ours is below theirs on {below} of {finished} problems."])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="JSON Lines or Parquet files")
    print(report(results.read(parser.parse_args().runs)))


if __name__ == "__main__":
    main()
