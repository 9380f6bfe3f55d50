"""Problems with several objectives, all minimized: those of `bbo.problems`."""

from __future__ import annotations

from bbo.problems.fronts import branin_currin_of as branin_currin
from bbo.problems.fronts import dtlz2_of as dtlz2
from bbo.problems.fronts import zdt1_of as zdt1

__all__ = ["branin_currin", "dtlz2", "zdt1"]
