"""Columns: activity of a tree, levels, groups."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from surrogates.columns import Column, Columns, Parent

TREE = Columns(
    (
        Column("deep", "categorical", (0.25, 0.75), parent=Parent((1,), ((0.75,),))),  # a child may stand before its parent
        Column("kernel", "categorical", (0.25, 0.75)),
        Column("x", parent=Parent((0, 1), ((0.75, 0.75),))),
        Column("y", parent=Parent((3 + 1,), None)),
        Column("z"),
        Column("n", "integer", (0.1, 0.3, 0.5, 0.9), group="g"),
        Column("m", "ordinal", (0.0, 1.0), group="g"),
    )
)


def test_activity_follows_the_tree() -> None:
    X = np.full((3, 7), 0.5)
    X[0, :2] = 0.75, 0.75
    X[1, :2] = 0.25, 0.75
    X[2, :2] = 0.75, 0.25  # deep is inactive whatever stands there
    active = TREE.active(X)
    assert active[:, 0].tolist() == [True, True, False]
    assert active[:, 2].tolist() == [True, False, False]
    assert active[:, [1, 3, 4, 5, 6]].all()


def test_snap_moves_to_the_nearest_level_and_nothing_else() -> None:
    X = np.array([[0.49, 0.51, 0.123, 0.5, 0.5, 0.41, 0.5001]])
    assert TREE.snap(X).tolist() == [[0.25, 0.75, 0.123, 0.5, 0.5, 0.5, 1.0]]
    assert TREE.snap(TREE.snap(X)).tolist() == TREE.snap(X).tolist()
    assert X[0, 0] == 0.49


def test_indices_and_groups() -> None:
    assert TREE.indices("continuous") == (2, 3, 4)
    assert TREE.indices("integer", "ordinal") == (5, 6)
    assert TREE.discrete == (0, 1, 5, 6)
    assert TREE.groups == {"g": (5, 6)}
    assert TREE.tree
    assert len(TREE) == 7
    assert [column.name for column in TREE][:2] == ["deep", "kernel"]


def test_imports_nothing_above_itself() -> None:
    program = "import sys, surrogates.columns; print(sorted({'bbo', 'acquisitions', 'scipy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip() == "[]"
