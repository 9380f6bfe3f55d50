"""Feasibility and failures: what became of every trial, and how each constrained outcome lies to its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bbo.objectives import Constraint
from bbo.plots.marks import traces
from bbo.plots.style import VERMILION, figure, note, scale, spans_decades, style_axes, text
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study


def feasibility(study: Study) -> Any:
    """A row a status with a mark a trial; below, a panel a constrained outcome with the forbidden side shaded.

    Returns:
        A Plotly figure.
    """
    from plotly.subplots import make_subplots

    view = View.of(study)
    title = f"Feasibility and failures of {view.name}"
    if not view.records:
        return note(title, "There is no trial yet.")
    present = [status for status in Status if status in view.statuses]
    constraints = [c for c in view.problem.outcome_constraints if any(c.name in record.values for record in view.records)]
    strip, panel = 44 + 26 * len(present), 220
    heights = [strip] + [panel] * len(constraints)
    fig = make_subplots(rows=len(heights), cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.06)
    fig.update_layout(figure(title, height=sum(heights) + 150, legend=False).layout)
    style_axes(fig)
    rows = {status: len(present) - 1 - k for k, status in enumerate(present)}
    pairs = list(zip(view.records, view.statuses, strict=True))
    place = dict(zip((record.number for record in view.records), (rows[status] for status in view.statuses), strict=True))
    for trace in traces(view, pairs, lambda r: r.number, lambda r: place[r.number]):
        fig.add_trace(trace, row=1, col=1)
    shown = [f"{text(view.label(status))}  <b>{view.statuses.count(status)}</b>" for status in present]
    fig.update_yaxes(tickvals=[rows[status] for status in present], ticktext=shown, range=[-0.6, len(present) - 0.4], row=1, col=1)
    for row, constraint in enumerate(constraints, start=2):
        _draw_constraint(fig, view, constraint, row)
    last = len(view.records) - 1
    fig.update_xaxes(range=[-0.02 * last - 0.5, 1.02 * last + 0.5], showgrid=False)
    fig.update_xaxes(title_text="trial", row=len(heights), col=1)
    return fig


def _draw_constraint(fig: Any, view: View, constraint: Constraint, row: int) -> None:
    pairs = [(r, status) for r, status in zip(view.records, view.statuses, strict=True) if constraint.name in r.values]
    fig.add_traces(traces(view, pairs, lambda r: r.number, lambda r: r.values[constraint.name], sd=constraint.name), rows=row, cols=1)
    bounds = [bound for bound in (constraint.lower, constraint.upper) if bound is not None]
    values = [record.values[constraint.name] for record, _ in pairs] + bounds
    log = spans_decades(values)
    vertical = scale(values, log=log, below=0.1, above=0.1)
    low, high = vertical["range"]
    ends = (10**low, 10**high) if log else (low, high)
    for bound, end in ((constraint.lower, ends[0]), (constraint.upper, ends[1])):
        if bound is not None:
            fig.add_hrect(y0=bound, y1=end, fillcolor=VERMILION, opacity=0.1, line_width=0, layer="below", row=row, col=1)
            fig.add_hline(y=bound, line={"color": VERMILION, "width": 1.5, "dash": "dash"}, row=row, col=1)
    fig.update_yaxes(title_text=text(constraint), **vertical, row=row, col=1)
