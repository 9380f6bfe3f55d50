"""What each column of a design matrix means, told to models and maximizers without naming parameters' files or users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["continuous", "integer", "ordinal", "categorical"]
Role = Literal["decision", "fidelity", "source", "task", "context", "environment"]

INACTIVE = 0.5
"""Encoded value of every column whose parameter is inactive."""

_MATCH = 1e-9  # two values closer than this are the same level


@dataclass(frozen=True, slots=True)
class Parent:
    """When a column is active: its parents are active and stand at one of the listed combinations.

    Args:
        columns: Indices of the parent columns.
        values: Encoded combinations, one value a parent column; None when they cannot be listed (a condition on a continuous
            column), in which case the column counts as active wherever its parents are.
    """

    columns: tuple[int, ...]
    values: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an encoded point.

    Args:
        name: Unique label, such as ``lr``, ``mix.THF`` or ``dna[3]``.
        kind: ``continuous``; ``integer`` and ``ordinal`` (levels with an order); ``categorical`` (levels without).
        levels: Encoded position of each level, increasing. Empty for continuous columns, and for integer columns with too many
            levels to list, which a model may treat as continuous.
        role: What the column stands for in the experiment.
        parent: Condition under which it is active; None means always.
        group: Name shared by the columns of one simplex or sequence.
    """

    name: str
    kind: Kind = "continuous"
    levels: tuple[float, ...] = ()
    role: Role = "decision"
    parent: Parent | None = None
    group: str | None = None


@dataclass(frozen=True)
class Columns:
    """The columns of a design matrix, in order."""

    entries: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.entries)

    def __getitem__(self, index: int) -> Column:
        return self.entries[index]

    def indices(self, *kinds: Kind) -> tuple[int, ...]:
        """Indices of the columns of the given kinds."""
        return tuple(i for i, column in enumerate(self.entries) if column.kind in kinds)

    @cached_property
    def discrete(self) -> tuple[int, ...]:
        """Indices of the columns with listed levels."""
        return tuple(i for i, column in enumerate(self.entries) if column.levels)

    @cached_property
    def tree(self) -> bool:
        """Whether any column is active only under a condition."""
        return any(column.parent is not None for column in self.entries)

    @cached_property
    def unlisted(self) -> tuple[int, ...]:
        """Indices of the columns whose own condition cannot be listed: encoded points do not tell whether they are active."""
        return tuple(i for i, column in enumerate(self.entries) if column.parent is not None and column.parent.values is None)

    @cached_property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Indices of the columns of each group, in order of appearance."""
        found: dict[str, list[int]] = {}
        for i, column in enumerate(self.entries):
            if column.group is not None:
                found.setdefault(column.group, []).append(i)
        return {group: tuple(members) for group, members in found.items()}

    def active(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Which entries of encoded points X (`n x d`, unit cube) are active, as a mask of the same shape."""
        points = np.asarray(X, dtype=float)
        mask = np.ones(points.shape, dtype=bool)
        for parents, combinations, nested, members in self._conditions:
            match = mask[:, parents].all(axis=1) if nested else None
            if combinations is not None:
                met = np.zeros(len(points), dtype=bool)
                for combination in combinations:
                    here = np.ones(len(points), dtype=bool)
                    for j, value in zip(parents, combination, strict=True):
                        here &= np.abs(points[:, j] - value) < _MATCH * (1 + abs(value))
                    met |= here
                match = met if match is None else match & met
            if match is not None:
                for i in members:
                    mask[:, i] = match
        return mask

    @cached_property
    def _conditions(self) -> list[tuple[list[int], tuple[tuple[float, ...], ...] | None, bool, list[int]]]:
        """Each condition once, those of its parents before it: parents, combinations, whether a parent has a condition, and members."""
        found: dict[Parent, list[int]] = {}

        def settle(i: int) -> None:
            parent = self.entries[i].parent
            if parent is None or i in found.get(parent, ()):
                return
            for j in parent.columns:
                settle(j)
            found.setdefault(parent, []).append(i)

        for i in range(len(self.entries)):
            settle(i)
        nested = {parent: any(self.entries[j].parent is not None for j in parent.columns) for parent in found}
        return [(list(parent.columns), parent.values, nested[parent], members) for parent, members in found.items()]

    def snap(self, X: ArrayLike) -> NDArray[np.float64]:
        """Points X (`n x d`, unit cube) with every column that lists levels moved to its nearest level."""
        points = np.array(X, dtype=float)
        for i in self.discrete:
            levels = np.asarray(self.entries[i].levels)
            points[:, i] = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, points[:, i])]
        return points
