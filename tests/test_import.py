"""`import bbo` is quick because what is heavy waits until it is used. (How quick: benchmarks/import_time.py.)"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "botorch",
    "gpytorch",
    "scipy",
    "sklearn",
    "pandas",
    "sqlalchemy",
    "pydantic",
    "rich",
    "typer",
    "plotly",
    "cma",
    "pymoo",
    "matplotlib",
    "distributed",
    "psycopg",
}


def loaded_by(statements: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `statements`."""
    script = f"{statements}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_check_sees_a_heavy_module() -> None:
    assert "scipy" in loaded_by("import scipy")


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("import bbo") & HEAVY == set()


@pytest.mark.parametrize("package", ["surrogates", "acquisitions"])
def test_the_lower_floors_know_nothing_of_bbo(package: str) -> None:
    assert loaded_by(f"import {package}") & (HEAVY | {"bbo"}) == set()


def test_a_study_in_memory_needs_no_database_and_no_model() -> None:
    program = """
import bbo
study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "kernel": bbo.Categorical(["rbf", "poly"])}), "minimize", optimizer="random", seed=0)
trial = study.ask()
study.tell(trial, 0.5)
assert study.best_value == 0.5
"""
    assert loaded_by(program) & HEAVY == set()
