"""Every example runs as a user would run it: as a program, in an empty folder, here with a small budget."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bbo

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(folder: Path, *words: str, **env: str) -> str:
    """What a program prints; it must end well and warn of nothing."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": path, **env}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


def example(folder: Path, script: str, *options: str) -> str:
    return run(folder, sys.executable, str(EXAMPLES / script), *options)


def test_demo(tmp_path):
    out = example(tmp_path, "demo.py", "--trials", "3", "--workers", "2")
    assert "Best configuration" in out
    assert "random search" in out and "forest, defaults" in out
    ours, random = (bbo.load_study(name, tmp_path / "demo.db") for name in ("bbo", "random search"))
    assert len(ours.trials) == len(random.trials) == 3
    assert f"{ours.best_value:.4f}" in out and f"{random.best_value:.4f}" in out
    assert "ross-validated log loss" in (tmp_path / "demo-report.html").read_text()


@pytest.mark.slow
def test_demo_goes_on_or_starts_anew(tmp_path):
    def trials(*options: str) -> list[dict[str, object]]:
        example(tmp_path, "demo.py", *options)
        return [trial.params for trial in bbo.load_study("random search", tmp_path / "demo.db").trials]

    first = trials("--trials", "2", "--seed", "1")
    assert trials("--trials", "3", "--seed", "1", "--resume")[:2] == first
    anew = trials("--trials", "2", "--seed", "2")
    assert len(anew) == 2 and anew != first


def test_hyperparameters_with_pruning(tmp_path):
    out = example(tmp_path, "hyperparameters_with_pruning.py", "--trials", "8", "--epochs", "9")
    found = re.match(r"(\d+) of 8 trials were stopped early: (\d+) epochs instead of 72", out)
    assert found, out
    assert int(found[1]) > 0
    assert 8 <= int(found[2]) < 72


def test_two_objectives(tmp_path):
    out = example(tmp_path, "two_objectives.py", "--trials", "6")
    front = [(float(error), int(nodes)) for error, nodes in re.findall(r"([\d.]+)% errors with +(\d+) nodes", out)]
    assert front
    assert front == sorted(front, key=lambda pair: (pair[1], -pair[0]))
    assert [error for error, _ in front] == sorted((error for error, _ in front), reverse=True)
    assert (tmp_path / "front.html").stat().st_size > 1000


def test_solver_tuned_online(tmp_path):
    out = example(tmp_path, "solver_tuned_online.py", "--systems", "150")
    means = {label: float(mean) for label, mean in re.findall(r"^([^ ].*?): ([\d.]+) iterations a system$", out, flags=re.MULTILINE)}
    assert list(means) == ["omega = 1.0 for all", "omega = 1.6 for all", "omega = 1.9 for all", "tsallis_inf", "cheb_cb"]
    assert means["cheb_cb"] < 0.5 * means["omega = 1.0 for all"]
    recommended = [float(omega) for omega in re.findall(r"recommended .*: omega = ([\d.]+), about \d+ iterations", out)]
    assert len(recommended) == 4
    assert 1.4 < recommended[0] < 1.9
    assert recommended[1] > recommended[3]  # nearer to singular, more over-relaxation


def test_classifier_without_gradients(tmp_path):
    """A few epochs, after which each is far from the 10 % of guessing; the whole run has four times as many."""
    out = example(tmp_path, "classifier_without_gradients.py", "--epochs", "10")
    found = {label: float(share) for label, share in re.findall(r"^(.*\S) +([\d.]+)%$", out, flags=re.MULTILINE)}
    regression, coordinates, _, noise = found.values()
    assert [re.search(r"\d+ parameters", label)[0] for label in found] == [f"{size} parameters" for size in (650, 410, 810, 810)]
    assert regression > 95
    assert coordinates > 85
    assert noise > 75


