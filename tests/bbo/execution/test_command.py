"""Executables as objective functions."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import bbo


@pytest.fixture
def program(tmp_path: Path) -> Any:
    """Write a Python script and give the command that runs it. It has the paths of params and outcomes, and ``tell(object)``."""

    def write(body: str, rest: str = "", **settings: Any) -> bbo.Command:
        script = tmp_path / "a wing.py"
        head = "import json, os, sys, time\nparams = json.load(open(sys.argv[1]))\ntell = lambda o: json.dump(o, open(sys.argv[2], 'w'))\n"
        script.write_text(head + body)
        template = f"'{sys.executable}' '{script}' {{params}} {{outcomes}} {rest}"
        return bbo.Command(template, **{"timeout": 60, "directory": tmp_path / "runs", **settings})

    return write


def run(study: bbo.Study, command: bbo.Command, n: int = 1) -> bbo.Trial:
    study.optimize(command, n)
    return study.trials[-1]


def test_json_in_json_out(study: bbo.Study, program: Any, tmp_path: Path) -> None:
    study.optimize(program("tell({'loss': params['x'] * 2})"), 2)
    assert [trial.value for trial in study.trials] == [trial["x"] * 2 for trial in study.trials]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["0", "1"]
    assert json.loads((tmp_path / "runs" / "1" / "params.json").read_text()) == study.trials[1].params
    assert study.trials[1].attrs == {"directory": str(tmp_path / "runs" / "1")}


def test_a_bare_number_is_enough_for_one_outcome(study: bbo.Study, program: Any) -> None:
    assert run(study, program("tell(0.25)")).value == 0.25


def test_more_can_be_said(study: bbo.Study, program: Any, tmp_path: Path) -> None:
    trial = run(study, program("tell({'values': {'loss': 1}, 'sd': {'loss': 0.1}, 'cost': 12.5, 'attrs': {'node': 'b7'}})"))
    assert (trial.value, trial.sd, trial.cost) == (1.0, {"loss": 0.1}, 12.5)
    assert trial.attrs == {"node": "b7", "directory": str(tmp_path / "runs" / "0")}


def test_gradients_can_be_said(program: Any) -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}), {"loss": "minimize"}, optimizer="random", seed=0)
    trial = run(study, program("tell({'values': {'loss': 1}, 'gradient': {'x': 0.5, 'y': float('nan')}, 'gradient_sd': 0.1})"))
    assert trial.gradient == {"loss": {"x": 0.5}}
    assert trial.gradient_sd == {"loss": {"x": 0.1}}


def test_an_outcome_may_be_called_cost(line: bbo.Space, program: Any) -> None:
    study = bbo.Study(line, {"cost": "minimize", "sd": "maximize"}, optimizer="random", seed=0)
    trial = run(study, program("tell({'cost': 3, 'sd': 4})"))
    assert trial.outcomes == {"cost": 3.0, "sd": 4.0}
    assert trial.cost is None


def test_the_other_fields(study: bbo.Study, program: Any, tmp_path: Path) -> None:
    fn = program("tell({'values': {'loss': 1}, 'attrs': {'argv': sys.argv[3:]}})", "n={number} --seed={seed} '{directory}/a b'")
    trial = run(study, fn)
    assert trial.attrs["argv"] == ["n=0", f"--seed={trial.seed}", f"{tmp_path}/runs/0/a b"]


def test_it_runs_where_the_study_does_and_without_a_shell(
    study: bbo.Study, program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = run(study, program("tell({'values': {'loss': 1}, 'attrs': {'cwd': os.getcwd(), 'argv': sys.argv[3:]}})", "$HOME ; '*'"))
    assert trial.attrs["cwd"] == str(tmp_path)
    assert trial.attrs["argv"] == ["$HOME", ";", "*"]


def test_every_evaluation_has_a_directory_of_its_own(line: bbo.Space, program: Any, tmp_path: Path) -> None:
    command = program("tell(params['x']); os.mkdir(os.path.dirname(sys.argv[1]) + '/left behind')")
    for seed in range(2):
        study = bbo.Study(line, optimizer="random", seed=seed)
        trial = run(study, command)
        assert trial.value == trial["x"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["0", "0-2"]


FAILURES = [
    ("print('no mesh', file=sys.stderr); sys.exit(3)", "ended with exit status 3; standard error: no mesh$"),
    ("print('x' * 9000 + 'end', file=sys.stderr); sys.exit(1)", "standard error: x{1000,2000}end$"),
    ("os.kill(os.getpid(), 11)", r"was killed by SIGSEGV \(its files are in .*runs/0\)$"),
    ("pass", "left no usable outcomes: outcomes.json was not written"),
    ("open(sys.argv[2], 'w').write('{\"loss\": ')", "left no usable outcomes: "),
    ("open(sys.argv[2], 'wb').write(b'\\xff')", "left no usable outcomes: "),
    ("tell({'loss': 'low'})", "loss is 'low'; it is a number"),
    ("tell({'loss': True})", "loss is True"),
    ("tell([1.0])", r"the outcome is \[1.0\]"),
    ("tell({'values': {'loss': 1}, 'price': 3})", "'price' stands beside 'values'"),
    ("tell({'values': {'loss': 1}, 'cost': -1})", "cost is -1.0"),
    ("tell({'values': {'loss': 1}, 'sd': {'loss': 'x'}})", "sd of loss is 'x'"),
    ("tell({'values': {'loss': 1}, 'attrs': 3})", "attrs is 3"),
    ("tell(float('nan'))", "fn returned nan"),
    ("tell({'loss': float('inf')})", "fn returned loss = inf"),
]


@pytest.mark.parametrize(("body", "reason"), FAILURES, ids=[reason for _, reason in FAILURES])
def test_what_goes_wrong_is_a_failed_trial(study: bbo.Study, program: Any, body: str, reason: str) -> None:
    import re

    trial = run(study, program(body))
    assert str(trial.state) == "failed"
    assert re.search(reason, trial.reason), trial.reason


def test_an_unknown_outcome_is_a_mistake_in_the_setup(study: bbo.Study, program: Any) -> None:
    with pytest.raises(bbo.InvalidTell, match="unknown outcome 'drag'"):
        run(study, program("tell({'drag': 1.0})"))


def test_a_missing_executable_is_a_mistake_in_the_setup(study: bbo.Study, tmp_path: Path) -> None:
    with pytest.raises(bbo.InvalidStudy, match="'./no-wing' cannot be started: No such file"):
        study.optimize(bbo.Command("./no-wing {outcomes}", directory=tmp_path), 2)
    assert [str(trial.state) for trial in study.trials] == ["abandoned"]


SPAWNS = """
import subprocess
child = subprocess.Popen(["sleep", "600"])
open(os.path.dirname(sys.argv[1]) + "/pid", "w").write(str(child.pid))
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    for _ in range(500):
        if not is_alive(pid):
            return True
        time.sleep(0.01)
    return False


