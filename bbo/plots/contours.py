"""Contours: what the model expects of an outcome over two parameters, and how unsure of it it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy, NoBest
from bbo.model import importance
from bbo.plots.axes import Axis, axes_of
from bbo.plots.cut import Sheet, sheet
from bbo.plots.marks import traces
from bbo.plots.placing import across, shown
from bbo.plots.style import MUTED, PAPER, figure, note, style_axes, text
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study

_SHADES = {"mean": "Viridis", "sd": "Greys"}
_EDGED = {Status.FEASIBLE: {"opacity": 1.0, "line": {"color": PAPER, "width": 1}}}  # else lost on the dark end


def contours(study: Study, *, outcome: str | None = None, parameters: Sequence[str] | None = None) -> Any:
    """The model over two parameters: its mean in one panel, its standard deviation in the other, with the trials on both.

    All other parameters keep the values of the best trial (shares of a mixture their proportions). Places that break a known
    constraint, or where a parameter would be needed that the best trial lacks, are left blank.

    Args:
        study: The study.
        outcome: The outcome to show; the first objective by default.
        parameters: Names of two parameters to show; by default the two that matter most to that outcome (`Study.importance`).

    Returns:
        A Plotly figure.

    Raises:
        InvalidStudy: The outcome or a parameter is unknown, results are rankings, or the parameters are not two.
    """
    from plotly.subplots import make_subplots

    view = View.of(study)
    outcome = view.outcome(outcome)
    title = f"Contours of {view.name}: {outcome}"
    best = view.best(next((o for o in view.problem.objectives if o.name == outcome), view.problem.objectives[0]))
    axes = None if parameters is None else _chosen(view, parameters)
    if best is None:
        return note(title, "No trial can be best yet, through which to draw.")
    try:
        across_x, across_y = axes or _chosen(view, _foremost(study, outcome, best.params))
        if lacking := {across_x.parameter, across_y.parameter} - best.params.keys():
            return note(title, f"{min(lacking)} is inactive in trial {best.number}, through which to draw.")
        found = sheet(study, best.params, across_x, across_y, outcome)
    except NoBest as error:
        return note(title, f"There is no model yet: {error}.")
    fig = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.14)
    fig.update_layout(figure(title, height=520).layout)
    style_axes(fig)
    pairs = [pair for pair in zip(view.records, view.statuses, strict=True) if pair[1] not in (Status.OPEN, Status.GIVEN_UP)]
    records, seen = [record for record, _ in pairs], set[Status]()
    for column, (what, values) in enumerate((("mean", found.mean), ("sd", found.sd)), start=1):
        bar = {"title": {"text": text(f"{outcome}, {what}"), "side": "right"}, "x": (0.44, 1.01)[column - 1], "thickness": 12}
        fig.add_trace(_field(found, values, smooth=not (across_x.levels or across_y.levels), colorscale=_SHADES[what], bar=bar), 1, column)
        marks = traces(view, pairs, partial(across, across_x), partial(across, across_y), seen=seen, marker=_EDGED)
        fig.add_traces(marks, rows=[1] * len(marks), cols=[column] * len(marks))
        fig.update_xaxes(**shown(across_x, records), row=1, col=column)
        fig.update_yaxes(**shown(across_y, records), row=1, col=column)
    fig.update_yaxes(title_text="", col=2)
    below = {"x": 1, "y": 0, "yshift": -50, "xref": "paper", "yref": "paper", "xanchor": "right", "showarrow": False}
    fig.add_annotation(text=f"all else as in trial {best.number}", **below, font={"size": 12, "color": MUTED})
    return fig


def _field(found: Sheet, values: Sequence[Sequence[float | None]], *, smooth: bool, colorscale: str, bar: dict[str, Any]) -> Any:
    """Contour lines over numbers, cells where one of the axes has choices."""
    import plotly.graph_objects as go

    common = {"x": found.x, "y": found.y, "z": values, "colorscale": colorscale, "colorbar": bar, "opacity": 0.85}
    hover = {"hovertemplate": "%{z:.4g}<extra></extra>", "hoverongaps": False}
    return go.Contour(**common, **hover, line={"width": 0.5}) if smooth else go.Heatmap(**common, **hover)


def _chosen(view: View, names: Sequence[str]) -> tuple[Axis, Axis]:
    """The two axes of these names; of a mixture the first share, of a sequence the first letter."""
    space = view.problem.space
    axes = [axes_of(space, [name])[0] for name in names]
    if len(axes) != 2 or axes[0].parameter == axes[1].parameter:
        raise InvalidStudy(f"plot: contours are over two different parameters, and parameters={list(names)!r}")
    return axes[0], axes[1]


def _foremost(study: Study, outcome: str, center: Mapping[str, Any]) -> list[str]:
    """The two parameters that matter most to an outcome, of those active at the center."""
    ranked = [entry.parameter for entry in importance(study) if entry.outcome == outcome and entry.parameter in center]
    if len(ranked) < 2:
        raise InvalidStudy("plot: contours are over two parameters, and the best trial has fewer that vary: use 'slices'")
    return ranked[:2]
