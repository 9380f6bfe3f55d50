"""Run as a program: a few asks and tells of a stored study, by a process that knows nothing but the storage."""

from __future__ import annotations

import sys

import bbo


def main(storage: str, trials: int) -> None:
    study = bbo.load_study("half", storage)
    context = dict.fromkeys(study.space.of_role("context"), 0.5)
    for _ in range(trials):
        trial = study.ask(context=context)
        study.tell(trial, [sum((value - 0.3) ** 2 for value in trial.values()), trial["x"]][: len(study.objectives)])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
