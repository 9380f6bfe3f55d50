"""`Bayes(optimum=...)`: what may be believed, in which units, what it does to a design and to proposals, and when it is forgiven."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.files.study_file import read_study_file
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.belief import Belief, canonical
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, filled, propose

SPACE = bbo.Space(
    {
        "lr": bbo.Float(1e-5, 1e-1, log=True),
        "drop": bbo.Float(0, 0.5, step=0.1),
        "layers": bbo.Int(1, 8),
        "units": bbo.Int(16, 1024, log=True),
        "batch": bbo.Ordinal([16, 32, 64, 256]),
        "kernel": bbo.Categorical(["rbf", "poly", 3, None]),
        "bias": bbo.Bool(),
        "x": bbo.Float(-5, 10),
    }
)
WEIGHTS = {"weights": [["rbf", 5.0], ["poly", 1.0], [3, 1.0], [None, 1.0]]}


def believed(space: bbo.Space = SPACE, **optimum: Any) -> Belief:
    found = Belief.of(canonical(optimum), space)
    assert found is not None
    return found


def log_density(belief: Belief, **params: Any) -> float:
    point = {"lr": 1e-3, "drop": 0.0, "layers": 1, "units": 16, "batch": 16, "kernel": "rbf", "bias": True, "x": 0.0} | params
    return float(belief.prior.value(SPACE.encode([point]))[0])


# -- what may be believed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimum", "message"),
    [
        ([1], "maps names of parameters to beliefs"),
        ({}, "maps names of parameters to beliefs"),
        ({"lr": 1e-3}, r"optimum\['lr'\] is 0.001; it is bbo.Normal"),
        ({"lr": {}}, "it is bbo.Normal"),
        ({"lr": bbo.Uniform(0, 1)}, "it is bbo.Normal"),
        ({"lr": {"normal": [1e-3, -1]}}, "sd=-1 must be positive"),
        ({"bias": {True: 1.0, False: 0}}, "the weight of False is 0; it is a positive number"),
        ({"bias": {True: True, False: 1}}, "the weight of True is True"),
        ({"bias": {True: float("inf"), False: 1}}, "a positive number"),
    ],
)
def test_what_is_no_belief(optimum: Any, message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        Bayes(optimum=optimum)


@pytest.mark.parametrize("weight", [-1, float("nan"), True, "much"])
def test_what_is_no_weight(weight: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match="optimum_weight is"):
        Bayes(optimum={"x": bbo.Normal(0, 1)}, optimum_weight=weight)
    with pytest.raises(bbo.InvalidStudy, match="beside optimum only"):
        Bayes(optimum_weight=3)


@pytest.mark.parametrize(
    ("optimum", "message"),
    [
        ({"layer": bbo.Normal(3, 1)}, "belief about 'layer', which is no parameter; did you mean 'layers'"),
        ({"lr": bbo.Normal(0.5, 1)}, "about 0.5, out of the range from 1e-05 to 0.1"),
        ({"kernel": bbo.Normal(0.5, 1)}, "a bbo.Normal for a number only, and 'kernel' is a Categorical"),
        ({"x": {1: 0.5, 2: 0.5}}, "weights for a parameter with choices only, and 'x' is a Float"),
        ({"kernel": {"rbf": 1, "sigmoid": 1}}, "belief about what is no choice: kernel='sigmoid'"),
        ({"kernel": {"rbf": 1, "poly": 1, 3: 1}}, "weights for some choices of 'kernel' only; give None one too"),
        ({"kernel": {"weights": [["rbf", 1.0], ["rbf", 2.0]]}}, "two weights for one choice of 'kernel'"),
    ],
)
def test_what_does_not_fit_the_space(optimum: Any, message: str) -> None:
    with pytest.raises(bbo.Unsupported, match=message):
        bbo.Study(SPACE, "minimize", optimizer=Bayes(optimum=optimum))


def test_beliefs_are_about_decisions() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "mesh": bbo.Fidelity({"coarse": 1, "fine": 9})})
    with pytest.raises(bbo.Unsupported, match="about decisions, and 'mesh' is a fidelity parameter"):
        bbo.Study(space, "minimize", optimizer=Bayes(optimum={"mesh": {"coarse": 1, "fine": 2}}))


@pytest.mark.parametrize("name", TABLE)
def test_logarithms_of_gains_are_weighed_and_others_refused(name: str) -> None:
    settings = Bayes(acquisition=name, optimum={"x": bbo.Normal(2, 1)}, **({"level": 1.0} if name == "straddle" else {}))
    if not TABLE[name].log_gain:
        with pytest.raises(bbo.Unsupported, match=f"'{name}' is no logarithm of a gain"):
            bbo.Study(BOX, "minimize", optimizer=settings)
        return
    proposal = propose(filled(n=5, optimizer=settings))
    assert "times the belief where the optimum lies to the power of 1," in proposal.note


def test_functions_of_the_user_are_not_weighed() -> None:
    with pytest.raises(bbo.Unsupported, match="and the acquisition is yours"):
        bbo.Study(BOX, "minimize", optimizer=Bayes(acquisition=lambda model, context: None, optimum={"x": bbo.Normal(2, 1)}))  # type: ignore[arg-type,return-value]


# -- settings -------------------------------------------------------------------------------------------------------------------


def test_a_study_of_a_belief_is_stored_and_opened_again(tmp_path: Path) -> None:
    settings = Bayes(optimum={"lr": bbo.Normal(1e-3, 0.5), "kernel": {"rbf": 5, "poly": 1, 3: 1, None: 1}}, optimum_weight=3)
    assert settings.optimum == {"lr": {"normal": [1e-3, 0.5]}, "kernel": WEIGHTS}
    assert resolve(json.loads(json.dumps(to_json(settings)))) == settings
    assert isinstance(hash(settings), int)
    for _ in range(2):
        study = bbo.Study(SPACE, "minimize", optimizer=settings, storage=tmp_path / "s.db", seed=1)
        study.tell(study.ask(), 1.0)
    assert "'lr': {'normal': [0.001, 0.5]}" in study.explain()
    assert "half of it drawn from the belief" in study.explain()
    with pytest.raises(bbo.StudyMismatch, match="optimum"):
        bbo.Study(SPACE, "minimize", optimizer=Bayes(optimum={"lr": bbo.Normal(1e-3, 0.4)}), storage=tmp_path / "s.db", seed=1)


def test_a_belief_in_a_study_file(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "space:\n  lr: {float: [1e-5, 1e-1], log: true}\n  kernel: {categorical: [rbf, poly]}\nobjectives: minimize\n"
        "optimizer: {name: bayes, settings: {optimum: {lr: {normal: [1e-3, 0.5]}, kernel: {rbf: 0.8, poly: 0.2}}}}\n",
        encoding="utf-8",
    )
    assert read_study_file(path).optimizer == Bayes(optimum={"lr": bbo.Normal(1e-3, 0.5), "kernel": {"rbf": 0.8, "poly": 0.2}})


# -- units ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mean", "sd", "away"),
    [
        ("lr", 1e-3, 0.5, 1e-3 * 10**0.5),  # decades
        ("lr", 1e-2, 1.0, 1e-3),
        ("units", 100, 0.25, round(100 * 10**0.25)),
        ("drop", 0.2, 0.1, 0.3),
        ("layers", 3, 2.0, 5),
        ("batch", 32, 32.0, 64),
        ("x", 1.0, 2.5, 3.5),
    ],
)
def test_one_sd_away(name: str, mean: float, sd: float, away: float) -> None:
    belief = believed(**{name: bbo.Normal(mean, sd)})
    drop = log_density(belief, **{name: away}) - log_density(belief, **{name: mean})
    assert drop == pytest.approx(-0.5, rel=0.01 if name == "units" else 1e-9)


def test_weights() -> None:
    belief = believed(kernel=WEIGHTS, bias={True: 3, False: 1}, batch={16: 1, 32: 1, 64: 1, 256: 7})
    best = {"kernel": "rbf", "bias": True, "batch": 256}
    for change, ratio in (({"kernel": None}, 5), ({"bias": False}, 3), ({"batch": 64}, 7)):
        assert log_density(belief, **best) - log_density(belief, **{**best, **change}) == pytest.approx(np.log(ratio))


# -- what it does ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        Bayes(optimum={"kind": {"a": 0.1, "b": 0.1, "c": 0.1}}),
        Bayes(optimum={"kind": {"a": 8, "b": 1, "c": 1}, "r": bbo.Normal(0.01, 0.1)}, optimum_weight=0),
    ],
    ids=["uniform", "weight 0"],
)
def test_what_is_no_preference_changes_nothing(settings: Bayes) -> None:
    def f(p: Mapping[str, Any]) -> float:
        return float(np.log10(p["r"]) ** 2 + p.get("n", 3) + p.get("t", 0.5))

    def run(optimizer: Bayes) -> list[dict[str, Any]]:
        study = bbo.Study(TREE, "minimize", optimizer=optimizer, seed=2)
        for _ in range(8):
            study.tell(trial := study.ask(), f(trial.params))
        return [trial.params for trial in study.trials]

    assert run(settings) == run(Bayes())


def test_half_of_the_design_is_of_the_belief() -> None:
    """Sobol points: the means and shares of 128 of them are off by far less than those of random ones would be."""
    belief = believed(x=bbo.Normal(4, 1), kernel=WEIGHTS, batch=bbo.Normal(256, 10), units=bbo.Normal(128, 0.1), layers=bbo.Normal(8, 1.5))
    points = [belief.sobol(5, number, {}) for number in range(256)]
    assert points[1::2] == [SPACE.sobol(1, seed=5, start=number)[0] for number in range(1, 256, 2)]
    mine = points[::2]
    x = np.array([point["x"] for point in mine])
    assert np.mean(x) == pytest.approx(4.0, abs=0.15)
    assert np.std(x) == pytest.approx(1.0, abs=0.1)
    assert np.std(np.log10([point["units"] for point in mine])) == pytest.approx(0.1, abs=0.02)
    kernels = Counter(point["kernel"] for point in mine)
    assert kernels["rbf"] / 128 == pytest.approx(5 / 8, abs=0.06)
    assert {point["batch"] for point in mine} == {256}
    assert np.mean([point["layers"] >= 6 for point in mine]) > 0.85


def test_the_design_keeps_constraints_and_what_is_fixed() -> None:
    belief = believed(TREE, kind={"a": 6, "b": 1, "c": 1}, n=bbo.Normal(6, 1), r=bbo.Normal(0.3, 0.3))
    for number in range(0, 40, 2):
        point = belief.sobol(3, number, {})
        TREE.validate(point)
        held = belief.sobol(3, number, {"kind": "b"})
        TREE.validate(held)
        assert held["kind"] == "b"


def test_where_the_belief_breaks_the_constraints_the_nearest_is_likeliest() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x + y <= 1"])
    belief = Belief.of(canonical({"x": bbo.Normal(0.95, 0.05), "y": bbo.Normal(0.95, 0.05)}), space)
    assert belief is not None
    points = belief.sample(20, np.random.default_rng(0), fixed={})
    assert all(space.contains(point) for point in points)
    assert np.mean([point["x"] + point["y"] for point in points]) > 0.85  # 0.67 for uniform ones


def test_proposals_lean_towards_it_and_are_reproduced_from_the_log() -> None:
    optimum = {"x": bbo.Normal(1, 0.3)}
    near = propose(filled(n=5, optimizer=Bayes(optimum=optimum))).queries[0]
    alone = propose(filled(n=5)).queries[0]
    assert abs(near.params["x"] - 1) < 1 < abs(alone.params["x"] - 1)
    study = filled(n=5, optimizer=Bayes(optimum=optimum))
    batch = study.ask(2)
    for trial in batch:
        assert reproduce(study.storage.read("study"), trial.number).params == trial.params


def test_a_narrow_belief_is_found_by_the_search() -> None:
    """One part in 10^8 of the cube, where no point that is drawn all over the space falls."""
    space = bbo.Space({name: bbo.Float(0, 1) for name in "abcd"})
    settings = Bayes(optimum={name: bbo.Normal(0.3, 0.01) for name in "abcd"}, optimum_weight=50)
    study = filled(space, lambda p: sum((v - 0.8) ** 2 for v in p.values()), n=5, optimizer=settings)
    found = propose(study).queries[0].params
    assert all(abs(value - 0.3) < 0.05 for value in found.values())


@pytest.mark.parametrize(
    ("outcomes", "arguments"),
    [
        (lambda p: {"value": bowl(p), "g": p["x"]}, {"outcome_constraints": ["g <= 4"]}),
        (lambda p: {"value": bowl(p), "g": p["x"]}, {"outcome_constraints": ["g <= 0.3"]}),
        (lambda p: {"f": bowl(p), "g": p["x"]}, {"objectives": {"f": "minimize", "g": "minimize"}}),
    ],
    ids=["constraint", "nothing feasible", "two objectives"],
)
def test_whatever_is_looked_for(outcomes: Any, arguments: Mapping[str, Any]) -> None:
    settings = Bayes(optimum={"y": bbo.Normal(0.8, 0.02)}, optimum_weight=100)
    proposal = propose(filled(f=outcomes, optimizer=settings, **arguments))
    assert "times the belief" in proposal.note
    assert abs(proposal.queries[0].params["y"] - 0.8) < 0.1
    assert abs(propose(filled(f=outcomes, **arguments)).queries[0].params["y"] - 0.8) > 0.1


HILLS = bbo.Space({name: bbo.Float(0, 1) for name in "abcd"})


def best_of(n: int, seed: int, optimizer: Bayes) -> float:
    """The best of so many values of a function whose least one is 0, where all inputs are 0.7."""
    study = bbo.Study(HILLS, "minimize", optimizer=optimizer, seed=seed)
    for _ in range(n):
        v = np.array(list((trial := study.ask()).params.values()))
        study.tell(trial, float(np.sum((v - 0.7) ** 2) + 0.1 * np.sum(1 - np.cos(12 * (v - 0.7)))))
    return study.best_value


def test_a_right_belief_helps_early_and_a_wrong_one_is_forgiven() -> None:
    right, wrong = ({name: bbo.Normal(mean, sd) for name in "abcd"} for mean, sd in ((0.75, 0.1), (0.15, 0.25)))
    early, alone = ([best_of(8, seed, optimizer) for seed in range(3)] for optimizer in (Bayes(optimum=right), Bayes()))
    assert np.median(early) < 0.5 * np.median(alone)
    assert np.median([best_of(8, seed, Bayes(optimum=wrong)) for seed in range(3)]) > 0.5 * np.median(alone)
    assert np.median([best_of(30, seed, Bayes(optimum=wrong)) for seed in range(3)]) < 0.2 * np.median(alone)


@pytest.mark.slow
def test_the_contract() -> None:
    ran = check_optimizer(Bayes(n_initial=3, optimum={"x": bbo.Normal(0.5, 0.2)}), n=3)
    assert "box" in ran
