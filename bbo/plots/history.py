"""History: every result in the order of the trials, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy
from bbo.log.ledger import Record
from bbo.objectives import Objective
from bbo.plots.marks import traces
from bbo.plots.style import SERIES, figure, note, number, scale, spans_decades, style_axes, text
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study

_VALUELESS = (Status.FAILED, Status.PRUNED)


def history(study: Study, *, others: Sequence[Study] = ()) -> Any:
    """Values by trial and the best so far, a row an objective; below, the trials that failed or were pruned.

    Args:
        study: The study.
        others: Studies of the same objectives to lay over it, each in a colour of its own.

    Returns:
        A Plotly figure.

    Raises:
        InvalidStudy: Results are rankings, or another study has other objectives.
    """
    view = View.of(study)
    views = [view, *(View.of(other) for other in others)]
    for objective in view.problem.objectives:
        view.outcome(objective.name)
    for other in views[1:]:
        if other.problem.objectives != view.problem.objectives:
            raise InvalidStudy(f"plot: others: study {other.name!r} has other objectives than {view.name!r}; they must be the same")
    title = f"History of {view.name}" if len(views) == 1 else "History of " + ", ".join(v.name for v in views)
    if not any(v.having(Status.FEASIBLE, Status.INFEASIBLE, Status.ASIDE) for v in views):
        return note(title, "No trial is done yet.")
    return _drawn(title, views)


def _drawn(title: str, views: Sequence[View]) -> Any:
    from plotly.subplots import make_subplots

    objectives = views[0].problem.objectives
    strip = any(v.having(*_VALUELESS) for v in views)
    heights = [1.0] * len(objectives) + ([0.16 if len(objectives) == 1 else 0.25] if strip else [])
    fig = make_subplots(rows=len(heights), cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.05)
    fig.update_layout(figure(title, height=360 * len(objectives) + 100).layout)
    style_axes(fig)
    seen: set[Status] = set()
    for row, objective in enumerate(objectives, start=1):
        for k, view in enumerate(views):
            _draw_objective(fig, view, objective, row=row, colour=SERIES[k % len(SERIES)], seen=seen, alone=len(views) == 1)
        _scale(fig, views, objective, row)
    if strip:
        row = len(heights)
        for k, view in enumerate(views):
            pairs = [(record, status) for status in _VALUELESS for record in view.having(status)]
            fig.add_traces(traces(view, pairs, lambda r: r.number, lambda _, k=k: -k, seen=seen), rows=row, cols=1)  # type: ignore[misc]
        labels = [text(v.name) for v in views] if len(views) > 1 else ["no value"]
        ticks = {"tickvals": [-k for k in range(len(views))], "ticktext": labels, "ticks": ""}
        fig.update_yaxes(range=[0.5 - len(views), 0.5], showgrid=False, **ticks, row=row, col=1)
    last = max(len(view.records) for view in views) - 1
    fig.update_xaxes(range=[-0.02 * last - 0.5, 1.02 * last + 0.5], showgrid=False)
    fig.update_xaxes(title_text="trial", row=len(heights), col=1)
    return fig


def _draw_objective(fig: Any, view: View, objective: Objective, *, row: int, colour: str, seen: set[Status], alone: bool) -> None:
    import plotly.graph_objects as go

    pairs = view.measured(objective.name)
    faint = {} if alone else {status: {"color": colour, "opacity": 0.35, "size": 6} for status in Status}
    sd = objective.name if alone else None
    marks = traces(view, pairs, lambda r: r.number, lambda r: r.values[objective.name], sd=sd, seen=seen, marker=faint)
    steps = best_so_far(view, objective)
    if not alone:
        for mark in marks:
            mark.showlegend = False
    fig.add_traces(marks, rows=row, cols=1)
    if not steps:
        return
    xs = [record.number for record in steps] + [len(view.records) - 1]
    ys = [record.values[objective.name] for record in steps]
    fig.add_trace(
        go.Scatter(
            x=xs,
            y=[*ys, ys[-1]],
            mode="lines+text",
            line={"shape": "hv", "color": colour, "width": 2.5},
            text=[*[""] * len(ys), f"<b>{number(ys[-1])}</b>" if alone else ""],
            textposition="middle right",
            textfont={"color": colour},
            cliponaxis=False,
            name="best so far" if alone else text(view.name),
            legendgroup=f"best {view.name}",
            showlegend=row == 1,
            hovertemplate=f"best so far: %{{y:.5g}}<extra>{text(view.name)}</extra>",
        ),
        row=row,
        col=1,
    )


def best_so_far(view: View, objective: Objective) -> list[Record]:
    """The trials that were the best of one objective when they came, by number: feasible, inside the space, at the target."""
    best: list[Record] = []
    for record in view.having(Status.FEASIBLE):
        if not best or objective.sign * record.values[objective.name] < objective.sign * best[-1].values[objective.name]:
            best.append(record)
    return best


def _scale(fig: Any, views: Sequence[View], objective: Objective, row: int) -> None:
    values = [record.values[objective.name] for view in views for record, _ in view.measured(objective.name)]
    arrow = "↓" if objective.direction == "minimize" else "↑"
    fig.update_yaxes(title_text=f"{text(objective.name)} {arrow}", **scale(values, log=spans_decades(values)), row=row, col=1)
