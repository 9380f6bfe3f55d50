"""Run as a program: one of many processes that run the same constructor at once, then ask and tell."""

from __future__ import annotations

import sys

import bbo


def main(storage: str, trials: int) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "kind": bbo.Categorical(["a", "b"])})
    study = bbo.Study(space, {"loss": "minimize"}, optimizer="random", storage=storage, name="same", seed=1)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, trial["x"] ** 2)
        print(trial.number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
