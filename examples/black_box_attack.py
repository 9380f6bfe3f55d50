"""How little it takes to fool a classifier that shows nothing but its probabilities: handwritten digits, changed a little.

    python examples/black_box_attack.py --images 10

Every pixel may change by at most 0.2 of the range of grey. Whoever attacks sees the probabilities of the ten digits, nothing of the network
behind them, and wants another digit to become more probable than the true one. The changes allowed are an l-infinity ball, whose corners
change every pixel as far as they may: `frank_wolfe` estimates along which direction the margin falls, from two queries a step, and goes a
part of the way to the corner that is best along the average of these. Consensus-based optimization and random changes have as many queries.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import bbo

REACH = 0.2

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=0)

Margin = Callable[[np.ndarray], float]


def attack(margin: Margin, optimizer: bbo.Optimizer, queries: int, seed: int) -> int | None:
    """After how many queries the true digit is no longer the most probable one; None where it still is."""
    space = bbo.Space({"change": bbo.Array(X.shape[1], within=bbo.LInfBall(REACH))})
    study = bbo.Study(space, optimizer=optimizer, seed=seed)
    for query in range(1, queries + 1):
        trial = study.ask()
        value = margin(np.asarray(trial["change"]))
        if value < 0:
            return query
        study.tell(trial, value)
    return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    classifier = MLPClassifier((64,), max_iter=500, random_state=options.seed).fit(X_train, y_train)
    print(f"The network recognizes {classifier.score(X_test, y_test):.1%} of the digits.")
    right = np.flatnonzero(classifier.predict(X_test) == y_test)[: options.images]

    def margin(image: np.ndarray, digit: int) -> Margin:
        """By how much the true digit is ahead of the most probable other, in logarithms, after a change."""

        def after(change: np.ndarray) -> float:
            log_p = classifier.predict_log_proba(np.clip(image + change, 0, 1)[None])[0]
            return float(log_p[digit] - np.delete(log_p, digit).max())

        return after

    for optimizer in (bbo.FrankWolfe(estimator="rdsa"), bbo.CBO(), bbo.Random()):
        counts = [attack(margin(X_test[k], y_test[k]), optimizer, options.queries, options.seed) for k in right]
        needed = [queries for queries in counts if queries is not None]
        median = f", after {np.median(needed):.0f} queries in the median" if needed else ""
        print(f"{optimizer.name:12} {len(needed)} of {len(right)} images are taken for another digit{median}", flush=True)


if __name__ == "__main__":
    main()
