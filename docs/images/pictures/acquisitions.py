"""One noisy posterior, and where each rule measures next: improvement, knowledge gradient, entropy search."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import band, label, line, marks, panels

from acquisitions import LogDiscreteKnowledgeGradient, LogEntropySearch, LogNoisyExpectedImprovement
from acquisitions.conditioning import joint_samples
from acquisitions.entropy_search import often_best
from bbo.plots.style import BAND, BLUE, GREEN, INK, MUTED, VERMILION
from surrogates.exact_gp import fit

NOISE, SEED = 0.35, 9


def function(x: Any) -> Any:
    return np.sin(9 * x) * (0.4 + 0.6 * x) + 0.5 * np.exp(-(((x - 0.2) / 0.1) ** 2))


def measured(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.array([0.03, 0.14, 0.2, 0.2, 0.26, 0.45, 0.62, 0.8, 0.97])[:, None]
    return X, function(X[:, 0]) + NOISE * rng.standard_normal(len(X))


def rules(gp: Any, X: np.ndarray, grid: np.ndarray, noise: float) -> dict[str, Any]:
    often = grid[often_best(joint_samples(gp, grid, 512, np.random.default_rng(0)), 32)]
    return {
        "log_ei": LogNoisyExpectedImprovement(gp, X, seed=0),
        "knowledge_gradient": LogDiscreteKnowledgeGradient(gp, grid, noise, candidate=True),
        "entropy_search": LogEntropySearch(gp, often, noise, seed=0),
    }


def figure() -> Any:
    grid = np.linspace(0, 1, 101)[:, None]
    X, y = measured(SEED)
    shift, scale = y.mean(), y.std()
    noise = float((NOISE / scale) ** 2)
    gp = fit(X, (y - shift) / scale, np.full(len(y), noise))
    mean, variance = gp.predict(grid)
    middle, doubt, xs = shift + scale * mean, 1.96 * scale * np.sqrt(variance), grid[:, 0]
    fig = panels(height=470, rows=2, heights=[0.52, 0.48], shared_xaxes=True, vertical_spacing=0.05)
    fig.add_traces([band(xs, middle - doubt, middle + doubt, BAND), line(xs, middle, BLUE, width=2.5), marks(X[:, 0], y, INK, size=8)])
    for k, ((name, rule), colour) in enumerate(zip(rules(gp, X, grid, noise).items(), (VERMILION, GREEN, MUTED), strict=True)):
        score = np.exp(rule.value(grid))
        score, best = score / score.max(), int(score.argmax())
        base = 2.5 - 1.25 * k
        fig.add_trace(band(xs, np.full(len(xs), base), base + score, _faint(colour)), row=2, col=1)
        fig.add_trace(line(xs, base + score, colour), row=2, col=1)
        fig.add_trace(marks([xs[best]], [base + 1], colour, "triangle-down", size=12), row=2, col=1)
        fig.add_trace(line([xs[best], xs[best]], [base + 1, 3.7], colour, width=1.2, dash="dot"), row=2, col=1)
        fig.add_trace(
            line([xs[best], xs[best]], [middle[best] - doubt[best], middle[best] + doubt[best]], colour, dash="dot"), row=1, col=1
        )
        label(fig, name, 0.47, base + 0.5, colour, row=2)
        print(name, f"measures next at {xs[best]:.2f}")
    fig.update_layout(margin_l=64, margin_t=16)
    fig.update_xaxes(range=[-0.02, 1.02])
    fig.update_xaxes(title_text="x", row=2, col=1)
    fig.update_yaxes(title_text="value, larger is better", row=1, col=1)
    fig.update_yaxes(title_text="score, to its largest", range=[-0.1, 3.7], showticklabels=False, showgrid=False, ticks="", row=2, col=1)
    return fig


def _faint(colour: str) -> str:
    return "rgba({},{},{},0.25)".format(*(int(colour[k : k + 2], 16) for k in (1, 3, 5)))
