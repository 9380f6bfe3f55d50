"""Bad command lines: each gets an exit code and a message of its own, and the log stays byte for byte."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bbo

Run = Callable[..., Any]

REFUSED, USAGE, WAITING, FINISHED, INTERRUPTED = 1, 2, 3, 4, 130

# Trial 0 is done, trial 1 failed, trials 2 and 3 are open.
BAD: dict[str, tuple[str, int, str]] = {
    "no such verb": ("aks week.yaml", USAGE, "No such command 'aks'"),
    "no such option": ("ask week.yaml --moer 3", USAGE, "No such option"),
    "no such option among numbers": ("tell week.yaml 2 0.5 0.01 --outsid", USAGE, "no such option: --outsid"),
    "no number of trials": ("ask week.yaml -n 0", USAGE, "greater than or equal to 1"),
    "no such file": ("ask month.yaml", REFUSED, "there is no study file month.yaml; `bbo create --template month.yaml`"),
    "no such study": ("ask month", REFUSED, "no study 'month' in .*; it holds: week"),
    "no such storage": ("ask week --storage none.db", REFUSED, "no study 'week' in .*none.db; it holds: none"),
    "a folder as storage": ("ask week --storage .", REFUSED, r"directory|folder"),
    "an unknown scheme": ("ask week --storage redis://host", REFUSED, "unknown scheme 'redis'"),
    "a study file that is none": ("ask broken.yaml", REFUSED, "broken.yaml:1: unknown key 'spice'"),
    "another space than stored": ("ask other.yaml", REFUSED, "another space.*bbo redefine"),
    "not a study file": ("create week.db", REFUSED, "week.db is no study file"),
    "a template over a file": ("create --template week.yaml", REFUSED, "week.yaml is there already"),
    "fixed out of range": ("ask -n 5 --fixed T=95", REFUSED, r"T=95\.0 is out of range"),
    "fixed and unknown": ("ask -n 5 --fixed temperature=50", REFUSED, "unknown column 'temperature'"),
    "fixed without a value": ("ask -n 5 --fixed T", REFUSED, "'T'; it is a finite number"),
    "fixed and no parameter": ("ask -n 5 --fixed yield=3", USAGE, "--fixed takes parameters"),
    "shared and unknown": ("ask -n 5 --shared pH", REFUSED, "shared: unknown parameter 'pH'"),
    "context of nothing": ("ask -n 5 --context T=50", REFUSED, "context"),
    "no trial": ("tell week.yaml", USAGE, "which trial"),
    "a trial of letters": ("tell week.yaml two 0.5 0.01", USAGE, "'two' is no trial's number"),
    "an unknown trial": ("tell week.yaml 9 0.5 0.01", REFUSED, "no trial 9 .*open trials: 2, 3"),
    "a negative trial": ("tell week.yaml -1 0.5 0.01", REFUSED, "no trial -1"),
    "no result": ("tell week.yaml 2", USAGE, "what came out of trial 2"),
    "a result of letters": ("tell week.yaml 2 good 0.01", REFUSED, "'good'; it is a finite number"),
    "NaN": ("tell week.yaml 2 yield=nan impurity=0.01", REFUSED, "yield is 'nan'; it is a finite number.*bbo fail"),
    "infinity": ("tell week.yaml 2 -- -inf 0.01", REFUSED, "'-inf'; it is a finite number"),
    "a decimal comma": ("tell week.yaml 2 yield=0,5", REFUSED, "yield is '0,5'"),
    "one result for two outcomes": ("tell week.yaml 2 0.5", REFUSED, "one value for 2 outcomes"),
    "three results for two outcomes": ("tell week.yaml 2 1 2 3", REFUSED, "3 values for 2 outcomes"),
    "with names and without": ("tell week.yaml 2 0.5 impurity=0.01", USAGE, "all outcomes by name, or all without"),
    "an unknown outcome": ("tell week.yaml 2 yeild=0.5", REFUSED, "unknown column 'yeild'; did you mean 'yield'"),
    "a negative sd": ("tell week.yaml 2 yield=0.5 sd.yield=-1", REFUSED, "sd of yield is -1"),
    "a cost that is none": ("tell week.yaml 2 yield=0.5 --cost nan", REFUSED, "cost is nan"),
    "an attribute without a key": ("tell week.yaml 2 yield=0.5 --attr batch", USAGE, "--attr key=value"),
    "executed out of range": ("tell week.yaml 2 yield=0.5 T=95", REFUSED, r"T=95\.0 is out of range"),
    "told otherwise than before": ("tell week.yaml 0 yield=0.6", REFUSED, "trial 0 is done already.*amend"),
    "told though failed": ("tell week.yaml 1 yield=0.6 impurity=0", REFUSED, "trial 1 is failed already.*amend"),
    "failed as a result": ("tell week.yaml 2 failed=burnt", REFUSED, "bbo fail 2 'burnt'"),
    "no such CSV": ("tell month.csv", REFUSED, "there is no file month.csv"),
    "a CSV and more": ("tell month.csv yield=3", USAGE, "stands in the CSV"),
    "fail what is done": ("fail week.yaml 0 burnt", REFUSED, "trial 0 is done: it cannot be failed"),
    "abandon what failed": ("abandon week.yaml 1", REFUSED, "trial 1 is failed: it cannot be abandoned"),
    "retry what is done": ("retry week.yaml 0", REFUSED, "trial 0 is done: it cannot be retried"),
    "amend what is open": ("amend week.yaml 2 yield=0.5", REFUSED, "trial 2 is pending"),
    "amend nothing": ("amend week.yaml 0", REFUSED, "nothing to amend"),
    "add a part of the outcomes": ("add T=50 cat=Pd yield=0.5", REFUSED, "impurity is missing"),
    "add a part of the parameters": ("add T=50 yield=0.5 impurity=0", REFUSED, "parameter 'cat' is missing"),
    "add an unknown choice": ("add T=50 cat=Pt yield=0.5 impurity=0", REFUSED, "cat='Pt' is not one of the choices"),
    "enqueue out of range": ("enqueue T=10", REFUSED, r"T=10\.0 is out of range"),
    "enqueue an outcome": ("enqueue yield=10", USAGE, "enqueue takes parameters"),
    "repeat nothing": ("repeat 9", REFUSED, "no trial 9"),
    "rank a study of values": ("rank 0 2", REFUSED, "told values"),
    "rank words": ("rank week a b", USAGE, "'a' is no trial's number"),
    "run nothing": ("run week.yaml -n 3", USAGE, "--fn module:function, or -- and a command"),
    "run without a limit": ("run week.yaml --fn math:sqrt", REFUSED, "n_trials"),
    "run no function": ("run week.yaml -n 3 --fn math:pi", REFUSED, "it is a float"),
    "run an unknown function": ("run week.yaml -n 3 --fn math:squirt", REFUSED, "no attribute 'squirt'"),
    "run an unknown module": ("run week.yaml -n 3 --fn no_such_module:f", REFUSED, "No module named 'no_such_module'"),
    "run a function without module": ("run week.yaml -n 3 --fn f", USAGE, "write module:function"),
    "run a command that says nothing": ("run week.yaml -n 3 -- ./wing", REFUSED, "outcomes"),
    "an unknown optimizer": ("configure --optimizer sobal", REFUSED, "no optimizer is called 'sobal'"),
    "an optimizer that is no JSON": ("configure --optimizer '{name: sobol}'", REFUSED, "not JSON"),
    "an optimizer without a name": ("configure --optimizer '{}'", REFUSED, '"name"'),
    "an unknown pruner": ("configure --pruner half", REFUSED, "'half'"),
    "configure nothing": ("configure week", USAGE, "--optimizer, --pruner"),
    "redefine by name": ("redefine week", REFUSED, "redefine takes the study file"),
    "redefine without a default": ("redefine wider.yaml", REFUSED, "'pH'"),
    "an unknown state": ("trials --state ready", USAGE, "ready"),
    "an unknown trial to explain": ("explain 9", REFUSED, "no trial 9"),
    "an unknown figure": ("plot week.yaml pie", REFUSED, "kind='pie' is unknown"),
    "a figure nowhere": ("plot -o none/x.html", REFUSED, "none/x.html cannot be written"),
    "a front of one objective": ("plot pareto", REFUSED, "objective"),
    "export nowhere": ("export -o none/x.jsonl", REFUSED, "none/x.jsonl cannot be written"),
    "import nothing": ("import none.jsonl", REFUSED, "none.jsonl cannot be read"),
    "import what is no log": ("import week.yaml", REFUSED, "line 1 is no exported event"),
}


@pytest.fixture
def told(run: Run, week: bbo.Study, folder: Path) -> bbo.Study:
    week.ask(4)
    week.tell(0, {"yield": 0.5, "impurity": 0.01})
    week.fail(1, "burnt")
    text = (folder / "week.yaml").read_text(encoding="utf-8")
    (folder / "broken.yaml").write_text("spice: {}\n" + text, encoding="utf-8")
    (folder / "other.yaml").write_text("name: week\n" + text.replace("[20, 80]", "[20, 90]"), encoding="utf-8")
    (folder / "wider.yaml").write_text("name: week\n" + text.replace("  cat:", "  pH: {float: [1, 14]}\n  cat:"), encoding="utf-8")
    return week


@pytest.mark.parametrize("case", BAD)
def test_bad_command_line(run: Run, told: bbo.Study, log: Callable[[], list[str]], case: str) -> None:
    line, code, message = BAD[case]
    before = log()
    done = run(line)
    assert done.code == code
    said = " ".join(done.err.replace("│", " ").split())
    assert re.search(message, said), said
    assert "Traceback" not in said
    assert log() == before
    assert bbo.list_studies("bbo.db") == ["week"]


def test_several_studies_need_a_name(run: Run, told: bbo.Study, folder: Path) -> None:
    (folder / "two.yaml").write_text("space: {x: {float: [0, 1]}}\nobjectives: minimize\noptimizer: random\n")
    run("create two.yaml")
    done = run("ask")
    assert done.code == REFUSED
    assert "holds several studies (week, two)" in done.err


def test_a_file_that_was_never_created(run: Run, folder: Path) -> None:
    done = run("ask week.yaml")
    assert done.code == REFUSED
    assert "create it: bbo create week.yaml" in done.err


def test_waiting_exhausted_stopped(run: Run, folder: Path) -> None:
    (folder / "small.yaml").write_text("space: {x: {int: [1, 2]}}\nobjectives: minimize\noptimizer: grid\n")
    run("create small.yaml")
    assert len(run("ask small.yaml -n 5 --json").json) == 2
    done = run("ask small.yaml --more 1")
    assert (done.code, done.out) == (FINISHED, "")
    assert "every point" in done.err
    again = run("ask small.yaml -n 5 --json")  # the open ones are printed, and why there are no more
    assert (again.code, len(again.json)) == (0, 2)
    assert "every point" in again.err
    assert run("stop small.yaml --reason enough").code == 0
    run("tell small.yaml 0 1")
    run("tell small.yaml 1 2")
    done = run("ask small.yaml")
    assert done.code == FINISHED
    assert "enough" in done.err

    (folder / "phase.yaml").write_text(
        "space: {x: {float: [0, 1]}, y: {float: [0, 1]}}\nobjectives: minimize\noptimizer: cma_es\nseed: 1\n"
    )
    run("create phase.yaml")
    generation = run("ask phase.yaml -n 100 --json").json
    done = run("ask phase.yaml --more 1")
    assert done.code == WAITING
    assert f"results of its {len(generation)} open trials" in done.err


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line(run: Run, folder: Path) -> None:
    (folder / "doubtful.py").write_text(
        "import warnings\ndef f(trial):\n    warnings.warn('too warm')\n    return {'yield': 1, 'impurity': 0}\n"
    )
    done = run("run week.yaml -n 1 --fn doubtful:f")
    assert (done.code, done.err) == (0, "bbo: warning: too warm\n")


def test_interrupted(folder: Path) -> None:
    (folder / "slow.py").write_text("import time\ndef f(trial):\n    open('started', 'w').close()\n    time.sleep(60)\n")
    command = [sys.executable, "-c", "from bbo.cli import main; main()", "run", "week.yaml", "-n", "3", "--fn", "slow:f"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (folder / "started").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "interrupted" in err
    assert "Traceback" not in err
    assert [trial.state.value for trial in bbo.load_study("week", folder / "bbo.db").trials] == ["queued"]


def test_simple_verbs_load_nothing_heavy(folder: Path) -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from bbo.cli.app import app\n"
        "for line in (['--help'], ['create', 'week.yaml'], ['ask'], ['tell', '0', '0.5', '0.01'], ['trials'], ['best']):\n"
        "    assert CliRunner().invoke(app, line).exit_code == 0, line\n"
        "print(sorted({'torch', 'scipy', 'pandas', 'plotly', 'botorch'} & set(sys.modules)))\n"
    )
    (folder / "week.yaml").write_text((folder / "week.yaml").read_text(encoding="utf-8").replace("sobol", "random"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_the_exit_codes_and_every_verb(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    verbs = (
        "create ask tell fail retry abandon amend repeat add enqueue rank run configure redefine stop best recommend trials pareto explain"
    )
    for verb in f"{verbs} diagnose plot export import studies optimizers demo".split():
        assert verb in done.out
        assert run(f"{verb} --help").code == 0
    assert "130 interrupted" in " ".join(done.out.split())
