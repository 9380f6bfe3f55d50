"""What comparisons alone say of a utility: its order, and nothing of its level."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from drawing import band, label, line, marks, panels

import bbo
from bbo.plots.style import BAND, BLUE, MUTED, VERMILION

PAIRS = 12


def taste(minutes: float) -> float:
    return math.exp(-((math.log(minutes / 3.5) / 0.6) ** 2))


def figure() -> Any:
    study = bbo.Study(bbo.Space({"minutes": bbo.Float(1, 10)}), bbo.Objective("taste", "maximize", feedback="ranking"), seed=0)
    pairs = []
    for _ in range(PAIRS):
        pair = sorted(study.ask(2), key=lambda trial: -taste(trial["minutes"]))
        study.tell_ranking(pair)
        pairs.append([trial["minutes"] for trial in pair])
    xs = np.linspace(1, 10, 91)
    said = study.predict([{"minutes": float(x)} for x in xs])
    mean, sd = (np.array([getattr(p, what)["taste"] for p in said]) for what in ("mean", "sd"))
    best = study.recommend().params["minutes"]
    print(f"best by the model {best:.2f}")
    fig = panels(
        "utility, by the model", "the comparisons", height=430, rows=2, heights=[0.6, 0.4], shared_xaxes=True, vertical_spacing=0.1
    )
    truth = np.array([taste(x) for x in xs])
    scaled = (truth - truth.mean()) / truth.std() * mean.std() + mean.mean()
    fig.add_traces(
        [band(xs, mean - 1.96 * sd, mean + 1.96 * sd, BAND), line(xs, scaled, MUTED, dash="dot"), line(xs, mean, BLUE, width=2.5)]
    )
    for k, (better, worse) in enumerate(pairs, start=1):
        fig.add_trace(line([better, worse], [k, k], MUTED, width=1.5), row=2, col=1)
    order = range(1, PAIRS + 1)
    fig.add_trace(marks([w for _, w in pairs], order, VERMILION, "circle-open", size=8, marker={"line": {"width": 2}}), row=2, col=1)
    fig.add_trace(marks([b for b, _ in pairs], order, BLUE, size=10), row=2, col=1)
    fig.update_yaxes(title_text="utility", row=1, col=1)
    fig.update_yaxes(title_text="pair", row=2, col=1)
    fig.update_xaxes(title_text="minutes", row=2, col=1)
    fig.update_xaxes(range=[0.8, 10.2])
    fig.update_yaxes(tickvals=[1, 4, 8, 12], range=[PAIRS + 0.8, 0.2], row=2, col=1)
    label(fig, "mean", 1.05, 0.62, BLUE)
    label(fig, "95 % band", 4.9, 1.4, BLUE)
    label(fig, "what the judge goes by", 7.2, 0.1, MUTED)
    label(fig, "better", 1.35, 2.2, BLUE, row=2)
    label(fig, "worse", 9.05, 2.2, VERMILION, row=2)
    return fig
