"""The benchmark of climbs on a device: equal starts lead to equal optima, and a case without memory ends no run."""

from __future__ import annotations

import pytest
import torch

from benchmarks import gpu
from benchmarks.gpu import Setting, acquisitions, line, measure

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


def small(device: str, evaluations: int = 10_000) -> Setting:
    return Setting(torch.device(device), n=12, d=2, seed=0, repeats=1, evaluations=evaluations, every_start=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("q", [1, 2])
def test_both_sides_find_the_same_optimum(q: int, device: str) -> None:
    setting = small(device)
    (mine,), (other,) = measure(acquisitions(setting)(q), 16, q, setting)
    assert mine.best == pytest.approx(other.best, abs=1e-5)
    assert mine.scored > 16 and other.scored > 16


def test_fewer_evaluations_are_fewer_rounds() -> None:
    capped = small("cpu", evaluations=32)
    (mine,), _ = measure(acquisitions(capped)(1), 16, 1, capped)
    assert capped.rounds(16) == 2 and mine.scored == 32


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_case_that_memory_does_not_suffice_for_is_a_row(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise error

    setting = small("cpu")
    acquisition = acquisitions(setting)(1)
    whole = line(4, 1, setting, acquisition)
    monkeypatch.setattr(gpu, "measure", fails)
    row = line(4, 1, setting, acquisition)
    assert "out of memory" in row and row.count("|") == whole.count("|")
    error = RuntimeError("something else")
    with pytest.raises(RuntimeError, match="something else"):
        line(4, 1, setting, acquisition)
