"""Parallel coordinates: a line a trial across all parameters and outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bbo.log.ledger import Record
from bbo.plots.axes import Axis, axes_of
from bbo.plots.style import FAINT, INK, figure, note, number, spans_decades, text
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study

_GREY = 0.1  # share of the colour range that stands for trials that may not be the best
_COLOURS = ("#fde725", "#90d743", "#35b779", "#21918c", "#31688e", "#443983", "#440154")  # viridis, from worst to best


def parallel(study: Study, *, outcome: str | None = None, parameters: Sequence[str] | None = None) -> Any:
    """One line a measured trial, coloured by an outcome; drag along an axis to pick lines out.

    Grey lines may not be the best (infeasible, outside the space or off target). A parameter that is inactive stands at the
    axis's tick "inactive".

    Args:
        study: The study.
        outcome: What the colour shows; the first objective by default.
        parameters: Names of the parameters to show; all by default.

    Returns:
        A Plotly figure.

    Raises:
        InvalidStudy: The outcome or a parameter is unknown, or results are rankings.
    """
    import plotly.graph_objects as go

    view = View.of(study)
    outcome = view.outcome(outcome)
    axes = axes_of(view.problem.space, parameters)
    title = f"Parallel coordinates of {view.name}"
    names = view.problem.outcomes
    pairs = [(r, status) for r, status in view.measured(outcome) if all(name in r.values for name in names)]
    if not pairs:
        return note(title, "No trial is measured in full yet.")
    sign = next((o.sign for o in view.problem.objectives if o.name == outcome), 1.0)
    pairs.sort(key=lambda pair: (pair[1] is Status.FEASIBLE, -sign * pair[0].values[outcome]))  # the best line is drawn last, on top
    records = [record for record, _ in pairs]
    dimensions = [_dimension(axis, records) for axis in axes] + [_outcome_dimension(name, records) for name in names]
    fig = figure(title, height=480, legend=False)
    fig.update_layout(margin={"l": 80, "r": 40, "t": 120, "b": 50})
    line = _colours([(r.values[outcome], status is Status.FEASIBLE) for r, status in pairs], sign=sign, title=text(outcome))
    fig.add_trace(go.Parcoords(line=line, dimensions=dimensions, labelangle=-25, labelside="top", tickfont={"size": 11, "color": INK}))
    return fig


def _dimension(axis: Axis, records: Sequence[Record]) -> dict[str, Any]:
    scale: Callable[[float], float] = math.log10 if axis.log else float
    places = [axis.position(record.params) for record in records]
    known = [place for place in places if place is not None and (place > 0 or not axis.log)]
    low, high = scale(min([axis.low, *known])), scale(max([axis.high, *known]))
    marks, texts = axis.ticks()
    ticks = [scale(mark) for mark in marks]
    span = (high - low) or 1.0
    aside = low - 0.15 * span  # where inactive values stand
    if len(known) < len(records):
        ticks, texts, low = [aside, *ticks], ["inactive", *texts], aside
    values = [scale(place) if place is not None and (place > 0 or not axis.log) else aside for place in places]
    return {"label": axis.title, "values": values, "range": [low - 0.02 * span, high + 0.02 * span], "tickvals": ticks, "ticktext": texts}


def _outcome_dimension(name: str, records: Sequence[Record]) -> dict[str, Any]:
    values = [record.values[name] for record in records]
    if not spans_decades(values):
        return {"label": f"<b>{text(name)}</b>", "values": values}
    axis = Axis(name, name, log=True, low=min(values), high=max(values))
    marks, texts = axis.ticks()
    logs = [math.log10(value) for value in values]
    return {"label": f"<b>{text(name)}</b>", "values": logs, "tickvals": [math.log10(mark) for mark in marks], "ticktext": texts}


def _colours(values: Sequence[tuple[float, bool]], *, sign: float, title: str) -> dict[str, Any]:
    """Colour of each line: grey where it may not be the best, else from worst (light) to best (dark)."""
    eligible = [value for value, good in values if good]
    if not eligible:
        return {"color": INK}
    scale: Callable[[float], float] = math.log10 if spans_decades(eligible) else float
    low, high = scale(min(eligible)), scale(max(eligible))
    span = (high - low) or 1.0

    def place(value: float) -> float:  # 0 at the worst, 1 at the best
        share = (scale(value) - low) / span
        return share if sign < 0 else 1.0 - share

    steps = len(_COLOURS) - 1
    grey: list[list[Any]] = [[0.0, "#c9c9c9"], [_GREY, "#c9c9c9"]]
    shades = [[_GREY + (1 - _GREY) * k / steps, shade] for k, shade in enumerate(_COLOURS)]
    ends = sorted({min(eligible), max(eligible)})
    return {
        "color": [_GREY + (1 - _GREY) * place(value) if good else 0.0 for value, good in values],
        "colorscale": grey + shades,
        "cmin": 0.0,
        "cmax": 1.0,
        "showscale": True,
        "colorbar": {
            "title": {"text": title},
            "tickvals": [_GREY + (1 - _GREY) * place(value) for value in ends],
            "ticktext": [number(value) for value in ends],
            "thickness": 12,
            "outlinecolor": FAINT,
        },
    }
