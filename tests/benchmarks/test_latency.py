"""The rows of the table of latencies; the times themselves are not tested."""

from __future__ import annotations

import pytest

from benchmarks import latency
from benchmarks.latency import CUT, Timed


def _timed(name, seconds, reason="") -> Timed:
    return Timed(name, None, len(seconds), seconds, reason)


def test_a_row_sets_the_mean_of_warm_asks_against_the_best_peer() -> None:
    timed = {
        "bbo": _timed("bbo", [9.0, 0.2, 0.4]),
        "slow": _timed("slow", [50.0, 3.0, 4.0, 8.0]),
        "quick": _timed("quick", [7.0, 2.0, 1.0, 3.0]),
        "cut": _timed("cut", [CUT], "cut"),
        "broken": _timed("broken", [1.0], "ValueError: no"),
    }
    row = latency.line(("plain", 50), timed, "bbo", None)
    assert row == "| plain | 50 | 0.3 | 0.4 | 9 | 4 | 2 | >120 | failed: ValueError: no |  | 0.150 |"
    assert latency.line(("mixed", 50), timed, "bbo", 0.2).endswith("| 1.50 | 0.150 |")
    timed["bbo"].reason = "KeyError: x"
    assert latency.line(("plain", 50), timed, "bbo", None).startswith("| plain | 50 | failed: KeyError: x |")


@pytest.mark.parametrize("batch", [1, 3])
def test_optimizers_take_turns_on_one_history(tmp_path, batch) -> None:
    timed = latency.measure(12, 2, ["bbo:sobol", "random"], batch=batch, core=None, folder=tmp_path)
    asks = 3 if batch == 1 else 4  # a tenth of 12 and the cold one; three and the cold one
    assert {name: len(each.seconds) for name, each in timed.items()} == {"bbo:sobol": asks, "random": asks}
    assert not any(each.reason for each in timed.values())
    failing = latency.measure(12, 2, ['bbo:{"name": "none"}'], batch=1, core=None, folder=tmp_path)
    assert "InvalidStudy" in next(iter(failing.values())).reason


@pytest.mark.parametrize("space", latency.SPACES)
def test_every_space_is_asked_about(tmp_path, space) -> None:
    timed = latency.measure(20, 3, ["bbo"], batch=1, core=None, folder=tmp_path, space=space)["bbo"]
    assert not timed.reason and len(timed.seconds) == 3


def test_points_of_the_linear_space_keep_its_constraint_and_mixed_ones_are_typed() -> None:
    linear, mixed = latency.problem("linear", 30, 6), latency.problem("mixed", 30, 6)
    assert len(linear.points) == 30 and all(sum(point.values()) <= 1 for point in linear.points)
    assert {point["x1"] for point in mixed.points} == {"a", "b", "c"} and all(isinstance(point["x0"], int) for point in mixed.points)
