"""On one posterior: where draws of the function have their best points, and where confidence bounds of several widths have theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import band, line, marks, panels
from pictures.acquisitions import NOISE, SEED, measured

from acquisitions import UpperConfidenceBound
from acquisitions.conditioning import joint_samples
from bbo.plots.style import BAND, BLUE, GREEN, INK, VERMILION
from surrogates.exact_gp import fit

DRAWS, SHOWN = 60, 4
BETAS = (0.0, 1.0, 3.84, 16.0)


def figure() -> Any:
    grid = np.linspace(0, 1, 101)[:, None]
    xs = grid[:, 0]
    X, y = measured(SEED)
    shift, scale = y.mean(), y.std()
    gp = fit(X, (y - shift) / scale, np.full(len(y), (NOISE / scale) ** 2))
    mean, variance = gp.predict(grid)
    middle, doubt = shift + scale * mean, 1.96 * scale * np.sqrt(variance)
    draws = shift + scale * joint_samples(gp, grid, DRAWS, np.random.default_rng(0))
    best = draws.argmax(1)
    fig = panels(height=450, rows=2, heights=[0.6, 0.4], shared_xaxes=True, vertical_spacing=0.05)
    fig.add_traces([band(xs, middle - doubt, middle + doubt, BAND), line(xs, middle, BLUE, width=2.5)])
    for draw, at in zip(draws[:SHOWN], best[:SHOWN], strict=True):
        fig.add_trace(line(xs, draw, GREEN, width=1.2), row=1, col=1)
        fig.add_trace(marks([xs[at]], [draw[at]], GREEN, "star", size=13), row=1, col=1)
    fig.add_trace(marks(X[:, 0], y, INK, size=8), row=1, col=1)
    fig.add_trace(marks(xs[best], np.zeros(DRAWS), GREEN, "line-ns", size=16, marker={"line": {"width": 2, "color": GREEN}}), row=2, col=1)
    for k, beta in enumerate(BETAS, start=1):
        at = xs[UpperConfidenceBound(gp, beta).value(grid).argmax()]
        print(f"beta={beta}: {at:.2f}")
        fig.add_trace(marks([at], [-k], VERMILION, "diamond", size=12), row=2, col=1)
    names = [f"thompson, {DRAWS} draws", *(f"ucb, beta={beta:g}" for beta in BETAS)]
    print("share of draws beyond 0.6:", np.mean(xs[best] > 0.6))
    fig.update_layout(margin_l=160, margin_t=16)
    fig.update_xaxes(range=[-0.02, 1.02])
    fig.update_xaxes(title_text="x", row=2, col=1)
    fig.update_yaxes(title_text="value, larger is better", row=1, col=1)
    fig.update_yaxes(range=[-len(BETAS) - 0.6, 0.6], tickvals=[-k for k in range(len(names))], ticktext=names, row=2, col=1)
    return fig
