"""A setting that is inexact: the best value stands on a narrow peak, the best on average on a wide one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from drawing import label, line, marks, panels

import bbo
from bbo.plots.style import BLUE, INK, MUTED, VERMILION

TRIALS = 25
SD = 3.0  # degrees, of what results around what is set


def quality(T: float) -> float:
    return 1.5 * math.exp(-(((T - 75) / 2.5) ** 2)) + math.exp(-(((T - 100) / 12) ** 2))


def average(T: float) -> float:
    """Of the quality over what results: normal, cut off four standard deviations from what is set, held inside the range."""
    offsets = np.linspace(-4, 4, 401)
    weights = np.exp(-(offsets**2) / 2)
    values = [quality(min(max(T + SD * z, 60), 120)) for z in offsets]
    return float(np.average(values, weights=weights))


def run(input_sd: float | None) -> bbo.Study:
    study = bbo.Study(bbo.Space({"T": bbo.Float(60, 120, input_sd=input_sd, unit="°C")}), {"quality": "maximize"}, seed=0)
    study.optimize(lambda trial: quality(trial["T"]), n_trials=TRIALS, progress=False)
    return study


def figure() -> Any:
    fig = panels(height=400, rows=2, heights=[0.78, 0.22], shared_xaxes=True, vertical_spacing=0.04)
    xs = np.linspace(60, 120, 241)
    fig.add_traces([line(xs, [quality(x) for x in xs], MUTED, width=1.5, dash="dot"), line(xs, [average(x) for x in xs], INK, width=2.5)])
    for row, (input_sd, colour, symbol) in enumerate(((None, VERMILION, "diamond"), (SD, BLUE, "circle"))):
        study = run(input_sd)
        T = study.recommend().params["T"]
        print(f"input_sd={input_sd}: recommended {T:.2f}, nominal {quality(T):.3f}, on average {average(T):.3f}")
        fig.add_trace(line([T, T], [quality(T), average(T)], colour, width=2), row=1, col=1)
        fig.add_trace(marks([T], [quality(T)], colour, symbol + "-open", size=13, marker={"line": {"width": 2.5}}), row=1, col=1)
        fig.add_trace(marks([T], [average(T)], colour, symbol, size=13), row=1, col=1)
        fig.add_trace(marks([t["T"] for t in study.trials], [-row] * TRIALS, colour, symbol, size=7, opacity=0.6), row=2, col=1)
    fig.update_xaxes(range=[59.5, 120.5])
    fig.update_xaxes(title_text="T as set [°C]", row=2, col=1)
    fig.update_yaxes(title_text="quality", range=[-0.05, 1.65], row=1, col=1)
    fig.update_yaxes(range=[-1.5, 0.5], tickvals=[0, -1], ticktext=["without", "with"], showgrid=False, row=2, col=1)
    fig.update_layout(margin_l=64, margin_t=16)
    label(fig, "of what is set", 77.5, 1.3, MUTED)
    label(fig, "on average over<br>what results", 80.5, 0.6, INK)
    label(fig, "recommended without input_sd", 76.5, 1.5, VERMILION)
    label(fig, "recommended with input_sd", 100, 1.14, BLUE, xanchor="center")
    return fig
