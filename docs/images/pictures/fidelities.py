"""Cheap evaluations look around, dear ones decide: where each went, and how good what was recommended is for what it cost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from drawing import band, label, line, marks, panels

import bbo
from bbo.plots.style import BAND, BLUE, ORANGE, VERMILION

BUDGET, SEEDS = 120.0, 10
PROBLEM = bbo.problems.get("forrester")


def at(x: float, level: str) -> float:
    return PROBLEM({"x1": float(x), "fidelity": level}).values["value"]


def run(*, levels: bool, seed: int) -> tuple[list[bbo.Trial], list[float]]:
    """The trials until the budget is spent, and the regret at the target of what is recommended at each unit of cost (NaN before)."""
    study = bbo.Study(PROBLEM.space, list(PROBLEM.objectives), optimizer="bayes", seed=seed)
    spent, regrets = 0.0, np.full(int(BUDGET) + 1, np.nan)
    while True:
        trial = study.ask(fixed={} if levels else {"fidelity": "high"})
        cost = PROBLEM.space.parameters["fidelity"].cost_at(trial["fidelity"])
        if spent + cost > BUDGET:
            return [t for t in study.trials if t.value is not None], list(regrets)
        study.tell(trial, PROBLEM(trial).values, cost=cost)
        spent += cost
        if trial.number:  # a model needs two
            regrets[int(spent) :] = at(study.recommend().params["x1"], "high") - PROBLEM.optimum.value


def figure() -> Any:
    fig = panels("evaluations of one run", f"regret, {SEEDS} runs", height=360, cols=2, horizontal_spacing=0.12)
    xs = np.linspace(0, 1, 121)
    fig.add_trace(line(xs, [at(x, "low") for x in xs], ORANGE, width=1.5), row=1, col=1)
    fig.add_trace(line(xs, [at(x, "high") for x in xs], BLUE, width=2), row=1, col=1)
    trials, _ = run(levels=True, seed=1)
    for level, colour, symbol, size in (("low", ORANGE, "circle-open", 8), ("high", BLUE, "circle", 9)):
        there = [t for t in trials if t["fidelity"] == level]
        look = {"line": {"width": 2}} if level == "low" else {}
        fig.add_trace(
            marks([t["x1"] for t in there], [t.value for t in there], colour, symbol, size, marker=look, cliponaxis=False), row=1, col=1
        )
        print(level, len(there))
    costs = np.arange(int(BUDGET) + 1)
    for levels, colour, shade in ((False, VERMILION, "rgba(213,94,0,0.18)"), (True, BLUE, BAND)):
        regrets = np.array([run(levels=levels, seed=seed)[1] for seed in range(SEEDS)])
        known = ~np.isnan(regrets).any(0)
        low, middle, high = np.maximum(np.quantile(regrets[:, known], (0.25, 0.5, 0.75), axis=0), 1e-5)
        fig.add_trace(band(costs[known], low, high, shade), row=1, col=2)
        fig.add_trace(line(costs[known], middle, colour, width=2.5), row=1, col=2)
        first = int(costs[known][np.argmax(middle < 0.01)])
        print(
            f"levels={levels}: median below 0.01 first at {first}; at 60 {middle[costs[known] == 60]}, at 80 {middle[costs[known] == 80]}"
        )
    fig.update_xaxes(title_text="x", row=1, col=1)
    fig.update_yaxes(title_text="value", row=1, col=1)
    fig.update_xaxes(title_text="cost (target: 10, cheap: 1)", range=[0, BUDGET], row=1, col=2)
    fig.update_yaxes(
        title_text="regret",
        type="log",
        range=[-4.2, 1.1],
        tickvals=[10.0**k for k in range(-4, 2)],
        ticktext=["0.0001", "0.001", "0.01", "0.1", "1", "10"],
        row=1,
        col=2,
    )
    label(fig, "target", 0.6, 2.2, BLUE)
    label(fig, "cheap level", 0.28, -8.3, ORANGE)
    label(fig, "target alone", 80, math.log10(4.5), VERMILION, col=2)
    label(fig, "both levels", 36, math.log10(0.01), BLUE, col=2)
    return fig
