"""Studies to draw: small, told by hand, so that every mark's place is known."""

from __future__ import annotations

import pytest

import bbo


@pytest.fixture
def tree() -> bbo.Study:
    """Eight trials of a conditional space with an outcome constraint: every status once or more. Optimum so far: trial 4."""
    space = bbo.Space(
        {
            "C": bbo.Float(1e-3, 1e3, log=True, unit="1/m"),
            "kernel": bbo.Categorical(["rbf", "poly"]),
            "degree": bbo.Int(2, 5, when={"kernel": "poly"}),
        }
    )
    study = bbo.Study(space, {"loss": "minimize"}, outcome_constraints=["ms <= 20"], optimizer="random", seed=0, name="tree")

    def point(C: float, degree: int | None = None) -> dict[str, object]:
        return {"C": C, "kernel": "rbf"} if degree is None else {"C": C, "kernel": "poly", "degree": degree}

    def run(params: dict[str, object]) -> bbo.Trial:
        study.enqueue(params)
        return study.ask()

    study.add(point(0.01), {"loss": 3.0, "ms": 5.0}, sd={"loss": 0.5})
    study.add(point(0.1, 2), {"loss": 2.0, "ms": 15.0})
    study.add(point(1.0, 3), {"loss": 0.5, "ms": 30.0})
    study.fail(run(point(500.0)), "exploded <b>")
    study.add(point(10.0), {"loss": 1.0, "ms": 20.0})
    pruned = run(point(100.0))
    pruned.report(4.0, 1)
    study.prune(pruned)
    study.add(point(5000.0, 2), {"loss": 0.1, "ms": 1.0}, outside=True)
    run(point(20.0))
    return study


@pytest.fixture
def trade_off() -> bbo.Study:
    """Two objectives, one minimized and one maximized; the front is trials 0, 2 and 3."""
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), {"cost": "minimize", "gain": "maximize"}, optimizer="random", seed=0, name="trade")
    for k, (cost, gain) in enumerate([(1.0, 1.0), (2.5, 1.5), (2.0, 3.0), (3.0, 4.0), (3.0, 2.0)]):
        study.add({"x": k / 10}, {"cost": cost, "gain": gain})
    return study


@pytest.fixture
def mixture() -> bbo.Study:
    """Shares of a simplex beside a temperature; three results."""
    space = bbo.Space({"mix": bbo.Simplex(["THF", "DMF", "water"], total=100), "T": bbo.Float(20, 80, unit="°C")})
    study = bbo.Study(space, {"yield": "maximize"}, optimizer="random", seed=0, name="mix")
    for thf, dmf, water, T, value in [(50, 30, 20, 25, 0.3), (0, 100, 0, 40, 0.7), (10, 20, 70, 60, 0.5)]:
        study.add({"mix": {"THF": thf, "DMF": dmf, "water": water}, "T": T}, value)
    return study
