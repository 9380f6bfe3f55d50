"""Study files: what they may say, and that it means what the same words mean in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import bbo
from bbo.errors import InvalidStudy, StudyMismatch
from bbo.files.study_file import read_study_file
from bbo.files.template import write_template

FULL = """\
name: net
storage: logs/runs.db
space:
  lr: {float: [1e-5, 1e-1], log: true}
  kernel: {categorical: [rbf, poly, NO]}
  degree: {int: [2, 5], when: {kernel: poly}}
  T: {float: [20, 80], step: 1, unit: °C}
  mix: {simplex: [water, THF, MeOH], max_nonzero: 2}
constraints:
  - lr * T <= 4
objectives:
  loss: minimize
  speed: {direction: maximize, sd: 0.1, reference: 3}
outcome_constraints:
  - latency_ms <= 20
optimizer: {name: sobol, settings: {}}
pruner:
seed: 7
"""


def write(tmp_path: Path, text: str, name: str = "week.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_means_what_python_means(tmp_path: Path) -> None:
    file = read_study_file(write(tmp_path, FULL))
    assert file.space == bbo.Space(
        {
            "lr": bbo.Float(1e-5, 1e-1, log=True),
            "kernel": bbo.Categorical(["rbf", "poly", "NO"]),
            "degree": bbo.Int(2, 5, when={"kernel": "poly"}),
            "T": bbo.Float(20, 80, step=1, unit="°C"),
            "mix": bbo.Simplex(["water", "THF", "MeOH"], max_nonzero=2),
        },
        constraints=["lr * T <= 4"],
    )
    assert file.objectives == (bbo.Objective("loss", "minimize"), bbo.Objective("speed", "maximize", sd=0.1, reference=3))
    assert file.outcome_constraints == (bbo.Constraint("latency_ms", upper=20),)
    assert (file.name, file.optimizer, file.pruner, file.seed) == ("net", bbo.Sobol(), None, 7)
    assert file.storage == str(tmp_path / "logs/runs.db")


def test_short_forms(tmp_path: Path) -> None:
    file = read_study_file(
        write(tmp_path, "space: {x: {float: [0, 1]}, b: bool}\nobjectives: maximize\noptimizer: sobol\npruner: median\n")
    )
    assert file.name == "week"
    assert file.objectives == (bbo.Objective("value", "maximize"),)
    assert (file.storage, file.seed, file.optimizer) == (None, None, bbo.Sobol())
    assert file.pruner is not None
    assert file.pruner.name == "median"


def test_urls_and_absolute_paths_stay(tmp_path: Path) -> None:
    for given in ("postgresql://host/db", "sqlite:////data/runs.db", "/data/runs.db"):
        text = f"space: {{x: {{float: [0, 1]}}}}\nobjectives: maximize\nstorage: {given}\n"
        assert read_study_file(write(tmp_path, text)).storage == given


def test_the_format_is_that_of_the_log(tmp_path: Path) -> None:
    import json

    space = read_study_file(write(tmp_path, FULL)).space
    entries = json.dumps(space.to_json()["parameters"])
    again = read_study_file(write(tmp_path, f"space: {entries}\nconstraints: ['lr * T <= 4']\nobjectives: minimize\n"))
    assert again.space == space


def test_open_creates_then_opens_then_refuses(tmp_path: Path) -> None:
    path = write(tmp_path, "space: {x: {float: [0, 1]}}\nobjectives: minimize\noptimizer: sobol\n")
    storage = str(tmp_path / "bbo.db")
    created = read_study_file(path).open(storage)
    created.ask()
    assert len(read_study_file(path).open(storage).trials) == 1
    path.write_text("space: {x: {float: [0, 2]}}\nobjectives: minimize\noptimizer: sobol\n")
    with pytest.raises(StudyMismatch, match="redefine"):
        read_study_file(path).open(storage)


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "week.yaml"
    path.write_bytes(b"\xef\xbb\xbfspace: {x: {float: [0, 1]}}\nobjectives: minimize\n")
    assert read_study_file(path).space.names == ("x",)


def test_the_template_is_a_study_file(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    write_template(path)
    file = read_study_file(path)
    assert (file.name, file.storage, file.optimizer, file.seed) == ("lab", None, None, None)
    with pytest.raises(InvalidStudy, match="there already"):
        write_template(path)


def test_the_template_stays_one_with_all_its_suggestions(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    write_template(path)
    lines = path.read_text().splitlines()
    suggestions = (
        "# constraints:",
        "#   - ",
        "  # loading",
        "  # mix",
        "# outcome_constraints",
        "# optimizer",
        "# seed",
        "# storage",
        "# name",
    )
    text = "\n".join(line.replace("# ", "", 1) if line.startswith(suggestions) else line for line in lines)
    file = read_study_file(write(tmp_path, text))
    assert file.space.names == ("temperature", "time", "catalyst", "loading", "mix")
    assert file.space.constraints == ("temperature * time <= 1000",)
    assert [str(constraint) for constraint in file.outcome_constraints] == ["impurity <= 0.02"]
    assert file.seed == 0
