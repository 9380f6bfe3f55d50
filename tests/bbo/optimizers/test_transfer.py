"""`Bayes(prior_studies=...)`: what is learned from finished studies, that they stay apart from the study's own trials, and replay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.files.study_file import read_study_file
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fitted import Model
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.targets import Bends, targets_of
from bbo.optimizers.transfer import KEPT, beginnings, learned, rescaled, trials_of
from bbo.replay import reproduce
from bbo.storage import open_storage
from surrogates.exact_gp import OneTask
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, propose

HILLS = bbo.Space({name: bbo.Float(0, 1) for name in "abc"})


def hill(p: Mapping[str, Any], shift: float = 0.0) -> float:
    """Its least value is 0."""
    v = np.array([p[name] for name in "abc"]) - shift
    return float(np.sum((v - 0.6) ** 2 * [1, 3, 5]) + 0.15 * np.sum(1 - np.cos(9 * (v - 0.6))))


def unlike(p: Mapping[str, Any]) -> float:
    return float(np.sin(7 * p["a"]) + 4 * p["b"] - 3 * p["c"])


def finished(space: bbo.Space, f: Any, n: int = 20, *, objectives: Any = "minimize", seed: int = 5, **arguments: Any) -> bbo.Study:
    """A study of Sobol points, told."""
    study = bbo.Study(space, objectives, optimizer="sobol", seed=seed, **arguments)
    for point in space.sobol(n, seed=seed):
        study.add(point, f(point))
    return study


def run(optimizer: Bayes, n: int, *, space: bbo.Space = HILLS, f: Any = hill, objectives: Any = "minimize", **arguments: Any) -> bbo.Study:
    study = bbo.Study(space, objectives, optimizer=optimizer, **{"seed": 1, **arguments})
    for _ in range(n):
        study.tell(trial := study.ask(), f(trial.params))
    return study


def kinds(study: bbo.Study) -> list[str]:
    return [event.kind for event in study.storage.read(study.name, 0)]


# -- what is named --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("old", "it is a list of names"),
        (7, "it is a list of names"),
        ([7], "7 is no name of a study, no bbo.PriorStudy and no study"),
        ([" "], "is no name of a study"),
        (["old", bbo.PriorStudy("old")], "names a study twice"),
        ([f"s{k}" for k in range(6)], "has 6 entries; 5 at most"),
        ([{"study": "old", "place": "x"}], "is no name of a study"),
    ],
)
def test_what_is_no_list_of_studies(given: Any, message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        Bayes(prior_studies=given)


@pytest.mark.parametrize("arguments", [{"storage": 7}, {"defaults": ["a"]}])
def test_what_is_no_prior_study(arguments: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match="prior_studies: "):
        bbo.PriorStudy("old", **arguments)


def test_settings_are_plain() -> None:
    settings = Bayes(prior_studies=["old", bbo.PriorStudy("older", Path("a.db"), {"T": 20})])
    assert settings.prior_studies == [
        {"study": "old", "storage": None, "defaults": {}},
        {"study": "older", "storage": "a.db", "defaults": {"T": 20}},
    ]
    assert resolve(json.loads(json.dumps(to_json(settings)))) == settings
    assert isinstance(hash(settings), int)
    assert Bayes(prior_studies=[]) == Bayes()


def test_studies_in_memory_are_told_apart_by_what_they_say() -> None:
    first, second = finished(BOX, bowl, 3), finished(BOX, lambda p: -bowl(p), 3)
    assert (first.name, first.seed) == (second.name, second.seed)
    settings = Bayes(prior_studies=[first, second])
    assert Bayes(prior_studies=[finished(BOX, bowl, 3), second]) == settings
    study = bbo.Study(BOX, "minimize", optimizer=settings)
    mine, other = (event.body["trials"] for event in study.storage.read("study", 0) if event.kind == "transferred")
    assert [trial["values"]["value"] for trial in mine] == [-trial["values"]["value"] for trial in other]
    (entry, _) = settings.prior_studies  # type: ignore[misc]
    with pytest.raises(bbo.StudyNotFound, match="was in the memory of another process"):
        bbo.Study(BOX, "minimize", optimizer=Bayes(prior_studies=[{**entry, "sha256": "0"}]))  # type: ignore[dict-item]


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    finished(BOX, bowl, storage=tmp_path / "a.db", name="old")
    with pytest.raises(bbo.StudyNotFound, match="no study 'new' in the storage of this study; it holds: old"):
        bbo.Study(BOX, "minimize", optimizer=Bayes(prior_studies=["new"]), storage=tmp_path / "a.db", name="next")
    assert bbo.list_studies(tmp_path / "a.db") == ["old"]
    with pytest.raises(bbo.StudyNotFound, match=r"no study 'old' in .*b\.db; it holds: none"):
        bbo.Study(BOX, "minimize", optimizer=Bayes(prior_studies=[bbo.PriorStudy("old", tmp_path / "b.db")]))


def narrow() -> bbo.Space:
    return bbo.Space({"x": bbo.Float(0, 10)})


@pytest.mark.parametrize(
    ("space", "objectives", "arguments", "message"),
    [
        (BOX, {"loss": "minimize"}, {}, "has not measured 'loss'; it has 'value'"),
        (narrow(), "minimize", {}, r"has varied 'y', which is no parameter here; add it to the space.*ask\(fixed={'y': ...}\)"),
        (
            bbo.Space({**BOX.parameters, "z": bbo.Float(0, 1)}),
            "minimize",
            {},
            r"has no parameter 'z'; say what it was run with: bbo.PriorStudy\('study', defaults={'z': ...}\)",
        ),
        (BOX, "minimize", {"defaults": {"z": 1}}, "a default is given for 'z', and 'study' and this study have no such parameter"),
        (BOX, "minimize", {"defaults": {"x": 1}}, "a default is given for 'x', and 'study' has it in its trials"),
        (bbo.Space({"x": bbo.Categorical([1, 2]), "y": bbo.Float(-1, 1)}), "minimize", {}, "no finished trial that fits: .*x="),
    ],
)
def test_what_does_not_fit(space: bbo.Space, objectives: Any, arguments: Mapping[str, Any], message: str) -> None:
    entry = {**Bayes(prior_studies=[finished(BOX, bowl)]).prior_studies[0], **arguments}  # type: ignore[index,dict-item]
    with pytest.raises(bbo.InvalidStudy, match=message):
        bbo.Study(space, objectives, optimizer=Bayes(prior_studies=[entry]))


def test_where_it_is_not_learned() -> None:
    old = finished(BOX, bowl)
    for settings, message in (
        (Bayes(prior_studies=[old], acquisition="thompson"), "draws no functions"),
        (Bayes(prior_studies=[old], acquisition="pes"), "'pes' is BoTorch's"),
        (Bayes(prior_studies=[old], acquisition=lambda model, context: None), "one is yours"),  # type: ignore[arg-type,return-value]
    ):
        with pytest.raises(bbo.Unsupported, match=message):
            bbo.Study(BOX, "minimize", optimizer=settings)
    with pytest.raises(bbo.Unsupported, match="where all parameters are decisions, and 't' is a fidelity parameter"):
        bbo.Study(bbo.Space({**BOX.parameters, "t": bbo.Fidelity(1, 9)}), "minimize", optimizer=Bayes(prior_studies=[old]))
    inexact = bbo.Space({"x": bbo.Float(0, 10, input_sd=0.1), "y": bbo.Float(-1, 1)})
    for space, goals, message in (
        (inexact, "minimize", "where no measure over conditions and inexact settings counts"),
        (BOX, [bbo.Objective("value", "minimize", feedback="ranking")], "this one is told rankings"),
    ):
        with pytest.raises(bbo.Unsupported, match=message):
            bbo.Study(space, goals, optimizer=Bayes(prior_studies=[old]))


# -- what is copied -------------------------------------------------------------------------------------------------------------


def test_points_that_fit_are_copied_and_others_counted() -> None:
    old = bbo.Study(
        bbo.Space({"x": bbo.Float(0, 20), "k": bbo.Categorical(["a", "b"]), "way": bbo.Fixed("old")}), "minimize", optimizer="sobol"
    )
    for x, k in ((1.0, "a"), (15.0, "a"), (2.0, "b")):
        old.add({"x": x, "k": k}, x, sd=0.5)
    old.add({"x": 3.0, "k": "a"}, failed="boom")
    old.ask()
    space = bbo.Space({"x": bbo.Float(0, 10), "k": bbo.Categorical(["a", "c"]), "T": bbo.Float(0, 100), "way": bbo.Fixed("old")})
    entry = {**Bayes(prior_studies=[old]).prior_studies[0], "defaults": {"T": 150.0}}  # type: ignore[index,dict-item]
    study = bbo.Study(space, "minimize", optimizer=Bayes(prior_studies=[entry]))
    (event,) = [event for event in study.storage.read("study", 0) if event.kind == "transferred"]
    assert event.body["trials"] == [
        {"params": {"x": x, "k": "a", "T": 150.0, "way": "old"}, "values": {"value": x}, "sd": {"value": 0.5}} for x in (1.0, 15.0)
    ]
    assert (event.body["skipped"], event.trial) == (1, None)
    assert "k='b' is not one of the choices" in event.body["reason"]
    assert "Copied in: 2 trials of study 'study'" in study.explain()
    assert "1 more did not fit (trial 2: k='b'" in study.explain()


def test_they_are_none_of_the_studys_own() -> None:
    old = finished(HILLS, lambda p: hill(p) - 50)
    study = run(Bayes(prior_studies=[old]), 3)
    assert [trial.number for trial in study.trials] == [0, 1, 2]
    assert study.best_value >= 0
    study.optimize(hill, total=4, progress=False)
    assert len(study.trials) == 4
    assert len(study.to_dataframe()) == 4
    assert study.predict({"a": 0.6, "b": 0.6, "c": 0.6}).mean["value"] > -10
    study.configure(optimizer="cma_es")
    study.tell(trial := study.ask(), hill(trial.params))
    assert len(study.trials) == 5


def test_they_are_copied_once_and_for_good(tmp_path: Path) -> None:
    place, other = tmp_path / "new.db", tmp_path / "old.db"
    old = finished(HILLS, hill, storage=other, name="old")
    settings = Bayes(prior_studies=[bbo.PriorStudy("old", other)])
    first = run(settings, 2, storage=place, name="new")
    old.add({"a": 0.1, "b": 0.2, "c": 0.3}, 1.0)
    old.storage.close()
    other.unlink()
    again = bbo.Study(HILLS, "minimize", optimizer=settings, storage=place, name="new", seed=1)
    for _ in range(3):
        again.tell(trial := again.ask(), hill(trial.params))
    again.configure(optimizer=replace(settings, n_initial=2))
    again.redefine(space=bbo.Space({**HILLS.parameters, "d": bbo.Float(0, 1)}), defaults={"d": 0.5})
    assert "20 of finished studies" in propose_note(again)
    assert kinds(again).count("transferred") == 1
    assert len(first.trials) == 5


def propose_note(study: bbo.Study) -> str:
    study._replica.sync()
    return propose(study).note


def test_a_study_learns_by_configure_and_in_a_file(tmp_path: Path) -> None:
    finished(HILLS, hill, storage=tmp_path / "runs.db", name="old")
    (tmp_path / "new.yaml").write_text(
        "name: new\nstorage: runs.db\nspace: {a: {float: [0, 1]}, b: {float: [0, 1]}, c: {float: [0, 1]}}\nobjectives: minimize\n"
        "optimizer: {name: bayes, settings: {prior_studies: [old, {study: old, storage: runs.db}]}}\n",
        encoding="utf-8",
    )
    optimizer = read_study_file(tmp_path / "new.yaml").optimizer
    assert optimizer == Bayes(prior_studies=["old", bbo.PriorStudy("old", "runs.db")])
    study = run(Bayes(), 3, storage=tmp_path / "runs.db", name="new")
    study.configure(optimizer=Bayes(prior_studies=["old"]))
    assert "20 of finished studies" in propose_note(study)
    with pytest.raises(bbo.StudyNotFound):
        study.configure(optimizer=Bayes(prior_studies=["older"]))
    assert kinds(study).count("configured") == 2


def test_the_log_carries_them(tmp_path: Path) -> None:
    from bbo.storage.jsonl import export_log, import_log

    study = run(Bayes(prior_studies=[finished(HILLS, hill)]), 4)
    storage = open_storage(tmp_path / "copy.db")
    import_log(storage, list(export_log(study.storage, "study")))
    copy = bbo.load_study("study", storage)
    assert propose(copy).queries == propose(study).queries
    storage.close()


# -- what is modelled -----------------------------------------------------------------------------------------------------------


def model_of(study: bbo.Study) -> Model:
    model = study._replica.optimizer.model(study._replica.state)
    assert isinstance(model, Model)
    return model


def test_units_do_not_matter() -> None:
    """Proposals are the same whatever unit and zero the finished study has: only rounding tells them apart."""
    plain, other = (run(Bayes(prior_studies=[finished(HILLS, f)]), 5) for f in (hill, lambda p: 1e4 + 64.0 * hill(p)))
    for mine, theirs in zip(plain.trials, other.trials, strict=True):
        assert mine.params == pytest.approx(theirs.params, abs=0.02)


def test_a_target_in_another_unit_is_the_same_outcome() -> None:
    study = run(Bayes(), 6)
    (target,) = targets_of(study._replica.state, Bends())
    scaled = rescaled(replace(target, lower=-0.5, variance=np.full(6, 0.01)), 0.3)
    np.testing.assert_allclose(scaled.y, 0.3 * target.y)
    assert scaled.lower == pytest.approx(-0.15)
    np.testing.assert_allclose(scaled.variance, 0.0009)
    np.testing.assert_allclose(scaled.transform.inverse(scaled.y), target.transform.inverse(target.y), rtol=1e-9)
    np.testing.assert_allclose(scaled.native(0.3 * target.y, np.full(6, 0.0009)), target.native(target.y, np.full(6, 0.01)), rtol=1e-6)


def test_values_at_good_points_are_no_more_different_than_they_were_before() -> None:
    """The spread of values is what the finished study has at those points, not that of a whole study."""
    old = finished(HILLS, hill, 60)
    study = bbo.Study(HILLS, "minimize", optimizer=Bayes(prior_studies=[old], output_warp=False), seed=1)
    for k in range(4):
        point = {"a": 0.55 + 0.04 * k, "b": 0.6, "c": 0.58}
        study.add(point, hill(point))
    state = study._replica.state
    targets = targets_of(state, Bends(objectives=False))
    (target,) = learned(state, targets, study.optimizer.prior_studies, power=False)  # type: ignore[attr-defined]
    assert np.std(targets[0].y, ddof=1) == pytest.approx(1.0)
    assert np.std(target.y, ddof=1) < 0.5


def test_long_studies_are_thinned_to_what_matters() -> None:
    old = finished(BOX, bowl, KEPT + 40)
    study = run(Bayes(prior_studies=[old], n_initial=2), 2, space=BOX, f=bowl)
    state = study._replica.state
    (target,) = learned(state, targets_of(state, Bends(objectives=False)), study.optimizer.prior_studies, power=False)  # type: ignore[attr-defined]
    assert len(target.before[0].y) == KEPT
    best = min(trial.values["value"] for trial in old._replica.ledger.records)
    everything = trials_of(state, study.optimizer.prior_studies[0])  # type: ignore[attr-defined]
    assert len(everything) == KEPT + 40
    assert min(trial.values["value"] for trial in everything) == best


def test_sds_are_used_where_all_have_one() -> None:
    old = bbo.Study(BOX, [bbo.Objective("value", "minimize", sd=0.1)], optimizer="sobol", seed=1)
    for point in BOX.sobol(8, seed=3):
        old.add(point, bowl(point))
    for sd, known in ((0.2, True), (None, False)):
        study = bbo.Study(BOX, "minimize", optimizer=Bayes(prior_studies=[old]), seed=1)
        for point in BOX.sobol(4, seed=4):
            study.add(point, bowl(point), sd=sd)
        gp = model_of(study).surrogate.gps[0]
        assert isinstance(gp, OneTask)
        assert (gp.yvar is not None) == known
        assert propose(study).note.startswith("log expected improvement")


def test_the_design_begins_with_the_best_of_before() -> None:
    first, second = finished(HILLS, hill, 30), finished(HILLS, lambda p: hill(p, 0.2), 30, seed=8)
    study = run(Bayes(prior_studies=[first, second]), 4)
    points = [trial.params for trial in study.trials]
    assert points[0] == first.best_params
    assert points[2] == second.best_params
    assert points[1] == HILLS.sobol(2, seed=sobol_seed(study))[1]
    notes = [event.body["note"] for event in study.storage.read("study", 0) if event.kind == "asked"]
    assert "half of it of the best of finished studies" in notes[0]
    assert "and 60 of finished studies" in notes[3]


def sobol_seed(study: bbo.Study) -> int:
    from bbo.problem import derive

    return derive(study.seed, 0, "sobol", bits=64)


def test_beginnings_are_feasible_and_apart() -> None:
    wide = bbo.Space({"x": bbo.Float(-20, 20), "y": bbo.Float(-1, 1)})
    old = finished(wide, lambda p: {"value": p["x"], "g": abs(p["y"])}, 200, outcome_constraints=["g <= 0.5"])
    space = bbo.Space(BOX.parameters, constraints=["x >= 1 + y"])
    study = bbo.Study(space, "minimize", outcome_constraints=["g <= 0.3"], optimizer=Bayes(prior_studies=[old]), seed=1)
    found = beginnings(study._replica.state, study.optimizer.prior_studies)  # type: ignore[attr-defined]
    assert len(found) > 2
    assert all(space.contains(point) and abs(point["y"]) <= 0.3 for point in found)
    X = space.encode(found)
    distance = np.sqrt(((X[:, None] - X[None]) ** 2).mean(-1))
    assert distance[~np.eye(len(X), dtype=bool)].min() > 0.1
    assert [point["x"] for point in found] == sorted(point["x"] for point in found)
    assert study.ask(fixed={"y": -0.2})["y"] == -0.2


REFUSED = [
    name
    for name, entry in TABLE.items()
    if entry.botorch or entry.rankings or entry.decides_level or entry.needs_gradients or not entry.gradients
]


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if name not in REFUSED])
def test_every_acquisition_sees_this_study_alone(name: str) -> None:
    needed = {"level": 1.0} if name == "straddle" else {}
    study = run(Bayes(acquisition=name, prior_studies=[finished(BOX, bowl, 9)], n_initial=2, **needed), 2, space=BOX, f=bowl)
    study.enqueue({"x": 3.0, "y": 0.0})
    proposal = propose(study, n=2)
    assert "and 9 of finished studies" in proposal.note
    assert len(proposal.queries) == 2
    for query in proposal.queries:
        BOX.validate(query.params)


def outcomes(p: Mapping[str, Any]) -> dict[str, float]:
    return {"f": float(np.log10(p["r"]) ** 2 + p.get("n", 3)), "g": float(p.get("t", 0.5)), "h": p["r"]}


def test_trees_constraints_and_several_objectives() -> None:
    goals = {"f": "minimize", "g": "maximize"}
    old = finished(TREE, lambda p: {key: value for key, value in outcomes(p).items() if key != "h"}, 12, objectives=goals)
    study = run(Bayes(prior_studies=[old], n_initial=3), 3, space=TREE, f=outcomes, objectives=goals, outcome_constraints=["h <= 0.5"])
    study.fail(study.ask(), "boom")
    proposal = propose(study)
    assert "hypervolume" in proposal.note
    TREE.validate(proposal.queries[0].params)
    gps = model_of(study).surrogate.gps
    assert [isinstance(gp, OneTask) for gp in gps] == [True, True, False, False]
    assert study.predict(TREE.sobol(1, seed=0)[0]).mean.keys() == {"f", "g", "h"}


def test_proposals_are_reproduced_from_the_log(tmp_path: Path) -> None:
    finished(HILLS, hill, storage=tmp_path / "a.db", name="old")
    study = run(Bayes(prior_studies=["old"]), 4, storage=tmp_path / "a.db", name="new")
    study.ask(2)
    for number in (0, 1, 3, 5):
        assert reproduce(study.storage.read("new", 0), number).params == study.trials[number].params
    again = bbo.load_study("new", tmp_path / "a.db")
    assert propose(again).queries == propose(study).queries


def test_predictions_are_of_this_study() -> None:
    """What was measured here is met, in its own unit, whatever it was before."""
    old = finished(HILLS, lambda p: 1e3 - 20 * hill(p), 15)
    study = run(Bayes(prior_studies=[old]), 8)
    rows = [trial.params for trial in study.trials]
    with one_thread():
        mean = model_of(study).predict(rows)[0][:, 0]
    np.testing.assert_allclose(mean, [trial.value for trial in study.trials], atol=0.1)
    assert len(model_of(study).leave_one_out()["value"].measured) == 8


# -- what it is good for --------------------------------------------------------------------------------------------------------


def bests(optimizer: Bayes, n: int, seeds: int = 3) -> list[float]:
    return [run(optimizer, n, seed=seed).best_value for seed in range(seeds)]


def test_eight_with_a_like_study_reach_more_than_twelve_without() -> None:
    old = finished(HILLS, lambda p: 100 + 20 * hill(p, 0.05), 25)
    assert np.median(bests(Bayes(prior_studies=[old]), 8)) < np.median(bests(Bayes(), 12))


@pytest.mark.slow
def test_one_that_misleads_does_no_great_harm() -> None:
    misled = np.median(bests(Bayes(prior_studies=[finished(HILLS, unlike, 25)]), 20, 5))
    assert misled < 2 * np.median(bests(Bayes(), 20, 5))
    assert misled < 0.1 * np.median(bests(Bayes(), 10, 5))
