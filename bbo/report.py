"""A study as one HTML file: what was found, how, every figure that fits, and every trial. It asks nothing of the network."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bbo.errors import NoBest, StorageError
from bbo.log.ledger import Record
from bbo.plots import plot
from bbo.plots.axes import axes_of
from bbo.plots.style import number
from bbo.plots.view import Status, View

if TYPE_CHECKING:
    from bbo.study import Study

_LISTED = 1000
"""The table of trials ends here: a page of more rows is no longer read, and slow to open."""


def write_report(study: Study, path: str | os.PathLike[str], *, others: Sequence[Study] = (), remarks: Sequence[str] = ()) -> Path:
    """Write the report, and return where it stands. An older file is replaced once the new one is complete.

    Args:
        study: The study.
        path: The HTML file to write.
        others: Studies of the same objectives to lay over the history.
        remarks: Sentences shown under the title, as plain text.

    Raises:
        InvalidStudy: Another study has other objectives.
        StorageError: The file cannot be written.
    """
    view = View.of(study)
    sections = [
        _section("Best", _best(study, view)),
        _section("How it was found", f"<pre>{html.escape(study.explain())}</pre>"),
        *_findings(study),
        *(_section(title, figure) for title, figure in _figures(study, view, others)),
        _section("Trials", _trials(view)),
    ]
    page = _PAGE.format(
        title=html.escape(study.name),
        summary=_summary(view),
        remarks="".join(f"<p>{html.escape(remark)}</p>" for remark in remarks),
        plotly=_plotly(),
        body="\n".join(sections),
    )
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(f"report: {target} cannot be written: {error.strerror}") from error
    return target


def _summary(view: View) -> str:
    goals = ", ".join(f"{objective.direction} {objective.name}" for objective in view.problem.objectives)
    wanted = "".join(f", {constraint}" for constraint in view.problem.outcome_constraints)
    counts = ", ".join(f"{view.statuses.count(status)} {view.label(status)}" for status in Status if status in view.statuses)
    return html.escape(f"{goals}{wanted} · {len(view.records)} trials" + (f": {counts}" if counts else ""))


def _best(study: Study, view: View) -> str:
    """The best configuration, the front of several objectives, or why there is neither."""
    if len(view.problem.objectives) > 1:
        return _table(view, view.front()) if view.front() else "<p>Nothing feasible is measured yet.</p>"
    try:
        record = study.record(study.best_trial.number)
    except NoBest as reason:
        return f"<p>{html.escape(str(reason))}</p>"
    rows = [(name, _measured(record, name), "") for name in view.problem.outcomes if name in record.values]
    axes = [axis for axis in axes_of(view.problem.space) if axis.parameter in record.params]
    rows += [(axis.name, str(axis.value(record.params)), axis.unit) for axis in axes]  # in full, so that it can be run again
    cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)} {html.escape(unit)}</td></tr>" for name, value, unit in rows)
    return f"<p>Trial {record.number}</p><table>{cells}</table>"


def _findings(study: Study) -> Iterator[str]:
    """What looks wrong, where something does."""
    if found := study.diagnose():
        entries = (f"<li>{html.escape(entry.severity)}: {html.escape(entry.text)}<br>{html.escape(entry.advice)}</li>" for entry in found)
        yield _section("What to look at", f"<ul>{''.join(entries)}</ul>")


def _figures(study: Study, view: View, others: Sequence[Study]) -> Iterator[tuple[str, str]]:
    """Title and HTML of each figure that fits the study."""
    drawn: list[tuple[str, Any]] = []
    valued = all(objective.feedback == "value" for objective in view.problem.objectives)
    if valued:
        drawn.append(("History", plot(study, "history", others=others)))
    if len(view.problem.objectives) > 1:
        drawn.append(("Pareto front", plot(study, "pareto")))
    if valued:
        drawn.append(("Parallel coordinates", plot(study, "parallel")))
        drawn += [(f"Slices: {o.name}", plot(study, "slices", outcome=o.name)) for o in view.problem.objectives]
    if view.problem.outcome_constraints or set(view.statuses) - {Status.FEASIBLE}:
        drawn.append(("Feasibility and failures", plot(study, "feasibility")))
    for k, (title, figure) in enumerate(drawn):
        figure.update_layout(title=None, margin_t=60 if title != "Parallel coordinates" else 100)
        options = {"displaylogo": False, "responsive": True}
        yield html.escape(title), figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"figure-{k}", config=options)


def _trials(view: View) -> str:
    records = view.records[-_LISTED:]
    left_out = len(view.records) - len(records)
    remark = f"<p>The last {len(records)} of {len(view.records)} trials.</p>" if left_out else ""
    return remark + _table(view, records)


def _table(view: View, records: Iterable[Record]) -> str:
    axes = axes_of(view.problem.space)
    names = view.problem.outcomes
    head = ["trial", "status", *names, *(f"{axis.name} [{axis.unit}]" if axis.unit else axis.name for axis in axes), "remark"]
    rows = []
    for record in records:
        shown = [axis.show(record.params) if axis.parameter in record.params else "" for axis in axes]
        outcomes = [_measured(record, name) for name in names]
        rows.append([str(record.number), view.label(view.statuses[record.number]), *outcomes, *shown, record.reason])
    return f"<div class='wide'><table>{_row('th', head)}{''.join(_row('td', row) for row in rows)}</table></div>"


def _measured(record: Record, name: str) -> str:
    if name not in record.values:
        return ""
    sd = f" ± {number(record.sd[name])}" if name in record.sd else ""
    return f"{record.values[name]:.6g}{sd}"


def _row(cell: str, texts: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{html.escape(text)}</{cell}>" for text in texts) + "</tr>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #222 }}
body {{ max-width: 1080px; margin: 2rem auto; padding: 0 1rem }}
h1 {{ margin-bottom: 0 }}
h2 {{ margin-top: 2.5rem; border-bottom: 1px solid #e4e4e4; font-size: 1.2rem }}
.summary {{ color: #6b6b6b; margin-top: .2rem }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ text-align: left; padding: .15rem .9rem .15rem 0; vertical-align: top; white-space: nowrap }}
th {{ font-weight: 600 }}
.wide {{ overflow: auto; max-height: 30rem }}
.wide tr:first-child th {{ position: sticky; top: 0; background: #fff; border-bottom: 1px solid #6b6b6b }}
.wide tr:nth-child(odd) td {{ background: #f6f8fa }}
pre {{ white-space: pre-wrap; font: inherit; margin: 0 }}
@media print {{ .wide {{ max-height: none }} section {{ break-inside: avoid }} }}
</style>
<script>{plotly}</script>
</head>
<body>
<h1>{title}</h1>
<p class="summary">{summary}</p>
{remarks}
{body}
</body>
</html>
"""
