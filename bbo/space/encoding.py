"""Points to rows of the unit cube and back, the tree included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bbo.errors import OutOfRange
from bbo.space.numeric import Float
from bbo.space.parameter import Array
from bbo.space.tree import Tree
from surrogates.columns import INACTIVE, Columns


class Encoding:
    """The columns of a space, and the map between its points and rows of the unit cube."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.slices: dict[str, slice] = {}
        first = 0
        for name, parameter in tree.parameters.items():
            self.slices[name] = slice(first, first + parameter.columns_wide)
            first += parameter.columns_wide
        parents = tree.column_parents({name: place.start for name, place in self.slices.items()})
        self.columns = Columns(
            tuple(
                replace(column, role=parameter.role, parent=parents.get(name))
                for name, parameter in tree.parameters.items()
                for column in parameter.columns(name)
            )
        )
        self._thresholds = {
            name: _Thresholds(parameter, thresholds)
            for name, parameter in tree.parameters.items()
            if isinstance(parameter, Float) and parameter.step is None and (thresholds := tree.thresholds(name))
        }

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        X = np.full((len(rows), len(self.columns)), INACTIVE)
        for name, parameter in self.tree.parameters.items():
            place = self.slices[name]
            if name in self.tree.conditions:
                which = [i for i, row in enumerate(rows) if name in row]
                values = [rows[i][name] for i in which]
            else:
                which = list(range(len(rows)))
                values = [row[name] for row in rows]
            if which and place.start < place.stop:
                U = parameter.encode(values)
                if name in self._thresholds:
                    U = self._thresholds[name].keep_sides(values, U)
                X[which, place] = U
        return X

    def decode(self, X: ArrayLike) -> list[dict[str, Any]]:
        points = np.asarray(X, dtype=float)
        if points.ndim != 2 or points.shape[1] != len(self.columns):
            raise OutOfRange(f"X has shape {points.shape}; it must be n x {len(self.columns)}")
        if not np.all(np.isfinite(points)):
            raise OutOfRange("X holds NaN or infinity; every entry must be finite")
        points = np.clip(points, 0.0, 1.0)
        values = []
        for name, parameter in self.tree.parameters.items():
            U = points[:, self.slices[name]]
            decoded = parameter.decode(U)
            values.append(self._thresholds[name].restore_sides(decoded, U) if name in self._thresholds else decoded)
        return [self.tree.prune(dict(zip(self.tree.parameters, row, strict=True))) for row in zip(*values, strict=True)]


class _Thresholds:
    """Constants that conditions compare a continuous parameter with: a value keeps its side of each of them on the round trip."""

    def __init__(self, parameter: Float, values: Sequence[float]) -> None:
        self.values = values
        self.positions = parameter.encode(values)[:, 0].tolist()

    def keep_sides(self, values: Sequence[float], U: Array) -> Array:
        x, u = np.asarray(values, dtype=float), U[:, 0].copy()
        for threshold, position in zip(self.values, self.positions, strict=True):
            u = np.where((x < threshold) & (u >= position), np.nextafter(position, -np.inf), u)
            u = np.where((x > threshold) & (u <= position), np.nextafter(position, np.inf), u)
        return u[:, None]

    def restore_sides(self, values: Sequence[float], U: Array) -> list[float]:
        x, u = np.asarray(values, dtype=float), U[:, 0]
        for threshold, position in zip(self.values, self.positions, strict=True):
            if 0.0 <= position <= 1.0:
                x = np.where(u == position, threshold, x)
                x = np.where(u < position, np.minimum(x, np.nextafter(threshold, -np.inf)), x)
                x = np.where(u > position, np.maximum(x, np.nextafter(threshold, np.inf)), x)
        return x.tolist()  # type: ignore[no-any-return]
