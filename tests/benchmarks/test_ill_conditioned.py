"""The run of ill-conditioned fits: cases of their own, totals that go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import ill_conditioned
from benchmarks.ill_conditioned import Case, failure, run


def test_a_case_is_made_from_its_number_alone() -> None:
    first, again, other = Case.numbered(7), Case.numbered(7), Case.numbered(8)
    assert np.array_equal(first.X, again.X) and np.array_equal(first.y, again.y) and first.settings == again.settings
    assert first.X.shape != other.X.shape or not np.array_equal(first.X, other.X)


def test_a_run_goes_on_where_the_last_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(ill_conditioned, "failure", lambda i: seen.append(i) or ("odd" if i % 2 else None))
    state = tmp_path / "totals.json"
    assert run(state, 0.0, 4).cases == 0
    assert run(state, 1.0, 3).cases == 3
    totals = run(state, 1.0, 5)
    assert seen == [0, 1, 2, 3, 4]
    assert totals.failures == [(1, "odd"), (3, "odd")]
    assert str(totals).endswith("2 failures")


def test_some_fits_are_sound() -> None:
    assert [failure(i) for i in range(20)] == [None] * 20


def test_a_number_that_is_not_finite_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Case, "numbers", lambda self, seed: iter([("mean", np.array([np.nan]))]))
    assert failure(0) == "mean is not finite"
