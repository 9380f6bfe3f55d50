"""The table of acquisition functions, and one run of it."""

from __future__ import annotations

from benchmarks.acquisitions import METHODS, NOISY, report, run


def row(problem: str, method: str, seed: int, regret: float) -> dict[str, object]:
    return {"problem": problem, "method": method, "noise": "learnt", "seed": seed, "trace": [[20, 9.0], [40, regret]]}


def test_medians_over_shared_seeds_decide() -> None:
    rows = [row("branin", "plain_ei", seed, value) for seed, value in enumerate([1.0, 1.0, 5.0])]
    rows += [row("branin", "kgcp", 0, 0.9), row("branin", "kgcp", 1, 0.8), row("branin", "kgcp", 7, 100.0)]
    rows += [row("levy", "plain_ei", 0, 1.0), row("levy", "kgcp", 0, 2.0)]
    rows.append({**row("branin", "kgcp", 3, 0.0), "noise": "told"})
    learnt, told = report(rows).split("\n\nNoise told:\n\n")
    head, _, branin, *_, last = learnt.removeprefix("Noise learnt:\n\n").splitlines()
    assert "| branin | 0 (0 to 0; 1) |" in told
    assert head == "| problem | plain_ei | kgcp |"
    assert branin == "| branin | 1 (1 to 3; 3) | 0.9 (0.85 to 50; 3) |"
    assert last == "| below plain expected improvement |  | 1 of 2 |"


def test_a_run_measures_the_recommended_point() -> None:
    assert len(NOISY) == 8
    found = run("branin", "log_ei", "learnt", 0)
    (half, _), (end, regret) = found["trace"]
    assert (half, end) == (20, 40)
    assert 0 <= regret < 50
    assert run("branin", "log_ei", "told", 0)["trace"] != found["trace"]
    assert found == {**run("branin", "log_ei", "learnt", 0), "seconds": found["seconds"]}
    assert set(METHODS) >= {"plain_ei", "kgcp", "knowledge_gradient", "entropy_search"}
