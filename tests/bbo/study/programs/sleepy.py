"""Run as a program: one process of many that ask while results come in. Its optimizer sleeps as long as a fit would take."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import ClassVar

import bbo
from bbo.log import Update
from bbo.optimizers.base import Proposal, Query, Request
from bbo.optimizers.history import History
from bbo.problem import Problem


@dataclass(frozen=True)
class Sleepy:
    """Random points; 2 s for a fit, 0.2 s where the hyperparameters are given."""

    fit: float = 2.0
    maximize: float = 0.2
    name: ClassVar[str] = "sleepy"
    version: ClassVar[int] = 1

    def supports(self, problem: Problem) -> str | None:
        return None

    def init(self, problem: Problem) -> History:
        return History(problem)

    def fold(self, state: History, update: Update) -> History:
        state.fold(update)
        return state

    def propose(self, state: History, request: Request) -> Proposal:
        time.sleep(self.maximize if request.memo is not None else self.fit)
        params = state.problem.space.sample(1, state.problem.rng("sleepy", state.draws))[0]
        return Proposal((Query(params, draw=state.draws),), memo={"length_scale": len(state.records)})

    def model(self, state: History) -> None:
        return None


def main(storage: str) -> None:
    study = bbo.load_study("s", storage)
    began = time.monotonic()
    trial = study.ask()
    print(trial.number, time.monotonic() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
