"""The Pareto front: measured trials against each other in two objectives at a time."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy
from bbo.objectives import Objective
from bbo.plots.marks import hover, traces
from bbo.plots.style import BLUE, GREEN, MUTED, figure, note, number, style_axes, text
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study


def pareto(study: Study) -> Any:
    """Trials by objectives; those on the front stand out. Three and more objectives give a panel for each pair.

    Returns:
        A Plotly figure.

    Raises:
        InvalidStudy: The study has one objective.
    """
    from plotly.subplots import make_subplots

    view = View.of(study)
    objectives = view.problem.objectives
    if len(objectives) < 2:
        raise InvalidStudy(f"plot: 'pareto' needs several objectives; this study has one, {objectives[0].name!r}: use 'history'")
    title = f"Pareto front of {view.name}"
    if not view.having(Status.FEASIBLE, Status.INFEASIBLE, Status.ASIDE):
        return note(title, "No trial is done yet.")
    pairs = list(combinations(objectives, 2))
    columns = min(len(pairs), 3)
    rows = -(-len(pairs) // columns)
    fig = make_subplots(rows=rows, cols=columns, horizontal_spacing=0.1, vertical_spacing=0.14)
    fig.update_layout(figure(title, height=max(520, 380 * rows)).layout)
    style_axes(fig)
    seen: set[Status] = set()
    for k, (across, up) in enumerate(pairs):
        cell = {"row": k // columns + 1, "col": k % columns + 1}
        _draw(fig, view, across, up, cell=cell, seen=seen)
    return fig


def _draw(fig: Any, view: View, across: Objective, up: Objective, *, cell: dict[str, int], seen: set[Status]) -> None:
    import plotly.graph_objects as go

    front, first = view.front(), not fig.data
    onto = {record.number for record in front}
    rest = [(record, status) for record, status in view.measured(up.name) if record.number not in onto]
    marker = {Status.FEASIBLE: {"color": MUTED, "opacity": 0.45}}
    marks = traces(view, rest, lambda r: r.values.get(across.name), lambda r: r.values[up.name], seen=seen, marker=marker)
    for mark in marks:
        if mark.legendgroup == Status.FEASIBLE:
            mark.name = "beaten by another"
    fig.add_traces(marks, rows=[cell["row"]] * len(marks), cols=[cell["col"]] * len(marks))
    ordered = sorted(front, key=lambda r: (r.values[across.name], -up.sign * across.sign * r.values[up.name]))
    fig.add_trace(
        go.Scatter(
            x=[record.values[across.name] for record in ordered],
            y=[record.values[up.name] for record in ordered],
            mode="lines+markers" if len(view.problem.objectives) == 2 else "markers",
            line={"shape": "hv" if across.sign > 0 else "vh", "color": GREEN, "width": 1.5},
            marker={"color": GREEN, "size": 11, "line": {"color": "white", "width": 1}},
            name="on the front",
            legendgroup="front",
            legendrank=1,
            showlegend=first,
            text=[hover(view, record) for record in ordered],
            hovertemplate="%{text}<extra></extra>",
        ),
        **cell,
    )
    if across.reference is not None and up.reference is not None:
        fig.add_trace(
            go.Scatter(
                x=[across.reference],
                y=[up.reference],
                mode="markers",
                marker={"symbol": "star", "color": BLUE, "size": 12},
                name="reference",
                legendgroup="reference",
                showlegend=first,
                hovertemplate=f"reference {number(across.reference)}, {number(up.reference)}<extra></extra>",
            ),
            **cell,
        )
    fig.update_xaxes(title_text=_titled(across), **cell)
    fig.update_yaxes(title_text=_titled(up), **cell)


def _titled(objective: Objective) -> str:
    better = "smaller is better" if objective.direction == "minimize" else "larger is better"
    return f"{text(objective.name)} ({better})"
