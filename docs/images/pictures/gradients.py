"""What the model makes of three trials: of their values alone, and of values and gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from drawing import band, label, line, marks, panels

import bbo
from bbo.plots.style import BAND, BLUE, INK, MUTED, VERMILION

TRIALS = (0.1, 0.45, 0.9)


def value(x: float) -> float:
    return math.sin(5 * x) + 1.2 * x


def slope(x: float) -> float:
    return 5 * math.cos(5 * x) + 1.2


def told(*, gradients: bool) -> bbo.Study:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), "minimize", optimizer="bayes", seed=0)
    for x in TRIALS:
        study.enqueue({"x": x})
        study.tell(study.ask(), value(x), gradient={"x": slope(x)} if gradients else None)
    return study


def figure() -> Any:
    fig = panels("three values", "three values with their gradients", height=320, cols=2, shared_yaxes=True, horizontal_spacing=0.05)
    xs = np.linspace(0, 1, 81)
    for col, gradients in enumerate((False, True), start=1):
        said = told(gradients=gradients).predict([{"x": float(x)} for x in xs])
        mean, sd = (np.array([getattr(p, what)["value"] for p in said]) for what in ("mean", "sd"))
        ends = [(x + side * 0.06, value(x) + side * 0.06 * slope(x)) for x in TRIALS for side in (-1, 1)]
        traces = [
            band(xs, mean - 1.96 * sd, mean + 1.96 * sd, BAND),
            line(xs, [value(x) for x in xs], MUTED, dash="dot"),
            line(xs, mean, BLUE, width=2.5),
            *([line(*zip(*ends[k : k + 2], strict=True), VERMILION, width=4) for k in (0, 2, 4)] if gradients else []),
            marks(TRIALS, [value(x) for x in TRIALS], INK, size=10),
        ]
        fig.add_traces(traces, rows=1, cols=col)
    fig.update_xaxes(title_text="x")
    fig.update_yaxes(title_text="value", col=1)
    label(fig, "mean", 0.6, 1.2, BLUE)
    label(fig, "the function", 0.02, 1.5, MUTED)
    label(fig, "95 % band", 0.7, 1.95, BLUE)
    label(fig, "gradient", 0.14, 0.62, VERMILION, col=2)
    return fig
