"""An acquisition function and a model of one's own, against three optimizers that come with bbo.

    python examples/own_acquisition.py --seeds 20 --trials 30 --workers 4

The acquisition is an upper confidence bound whose weight shrinks with the data; the model is a Gaussian process whose kernel adds a
part for each parameter to one of all together. Each is a function of a few lines, and all else (first points, constraints, running
trials, the search for the best point, the log) is bbo's. The problem is Hartmann's in three dimensions; its least value is -3.86278.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from botorch.acquisition import AcquisitionFunction, UpperConfidenceBound
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from gpytorch.kernels import AdditiveKernel, MaternKernel, ScaleKernel
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

import bbo
from bbo.optimizers.custom import Context

LEAST = -3.86278
WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
SCALES = np.array([[3.0, 10, 30], [0.1, 10, 35], [3.0, 10, 30], [0.1, 10, 35]])
CENTRES = np.array([[0.3689, 0.1170, 0.2673], [0.4699, 0.4387, 0.7470], [0.1091, 0.8732, 0.5547], [0.0381, 0.5743, 0.8828]])

SPACE = bbo.Space({"a": bbo.Float(0, 1), "b": bbo.Float(0, 1), "c": bbo.Float(0, 1)})


def hartmann(trial: bbo.Trial) -> float:
    x = np.array([trial["a"], trial["b"], trial["c"]])
    return float(-WEIGHTS @ np.exp(-(SCALES * (x - CENTRES) ** 2).sum(axis=1)))


def shrinking_bound(model: Model, context: Context) -> AcquisitionFunction:
    """Of points in the unit cube and outcomes to be maximized, as BoTorch has it."""
    n = len(context.X)
    return UpperConfidenceBound(model, beta=4 / math.sqrt(n))


def additive(X: Tensor, Y: Tensor, context: Context) -> Model:
    parts = [ScaleKernel(MaternKernel(nu=2.5, active_dims=[k])) for k in range(X.shape[1])]
    whole = ScaleKernel(MaternKernel(nu=2.5, ard_num_dims=X.shape[1]))
    model = SingleTaskGP(X, Y, context.Yvar, covar_module=AdditiveKernel(whole, *parts))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


OPTIMIZERS = {
    "own acquisition": bbo.Bayes(acquisition=shrinking_bound),
    "own model": bbo.Bayes(surrogate=additive),
    "bayes": bbo.Bayes(),
    "cma_es": bbo.CMAES(),
    "random": "random",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()

    problem = (hartmann, SPACE, {"value": "minimize"})
    table = bbo.compare(problem, OPTIMIZERS, n_trials=options.trials, seeds=options.seeds, workers=options.workers)
    table.to_csv("comparison.csv", index=False)

    last = table[table["evaluation"] == options.trials - 1].set_index(["optimizer", "seed"])["best"] - LEAST
    print(f"Distance from the least value after {options.trials} evaluations, {options.seeds} seeds:")
    print(f"{'':16} {'median':>9} {'worst':>9}")
    for label in OPTIMIZERS:
        print(f"{label:16} {last[label].median():9.5f} {last[label].max():9.5f}")


if __name__ == "__main__":
    main()
