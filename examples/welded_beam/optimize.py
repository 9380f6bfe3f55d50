"""The cheapest welded beam that holds, found by running an executable.

    python examples/welded_beam/optimize.py --trials 60

The executable (beam.py) gets a JSON file of dimensions and leaves a JSON file of outcomes. That the weld may not be thicker than
the bar is known beforehand, so no trial breaks it; whether a beam holds is only known once it is computed. The cheapest one
costs 1.7249.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import bbo

CHEAPEST = 1.724852


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--directory", default="beams", help="where every trial's files go")
    options = parser.parse_args()

    space = bbo.Space(
        {
            "h": bbo.Float(0.125, 2, unit="in"),  # weld thickness
            "l": bbo.Float(0.1, 10, unit="in"),  # weld length
            "t": bbo.Float(0.1, 10, unit="in"),  # bar height
            "b": bbo.Float(0.1, 2, unit="in"),  # bar thickness
        },
        constraints=["h <= b"],
    )
    study = bbo.Study(
        space,
        {"cost": "minimize"},
        outcome_constraints=["shear_stress <= 13600", "bending_stress <= 30000", "deflection <= 0.25", "buckling_load >= 6000"],
        seed=options.seed,
        name="welded beam",
    )
    beam = shlex.join([sys.executable, str(Path(__file__).with_name("beam.py"))])
    study.optimize(bbo.Command(f"{beam} {{params}} {{outcomes}}", timeout=60, directory=options.directory), options.trials)

    best = study.best_trial
    print(", ".join(f"{name} = {value:.4f} in" for name, value in best.params.items()))
    print(", ".join(f"{name} = {value:,.4g}" for name, value in best.outcomes.items()))
    print(f"cost {best.value:.4f} after {options.trials} trials; the cheapest known beam costs {CHEAPEST:.4f}")


if __name__ == "__main__":
    main()
