"""What the report says of many runs, against closed forms and published tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bbo
from benchmarks import ranks
from benchmarks.report import report
from benchmarks.results import Run
from benchmarks.suite.case import Case


def _case(name, **fields) -> Case:
    return Case(name, bbo.Space({"x": bbo.Float(0, 1)}), lambda params: {"value": params["x"]}, 30, fields.pop("best", 1.0), "", **fields)


CASES = {name: _case(name) for name in ("a", "b", "c", "d")}


def _run(case, optimizer, seed, final, status="done") -> Run:
    values = [] if status == "unsupported" else [50.0, final]
    reason = "" if status == "done" else "a reason"
    return Run(case, optimizer, seed, 30, 5, status, reason, values, [0.5], [0.4], [0.1], "lib==1.0", "2026-01-01")


def test_regret_is_normalised_by_the_median_of_random_search_and_floored() -> None:
    runs = [_run("a", "random", seed, 1 + r) for seed, r in enumerate([1.0, 2.0, 9.0])]
    runs += [_run("a", "it", 0, 2.0), _run("a", "it", 1, 1.0), _run("a", "it", 2, 0.9), _run("b", "it", 0, 2.0)]
    found = ranks.normalised(runs, CASES)
    assert found["a", "it"] == {0: 0.5, 1: 1e-3, 2: 1e-3}
    assert found["a", "random"] == {0: 0.5, 1: 1.0, 2: 4.5}
    assert ("b", "it") not in found


def test_several_objectives_are_normalised_by_the_gap_in_hypervolume() -> None:
    case = _case("h", best=10.0, objectives=("value", "other"), reference=(1.0, 1.0))
    runs = [_run("h", "random", 0, 6.0), _run("h", "it", 0, 9.0)]
    assert ranks.normalised(runs, {"h": case})["h", "it"] == {0: 0.25}


def test_the_critical_difference_is_that_of_the_literature() -> None:
    """Demšar (2006), section 3.2.2: four classifiers on 14 data sets differ at 5 % where mean ranks are 1.25 apart."""
    table = np.random.default_rng(0).random((14, 4))
    found = ranks.ranks(table, ["p", "q", "r", "s"])
    assert found.difference == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), abs=2e-3)
    assert found.cases == 14
    assert sum(found.mean.values()) == pytest.approx(10)


def test_ranks_leave_out_cases_with_gaps_and_share_ties() -> None:
    table = np.array([[1.0, 1.0, 2.0], [1.0, math.nan, 2.0], [3.0, 1.0, 2.0]])
    found = ranks.ranks(table, ["p", "q", "r"])
    assert found.cases == 2
    assert found.mean == {"p": 2.25, "q": 1.25, "r": 2.5}
    assert ranks.ranks(np.ones((3, 3)), ["p", "q", "r"]).p == 1.0
    with pytest.raises(ValueError, match="2 and 3"):
        ranks.ranks(table[:, :2], ["p", "q"])


def test_a_ratio_pairs_cases_and_seeds() -> None:
    regrets = {
        ("a", "p"): {0: 0.1, 1: 0.4},
        ("a", "q"): {0: 0.2, 1: 0.2, 2: 9.0},
        ("b", "p"): {0: 0.5},
        ("b", "q"): {0: 1.0},
        ("c", "p"): {0: 1.0},
    }
    found = ranks.ratio(regrets, "p", "q")
    assert found.ratio == pytest.approx(math.sqrt(1.0 * 0.5))
    assert found.cases == 2
    assert found.low < found.ratio < found.high
    assert ranks.ratio(regrets, "p", "q") == found
    with pytest.raises(ValueError, match="no run in common"):
        ranks.ratio(regrets, "c", "q")


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """60 draws of 25 cases x 4 seeds with a true ratio of 0.8; fewer than 49 hits has probability below 0.001 at 93 %."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(60):
        effect = rng.normal(math.log(0.8), 0.5, 25)
        regrets = {(str(c), "p"): {s: math.exp(effect[c] + rng.normal(0, 0.5)) for s in range(4)} for c in range(25)}
        regrets |= {(str(c), "q"): dict.fromkeys(range(4), 1.0) for c in range(25)}
        found = ranks.ratio(regrets, "p", "q", draws=200)
        hits += found.low <= 0.8 <= found.high
    assert hits >= 49


def test_only_who_is_alone_at_the_end_is_last() -> None:
    values = {"a": {"p": 1.0, "q": 2.0}, "b": {"p": 2.0, "q": 2.0, "r": 1.0}, "c": {"p": 5.0, "q": 1.0, "r": 1.0}}
    regrets = {(case, name): {0: value} for case, row in values.items() for name, value in row.items()}
    assert ranks.last(regrets, ["a", "b", "c"], ["p", "q", "r"]) == {"p": ["c"], "q": ["a"], "r": []}


def test_who_ran_hard_seeds_alone_is_not_last_for_it() -> None:
    regrets = {("a", "p"): {0: 1.0, 1: 9.0, 2: 9.0}, ("a", "q"): {0: 2.0}, ("a", "r"): {1: 3.0, 2: 3.0}}
    assert ranks.last(regrets, ["a"], ["p", "q", "r"]) == {"p": [], "q": ["a"], "r": []}
    assert ranks.last(regrets, ["a"], ["p", "r"]) == {"p": ["a"], "r": []}
    assert ranks.last(regrets, ["a"], ["p"]) == {"p": []}


def test_the_report_shows_everything_that_was_run() -> None:
    runs = [_run(case, "random", seed, 2.0 + seed) for case in CASES for seed in (0, 1, 2)]
    runs += [_run(case, "bbo", seed, 1.0 + 0.1 * seed) for case in CASES for seed in (0, 1, 2)]
    runs += [_run(case, "ax", seed, 1.5) for case in "ab" for seed in (0, 1)]
    runs += [_run("c", "ax", 0, 1.5, "failed"), _run("d", "ax", 0, 0.0, "unsupported")]
    text = report(runs, CASES, "bbo")
    assert "| bbo | 4 | 3 |" in text
    assert "| ax | 3 | 1 to 2 |" in text
    assert "- c, ax, seed 0: failed after 2 of 30: a reason" in text
    assert "ax is left out where it does not apply: a reason" in text
    assert "over the 3 cases that all of them ran" in text
    assert "| random | 0.5 | 0.5 | 0.5 |" in text
    assert "lib 1.0" in text
