"""Where trials go to find the largest value, a level, or the whole function."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import marks, panels

import bbo
from bbo.plots.style import INK, VERMILION

LEVEL, TRIALS = 0.5, 30
RULES = {
    "the best point<br>log_ei": {"acquisition": "log_ei"},
    "where it exceeds a level<br>straddle": {"acquisition": "straddle", "level": LEVEL},
    "the whole function<br>integrated_variance": {"acquisition": "integrated_variance"},
}


def surface(x: Any, y: Any) -> Any:
    hill, ridge = np.exp(-(((x - 0.7) / 0.2) ** 2) - ((y - 0.7) / 0.25) ** 2), np.exp(-(((x - 0.25) / 0.15) ** 2) - ((y - 0.35) / 0.3) ** 2)
    return hill + 0.75 * ridge


def figure() -> Any:
    import plotly.graph_objects as go

    fig = panels(*RULES, height=320, cols=3, shared_yaxes=True, horizontal_spacing=0.03)
    fig.update_layout(margin_t=52)
    grid = np.linspace(0, 1, 33)
    Z = surface(*np.meshgrid(grid, grid))
    colours = [[0, "#ffffff"], [1, "#8fc1e3"]]
    for col, settings in enumerate(RULES.values(), start=1):
        study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}), "maximize", optimizer=bbo.Bayes(**settings), seed=0)
        study.optimize(lambda t: float(surface(t["x"], t["y"])), n_trials=TRIALS, progress=False)
        truth = np.array([[surface(a, b)] for a in grid for b in grid]).ravel()
        said = np.array([p.mean["value"] for p in study.predict([{"x": float(a), "y": float(b)} for a in grid for b in grid])])
        misjudged = np.mean((truth > LEVEL) != (said > LEVEL))
        print(settings, f"best {study.best_value:.4f}, on the wrong side of the level {misjudged:.4f}")
        field = {"x": grid, "y": grid, "z": Z, "showscale": False}
        fig.add_trace(
            go.Contour(**field, colorscale=colours, contours={"start": 0.25, "end": 0.75, "size": 0.25}, line={"width": 0, "smoothing": 0}),
            row=1,
            col=col,
        )
        level = {"start": LEVEL, "end": LEVEL, "size": 1, "coloring": "lines"}
        fig.add_trace(
            go.Contour(**field, colorscale=[[0, INK], [1, INK]], contours=level, line={"width": 2, "smoothing": 0.6}), row=1, col=col
        )
        fig.add_trace(
            marks([t["x"] for t in study.trials], [t["y"] for t in study.trials], VERMILION, size=7, cliponaxis=False), row=1, col=col
        )
    fig.update_xaxes(title_text="x", range=[-0.03, 1.03], tickvals=[0, 0.5, 1])
    fig.update_yaxes(range=[-0.03, 1.03], tickvals=[0, 0.5, 1], showgrid=False)
    fig.update_yaxes(title_text="y", col=1)
    return fig
