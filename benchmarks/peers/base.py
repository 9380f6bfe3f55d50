"""What an adapter is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from benchmarks.peers.spec import Point, Spec


class Unsupported(Exception):
    """The library cannot take such a problem; the message says why."""


class Peer(Protocol):
    """One library's optimizer at its defaults on one problem.

    An adapter's module has a class ``Adapter(spec, seed, settings)`` that raises `Unsupported` for problems it cannot take, and
    ``PACKAGES``, the distributions whose releases are recorded.
    """

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None: ...

    def ask(self, n: int) -> list[tuple[int, Point]]:
        """`n` points to evaluate, each with a number by which it is told. Inactive parameters are left out or not, as it likes."""
        ...

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        """The outcomes of a point that was asked for, or, without a handle, of one that was chosen elsewhere."""
        ...
