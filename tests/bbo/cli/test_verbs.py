"""Each verb does what the method it is named after does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bbo

Run = Callable[..., Any]


def test_the_first_loop(run: Run) -> None:
    assert run("create week.yaml").out == "study 'week' is created in bbo.db\n"
    assert run("create week.yaml").out == "study 'week' stands already in bbo.db\n"
    asked = run("ask week.yaml")
    assert asked.code == 0
    assert "T [°C]" in asked.out
    assert run("tell week.yaml 0 yield=0.7 impurity=0.01").out == "trial 0 is done\n"
    best = run("best week.yaml --json").json
    assert (best["number"], best["values"], best["feasible"]) == (0, {"yield": 0.7, "impurity": 0.01}, True)
    assert "0.7" in run("best").out


def test_open_trials_come_first(run: Run, week: bbo.Study) -> None:
    def numbers(line: str) -> list[int]:
        return [trial["number"] for trial in run(line).json]

    assert numbers("ask --json") == [0]
    assert numbers("ask --json") == [0]
    assert numbers("ask -n 3 --json") == [0, 1, 2]
    assert numbers("ask -n 2 --json") == [0, 1, 2]
    assert numbers("ask --more 1 --json") == [0, 1, 2, 3]
    run("tell 1 yield=0.5")  # told in part: it is waited for, and no longer open
    assert numbers("ask --json") == [0, 2, 3]


def test_only_what_no_process_holds_is_printed(run: Run, week: bbo.Study) -> None:
    week.ask(lease=60)
    assert [trial["number"] for trial in run("ask --json").json] == [1]


def test_clients_have_their_own(run: Run, week: bbo.Study) -> None:
    def numbers(line: str) -> list[int]:
        return [trial["number"] for trial in run(line).json]

    assert numbers("ask --client ada -n 2 --json") == [0, 1]
    assert numbers("ask --client bob --json") == [2]
    assert numbers("ask --client ada -n 2 --json") == [0, 1]
    assert numbers("ask --client ada --more 1 --json") == [0, 1, 3]
    assert numbers("ask --json") == [0, 1, 2, 3]


def test_fixed_parameters(run: Run, week: bbo.Study) -> None:
    trials = run("ask -n 3 --fixed T=42.5 --fixed cat=Ni --json").json
    assert [trial["params"] for trial in trials[:1]] == [{"T": 42.5, "cat": "Ni"}]


def test_shared_parameters(run: Run, week: bbo.Study) -> None:
    trials = run("ask -n 4 --shared T --json").json
    assert len({trial["params"]["T"] for trial in trials}) == 1
    assert len(trials) == 4 or len({trial["params"]["cat"] for trial in trials}) == 2


def test_tell_everything(run: Run, week: bbo.Study) -> None:
    run("ask")
    line = "tell week 0 yield=0.7 impurity=0.01 sd.yield=0.02 T=44.5 note='stirred badly' --cost 3.5 --attr batch=7 --attr who=ada"
    assert run(line).code == 0
    record = week.trials[0]
    assert record.outcomes == {"yield": 0.7, "impurity": 0.01}
    assert record.params["T"] == 44.5
    assert (record.sd, record.cost) == ({"yield": 0.02}, 3.5)
    assert record.attrs == {"note": "stirred badly", "batch": 7, "who": "ada"}


def test_numbers_without_names_and_below_zero(run: Run, week: bbo.Study) -> None:
    run("ask -n 2")
    assert run("tell 0 -0.7 -1e-3").code == 0
    assert week.trials[0].outcomes == {"yield": -0.7, "impurity": -0.001}
    assert run("tell week.yaml 1 yield=-2 impurity=0").code == 0
    assert run("amend 1 yield=-3 --note typo").code == 0
    assert week.trials[1].outcomes["yield"] == -3


def test_ways_to_end(run: Run, week: bbo.Study) -> None:
    run("ask -n 3")
    assert run("fail 0 precipitated at once").out == "trial 0 is failed\n"
    assert run("retry week 1 node died").out == "trial 1 is queued\n"
    assert run("abandon week.yaml 2").out == "trial 2 is abandoned\n"
    assert [trial.reason for trial in week.trials] == ["precipitated at once", "node died", ""]
    assert [trial["number"] for trial in run("ask --json").json] == [1]


def test_add_enqueue_repeat(run: Run, week: bbo.Study) -> None:
    assert run("add week.yaml T=50 cat=Pd yield=0.4 impurity=0.01 note=old").out == "trial 0 is added\n"
    assert run("add T=55 cat=Ni failed=exploded").code == 0
    assert run("add T=90 cat=Pd yield=0.4 impurity=0.01 --outside").code == 0
    assert run("enqueue week T=33").out == "trial 3 is queued\n"
    assert run("repeat 0").out == "trial 4 is queued\n"
    states = [trial.state.value for trial in week.trials]
    assert states == ["done", "failed", "done", "queued", "queued"]
    asked = run("ask -n 2 --json").json
    assert asked[0]["params"]["T"] == 33.0
    assert asked[1]["params"] == {"T": 50.0, "cat": "Pd"}


def test_amend(run: Run, week: bbo.Study) -> None:
    run("ask")
    run("tell 0 yield=0.7 impurity=0.01")
    assert run("amend 0 T=61 sd.yield=0.1 --cost 2").code == 0
    assert week.trials[0].params["T"] == 61.0
    assert run("amend week.yaml 0 failed='wrong flask'").code == 0
    assert week.trials[0].state.value == "failed"


def test_rank(run: Run, folder: Path) -> None:
    (folder / "taste.yaml").write_text(
        "space: {x: {float: [0, 1]}}\nobjectives: {taste: {direction: maximize, feedback: ranking}}\noptimizer: random\n"
    )
    run("create taste.yaml")
    run("ask taste.yaml -n 4")
    assert run("rank taste.yaml 3 1,2 0").out == "3 > 1 = 2 > 0 is recorded\n"
    assert run("best taste.yaml --json").json["number"] == 3
    run("ask taste.yaml -n 4")
    assert run("rank taste.yaml 5 --among 4,5,6").out == "5 among 4,5,6 is recorded\n"
    assert bbo.load_study("taste", "bbo.db").trials[6].state.value == "done"
    assert "joined by commas" in run("rank taste.yaml 5 --among 4;7").err


def test_configure(run: Run, week: bbo.Study, folder: Path) -> None:
    assert run("configure week --optimizer random --pruner median").code == 0
    assert week.trials == []
    assert bbo.load_study("week", "bbo.db").optimizer == bbo.Random()
    assert run('configure --optimizer \'{"name": "grid", "settings": {"resolution": 4}}\' --pruner none').code == 0
    study = bbo.load_study("week", "bbo.db")
    assert study.optimizer == bbo.Grid(resolution=4)
    assert study.pruner is None
    assert run("configure week.yaml").code == 0
    assert bbo.load_study("week", "bbo.db").optimizer == bbo.Sobol()


def test_redefine(run: Run, week: bbo.Study, folder: Path) -> None:
    run("ask")
    file = folder / "week.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("[20, 80]", "[20, 90]").replace("  cat:", "  pH: {float: [1, 14]}\n  cat:"))
    refused = run("ask week.yaml")
    assert refused.code == 1
    assert "bbo redefine" in refused.err
    assert run("redefine week.yaml").code == 1
    assert run("redefine week.yaml --default pH=7").code == 0
    assert run("ask week.yaml --json").json[0]["params"]["pH"] == 7.0


def test_trials(run: Run, week: bbo.Study) -> None:
    run("ask -n 3")
    run("tell 1 yield=0.7 impurity=0.01")
    run("fail 2 burnt")
    assert [trial["state"] for trial in run("trials --json").json] == ["pending", "done", "failed"]
    assert [trial["number"] for trial in run("trials week --state done --state failed --json").json] == [1, 2]
    text = run("trials").out
    assert "burnt" in text
    assert "0.7" in text


def test_recommend(run: Run, week: bbo.Study) -> None:
    assert run("recommend").code == 1  # nothing was told
    for T in (20, 30, 40, 50, 60, 70, 80):
        run(f"add T={T} cat=Pd yield={1 - ((T - 50) / 30) ** 2} impurity=0.01")
    said = run("recommend week.yaml --json").json
    assert list(said) == ["params", "mean", "sd", "p_feasible", "note"]
    assert said["params"]["T"] == pytest.approx(50, abs=5)
    assert "probability of being feasible: " in run("recommend").out


def test_pareto(run: Run, folder: Path) -> None:
    (folder / "two.yaml").write_text("space: {x: {float: [0, 1]}}\nobjectives: {a: minimize, b: maximize}\noptimizer: random\n")
    run("create two.yaml")
    for x, a, b in ((0.1, 1, 1), (0.2, 2, 2), (0.3, 3, 1)):
        run(f"add two.yaml x={x} a={a} b={b}")
    assert [trial["number"] for trial in run("pareto two.yaml --json").json] == [0, 1]


def test_keys_of_a_trial_are_the_same_in_every_state(run: Run, week: bbo.Study) -> None:
    run("ask -n 2")
    run("tell 0 yield=0.7 impurity=0.01")
    run("enqueue T=30")
    run("add T=50 cat=Pd yield=0.4 impurity=0.01")
    keys = {tuple(trial) for trial in run("trials --json").json}
    assert keys == {
        (
            *("number", "state", "attempt", "origin", "params", "planned", "values", "sd", "gradient", "cost", "feasible"),
            *("outside", "attrs", "reason", "asked", "finished"),
        )
    }


def test_explain_and_diagnose(run: Run, week: bbo.Study) -> None:
    run("ask")
    assert run("explain week.yaml").out.startswith("Study 'week': maximize yield, impurity <= 0.05.")
    assert run("explain 0").out.startswith("Trial 0 is pending")
    assert run("explain week 0 --json").json["trial"] == 0
    (few,) = run("diagnose --json").json
    assert (few["kind"], few["severity"]) == ("few", "info")
    assert "0 trials are done" in run("diagnose week.yaml").out


def test_export_and_import(run: Run, week: bbo.Study, folder: Path, log: Callable[[], list[str]]) -> None:
    run("ask -n 2")
    assert run("export week.yaml").out.splitlines() == log()
    assert run("export -o week.jsonl").out == "4 events written to week.jsonl\n"
    assert run("import week.jsonl --storage copy.db").code == 0
    assert run("export --storage copy.db").out.splitlines() == log()
    assert run("import - --storage copy.db --name again", stdin="\n".join(log())).code == 0
    assert run("studies --storage copy.db --json").json[1]["name"] == "again"
    assert run("import week.jsonl").code == 1  # there is one of that name


def test_studies(run: Run, week: bbo.Study) -> None:
    run("ask -n 2")
    run("tell 0 yield=0.7 impurity=0.01")
    assert run("studies --json").json == [
        {"name": "week", "objectives": {"yield": "maximize"}, "optimizer": "sobol", "trials": {"pending": 1, "done": 1}, "stopped": False}
    ]
    assert "1 pending, 1 done" in run("studies").out


def test_optimizers(run: Run) -> None:
    assert {entry["name"] for entry in run("optimizers --json").json} == set(bbo.list_optimizers())


def test_plot(run: Run, week: bbo.Study, folder: Path) -> None:
    run("add T=50 cat=Pd yield=0.4 impurity=0.01")
    assert run("plot").out == "history.html is written\n"
    assert run("plot week.yaml feasibility -o out.html").code == 0
    for name in ("history.html", "out.html"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "Plotly.newPlot" in page
        assert len(page) > 1_000_000  # the library is in the page: nothing is fetched


def test_run_a_function(run: Run, folder: Path) -> None:
    (folder / "lab_of_run_test.py").write_text("def f(trial):\n    return {'yield': trial['T'] / 100, 'impurity': 0.01}\n")
    done = run("run week.yaml --fn lab_of_run_test:f --n-trials 3")
    assert done.code == 0
    assert "Best trial" in done.out
    assert run("run week --fn lab_of_run_test:f --total 5").code == 0
    assert [trial["state"] for trial in run("trials --json").json] == ["done"] * 5


def test_run_a_command(run: Run, folder: Path) -> None:
    (folder / "wing.py").write_text(
        "import json, sys\np = json.load(open(sys.argv[1]))\njson.dump({'yield': p['T'] / 100, 'impurity': 0.01}, open(sys.argv[2], 'w'))\n"
    )
    import sys

    assert run(f"run week.yaml -n 2 -- {sys.executable} wing.py {{params}} {{outcomes}}").code == 0
    trials = run("trials --json").json
    assert [trial["values"]["yield"] for trial in trials] == pytest.approx([trial["params"]["T"] / 100 for trial in trials])


@pytest.mark.slow
def test_demo(run: Run) -> None:
    done = run("demo")
    assert done.code == 0
    assert "0.397887" in done.out


def test_template(run: Run, folder: Path) -> None:
    assert run("create --template lab.yaml").code == 0
    assert run("create lab.yaml").code == 0
    assert [study["name"] for study in run("studies --json").json] == ["lab"]


def test_storage_is_found(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--storage, then $BBO_STORAGE, then the file, then bbo.db beside the file."""
    sub = folder / "sub"
    sub.mkdir()
    text = (folder / "week.yaml").read_text(encoding="utf-8")
    (sub / "plain.yaml").write_text(text, encoding="utf-8")
    (sub / "named.yaml").write_text(text + "storage: named.db\n", encoding="utf-8")
    for file in ("plain", "named"):
        assert run(f"create sub/{file}.yaml").code == 0
    assert sorted(path.name for path in sub.glob("*.db")) == ["bbo.db", "named.db"]
    monkeypatch.setenv("BBO_STORAGE", str(folder / "env.db"))
    assert run("create sub/named.yaml").code == 0
    assert (folder / "env.db").exists()
    assert run("create sub/named.yaml --storage option.db").code == 0
    assert (folder / "option.db").exists()


