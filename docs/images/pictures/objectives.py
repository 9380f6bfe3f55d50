"""A front of two objectives, approached by the hypervolume, by random weights, and by no model."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import label, line, marks, panels

import bbo
from bbo.plots.style import BAND, BLUE, MUTED, VERMILION

TRIALS = 30
SHOWN = (30, 12)
OPTIMIZERS = {"log_ei": bbo.Bayes(), "parego": bbo.Bayes(acquisition="parego"), "sobol": "sobol"}


def front(points: np.ndarray) -> np.ndarray:
    """Those of the points (`n x 2`, both small is good) that no other one dominates, in order."""
    points = points[np.lexsort(points.T[::-1])]
    least = np.minimum.accumulate(points[:, 1])
    return points[np.concatenate([[True], points[1:, 1] < least[:-1]])]


def dominated(points: np.ndarray, reference: np.ndarray) -> float:
    """The area between the front of the points and the reference."""
    inside = front(points[np.all(points < reference, axis=1)])
    return float(np.sum((reference[0] - inside[:, 0]) * -np.diff(np.concatenate([[reference[1]], inside[:, 1]]))))


def figure() -> Any:
    problem = bbo.problems.get("branin_currin")
    names = [objective.name for objective in problem.objectives]
    reference = np.array([objective.reference for objective in problem.objectives])
    cells = np.linspace(0, 1, 161)
    inputs = list(problem.space.parameters)
    ranges = [problem.space.parameters[name] for name in inputs]
    everywhere = [
        dict(zip(inputs, (p.low + u * (p.high - p.low) for p, u in zip(ranges, (a, b), strict=True)), strict=True))
        for a in cells
        for b in cells
    ]
    truth = front(np.array([[problem.function(x)[name] for name in names] for x in everywhere]))
    truth = truth[truth[:, 1] < reference[1]]
    titles, drawn = [], []
    for name, optimizer in OPTIMIZERS.items():
        study = problem.study(seed=0, optimizer=optimizer)
        study.optimize(problem, n_trials=TRIALS, progress=False)
        points = np.array([[trial.outcomes[of] for of in names] for trial in study.trials])
        share = dominated(points, reference) / problem.optimum.value
        titles.append(f"{name}<br>{100 * share:.0f} % of the area")
        drawn.append((points, np.array([[trial.outcomes[of] for of in names] for trial in study.pareto_front()])))
        print(name, f"{share:.4f}", len(drawn[-1][1]))
    fig = panels(*titles, height=330, cols=3, shared_yaxes=True, horizontal_spacing=0.03)
    fig.update_layout(margin_t=52)
    for col, (points, best) in enumerate(drawn, start=1):
        shown = points[np.all(points < SHOWN, axis=1)]
        fig.add_shape(
            type="rect", x0=-1, y0=0, x1=reference[0], y1=reference[1], fillcolor=BAND, line_width=0, layer="below", row=1, col=col
        )
        fig.add_trace(line(*truth.T, MUTED, width=2), row=1, col=col)
        fig.add_trace(marks(*shown.T, VERMILION, "circle-open", size=7, marker={"line": {"width": 1.5}}), row=1, col=col)
        fig.add_trace(marks(*best.T, BLUE, size=9), row=1, col=col)
    fig.update_xaxes(title_text="f1", range=[-1, SHOWN[0]])
    fig.update_yaxes(range=[0, SHOWN[1]])
    fig.update_yaxes(title_text="f2", col=1)
    label(fig, "front", 3, 1.4, MUTED)
    return fig
