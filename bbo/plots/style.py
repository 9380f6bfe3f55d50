"""How every figure looks: colours that colour-blind readers tell apart (Okabe and Ito's), marks by status, one layout."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from bbo.plots.view import Status

BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"
INK, MUTED, FAINT, PAPER = "#222222", "#6b6b6b", "#e4e4e4", "#ffffff"
BAND = "rgba(86,180,233,0.28)"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
"""One colour a study, where several share a figure."""

MARKS: dict[Status, dict[str, Any]] = {
    Status.FEASIBLE: {"symbol": "circle", "color": BLUE, "size": 8, "opacity": 0.75},
    Status.INFEASIBLE: {"symbol": "circle-open", "color": VERMILION, "size": 8, "line_width": 1.8},
    Status.ASIDE: {"symbol": "diamond-open", "color": MUTED, "size": 8, "line_width": 1.5},
    Status.FAILED: {"symbol": "x-thin", "color": VERMILION, "size": 8, "line_color": VERMILION, "line_width": 2},
    Status.PRUNED: {"symbol": "triangle-down", "color": PURPLE, "size": 8},
    Status.OPEN: {"symbol": "line-ns", "color": MUTED, "size": 8, "line_color": MUTED, "line_width": 1.5},
    Status.GIVEN_UP: {"symbol": "square-open", "color": MUTED, "size": 7, "line_width": 1.5},
}
"""Shape and colour both tell the status, so that either alone suffices."""


def figure(title: str, *, height: int = 460, legend: bool = True) -> Any:
    """An empty figure in the house style."""
    import plotly.graph_objects as go

    axis = {"gridcolor": FAINT, "linecolor": MUTED, "ticks": "outside", "tickcolor": MUTED, "zeroline": False, "automargin": True}
    return go.Figure(
        layout={
            "template": "none",
            "title": {"text": text(title), "x": 0, "xref": "container", "pad": {"l": 16}, "font": {"size": 17, "color": INK}},
            "font": {"family": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif", "size": 13, "color": INK},
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "height": height,
            "margin": {"l": 70, "r": 64, "t": 84, "b": 56},
            "hovermode": "closest",
            "hoverlabel": {"align": "left", "bgcolor": PAPER, "font": {"color": INK}},
            "showlegend": legend,
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis,
            "yaxis": axis,
        }
    )


def style_axes(fig: Any) -> Any:
    """Give every subplot the look of the first axes."""
    look = {key: fig.layout.xaxis[key] for key in ("gridcolor", "linecolor", "ticks", "tickcolor", "zeroline", "automargin")}
    fig.update_xaxes(**look)
    fig.update_yaxes(**look)
    return fig


def scale(values: Sequence[float], *, log: bool, below: float = 0.05, above: float = 0.05) -> dict[str, Any]:
    """Settings of an axis that shows all values with room around them."""
    if not log:
        return {"type": "linear", "range": padded(values, below=below, above=above)}
    low, high = padded(values, log=True, below=below, above=above)
    exponents = "none" if low > -4 and high < 5 else "power"
    axis = {"type": "log", "range": (low, high), "exponentformat": exponents}
    if high - low > 2:
        return {**axis, "dtick": math.ceil((high - low) / 7)}
    marks = log_ticks(10**low, 10**high)
    return {**axis, "tickvals": marks, "ticktext": [number(mark) for mark in marks]} if len(marks) > 1 else axis


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: powers of ten, not every one where they are many; where they are few, 2 and 5 times them too."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = [10.0**k for k in range(first, last + 1, max(1, math.ceil((last - first) / 7)))]
    if len(decades) > 2:
        return decades
    marks = (step * 10.0**k for k in range(first - 1, last + 1) for step in (1, 2, 5))
    return [mark for mark in marks if low * (1 - 1e-9) <= mark <= high * (1 + 1e-9)]


def note(title: str, message: str) -> Any:
    """A figure that says why it shows nothing."""
    fig = figure(title, height=220, legend=False)
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    fig.add_annotation(text=text(message), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14, "color": MUTED})
    return fig


def text(value: object) -> str:
    """Any value as Plotly shows it literally: its texts are read as HTML."""
    return html.escape(str(value), quote=False)


def number(value: float) -> str:
    """A number at four significant digits, whole ones in full."""
    return f"{value:d}" if isinstance(value, int) else f"{value:.4g}"


def spans_decades(values: Sequence[float]) -> bool:
    """Whether an axis of these values reads better in logarithms: all positive, and over more than one decade."""
    low, high = min(values), max(values)
    return low > 0 and high > 10 * low


def padded(values: Sequence[float], *, log: bool = False, below: float = 0.05, above: float = 0.05) -> tuple[float, float]:
    """Range that shows all values with room around them, as Plotly takes it (exponents of ten on a log axis)."""
    scaled = [math.log10(value) for value in values] if log else list(values)
    low, high = min(scaled), max(scaled)
    span = (high - low) or abs(high) or 1.0
    return low - below * span, high + above * span
