"""`Bayes` with what measurements say about a Pareto front: over which points, with BoTorch's values, and all that a proposal keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from botorch.models import ModelListGP, SingleTaskGP

import bbo
import bbo.hypervolume
from acquisitions import LogProbabilityOfFeasibility
from bbo.best import nondominated
from bbo.optimizers import search
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.custom import quiet
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.pareto_search import AIMS, FRONTS, LENGTH, spread_out
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import TREE, asked, filled, propose

NAMES = tuple(AIMS)
MOSTLY_SLOW = [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])]
TWO = {"f": "minimize", "g": "maximize"}
LATTICE = bbo.Space({"i": bbo.Int(0, 19), "j": bbo.Int(0, 9)})  # of few points, since a search all over takes BoTorch seconds


def two(p: Mapping[str, Any]) -> dict[str, float]:
    """The front is between (5, 2) and (15, 6)."""
    i, j = p["i"] / 19, p["j"] / 9
    return {"f": (i - 5 / 19) ** 2 + (j - 2 / 9) ** 2, "g": -((i - 15 / 19) ** 2) - (j - 6 / 9) ** 2}


def score_of(study: bbo.Study, name: str) -> tuple[Any, Any, str]:
    given = asked(study, Bayes(acquisition=name))
    with one_thread(), quiet():
        made, aim = TABLE[name].score()(given)
    return made, given.surrogate, aim


def study_of(name: str = NAMES[0], f: Any = two, n: int = 10, **more: Any) -> bbo.Study:
    return filled(LATTICE, f, objectives=TWO, optimizer=Bayes(acquisition=name), n=n, **more)


@pytest.mark.parametrize("name", NAMES)
def test_proposals_come_close_to_the_front(name: str) -> None:
    study = study_of(name, n=8)
    for _ in range(6):
        study.tell(trial := study.ask(), two(trial.params))
        assert study.storage.read("study")[-2].body["note"].startswith(AIMS[name])
    everything = np.array([[two(p)["f"], -two(p)["g"]] for p in LATTICE.enumerate()])
    reference = [1.0, 1.0]
    best, found, design = (
        bbo.hypervolume.hypervolume(losses, reference)
        for losses in (
            everything,
            [[t.outcomes["f"], -t.outcomes["g"]] for t in study.trials],
            [[two(p)["f"], -two(p)["g"]] for p in LATTICE.sobol(14, seed=1)],
        )
    )
    assert best - found < 0.8 * (best - design)


def test_sampled_fronts_are_fronts_and_spread_out() -> None:
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((200, 2))
    front = np.flatnonzero(nondominated(-Y))
    chosen = spread_out(Y, front, 4)
    assert set(chosen) <= set(front) and len(set(chosen)) == 4
    assert {int(Y[:, 0].argmax()), int(front[Y[front, 1].argmax()])} <= set(chosen)  # both ends
    assert sorted(set(spread_out(Y, front[:2], 4))) == sorted(front[:2])


@pytest.mark.parametrize("name", NAMES[1:])
def test_entropies_are_those_of_botorch_over_fronts_of_the_space(name: str) -> None:
    made, surrogate, _ = score_of(study_of(name), name)
    inner = (made.score if name == "pareto_jes" else made).function.function
    assert inner.hypercell_bounds.shape[0] == FRONTS
    if name == "pareto_jes":
        assert inner.pareto_sets.shape == (FRONTS, LENGTH, 2)
        assert all(LATTICE.contains(p) for p in LATTICE.decode(inner.pareto_sets.reshape(-1, 2).numpy()))
        for Z in inner.pareto_fronts.numpy():
            assert np.all(nondominated(-np.unique(Z, axis=0)))
    X = LATTICE.encode(list(LATTICE.enumerate()))
    with torch.no_grad():
        np.testing.assert_allclose(made.value(X[::9]), inner(torch.tensor(X[::9, None])).numpy())
    known = made.value(surrogate.targets[0].X)
    assert known.max() < 0.5 * made.value(X).max()  # next to nothing is left to learn there


def test_the_knowledge_gradient_is_over_points_often_on_the_front() -> None:
    made, surrogate, _ = score_of(study_of(), NAMES[0])
    inner = made.score.function.function
    assert inner.X.shape == (32, 2) and len(made.quick.function.function.X) == 16
    gains = np.column_stack([gp.predict(inner.X.numpy())[0] for gp in surrogate.gps])
    everywhere = np.column_stack([gp.predict(LATTICE.encode(list(LATTICE.enumerate())))[0] for gp in surrogate.gps])
    loss = [np.maximum(everywhere - g, 0).min(1).max() for g in gains]  # how much both could be better at once
    assert np.median(loss) < 0.25 * np.median([np.maximum(everywhere - g, 0).min(1).max() for g in everywhere])
    np.testing.assert_allclose(inner.ref_point, search.reference(study_of()._problem, surrogate.targets))


@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_constraints_weigh_in_and_come_first(name: str) -> None:
    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {**two(p), "c": float(p["i"])}

    study = study_of(name, told, outcome_constraints=["c <= 9.5"])
    made, surrogate, _ = score_of(study, name)
    X = LATTICE.encode(list(LATTICE.enumerate()))
    unlikely = LogProbabilityOfFeasibility(surrogate.constraints).value(X) < np.log(0.5)
    assert np.all(made.value(X[unlikely]) == -np.inf) and np.all(np.isfinite(made.value(X[~unlikely])))
    assert study.ask().params["i"] <= 10
    none = study_of(name, lambda p: {**told(p), "c": 11.0 + p["i"]}, outcome_constraints=["c <= 9.5"], n=5)
    assert propose(none).note.startswith("probability of feasibility")


@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_a_batch_is_spread_out_and_replayed(name: str) -> None:
    study = study_of(name)
    asked = study.ask(3)
    study.tell(asked[0], two(asked[0].params))
    asked.append(study.ask())
    assert len({tuple(t.params.values()) for t in asked}) == 4
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_mixed_spaces_and_failures(name: str) -> None:
    study = filled(TREE, lambda p: {"f": p["r"], "g": p.get("t", 0.0)}, optimizer=Bayes(acquisition=name), objectives=TWO)
    study.fail(study.ask(), "exploded")
    proposal = propose(study, n=2, fixed={"kind": "b"})
    assert "failed" not in proposal.note and all(q.params["kind"] == "b" and TREE.contains(q.params) for q in proposal.queries)


@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_a_model_of_ones_own(name: str) -> None:
    def listed(X: Any, Y: Any, context: Any) -> ModelListGP:
        return ModelListGP(*(SingleTaskGP(X, y.unsqueeze(-1), outcome_transform=None) for y in Y.T))

    def joint(X: Any, Y: Any, context: Any) -> SingleTaskGP:
        return SingleTaskGP(X, Y, outcome_transform=None)

    for fit in (listed, joint):
        study = filled(LATTICE, two, objectives=TWO, optimizer=Bayes(acquisition=name, surrogate=fit), n=10)
        assert propose(study, n=2).note.startswith(f"{AIMS[name]}, by the model")


def test_a_model_that_was_told_its_noise() -> None:
    """BoTorch's joint entropy search cannot give such a model the points of a front."""

    def listed(X: Any, Y: Any, context: Any) -> ModelListGP:
        return ModelListGP(*(SingleTaskGP(X, y, torch.full_like(y, 1e-2), outcome_transform=None) for y in Y.T.unsqueeze(-1)))

    study = filled(LATTICE, two, objectives=TWO, optimizer=Bayes(acquisition="pareto_jes", surrogate=listed), n=10)
    assert propose(study).note.startswith(f"{AIMS['pareto_jes']}, by the model")


@pytest.mark.parametrize("name", NAMES)
def test_refuses_with_the_reason(name: str) -> None:
    with pytest.raises(bbo.Unsupported, match=f"'{name}' is of a Pareto front, and there is one objective"):
        bbo.Study(LATTICE, optimizer=Bayes(acquisition=name))
    with pytest.raises(bbo.Unsupported, match="of up to 4 objectives, and there are 5"):
        bbo.Study(LATTICE, {f"f{k}": "minimize" for k in range(5)}, optimizer=Bayes(acquisition=name))
    own = Bayes(surrogate=lambda X, Y, context: None, acquisition=name)  # type: ignore[arg-type, return-value]  # never called
    with pytest.raises(bbo.Unsupported, match="outcome constraints only with the Gaussian processes of bbo"):
        bbo.Study(LATTICE, TWO, outcome_constraints=["c <= 1"], optimizer=own)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_check_optimizer(name: str) -> None:
    assert check_optimizer(Bayes(acquisition=name, n_initial=3), n=4)
