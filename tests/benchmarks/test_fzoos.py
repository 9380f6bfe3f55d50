"""The measurement of FZooS: short runs of both parts, and its tables."""

from __future__ import annotations

import numpy as np

from benchmarks.zeroth_order import fzoos


def test_a_run_has_values_after_each_budget_and_the_functions_have_their_minima() -> None:
    row = fzoos.alone("quadratic, noise 1", "fzoos", 0, queries=200)
    assert 0 < row["value_200"] < row["start"]
    assert "value_600" not in row
    assert abs(fzoos.ackley(np.zeros(fzoos.D))) < 1e-12


def test_federations_with_and_without_corrections_part_after_the_first_round() -> None:
    found = [fzoos.together(corrected, 0, rounds=2, n=2)["gaps"] for corrected in (True, False)]
    assert found[0][:2] == found[1][:2]
    assert found[0][2] != found[1][2]


def test_the_report_counts_shared_seeds() -> None:
    rows = [
        {"part": "alone", "function": "ackley", "optimizer": name, "seed": seed, "start": 9.0, "value_200": value, "value_600": value / 2}
        for seed in range(2)
        for name, value in (("fzoos", 4.0 + 2 * seed), ("gfm", 5.0), ("cma_es", 3.0))
    ]
    rows.append({**rows[0], "seed": 7})
    rows += [{"part": "together", "corrected": True, "seed": 0, "gaps": [2.0 / (k + 1) for k in range(11)], "trials": 600}]
    text = fzoos.report(rows)
    assert "| ackley | 2 | 9 | 5 | 5 | 3 | 2.5 | 2.5 | 1.5 | 1 of 2 |" in text
    assert "| with | 1 | 120 | 0.5 | 0.33 | 0.17 | 0.091 |" in text
    keys = [tuple(key.items()) for key, _ in fzoos.jobs()]
    assert len(set(keys)) == len(keys) == 5 * 5 * 3 + 3 * 2
