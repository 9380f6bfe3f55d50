"""Outcome constraints, by `bayes`, `config` and `primal_dual`: where trials go, and how much they violate."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import marks, panels

import bbo
from bbo.plots.style import BLUE, INK, VERMILION

TRIALS = 40
OPTIMIZERS = ("bayes", "config", "primal_dual")


def figure() -> Any:
    import plotly.graph_objects as go

    problem = bbo.problems.get("constrained_gramacy")
    names = [constraint.name for constraint in problem.outcome_constraints]

    def worst(params: Any) -> float:
        return max(problem.function(params)[name] for name in names)

    grid = np.linspace(0, 1, 49)
    allowed = np.array([[worst({"x1": float(a), "x2": float(b)}) for a in grid] for b in grid])
    titles, drawn = [], []
    for name in OPTIMIZERS:
        study = problem.study(seed=0, optimizer=name)
        study.optimize(problem, n_trials=TRIALS, progress=False)
        excess = sum(max(trial.outcomes[of], 0.0) for trial in study.trials for of in names)
        titles.append(f"{name}<br>best feasible {study.best_value:.3f}<br>violated by {excess:.1f} in all")
        drawn.append(study)
        print(name, study.best_value, excess, sum(worst(t) <= 0 for t in study.trials))
    fig = panels(*titles, height=350, cols=3, shared_yaxes=True, horizontal_spacing=0.03)
    fig.update_layout(margin_t=74)
    region = {"start": 0, "end": 0, "size": 1}
    for col, study in enumerate(drawn, start=1):
        field = go.Contour(
            x=grid,
            y=grid,
            z=-allowed,
            showscale=False,
            contours=region,
            colorscale=[[0, "#ffffff"], [0.499, "#ffffff"], [0.5, "#d3e7f5"], [1, "#d3e7f5"]],
            zmin=-1,
            zmax=1,
            line={"width": 1.2, "color": INK, "smoothing": 0.5},
        )
        fig.add_trace(field, row=1, col=col)
        for keeps, colour, symbol in ((False, VERMILION, "circle-open"), (True, BLUE, "circle")):
            some = [trial for trial in study.trials if (worst(trial) <= 0) == keeps]
            look = {"line": {"width": 1.8}} if not keeps else {}
            fig.add_trace(
                marks([t["x1"] for t in some], [t["x2"] for t in some], colour, symbol, 7, marker=look, cliponaxis=False), row=1, col=col
            )
        (best,) = problem.optimum.points
        fig.add_trace(marks([best["x1"]], [best["x2"]], INK, "x-thin", size=11, marker={"line": {"width": 2.5}}), row=1, col=col)
    fig.update_xaxes(title_text="x1", range=[-0.03, 1.03], tickvals=[0, 0.5, 1])
    fig.update_yaxes(range=[-0.03, 1.03], tickvals=[0, 0.5, 1], showgrid=False)
    fig.update_yaxes(title_text="x2", col=1)
    return fig
