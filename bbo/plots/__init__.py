"""Figures of a study, drawn with Plotly. `plot` finds a figure by name; each stands in a file of its own."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy

if TYPE_CHECKING:
    from bbo.study import Study

KINDS = ("history", "parallel", "slices", "contours", "pareto", "feasibility")
"""Names of the figures; each is a function of that name in the module ``bbo.plots.<name>``."""


def plot(study: Study, kind: str = "history", **options: Any) -> Any:
    """A Plotly figure of a study.

    Args:
        study: The study.
        kind: ``history``, ``parallel``, ``slices``, ``contours``, ``pareto`` or ``feasibility``.
        options: Keyword arguments of the figure's own function.

    Raises:
        InvalidStudy: There is no such figure or option, or the figure does not fit this study.
    """
    if kind not in KINDS:
        near = get_close_matches(str(kind), KINDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidStudy(f"plot: kind={kind!r} is unknown; kinds: {', '.join(KINDS)}{hint}")
    draw = getattr(import_module(f"bbo.plots.{kind}"), kind)
    known = list(draw.__kwdefaults__ or ())
    if unknown := [name for name in options if name not in known]:
        raise InvalidStudy(f"plot: {kind!r} has no option {unknown[0]!r}; its options: {', '.join(known) or 'none'}")
    return draw(study, **options)
