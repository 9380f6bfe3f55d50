"""Batches moved together: in continuous, mixed, constrained and small spaces, with points set and shared."""

import numpy as np
import pytest

import bbo
from acquisitions.batch_expected_improvement import LogBatchExpectedImprovement
from bbo.optimizers import search

SPACES = {
    "box": bbo.Space({"x": bbo.Float(0, 1), "z": bbo.Float(-2, 3)}),
    "mixed": bbo.Space({"x": bbo.Float(0, 1), "n": bbo.Int(1, 40), "kind": bbo.Categorical(["a", "b"])}, constraints=["x * n <= 20"]),
    "linear": bbo.Space({"x": bbo.Float(0, 1), "z": bbo.Float(0, 1)}, constraints=["x + z <= 0.8"]),
    "asked": bbo.Space({"x": bbo.Float(0, 1), "z": bbo.Float(0, 1)}, constraints=[lambda p: p["x"] ** 2 + p["z"] ** 2 <= 0.5]),
    "small": bbo.Space({"x": bbo.Float(0, 1, step=0.05), "n": bbo.Int(1, 3)}),
}


def told(space: bbo.Space) -> bbo.Study:
    study = bbo.Study(space, "minimize", optimizer=bbo.Bayes(acquisition="batch_log_ei"), seed=0)
    trials = study.ask(8)
    study.tell(trials, [value(trial.params) for trial in trials])
    return study


def value(params: dict[str, float]) -> float:
    return float(np.sin(5 * params["x"]) + 0.3 * params.get("z", params.get("n", 0) / 20) ** 2)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_batches_are_legal_new_and_different(space: bbo.Space) -> None:
    study = told(space)
    for _ in range(2):
        batch = study.ask(3)
        assert len({space.key(trial.params) for trial in study.trials}) == len(study.trials)
        assert all(space.satisfies(trial.params) for trial in batch)
        assert "log expected improvement of 3 points" in study.explain(batch[0].number)
        study.tell(batch, [value(trial.params) for trial in batch])


def test_they_have_more_to_expect_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[LogBatchExpectedImprovement, list[dict[str, float]], list[dict[str, float]] | None]] = []

    def watched(state, score, batch, *others):  # type: ignore[no-untyped-def]
        asked.append((score, list(batch), moved := original(state, score, batch, *others)))
        return moved

    original = search.together
    monkeypatch.setattr(search, "together", watched)
    space = SPACES["box"]
    batch = told(space).ask(4)
    ((score, before, after),) = asked
    assert after is not None
    assert [trial.params for trial in batch] == after
    together = score.of_batch(4)
    gain = [together.value(space.encode(points).reshape(1, -1))[0] for points in (before, after)]
    assert gain[1] > gain[0]


def test_one_point_is_that_of_the_improvement_of_one() -> None:
    ours, theirs = (
        bbo.Study(SPACES["box"], "minimize", optimizer=bbo.Bayes(acquisition=name), seed=0) for name in ("batch_log_ei", "log_ei")
    )
    for study in (ours, theirs):
        trials = study.ask(8)
        study.tell(trials, [value(trial.params) for trial in trials])
    assert ours.ask().params == theirs.ask().params


def test_what_is_set_stands_and_what_is_shared_is_equal() -> None:
    batch = told(SPACES["mixed"]).ask(3, fixed={"kind": "b"}, shared=["n"])
    assert {trial["kind"] for trial in batch} == {"b"}
    assert len({trial["n"] for trial in batch}) == 1


def test_asking_again_gives_the_same() -> None:
    first, second = (told(SPACES["linear"]).ask(3) for _ in range(2))
    assert [trial.params for trial in first] == [trial.params for trial in second]
