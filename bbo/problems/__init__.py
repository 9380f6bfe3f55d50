"""Test problems with known optima, by name: for comparing optimizers, and for trying out one of your own.

``get("branin")`` makes a problem, ``names()`` lists them, ``table()`` describes them. A problem can be handed to `bbo.compare` and to
`Study.optimize` as it is.
"""

from __future__ import annotations

from bbo.problems.problem import Optimum, TestProblem
from bbo.problems.registry import REGISTRY, get, names, table
from bbo.problems.relaxation import Relaxation

__all__ = ["REGISTRY", "Optimum", "Relaxation", "TestProblem", "get", "names", "table"]
