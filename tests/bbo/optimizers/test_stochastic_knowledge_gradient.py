"""`Bayes` with the knowledge gradient by stochastic gradients: a search of its own, and all that a proposal keeps."""

from __future__ import annotations

import numpy as np
import pytest

import bbo
from acquisitions import LogDiscreteKnowledgeGradient
from acquisitions.protocol import Seeking
from acquisitions.stochastic_knowledge_gradient import StochasticKnowledgeGradient
from bbo.optimizers.bayes import Bayes
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, filled, propose
from tests.bbo.optimizers.test_acquisitions import COARSE, made, wavy

SGA = Bayes(acquisition="knowledge_gradient_sga")


def test_a_proposal_is_worth_what_the_best_point_is() -> None:
    study = filled(f=wavy, optimizer=SGA, n=12)
    score, surrogate = made(study)
    assert isinstance(score, StochasticKnowledgeGradient) and isinstance(score, Seeking)
    proposal = propose(study)
    assert "stochastic gradients" in proposal.note and "10 climbed by 50" in proposal.note
    exact = LogDiscreteKnowledgeGradient(surrogate.gps[0], COARSE, surrogate.noise, candidate=True)
    found = exact.value(BOX.encode([proposal.queries[0].params]))[0]
    assert np.exp(found) > 0.85 * np.exp(exact.value(COARSE).max())


@pytest.mark.slow
def test_batches_running_trials_and_replay() -> None:
    study = filled(f=wavy, optimizer=SGA, n=8)
    asked = study.ask(2)
    X = BOX.encode([t.params for t in asked])
    assert np.linalg.norm(X[0] - X[1]) > 1e-3
    score, surrogate = made(study)
    assert len(score.gp.X) == len(surrogate.gps[0].X) + 2
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params


def test_trees_fixed_parts_and_failures() -> None:
    tree = filled(TREE, lambda p: float(p["r"] + p.get("t", 0.0)), optimizer=SGA)
    tree.fail(tree.ask(), "exploded")
    proposal = propose(tree, fixed={"t": 0.5, "kind": "b"})
    assert proposal.queries[0].params["kind"] == "b" and proposal.queries[0].params["t"] == 0.5
    assert TREE.contains(proposal.queries[0].params) and "failed" not in proposal.note
    score, surrogate = made(tree)
    works = surrogate.gps[-1].predict(score.P)[0] >= 0
    np.testing.assert_array_equal(score.value(score.P) == -np.inf, ~works)


def test_few_points_have_the_exact_one_and_constraints_are_refused() -> None:
    lattice = bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)})
    study = filled(lattice, lambda p: float((p["i"] - 3) ** 2 + p["j"]), optimizer=SGA)
    assert propose(study).note.startswith("log knowledge gradient over")
    with pytest.raises(bbo.Unsupported, match="takes no outcome constraints: its gradients are samples of the gain alone"):
        bbo.Study(BOX, "minimize", outcome_constraints=["c <= 1"], optimizer=SGA)


@pytest.mark.slow
def test_finds_the_low_ground() -> None:
    study = filled(optimizer=SGA, n=8)
    for _ in range(8):
        study.tell(trial := study.ask(), bowl(trial.params))
    assert bowl(study.recommend().params) < 0.02


@pytest.mark.slow
def test_check_optimizer() -> None:
    assert check_optimizer(Bayes(acquisition="knowledge_gradient_sga", n_initial=3), n=4)
