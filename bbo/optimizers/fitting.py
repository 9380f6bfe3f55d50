"""When hyperparameters are fitted, from where, and what is kept of a fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController

from bbo.log.states import State
from bbo.optimizers import surrogate as gps
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Bends, Target
from bbo.optimizers.tasks import columns
from bbo.problem import Problem
from surrogates.exact_gp import ExactGP, Settings

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes

ALWAYS = 100
"""Trials up to which every new one leads to a fit."""

GROWTH = 1.07
"""By which factor their number grows from fit to fit beyond."""

AFRESH = 1.5
"""By which factor it grows until a fit starts from the priors again, lest an early mode of the posterior be kept for ever."""

BENT, NEAR = "bent", "near"
"""Keys of a memo that hold what was decided of `Bends`: whether objectives are bent, and how constrained outcomes are."""

_SHARES = (0.25, 0.5, 0.75)
"""Shares of the values near a bound that are tried."""

_SETTLED = 300
"""Trials from which on the choice among these stays, since it takes as many fits."""

NOISE_FLOOR, NOISE_PRIOR = 1e-6, (-6.0, 2.0)
"""Least variance of inferred noise, of standardised values, and location and scale of its LogNormal prior.

BoTorch's are 1e-4 and (-4, 1) (Hvarfner et al. 2024, arXiv:2402.02229). Ours were chosen by regret at 30 to 60 evaluations: better
on most exact functions, worse on some noisy ones (`docs/benchmarks/ablations.md`, 2026-11-22).
"""


@dataclass(frozen=True, slots=True)
class Fit:
    """A surrogate, and where its hyperparameters come from.

    Args:
        surrogate: Conditioned on all that is known.
        memo: Hyperparameters as small JSON, with the number of trials they were fitted to.
        how: A few words for `study.explain()`.
    """

    surrogate: Surrogate
    memo: Mapping[str, Any]
    how: str


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of linear algebra, so that results are the same bit for bit."""
    with _controller().limit(limits=1):
        yield


def fit(state: History, found: Sequence[Target], settings: Bayes) -> Fit:
    """The surrogate for a proposal: fitted where it is time, else with the hyperparameters of the latest proposal.

    A function of the state alone, which holds the latest memo of the log.
    """
    n, memo = len(state.finished(State.DONE)) + len(state.rankings), state.memo
    if memo is not None and gps.fits(found, memo["gps"]) and not _due(n, memo, state.amendments):
        kept = conditioned(state.problem, found, settings, memo)
        return Fit(kept, memo, _said(f"hyperparameters of {memo['n']}", kept.record))
    seed = int(state.problem.rng("bayes", "fit", state.draws).integers(2**31))
    if memo is None or n >= AFRESH * memo["afresh"] or memo["amendments"] != state.amendments:
        surrogate, decided, since = *_afresh(state, found, settings, seed), n
    else:
        surrogate = gps.fitted(found, columns(state.problem.space), _settings(settings), warm=memo["gps"], seed=seed)
        decided, since = {key: memo[key] for key in (BENT, NEAR) if key in memo}, memo["afresh"]
    made = {"n": n, "afresh": since, "amendments": state.amendments, "gps": surrogate.memo(), **decided}
    how = f"fitted to values {'bent' if decided[BENT] else 'as they are'}" if BENT in decided else "fitted"
    if near := decided.get(NEAR):
        how += f" and to logarithms of large distances from the bounds of {', '.join(near)}"
    return Fit(surrogate, made, _said(how, surrogate.record))


def _afresh(state: History, found: Sequence[Target], settings: Bayes, seed: int) -> tuple[Surrogate, dict[str, Any]]:
    """A surrogate fitted from the priors, and what was decided for it: whether outcomes are bent, by the evidence.

    Levels build on each other linearly in the model, which bending the objective may make true or untrue. Constraints of engineering
    span many orders of magnitude, and what matters of them is near the bound.
    """

    def fitted(target: Target) -> Surrogate:
        return gps.fitted([target], columns(state.problem.space), _settings(settings), warm=None, seed=seed)

    decided: dict[str, Any] = {}
    names, memo = settings.bendable(state.problem), state.memo
    kept = memo[NEAR] if memo is not None and NEAR in memo and len(found[0].y) > _SETTLED else None
    may_bend = settings.may_bend(state.problem)
    plain = settings.targets(state, Bends(near=kept or {})) if names or may_bend else found  # whatever was decided before
    best = [fitted(target) for target in plain]
    if may_bend and plain[0].gradients is None:
        straight = [fitted(target) for target in settings.targets(state, Bends(objectives=False))[: len(state.problem.objectives)]]
        decided[BENT] = _evidence(best[0]) >= _evidence(straight[0])
        best = best if decided[BENT] else straight + best[len(straight) :]
    if names:
        decided[NEAR] = dict(kept or {})
    for share in _SHARES if names and kept is None else ():
        for k, target in enumerate(settings.targets(state, Bends(near=dict.fromkeys(names, share)))):
            if target.name in names and _evidence(other := fitted(target)) > _evidence(best[k]):
                best[k], decided[NEAR][target.name] = other, share
    return Surrogate(tuple(each.targets[0] for each in best), tuple(each.gps[0] for each in best)), decided


def _evidence(surrogate: Surrogate) -> float:
    """``log p(y | X)`` in units of the outcome at the best hyperparameters, of the one target."""
    target, gp = surrogate.targets[0], surrogate.gps[0]
    assert isinstance(gp, ExactGP)  # with finished studies nothing is decided
    return gp.log_marginal_likelihood + float(np.log(target.transform.derivative(target.transform.inverse(target.y))).sum())


def _said(how: str, record: str) -> str:
    return f"{how} ({record})" if record else how


def bends(memo: Mapping[str, Any] | None) -> Bends:
    """How outcomes were bent for the fit of a memo, as far as the settings let them be."""
    return Bends() if memo is None else Bends(bool(memo.get(BENT, True)), memo.get(NEAR, {}))


def _due(n: int, memo: Mapping[str, Any], amendments: int) -> bool:
    grown = n != memo["n"] if n <= ALWAYS else not memo["n"] <= n < GROWTH * memo["n"]
    return grown or memo["amendments"] != amendments


def conditioned(problem: Problem, found: Sequence[Target], settings: Bayes, memo: Mapping[str, Any]) -> Surrogate:
    """The surrogate with the hyperparameters of a memo."""
    return gps.conditioned(found, columns(problem.space), _settings(settings), memo["gps"])


def refreshed(state: History, found: Sequence[Target], settings: Bayes) -> Surrogate:
    """A surrogate of all targets: of the latest proposal's hyperparameters where it has them all, else fitted."""
    if state.memo is not None and gps.fits(found, state.memo["gps"]):
        return conditioned(state.problem, found, settings, state.memo)
    return _afresh(state, found, settings, seed=0)[0]


def further(problem: Problem, target: Target, settings: Bayes, *, warm: Mapping[str, Any] | None, seed: int) -> ExactGP:
    """A Gaussian process of a target that is not among the study's, fitted from hyperparameters by name or from scratch."""
    (gp,) = gps.fitted([target], problem.space.columns, _settings(settings), warm=warm, seed=seed).gps
    assert isinstance(gp, ExactGP)  # such a target has no finished studies
    return gp


def _settings(settings: Bayes) -> Settings:
    return Settings(kernel=settings.kernel, warp=settings.input_warp, noise_floor=NOISE_FLOOR, noise_prior=NOISE_PRIOR)
