"""The measurement of what asking and telling cost runs, and says what it measured."""

from __future__ import annotations

import pytest

from benchmarks.zeroth_order import asking


def test_every_optimizer_is_measured_in_memory_and_on_sqlite() -> None:
    keys = [key for key, _ in asking.jobs(400)]
    assert {(key["optimizer"], key["storage"]) for key in keys} == {(name, s) for name in asking.OPTIMIZERS for s in ("memory", "sqlite")}
    assert {key["trials"] for key in keys} == {400}


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
def test_a_run_is_ten_blocks_and_a_row_of_the_table(storage: str) -> None:
    row = {"optimizer": "snes", "storage": storage, "trials": 200, **asking.measure("snes", storage, 200)}
    assert len(row["wall_ms"]) == len(row["processor_ms"]) == 10
    assert min(row["wall_ms"]) > 0
    assert (row["disk_ms"] > 0) == (storage == "sqlite")
    assert f"| `snes` | {storage} | 200 |" in asking.report([row])