def test_a_timeout_ends_the_command_and_what_it_started(study: bbo.Study, program: Any, tmp_path: Path) -> None:
    trial = run(study, program(SPAWNS, timeout=1.5))
    assert str(trial.state) == "failed"
    assert trial.reason.startswith("the command took longer than 1.5 s")
    assert gone(int((tmp_path / "runs" / "0" / "pid").read_text()))


def test_an_interrupt_ends_the_command_and_what_it_started(study: bbo.Study, program: Any, tmp_path: Path) -> None:
    note = tmp_path / "runs" / "0" / "pid"

    def interrupt() -> None:
        while not (note.exists() and note.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(study, program(SPAWNS))
    thread.join()
    assert [str(trial.state) for trial in study.trials] == ["queued"]
    assert gone(int(note.read_text()))


def test_it_runs_in_worker_processes(study: bbo.Study, program: Any) -> None:
    command = program("tell(params['x'])")
    assert pickle.loads(pickle.dumps(command)) == command
    study.optimize(command, 3, workers=2)
    assert [trial.value for trial in study.trials] == [trial["x"] for trial in study.trials]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"template": "./wing {params} {output}"}, r"\{output\} in .* is none of \{params\}, \{outcomes\}"),
        ({"template": "./wing {params}"}, "does not say where the outcomes go"),
        ({"template": "./wing 'oops {outcomes}"}, "is no command line: No closing quotation"),
        ({"template": "  "}, "the template is empty"),
        ({"template": ["./wing", "{outcomes}"]}, "is no command line"),
        ({"template": "./wing {outcomes}", "timeout": 0}, "timeout is 0"),
        ({"template": "./wing {outcomes}", "timeout": "60"}, "timeout is '60'"),
    ],
)
def test_bad_commands(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        bbo.Command(**arguments)
