"""Slices: an outcome against each parameter, with the model's mean and standard deviation through the best trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from bbo.errors import NoBest
from bbo.plots.axes import Axis, axes_of
from bbo.plots.cut import Cut, cuts
from bbo.plots.marks import traces
from bbo.plots.placing import across, shown
from bbo.plots.style import BAND, SKY, figure, note, scale, spans_decades, style_axes, text
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study

_COLUMNS = 3


def slices(study: Study, *, outcome: str | None = None, parameters: Sequence[str] | None = None, model: bool = True) -> Any:
    """An outcome against each parameter, a panel each; trials in which a parameter is inactive are left out of its panel.

    The band is the model's mean ± one standard deviation along the line through the best trial, where all other parameters keep
    that trial's values (on a simplex the other shares keep their proportions). Failed trials stand at the lower edge.

    Args:
        study: The study.
        outcome: The outcome to show; the first objective by default.
        parameters: Names of the parameters to show; all by default.
        model: Whether to ask the study's model, which may have to be fitted.

    Returns:
        A Plotly figure.

    Raises:
        InvalidStudy: The outcome or a parameter is unknown, or results are rankings.
    """
    from plotly.subplots import make_subplots

    view = View.of(study)
    outcome = view.outcome(outcome)
    axes = axes_of(view.problem.space, parameters)
    title = f"Slices of {view.name}: {outcome}"
    pairs = view.measured(outcome)
    if not pairs:
        return note(title, f"No trial has a value of {outcome} yet.")
    best = view.best(next((o for o in view.problem.objectives if o.name == outcome), view.problem.objectives[0]))
    found: dict[str, Cut] = {}
    if model and best:
        with suppress(NoBest):  # too little is told, or there can be no model: the trials alone are shown
            found = cuts(study, best.params, axes, outcome)
    through = f"model through trial {best.number}, mean ± sd" if best else ""
    columns = min(len(axes), _COLUMNS)
    rows = -(-len(axes) // columns)
    height = 300 * rows + 120
    fig = make_subplots(rows=rows, cols=columns, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=min(0.5, 80 / height))
    fig.update_layout(figure(title, height=height).layout)
    style_axes(fig)
    values = [record.values[outcome] for record, _ in pairs]
    log = spans_decades(values)
    vertical = scale(values, log=log, below=0.12)
    low, high = vertical["range"]
    edge = low + 0.04 * (high - low)  # where failed trials stand
    edge = 10**edge if log else edge
    seen: set[Status] = set()
    pairs += [(record, Status.FAILED) for record in view.having(Status.FAILED)]
    for k, axis in enumerate(axes):
        row, column = k // columns + 1, k % columns + 1
        if cut := found.get(axis.name):
            _add(fig, _band(cut, axis, through, log=log, first=axis.name == next(iter(found))), row, column)
        marks = traces(view, pairs, partial(across, axis), lambda r: r.values.get(outcome, edge), sd=outcome, seen=seen)
        _add(fig, marks, row, column)
        fig.update_xaxes(**shown(axis, [record for record, _ in pairs]), title_standoff=4, row=row, col=column)
    fig.update_yaxes(**vertical)
    fig.update_yaxes(title_text=text(outcome), col=1)
    return fig


def _add(fig: Any, drawn: Sequence[Any], row: int, column: int) -> None:
    fig.add_traces(drawn, rows=[row] * len(drawn), cols=[column] * len(drawn))


def _band(cut: Cut, axis: Axis, name: str, *, log: bool, first: bool) -> list[Any]:
    """Mean and standard deviation: a band along numbers, bars at choices. What is not positive is no part of a logarithmic axis."""
    import plotly.graph_objects as go

    floor = 1e-3 * min((mean for mean in cut.mean if mean > 0), default=1.0) if log else -math.inf
    lower, mean, upper = ([max(m + k * sd, floor) for m, sd in zip(cut.mean, cut.sd, strict=True)] for k in (-1, 0, 1))
    common = {"legendgroup": "model", "hoverinfo": "skip"}
    named = {"name": name, "showlegend": first}
    if axis.levels:
        bar = {"mode": "lines", "line": {"width": 16, "color": BAND}, "showlegend": False}
        bars = [go.Scatter(**common, **bar, x=[x, x], y=[low, high]) for x, low, high in zip(cut.x, lower, upper, strict=True)]
        dash = {"symbol": "line-ew", "size": 16, "line": {"color": SKY, "width": 2}}
        return [*bars, go.Scatter(**common, **named, x=cut.x, y=mean, mode="markers", marker=dash)]
    edge = {"mode": "lines", "line": {"width": 0}, "showlegend": False}
    return [
        go.Scatter(**common, **edge, x=cut.x, y=lower),
        go.Scatter(**common, **edge, x=cut.x, y=upper, fill="tonexty", fillcolor=BAND),
        go.Scatter(**common, **named, x=cut.x, y=mean, mode="lines", line={"color": SKY, "width": 2}),
    ]
