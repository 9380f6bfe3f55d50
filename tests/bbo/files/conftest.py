"""A study as a chemist would have it, and its cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bbo
from bbo.files.cells import Layout
from bbo.files.matching import Options, tell_sheet
from bbo.files.reading import read_sheet
from bbo.storage.jsonl import export_log

HEADER = "trial,T,mix.water,mix.THF,mix.MeOH,cat,yield,impurity,sd.yield,sd.impurity,failed,note"


def make_space() -> bbo.Space:
    return bbo.Space(
        {
            "T": bbo.Float(20, 80, unit="°C"),
            "mix": bbo.Simplex(["water", "THF", "MeOH"]),
            "cat": bbo.Categorical(["Pd", "Ni, on carbon"]),
        }
    )


@pytest.fixture
def study() -> bbo.Study:
    """Trials 0 and 1 are open, at round values."""
    study = bbo.Study(
        make_space(),
        {"yield": "maximize"},
        outcome_constraints=["impurity <= 0.05"],
        optimizer="sobol",
        name="week",
        seed=1,
    )
    study.enqueue({"T": 60.0, "mix": {"water": 0.5, "THF": 0.25, "MeOH": 0.25}, "cat": "Pd"})
    study.enqueue({"T": 40.5, "mix": {"water": 0.0, "THF": 1.0, "MeOH": 0.0}, "cat": "Ni, on carbon"})
    study.ask(2)
    return study


@pytest.fixture
def layout(study: bbo.Study) -> Layout:
    return Layout.of(study._problem)


@pytest.fixture
def log(study: bbo.Study) -> Callable[[], list[str]]:
    """The whole log of the study as it is stored, byte for byte."""
    return lambda: list(export_log(study.storage, study.name))


@pytest.fixture
def tell(study: bbo.Study, layout: Layout, tmp_path: Path) -> Callable[..., list[str]]:
    """Tell a CSV of the given lines below the usual header; what each row came to."""

    def tell(*lines: str, header: str = HEADER, accept: bool = True, **options: bool) -> list[str]:
        path = tmp_path / "week.csv"
        path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
        matched = tell_sheet(study, read_sheet(path, layout), layout, Options(**options), lambda _: accept)
        return [] if matched is None else [row.action for row in matched.rows]

    return tell
