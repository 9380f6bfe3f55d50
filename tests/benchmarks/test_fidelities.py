"""The benchmark of fidelities: what its last column says."""

from __future__ import annotations

from typing import Any

from benchmarks import fidelities


def rows(method: str, regrets: list[float], seeds: int = 3) -> list[dict[str, Any]]:
    """Equal runs on Forrester's function, with a regret after each evaluation's worth from the second on."""
    trace = [[float(cost), regret] for cost, regret in enumerate(regrets, 2)]
    return [{"problem": "forrester", "method": method, "seed": seed, "trace": trace} for seed in range(seeds)]


def test_what_is_reached_is_reached_for_good() -> None:
    budget = fidelities.BUDGETS["forrester"]
    target = rows("target", [9.0] * (budget - 2) + [0.1])
    soon = rows("mf_mes", [9, 9, 9, 9, 0.1] + [0.05] * (budget - 6))
    relapsing = rows("mf_gibbon", [0.05, 9] + [0.05] * (budget - 3))
    never = rows("augmented_ei", [0.05] * (budget - 2) + [0.2])
    lines = fidelities.report([*target, *soon, *relapsing, *never]).splitlines()[2:]
    assert [line.split(" | ")[-1].removesuffix(" |") for line in lines[1:]] == [f"{6 / budget:.2f}", f"{4 / budget:.2f}", "never"]


def test_a_run_counts_what_evaluations_cost_and_recommends_at_the_target() -> None:
    row = fidelities.run("forrester", "target", 0)
    assert (row["trials"], row["at_target"]) == (fidelities.BUDGETS["forrester"], 1.0)
    assert [cost for cost, _ in row["trace"]] == list(range(2, 13))
    assert all(regret >= -1e-9 for _, regret in row["trace"])