def test_own_acquisition(tmp_path):
    out = example(tmp_path, "own_acquisition.py", "--seeds", "2", "--trials", "7")
    found = {label: float(median) for label, median in re.findall(r"^(\w[\w ]*?) +([\d.]+) +[\d.]+$", out, flags=re.MULTILINE)}
    assert found.keys() == {"own acquisition", "own model", "bayes", "cma_es", "random"}
    lines = (tmp_path / "comparison.csv").read_text().splitlines()
    assert len(lines) == 1 + 5 * 2 * 7
    rows = {tuple(line.split(",")[:3]): line for line in lines}
    for label in found:  # the first points are the same for all, the last ones are not
        assert rows[label, "0", "4"].endswith(rows["random", "0", "4"].removeprefix("random"))
    assert len({rows[label, "0", "6"].removeprefix(label) for label in found}) == 5


def test_black_box_attack(tmp_path):
    out = example(tmp_path, "black_box_attack.py", "--images", "4", "--queries", "150")
    fooled = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d) of 4 images", out, flags=re.MULTILINE)}
    assert fooled.keys() == {"frank_wolfe", "cbo", "random"}
    assert fooled["frank_wolfe"] >= 3
    assert fooled["random"] <= 1


def test_sparse_regression(tmp_path):
    out = example(tmp_path, "sparse_regression.py", "--trials", "510")
    found = {name: float(loss) for name, loss in re.findall(r"^(\w+) +([\d.]+)$", out, flags=re.MULTILINE)}
    assert found["frank_wolfe"] < found["random"] - 0.2
    genes = [int(gene) for gene in re.findall(r"^gene +(\d+) ", out, flags=re.MULTILINE)]
    assert set(genes[:3]) == {3, 11, 24}
    assert int(re.search(r"(\d+) of 50 weights", out)[1]) <= 10


def test_welded_beam(tmp_path):
    out = example(tmp_path, "welded_beam/optimize.py", "--trials", "8")
    cost = float(re.search(r"cost ([\d.]+) after 8 trials", out)[1])
    assert 1.7248 < cost < 30
    assert len(list((tmp_path / "beams").iterdir())) == 8


def test_welded_beam_formulas():
    """The published optimum: its cost, and the constraints that hold with equality there (Coello Coello 2000; found again by SLSQP)."""
    sys.path.insert(0, str(EXAMPLES / "welded_beam"))
    try:
        from beam import beam
    finally:
        sys.path.pop(0)
    found = beam(h=0.20572964, l=3.47048867, t=9.03662391, b=0.20572964)
    assert found["cost"] == pytest.approx(1.724852, abs=1e-6)
    assert found["shear_stress"] == pytest.approx(13600, rel=1e-6)
    assert found["bending_stress"] == pytest.approx(30000, rel=1e-6)
    assert found["buckling_load"] == pytest.approx(6000, rel=1e-6)
    assert found["deflection"] < 0.25


def test_a_chemists_week(tmp_path):
    out = run(tmp_path, "sh", str(EXAMPLES / "chemist_week" / "run.sh"), DAYS="2")
    assert "5 told, 1 failed" in out
    assert "6 told, 6 told before" in out
    study = bbo.load_study("week", tmp_path / "bbo.db")
    states = [str(trial.state) for trial in study.trials]
    assert states.count("done") == 11 and states.count("failed") == 1
    for trial in study.trials:
        assert math.isclose(sum(trial["mix"].values()), 1.0, abs_tol=1e-12)
        assert sum(share > 0 for share in trial["mix"].values()) <= 3
    executed = {trial.number: trial["T"] - study.record(trial.number).planned["T"] for trial in study.trials}
    assert {number: abs(off) for number, off in executed.items() if off} == {7: 6.0}
    sheet = (tmp_path / "week.csv").read_text(encoding="utf-8-sig")
    assert sheet.startswith("trial;mix.THF;") and re.search(r";\d+,\d;", sheet)
    assert (tmp_path / "week.html").stat().st_size > 1000
