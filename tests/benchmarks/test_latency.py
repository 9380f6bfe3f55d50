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
    assert latency.line(50, 6, timed, "bbo") == "| 50 | 6 | 0.3 | 0.4 | 9 | 4 | 2 | >120 | failed: ValueError: no | 0.150 |"
    timed["bbo"].reason = "KeyError: x"
    assert latency.line(50, 6, timed, "bbo").startswith("| 50 | 6 | failed: KeyError: x |")


@pytest.mark.parametrize("batch", [1, 3])
def test_optimizers_take_turns_on_one_history(tmp_path, batch) -> None:
    timed = latency.measure(12, 2, ["bbo:sobol", "random"], batch=batch, core=None, folder=tmp_path)
    asks = 3 if batch == 1 else 4  # a tenth of 12 and the cold one; three and the cold one
    assert {name: len(each.seconds) for name, each in timed.items()} == {"bbo:sobol": asks, "random": asks}
    assert not any(each.reason for each in timed.values())
    failing = latency.measure(12, 2, ['bbo:{"name": "none"}'], batch=1, core=None, folder=tmp_path)
    assert "InvalidStudy" in next(iter(failing.values())).reason
