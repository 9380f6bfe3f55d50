"""Problems with several objectives: reference points, hypervolumes, constraints."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest

import bbo
from bbo import problems
from bbo.hypervolume import hypervolume
from bbo.problems.borrowed import Borrowed, make
from bbo.problems.functions import Array

ALL = [name for name, path in problems.REGISTRY.items() if path.startswith("bbo.problems.fronts:")]


def area(F: Array, reference: tuple[float, ...]) -> float:
    """Hypervolume of many points with two objectives."""
    F = F[(reference > F).all(axis=1)]
    F = F[np.lexsort((F[:, 1], F[:, 0]))]
    lowest = np.minimum.accumulate(F[:, 1])
    F = F[np.r_[True, F[1:, 1] < lowest[:-1]]]
    return float((np.diff(np.r_[F[:, 0], reference[0]]) * (reference[1] - F[:, 1])).sum())


def reference(problem: problems.TestProblem) -> tuple[float, ...]:
    return tuple(o.reference for o in problem.objectives)  # type: ignore[misc]


def values(problem: problems.TestProblem, points: Iterable[Iterable[float]]) -> Array:
    """Objectives of the feasible ones among these points."""
    found = []
    for point in points:
        outcomes = problem.evaluate(dict(zip(problem.space.parameters, point, strict=True)))
        if problem.feasible(outcomes, tolerance=1e-9):
            found.append([outcomes[o.name] for o in problem.objectives])
    return np.array(found).reshape(-1, len(problem.objectives))


def test_area_is_hypervolume() -> None:
    F = np.random.default_rng(0).random((30, 2))
    assert area(F, (0.9, 0.8)) == pytest.approx(hypervolume(F, (0.9, 0.8)))


@pytest.mark.parametrize("name", ALL)
def test_random_points_cover_less_than_the_best_known(name: str) -> None:
    problem = problems.get(name)
    assert problem.optimum is not None
    low, high = np.array([(p.low, p.high) for p in problem.space.parameters.values()], dtype=float).T  # type: ignore[attr-defined]
    n = 10 if name == "penicillin" else 60  # it is a simulation
    F = values(problem, np.random.default_rng(0).uniform(low, high, (n, len(low))))
    assert 0 <= hypervolume(F, reference(problem)) < problem.optimum.value
    assert all(o.direction == "minimize" for o in problem.objectives)


@pytest.mark.parametrize("name", [name for name in ALL if name != "welded_beam_2"])
def test_ranges_references_and_values_are_botorchs(name: str) -> None:
    import torch

    problem = problems.get(name)
    ours = {"branin_currin": ("BraninCurrin", ()), "zdt1": ("ZDT1", (("dim", 6),)), "dtlz2": ("DTLZ2", (("dim", 6),))}
    path, arguments = ours.get(name, ("", ()))
    theirs = make(problem.function.path, problem.function.arguments) if not path else make(f"multi_objective:{path}", arguments)
    assert isinstance(problem.function, Borrowed) != bool(path)
    bounds = [(p.low, p.high) for p in problem.space.parameters.values()]  # type: ignore[attr-defined]
    assert theirs.bounds.T.tolist() == [list(each) for each in bounds]
    assert theirs.ref_point.tolist() == pytest.approx(reference(problem), rel=1e-12)
    for point in problem.space.sobol(5, seed=0):
        x = torch.tensor([list(point.values())], dtype=torch.float64)
        outcomes = problem.evaluate(point)
        assert [outcomes[o.name] for o in problem.objectives] == pytest.approx(theirs.evaluate_true(x)[0].tolist(), rel=1e-9)
        if problem.outcome_constraints:
            slack = theirs.evaluate_slack_true(x)[0].tolist()
            assert [-outcomes[c.name] for c in problem.outcome_constraints] == pytest.approx(slack, rel=1e-9)
            assert problem.feasible(outcomes) == bool(theirs.is_feasible(x).item())


FRONTS = {
    "zdt1": ([(a, *[0.0] * 5) for a in np.linspace(0, 1, 2000).tolist()], 2e-3),
    "zdt2": ([(a, *[0.0] * 5) for a in np.linspace(0, 1, 2000).tolist()], 2e-3),
    "zdt3": ([(a, *[0.0] * 5) for a in np.linspace(0, 0.86, 4000).tolist()], 2e-3),
    "dtlz1": ([(a, *[0.5] * 4) for a in np.linspace(0, 1, 2000).tolist()], 2e-4),
    "dtlz2": ([(a, *[0.5] * 5) for a in np.linspace(0, 1, 2000).tolist()], 1e-3),
    "c2dtlz2": ([(a, 0.5, b, 0.5 + c) for a in np.linspace(0, 1, 400).tolist() for b, c in ((0.5, 0), (0.7, 0), (0.9, 0.1))], 3e-3),
    "constr": ([(a, min(max(0.0, 6 - 9 * a), 5.0)) for a in np.linspace(7 / 18, 10, 4000).tolist()], 5e-2),
}


def osy_front() -> list[tuple[float, ...]]:
    """Deb (2001): five pieces."""
    steps = np.linspace(0, 1, 400)
    third, first, last = 1 + 4 * steps, 4 + steps, 1 + (1 + math.sqrt(3)) * steps
    return [
        *((5, 1, c, 0, 5, 0) for c in third.tolist()),
        *((5, 1, c, 0, 1, 0) for c in third.tolist()),
        *((a, (a - 2) / 3, 1, 0, 1, 0) for a in first.tolist()),
        *((0, 2, c, 0, 1, 0) for c in last.tolist()),
        *((a, 2 - a, 1, 0, 1, 0) for a in steps.tolist()),
    ]


FRONTS["osy"] = (osy_front(), 10.0)


@pytest.mark.parametrize("name", FRONTS)
def test_the_front_has_the_hypervolume(name: str) -> None:
    points, tolerance = FRONTS[name]
    problem = problems.get(name)
    found = area(values(problem, points), reference(problem))
    assert problem.optimum is not None
    assert found < problem.optimum.value
    assert found == pytest.approx(problem.optimum.value, abs=tolerance)


def test_fronts_of_three_objectives() -> None:
    three = problems.get("dtlz2", d=4, objectives=3)
    assert three.optimum is not None
    assert three.optimum.value == pytest.approx(1.1**3 - math.pi / 6)
    grid = np.linspace(0, 1, 9).tolist()
    F = values(three, [(a, b, 0.5, 0.5) for a in grid for b in grid])
    assert np.linalg.norm(F, axis=1) == pytest.approx(1)
    curve = problems.get("dtlz5", d=4)
    assert curve.optimum is not None
    covered = hypervolume(values(curve, [(a, 0.3, 0.5, 0.5) for a in np.linspace(0, 1, 100).tolist()]), reference(curve))
    assert curve.optimum.value - 0.3 < covered < curve.optimum.value
    # The part below a simplex of sides 1/2 is not covered. BoTorch takes it for a cube.
    assert make("multi_objective:DTLZ1", (("dim", 5),)).max_hv < area(values(problems.get("dtlz1"), FRONTS["dtlz1"][0]), (400.0, 400.0))
    assert problems.get("dtlz1", objectives=3).optimum.value == pytest.approx(400**3 - 1 / 48)  # type: ignore[union-attr]


def test_botorchs_hypervolume_of_branin_and_currin_can_be_passed() -> None:
    edge = [(a, 1.0) for a in np.linspace(0, 0.0595, 2500).tolist()]
    steps = np.linspace(0, 1, 160).tolist()
    # Within 0.01 of the curve that the rest of the front's points lie on.
    inner = [(0.0585 + 0.0665 * s, 0.997 - 0.11 * s - 0.075 * s**2 + t) for s in steps for t in np.linspace(-0.01, 0.01, 60).tolist()]
    problem = problems.get("branin_currin")
    covered = area(values(problem, edge + inner), reference(problem))
    assert problem.optimum is not None
    assert make("multi_objective:BraninCurrin").max_hv < covered < problem.optimum.value


def test_botorchs_hypervolume_within_the_disc_can_be_passed() -> None:
    import torch

    theirs = make("multi_objective:ConstrainedBraninCurrin")
    side = torch.linspace(0, 1, 2000, dtype=torch.float64)
    x = torch.cartesian_prod(side, side)
    x = x[theirs.is_feasible(x)]
    covered = area(theirs.evaluate_true(x).numpy(), (80.0, 12.0))
    problem = problems.get("constrained_branin_currin")
    assert problem.optimum is not None
    assert theirs.max_hv < covered < problem.optimum.value


def test_the_welded_beams_constraints_have_the_right_sign() -> None:
    import torch

    problem, theirs = problems.get("welded_beam_2"), make("multi_objective:WeldedBeam")
    sturdy, frail = {"h": 1.0, "l": 5.0, "t": 9.0, "b": 2.0}, {"h": 0.2, "l": 0.2, "t": 0.2, "b": 0.2}
    assert problem.feasible(problem.evaluate(sturdy))
    assert not problem.feasible(problem.evaluate(frail))
    slack = [theirs.evaluate_slack_true(torch.tensor([list(p.values())], dtype=torch.float64)) for p in (sturdy, frail)]
    assert (slack[0] < 0).any() and (slack[1][..., :2] > 0).all()  # of BoTorch: the sturdy beam breaks what the frail one keeps


def test_compare_follows_the_hypervolume() -> None:
    problem = problems.get("constr")
    table = bbo.compare(problem, ["random"], n_trials=15, n_initial=3, seeds=1)
    assert table["hypervolume"].dropna().is_monotonic_increasing
    assert 0 < table["hypervolume"].iloc[-1] < problem.optimum.value  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("dtlz2", {"objectives": 1}, "2"),
        ("dtlz2", {"d": 3, "objectives": 3}, "more than the 3 objectives"),
        ("zdt1", {"d": 1}, "at least 2"),
        ("c2dtlz2", {"d": 2}, "at least 3"),
    ],
)
def test_what_is_refused(name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        problems.get(name, **options)
