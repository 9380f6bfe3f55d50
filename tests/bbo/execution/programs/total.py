"""Run as a program: one of many that share a total."""

from __future__ import annotations

import sys

import bbo


def main(storage: str, total: int) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1)})
    study = bbo.Study(space, {"loss": "minimize"}, optimizer="random", storage=storage, name="s", seed=1)
    mine = []
    study.optimize(lambda trial: trial["x"], total=total, callbacks=[lambda study, trial: mine.append(trial.number)])
    print(len(mine), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
