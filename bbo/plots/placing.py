"""Trials and ticks along the axis of a parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bbo.log.ledger import Record
from bbo.plots.axes import Axis
from bbo.plots.style import scale, text


def across(axis: Axis, record: Record) -> float | None:
    """Place of a trial on an axis; choices are spread a little by the trial's number, so that equal ones do not hide each other."""
    place = axis.position(record.params)
    if place is None or (axis.log and place <= 0):
        return None
    return place + 0.3 * ((record.number * 0.618034) % 1.0 - 0.5) if axis.levels else place


def shown(axis: Axis, records: Iterable[Record]) -> dict[str, Any]:
    """Plotly's settings of an axis that shows its whole range and all of the trials: scale, ticks and title."""
    ticks, labels = axis.ticks()
    if axis.levels:
        levels = {"tickvals": ticks, "ticktext": [text(label) for label in labels], "range": [-0.5, len(ticks) - 0.5], "showgrid": False}
        return {**levels, "title_text": axis.title}
    places = [place for record in records if (place := across(axis, record)) is not None]
    listed = {"tickvals": ticks, "ticktext": labels} if axis.listed else {}
    return {**scale([axis.low, axis.high, *places], log=axis.log), **listed, "title_text": axis.title}
