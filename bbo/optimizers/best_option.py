"""Points to be compared: those of which the best one is expected to have the largest utility.

One point is to be compared with the best trial so far, two with each other, and more of them all together. A pair is chosen
jointly, by turns: one point is the best partner of the other until neither gains. Further points are added one by one.

Source: Astudillo et al. (2023), arXiv:2303.15746; Lin et al. (2022), arXiv:2203.11382.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisitions.best_option import LogGainOfBestOption
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.posterior_mean import PosteriorMean
from acquisitions.protocol import Climbable
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.asked import Asked
from bbo.optimizers.base import Query, Request
from bbo.optimizers.candidates import Params
from bbo.optimizers.history import History
from bbo.optimizers.search import best_new, weighed, where_it_works
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem

_TURNS = 6  # of choosing one point of a pair anew
_GAIN = 1e-3  # of the logarithm of what a point adds, below which a turn ends the search
_LEADERS = 5  # ranked trials that are looked around


def best_option(asked: Asked) -> tuple[Climbable, str]:
    """What a further point adds to the best ranked trial and those that are awaited."""
    best = _best_first(asked.problem, asked.surrogate, asked.feasible)[:1]
    options = [*(record.params for record in best), *asked.running]
    return _added(asked.problem, asked.surrogate, options, asked.seed), "expected utility of the best option"


def points(state: History, surrogate: Surrogate, request: Request) -> tuple[list[Query], str, str]:
    """Up to ``request.n`` points, what they aim at, and how the last was found; fewer where no new ones are left."""
    problem = state.problem
    ranked = _best_first(problem, surrogate, [record for record in state.finished(State.DONE) if state.inside(record)])
    awaited = state.running()
    search = _Search(state, surrogate, request, [dict(record.params) for record in ranked[:_LEADERS]])
    if request.n == 1 and ranked:
        options, aim = [dict(ranked[0].params), *awaited], f"expected utility of the better one of it and trial {ranked[0].number}"
    else:
        options, aim = awaited, f"expected utility of the best of {request.n}"
    if awaited:
        aim += f", with {len(awaited)} running"
    chosen: list[Params] = []
    path = ""
    for k in range(request.n):
        found, path = search.best(options + chosen, awaited + chosen, chosen, state.draws + k)
        if found is None:
            break
        chosen.append(found)
        if k == 1:
            chosen = search.by_turns(options, awaited, chosen, state.draws)
    return [Query(params, draw=state.draws + k) for k, params in enumerate(chosen)], aim, path


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Where further points are looked for."""

    state: History
    surrogate: Surrogate
    request: Request
    leaders: Sequence[Params]

    def best(self, options: Sequence[Params], known: Sequence[Params], batch: Sequence[Params], draw: int) -> tuple[Params | None, str]:
        """What adds most to the options; no known point, and with what the batch has to share."""
        problem = self.state.problem
        rng = problem.rng("bayes", draw)
        score = _added(problem, self.surrogate, options, int(rng.integers(2**31)))
        fixed = {**self.request.fixed, **self.request.context}
        for params in batch[:1]:
            fixed |= {name: params[name] for name in self.request.shared if name in params}
        before = problem.space.encode([])
        found, path, _ = best_new(self.state, score, [*self.leaders, *batch], known, fixed, rng, before=before)
        return found, path

    def by_turns(self, options: Sequence[Params], awaited: Sequence[Params], pair: list[Params], draw: int) -> list[Params]:
        """The pair, after one point and then the other has been replaced by one that adds more to what stays."""
        problem = self.state.problem
        for turn in range(_TURNS):
            old, stays = pair
            beside = [*options, stays]
            new, _ = self.best(beside, [*awaited, stays], [stays], draw)
            if new is None:
                break
            seed = int(problem.rng("bayes", draw).integers(2**31))  # as `best` has it
            before, after = _added(problem, self.surrogate, beside, seed).value(problem.space.encode([old, new]))
            if turn and not after > before + _GAIN:
                break
            pair = [stays, new if after > before else old]
        return pair


def _added(problem: Problem, surrogate: Surrogate, options: Sequence[Mapping[str, Any]], seed: int) -> Climbable:
    """Log of what a point adds to the expected utility of the best of some options, times the probability that it works."""
    gp, X = surrogate.gps[0], problem.space.encode(options)
    if not len(X):
        return where_it_works(PosteriorMean(gp), surrogate)
    if len(X) == 1:
        return weighed(LogGainOfBestOption(gp, X[0]), surrogate)
    return weighed(LogNoisyExpectedImprovement(gp, X, seed=seed), surrogate)


def _best_first(problem: Problem, surrogate: Surrogate, records: Sequence[Record]) -> list[Record]:
    """Ranked trials by their expected utility."""
    if not records:
        return []
    means = surrogate.gps[0].at(problem.space.encode([record.params for record in records])).mean
    return [records[k] for k in np.argsort(-means, kind="stable")]
