"""Where trials go without a belief where the optimum lies, with a right one and with a wrong one."""

from __future__ import annotations

import math
from typing import Any

from drawing import marks, panels

import bbo
from bbo.plots.style import BLUE, INK, ORANGE

BEST = 10**-3.4
TRIALS = 20
BELIEFS = {"no belief": None, "a right belief": 1e-3, "a wrong belief": 3e-2}


def error(trial: Any) -> float:
    return float(1 - math.exp(-((math.log10(trial["lr"] / BEST) / 0.7) ** 2)) + 0.8 * (trial["dropout"] - 0.2) ** 2)


def run(believed: float | None) -> bbo.Study:
    space = bbo.Space({"lr": bbo.Float(1e-6, 1, log=True), "dropout": bbo.Float(0, 0.6)})
    settings = bbo.Bayes() if believed is None else bbo.Bayes(optimum={"lr": bbo.Normal(believed, 0.5)})
    study = bbo.Study(space, {"error": "minimize"}, optimizer=settings, seed=0)
    study.optimize(error, n_trials=TRIALS, progress=False)
    return study


def figure() -> Any:
    fig = panels(*BELIEFS, height=360, cols=3, shared_yaxes=True, horizontal_spacing=0.03)
    for col, believed in enumerate(BELIEFS.values(), start=1):
        trials = run(believed).trials
        fig.add_trace(marks([t["lr"] for t in trials], [t.number + 1 for t in trials], BLUE, size=9, cliponaxis=False), row=1, col=col)
        fig.add_vline(BEST, line={"color": INK, "width": 1.5, "dash": "dot"}, layer="below", row=1, col=col)
        if believed is not None:
            for sds in (1, 2):
                ends = [believed * 10 ** (side * 0.5 * sds) for side in (-1, 1)]
                fig.add_vrect(*ends, fillcolor=ORANGE, opacity=0.22, line_width=0, layer="below", row=1, col=col)
        print(col, [round(min(t.value for t in trials[: k + 1]), 4) for k in (4, 9, 14, 19)])
    ticks = {"tickvals": [1e-6, 1e-4, 1e-2, 1], "ticktext": ["10<sup>-6</sup>", "10<sup>-4</sup>", "0.01", "1"]}
    fig.update_xaxes(title_text="lr", type="log", range=[-6.2, 0.2], **ticks)
    fig.update_yaxes(range=[TRIALS + 0.8, 0], tickvals=[1, 5, 10, 15, 20])
    fig.update_yaxes(title_text="trial", col=1)
    return fig
