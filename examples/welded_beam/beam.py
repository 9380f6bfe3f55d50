"""A welded beam: reads dimensions from one JSON file, writes cost and stresses to another.

This stands for any simulator that bbo knows nothing of. It uses nothing but the standard library.

    python beam.py params.json outcomes.json

A bar of thickness `b` and height `t` is welded over the length `l`, with a weld of thickness `h`, to a wall 14 in away from the
load of 6,000 lbf. The formulas are those of Coello Coello (2000), "Use of a self-adaptive penalty approach for engineering
optimization problems", Computers in Industry 41, problem 1, in inches, pounds-force and pounds per square inch.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

LOAD, LENGTH, YOUNG, SHEAR = 6000.0, 14.0, 30e6, 12e6


def beam(h: float, l: float, t: float, b: float) -> dict[str, float]:
    arm = math.sqrt(l**2 / 4 + ((h + t) / 2) ** 2)
    polar = 2 * math.sqrt(2) * h * l * (l**2 / 12 + ((h + t) / 2) ** 2)
    direct = LOAD / (math.sqrt(2) * h * l)
    turning = LOAD * (LENGTH + l / 2) * arm / polar
    slenderness = 1 - t / (2 * LENGTH) * math.sqrt(YOUNG / (4 * SHEAR))
    return {
        "cost": 1.10471 * h**2 * l + 0.04811 * t * b * (LENGTH + l),
        "shear_stress": math.sqrt(direct**2 + direct * turning * l / arm + turning**2),
        "bending_stress": 6 * LOAD * LENGTH / (b * t**2),
        "deflection": 4 * LOAD * LENGTH**3 / (YOUNG * t**3 * b),
        "buckling_load": 4.013 * YOUNG * math.sqrt(t**2 * b**6 / 36) / LENGTH**2 * slenderness,
    }


if __name__ == "__main__":
    params, outcomes = map(Path, sys.argv[1:])
    outcomes.write_text(json.dumps(beam(**json.loads(params.read_text()))))
