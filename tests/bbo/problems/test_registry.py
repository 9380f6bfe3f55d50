"""Problems by name, and a problem in use."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import bbo
from bbo import problems

ALL = problems.names()


def test_names_are_those_of_the_registry() -> None:
    assert sorted(problems.REGISTRY) == ALL == sorted(set(ALL))
    assert [row["name"] for row in problems.table()] == list(problems.REGISTRY)
    assert bbo.problems is problems


@pytest.mark.parametrize("name", ALL)
def test_a_problem_is_whole(name: str) -> None:
    problem = problems.get(name)
    assert problem.name == name
    assert problem.source
    assert problem.dimension >= 1
    point = problem.space.sobol(1, seed=0)[0]
    values = problem.evaluate(point)
    assert set(values) == set(problem.outcomes)
    again = pickle.loads(pickle.dumps(problem))
    assert again.evaluate(point) == values
    assert (problem.cost(point) is None) == (set(problem.space.roles.values()) <= {"decision", "environment"})


@pytest.mark.parametrize("name", ALL)
def test_a_study_takes_it(name: str) -> None:
    problem = problems.get(name)
    study = problem.study(optimizer="sobol", seed=1)
    study.optimize(problem, n_trials=2, progress=False)
    assert [trial.outcomes for trial in study.trials] == [problem.evaluate(trial.params) for trial in study.trials]


def test_unknown_names_and_options_are_refused_with_the_nearest() -> None:
    with pytest.raises(bbo.InvalidStudy, match="no problem is called 'speed_reduser'; did you mean 'speed_reducer'"):
        problems.get("speed_reduser")
    with pytest.raises(bbo.InvalidStudy, match=r"there are .*speed_reducer"):
        problems.get("zzz")
    with pytest.raises(
        bbo.InvalidStudy, match=r"'speed_reducer' has no option 'varient'; its options: variant, noise; did you mean 'variant'"
    ):
        problems.get("speed_reducer", varient="corrected")
    with pytest.raises(bbo.InvalidStudy, match="noise is -1"):
        problems.get("jlh1", noise=-1)


def test_noise_follows_the_seed_and_spares_the_constraints() -> None:
    problem, quiet = problems.get("jlh1", noise=0.5), problems.get("jlh1")
    point = {"x1": 0.25, "x2": 0.5}
    true = quiet(point)
    assert problem.evaluate(point) == true
    draws = [problem(point, seed=seed) for seed in (3, 3, 4)]
    assert draws[0] == draws[1]
    assert len({each["value"] for each in draws} | {true["value"]}) == 3
    assert {each["g"] for each in draws} == {true["g"]}
    errors = [problem(point, seed=seed)["value"] - true["value"] for seed in range(400)]
    assert sum(errors) / 400 == pytest.approx(0, abs=0.1)  # 4 standard errors
    assert (sum(e * e for e in errors) / 400) ** 0.5 == pytest.approx(0.5, abs=0.07)
    with pytest.raises(bbo.InvalidStudy, match="seed="):
        problem(point)


def test_noise_in_a_study_is_of_the_trials_seed() -> None:
    problem = problems.get("jlh1", noise=0.5)
    study = problem.study(optimizer="sobol", seed=1)
    study.optimize(problem, n_trials=3, progress=False)
    for trial in study.trials:
        assert trial.outcomes == problem(trial.params, seed=trial.seed) != problem.evaluate(trial.params)


def test_compare_takes_it_with_its_constraints() -> None:
    problem = problems.get("gkxwc1")
    table = bbo.compare(problem, ["random", "sobol"], n_trials=12, n_initial=3, seeds=2)
    assert len(table) == 48
    feasible = table[table["g"] <= 0]
    assert len(feasible) < len(table)
    assert table["best"].min() == feasible["value"].min() >= problem.optimum.value


def test_compare_in_processes_gives_the_same() -> None:
    problem = problems.get("speed_reducer", noise=1.0)
    one, two = (bbo.compare(problem, ["random"], n_trials=4, n_initial=2, seeds=2, workers=workers) for workers in (1, 2))
    assert one.equals(two)


def test_worker_processes_evaluate_it() -> None:
    problem = problems.get("griewank", d=3, noise=0.5)
    study = problem.study(optimizer="sobol", seed=0)
    study.optimize(problem, n_trials=4, workers=2, progress=False)
    assert [trial.outcomes for trial in study.trials] == [problem(trial.params, seed=trial.seed) for trial in study.trials]


def test_nothing_heavy_is_loaded_to_list_and_describe_them() -> None:
    code = "import sys, bbo; bbo.problems.table(); print(sorted({'torch', 'scipy', 'botorch', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
