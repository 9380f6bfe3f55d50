"""Two objectives: a forest that reads digits well, and one that is small enough to ship.

    python examples/two_objectives.py --trials 40

Nobody can say beforehand how much size an accurate forest is worth. So both are objectives, and the result is the front of
forests that no other one beats in both; front.html shows it.
"""

from __future__ import annotations

import argparse

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

import bbo

X, y = load_digits(return_X_y=True)

SPACE = bbo.Space(
    {
        "n_estimators": bbo.Int(3, 60, log=True),
        "max_depth": bbo.Int(3, 16),
        "max_features": bbo.Float(0.05, 0.6),
        "min_samples_leaf": bbo.Int(1, 8),
    }
)


def error_and_size(trial: bbo.Trial) -> dict[str, float]:
    forest = RandomForestClassifier(**trial, random_state=0)
    accuracy = cross_val_score(forest, X, y, cv=3).mean()
    nodes = sum(tree.tree_.node_count for tree in forest.fit(X, y).estimators_)
    return {"error": float(1 - accuracy), "kilonodes": nodes / 1000}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    objectives = [bbo.Objective("error", reference=0.2), bbo.Objective("kilonodes", reference=15)]
    study = bbo.Study(SPACE, objectives, seed=options.seed, name="forests")
    study.optimize(error_and_size, options.trials)

    for trial in sorted(study.pareto_front(), key=lambda trial: trial.outcomes["kilonodes"]):
        shown = ", ".join(f"{name}={value:.3g}" for name, value in trial.params.items())
        print(f"{trial.outcomes['error']:6.2%} errors with {1000 * trial.outcomes['kilonodes']:6.0f} nodes: {shown}")
    study.plot("pareto").write_html("front.html")


if __name__ == "__main__":
    main()
