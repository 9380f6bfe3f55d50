"""Trials as marks: one trace a status, with what a reader wants to know when pointing at one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bbo.log.ledger import Record
from bbo.plots.axes import axes_of
from bbo.plots.style import MARKS, MUTED, number, text
from bbo.plots.view import Status, View

Position = Callable[[Record], float | None]


def hover(view: View, record: Record) -> str:
    """Number, state, outcomes and parameters of a trial, ready for Plotly."""
    lines = [f"<b>trial {record.number}</b> {record.state}"]
    for name, value in record.values.items():
        sd = f" ± {number(record.sd[name])}" if name in record.sd else ""
        lines.append(f"{text(name)}: <b>{number(value)}</b>{sd}")
    if record.reason:
        lines.append(f"<i>{text(shortened(record.reason))}</i>")
    for axis in axes_of(view.problem.space):
        if axis.parameter in record.params:
            unit = f" {text(axis.unit)}" if axis.unit else ""
            lines.append(f"{text(axis.name)}: {text(axis.show(record.params))}{unit}")
    return "<br>".join(lines)


def shortened(reason: str, length: int = 60) -> str:
    """The first line of a text, cut to a length."""
    first = reason.strip().splitlines()[0] if reason.strip() else ""
    return first if len(first) <= length else f"{first[: length - 1]}…"


def traces(
    view: View,
    pairs: Iterable[tuple[Record, Status]],
    x: Position,
    y: Position,
    *,
    sd: str | None = None,
    seen: set[Status] | None = None,
    marker: dict[Status, dict[str, Any]] | None = None,
) -> list[Any]:
    """Scatter traces, one a status, in the order of `Status`; a trial without a position is left out.

    Args:
        view: The study.
        pairs: Trials with their statuses.
        x, y: Where a trial stands.
        sd: Outcome whose told standard deviations are drawn as error bars along y.
        seen: Statuses that stand in the legend already; those drawn here are added to it.
        marker: Changes of the marks, by status.
    """
    import plotly.graph_objects as go

    seen = set() if seen is None else seen
    groups: dict[Status, list[tuple[Record, float, float]]] = {}
    for record, status in pairs:
        at = x(record), y(record)
        if at[0] is not None and at[1] is not None:
            groups.setdefault(status, []).append((record, at[0], at[1]))
    drawn = []
    for status in (status for status in Status if status in groups):
        records, xs, ys = zip(*groups[status], strict=True)
        trace = go.Scatter(
            x=xs,
            y=ys,
            mode="markers",
            marker={**_nested(MARKS[status]), **(marker or {}).get(status, {})},
            name=view.label(status),
            legendgroup=str(status),
            legendrank=1000 + list(Status).index(status),
            showlegend=status not in seen,
            text=[hover(view, record) for record in records],
            hovertemplate="%{text}<extra></extra>",
        )
        if sd is not None and any(sd in record.sd for record in records):
            trace.error_y = {"type": "data", "array": [r.sd.get(sd) for r in records], "thickness": 1, "width": 0, "color": MUTED}
        seen.add(status)
        drawn.append(trace)
    return drawn


def _nested(mark: dict[str, Any]) -> dict[str, Any]:
    line = {key.removeprefix("line_"): value for key, value in mark.items() if key.startswith("line_")}
    return {**{key: value for key, value in mark.items() if not key.startswith("line_")}, "line": line}