def test_reading_creates_no_storage(run: Run, folder: Path) -> None:
    for line in ("trials", "best week", "studies", "ask week.yaml"):
        run(line)
    assert not (folder / "bbo.db").exists()


def test_tables_in_pipes_are_not_folded(run: Run, folder: Path) -> None:
    names = [f"parameter_{index:02d}" for index in range(30)]
    (folder / "wide.yaml").write_text(
        f"space: {json.dumps({name: {'float': [0, 1]} for name in names})}\nobjectives: minimize\noptimizer: random\n"
    )
    run("create wide.yaml")
    lines = run("ask wide.yaml").out.splitlines()
    assert any(all(name in line for name in names) for line in lines)


def test_a_robust_study_recommends_a_design_and_has_no_best_trial(run: Run, folder: Path) -> None:
    """The risk is in the file; the design that is recommended has no cell for the environment."""
    text = (
        "space: {x: {float: [0, 1]}, sky: {environment: {weights: [[calm, 0.7], [storm, 0.3]]}}}\n"
        "objectives: {f: {direction: minimize, risk: worst_case}}\noptimizer: sobol\nseed: 0\n"
    )
    (folder / "wing.yaml").write_text(text, encoding="utf-8")
    run("create wing.yaml")
    for k in range(8):
        (trial,) = run("ask wing.yaml --json").json
        x, sky = trial["params"]["x"], trial["params"]["sky"]
        run(f"tell wing.yaml {k} f={(x - (0.2 if sky == 'calm' else 0.8)) ** 2}")
    best = run("best wing.yaml")
    assert best.code == 1
    assert "study.recommend()" in best.err
    found = run("recommend wing.yaml --json").json
    assert set(found["params"]) == {"x"}
    assert "f is the worst case over sky" in found["note"]
    shown = run("recommend wing.yaml")
    assert shown.code == 0 and "sky" not in shown.out.split("outcome")[0]
