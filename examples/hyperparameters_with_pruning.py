"""Tune a neural network, and stop early what does not look promising.

    python examples/hyperparameters_with_pruning.py --trials 30

The network reports its error after every epoch. Successive halving (ASHA) compares it with the others at the same epoch, and
lets only the better ones train on: most trials cost a few epochs, not all of them.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import minmax_scale

import bbo

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(minmax_scale(X), y, test_size=0.3, stratify=y, random_state=0)

SPACE = bbo.Space(
    {
        "layers": bbo.Int(1, 3),
        "width": bbo.Ordinal([16, 32, 64, 128]),
        "learning_rate": bbo.Float(1e-5, 1e-1, log=True),
        "alpha": bbo.Float(1e-6, 1e0, log=True),
        "batch": bbo.Ordinal([16, 32, 64, 128]),
    }
)


class Training:
    """An objective function: the error on held-out digits after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def __call__(self, trial: bbo.Trial) -> float:
        network = MLPClassifier(
            hidden_layer_sizes=[trial["width"]] * trial["layers"],
            learning_rate_init=trial["learning_rate"],
            alpha=trial["alpha"],
            batch_size=trial["batch"],
            random_state=trial.seed,
        )
        error = 1.0
        for epoch in range(self.epochs):
            network.partial_fit(X_train, y_train, classes=np.arange(10))
            error = 1.0 - network.score(X_test, y_test)
            trial.report(error, epoch)
            if trial.should_prune():
                raise bbo.TrialPruned
        return error


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    study = bbo.Study(SPACE, {"error": "minimize"}, pruner="asha", seed=options.seed, name="network")
    study.optimize(Training(options.epochs), options.trials, workers=options.workers)

    trained = sum(len(trial.reports) for trial in study.trials)
    pruned = sum(trial.state == "pruned" for trial in study.trials)
    print(f"{pruned} of {options.trials} trials were stopped early: {trained} epochs instead of {options.trials * options.epochs}")
    print(f"error {study.best_value:.2%} with {study.best_params}")


if __name__ == "__main__":
    main()
