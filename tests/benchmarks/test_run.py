"""The runner, with optimizers that need nothing but bbo."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import pytest

import bbo
from benchmarks import results, run
from benchmarks.environments import Entry, batch_of, entry
from benchmarks.process import Failed, TimedOut, Worker
from benchmarks.suite.case import Case

FAST = Case(
    "slope",
    bbo.Space({"x": bbo.Float(0, 1), "kind": bbo.Categorical(["a", "b"]), "y": bbo.Float(0, 1, when={"kind": "b"})}),
    lambda params: {"value": params["x"] + params.get("y", 0.5)},
    30,
    0.0,
    "the formula's least value",
)


@pytest.fixture
def go(tmp_path):
    def run_all(optimizers, seeds=1, hours=1.0, name="runs.jsonl", known=()):
        deadline = time.monotonic() + 3600 * hours
        run.run_all([FAST], optimizers, seeds, file=tmp_path / name, core=None, limits=run.Limits(), deadline=deadline, known=known)
        return results.read([tmp_path / name])

    return run_all


def test_runs_are_paired_complete_and_not_repeated(go, tmp_path) -> None:
    runs = go(["random", "bbo:sobol"], seeds=2)
    assert {r.key for r in runs} == {("slope", name, seed) for name in ("random", "bbo:sobol") for seed in (0, 1)}
    for r in runs:
        assert (r.status, r.reason, r.initial) == ("done", "", 5)
        assert len(r.values) == 30
        assert len(r.ask_seconds) == len(r.ask_cpu) == len(r.tell_cpu) == 25
    by_key = {r.key: r for r in runs}
    for seed in (0, 1):
        assert by_key["slope", "random", seed].values[:5] == by_key["slope", "bbo:sobol", seed].values[:5]
    before = (tmp_path / "runs.jsonl").read_text()
    go(["random", "bbo:sobol"], seeds=2)
    assert (tmp_path / "runs.jsonl").read_text() == before
    others = go(["random", "bbo:sobol"], seeds=3, name="more.jsonl", known=[tmp_path / "runs.jsonl"])
    assert {r.key for r in others} == {("slope", "random", 2), ("slope", "bbo:sobol", 2)}


def test_batches_are_asked_for_and_cut_at_the_budget(go) -> None:
    (r,) = go(["bbo:sobol@x8"])
    assert (r.status, r.initial, len(r.values)) == ("done", 5, 30)
    assert len(r.ask_cpu) == len(r.tell_cpu) == 4  # 8, 8, 8 and 1


def test_no_run_starts_after_the_deadline(go) -> None:
    assert go(["random"], hours=-1.0) == []


def test_names_of_optimizers() -> None:
    assert entry("bbo:sobol@after").settings == {"optimizer": "sobol"}
    settings = {"name": "bayes", "settings": {}}
    assert entry(f"bbo:{json.dumps(settings)}").settings == {"optimizer": settings}
    assert (batch_of("bbo:sobol@after@x8"), batch_of("bbo@x8"), batch_of("bbo@x0"), batch_of("bbo@max8")) == (8, 8, 1, 1)
    assert entry("optuna_gp@x8").settings == {"sampler": "gp"}
    with pytest.raises(KeyError):
        entry("nobody")


def test_an_optimizer_that_fails_counts_what_it_found(go) -> None:
    (r,) = go(['bbo:{"name": "nothing"}'])
    assert r.status == "failed"
    assert "InvalidStudy" in r.reason
    assert len(r.values) == r.initial == 5


def test_a_process_that_ends_or_is_silent_is_noticed(tmp_path, monkeypatch) -> None:
    with Worker(Path(sys.executable), "no_such_adapter", log=tmp_path / "log") as worker, pytest.raises(Failed, match="no_such_adapter"):
        worker.request({"op": "start", "spec": FAST.spec.to_json(), "seed": 0, "settings": {}}, limit=60)
    with Worker(Path("/bin/false"), "ours", log=tmp_path / "log") as worker, pytest.raises(Failed, match="ended with status 1"):
        time.sleep(0.2)
        worker.request({"op": "ask", "n": 1}, limit=60)
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    with Worker(silent, "ours", log=tmp_path / "log") as worker, pytest.raises(TimedOut):
        worker.request({"op": "ask", "n": 1}, limit=0.1)


def test_unsupported_cases_are_recorded_once(go, monkeypatch, tmp_path) -> None:
    refusing = tmp_path / "refusing"
    refusing.write_text('#!/bin/sh\nread line\necho \'{"unsupported": "no conditions", "seconds": 0.0}\'\nsleep 60\n')
    refusing.chmod(0o755)
    monkeypatch.setattr(Entry, "python", property(lambda self: refusing))
    (r,) = go(["random"])
    assert (r.status, r.reason, r.values, r.initial) == ("unsupported", "no conditions", [], 0)


def test_an_infinite_number_survives_the_file(tmp_path) -> None:
    one = results.Run("c", "o", 0, 30, 5, "done", "", [math.inf, 1.5], [0.1], [0.1], [0.2], "a==1", "2026-01-01")
    other = results.Run("c", "o", 0, 30, 5, "failed", "later", [2.0], [0.1], [0.1], [0.2], "a==1", "2026-01-02")
    results.append(tmp_path / "new" / "runs.jsonl", one)
    assert results.read([tmp_path / "new" / "runs.jsonl"]) == [one]
    results.append(tmp_path / "new" / "runs.jsonl", other)
    assert results.read([tmp_path / "new" / "runs.jsonl", tmp_path / "none.jsonl"]) == [other]


def test_a_table_holds_the_same_runs(tmp_path) -> None:
    one = results.Run("c", "o", 0, 30, 5, "done", "", [2.0, 1.5], [0.1], [0.1], [0.2], "a==1", "2026-01-01", True)
    results.to_parquet([one], tmp_path / "new" / "runs.parquet")
    assert results.read([tmp_path / "new" / "runs.parquet"]) == [one]


def test_a_missing_environment_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BBO_BENCH_ENVS", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["run", "--optimizers", "hebo"])
    monkeypatch.setattr("os.sched_setaffinity", lambda *arguments: None)
    with pytest.raises(SystemExit, match=r"environments.py hebo"):
        run.main()


def test_a_proposal_that_takes_too_long_ends_the_run_with_what_it_has(tmp_path) -> None:
    r = run.run_one(FAST, "random", 0, core=None, log=tmp_path / "log", limits=run.Limits(ask=1e-9, patience=1e12))
    assert (r.status, len(r.values), len(r.ask_cpu)) == ("timeout", 5, 1)
