"""The measurement of bandits: what its rows are, and what the report makes of them."""

from __future__ import annotations

from typing import Any

from benchmarks.zeroth_order import bandits


def test_rows_and_report() -> None:
    rows: list[dict[str, Any]] = []
    for seed in range(2):
        key = {"variance": "low", "seed": seed, "instances": 6}
        rows.append({**key, "player": "grid", **bandits.every_factor("low", seed, instances=6)})
        rows += [{**key, "player": player, **bandits.play(player, "low", seed, instances=6)} for player in bandits.PLAYERS]
    grid = rows[0]
    assert len(grid["fixed"]) == 20
    assert grid["best_each"] <= min(grid["fixed"])
    assert grid["best_each"] <= rows[1]["iterations"] <= 6 * max(grid["fixed"])
    assert 0 < rows[1]["late"] < rows[1]["iterations"]
    text = bandits.report(rows)
    assert "Offsets of low variance, 6 systems in a trial, 2 trials" in text
    assert [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")][4] == "| Tsallis-INF in 6 bins"
    assert "high" not in text


def test_jobs_are_told_apart() -> None:
    keys = [tuple(key.items()) for key, _ in bandits.jobs()]
    assert len(set(keys)) == len(keys) == 2 * 3 * 6
