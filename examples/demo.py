"""Tune a classifier of handwritten digits: which model, which preprocessing, and each model's own hyperparameters.

    python examples/demo.py              # 30 trials, two at a time; writes demo.db and demo-report.html
    python examples/demo.py --resume     # go on with an interrupted run

The same number of trials of random search, and the models as scikit-learn ships them, are measured on the same folds. What was
chosen by cross-validation is then judged once on digits that no trial has seen.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import bbo
from bbo.report import write_report

SPACE = bbo.Space(
    {
        "model": bbo.Categorical(["svc", "forest", "logistic"]),
        "scaling": bbo.Categorical(["none", "standard", "minmax"]),
        "svc_C": bbo.Float(1e-2, 1e3, log=True, when={"model": "svc"}),
        "kernel": bbo.Categorical(["rbf", "poly"], when={"model": "svc"}),
        "gamma": bbo.Float(1e-5, 1e1, log=True, when={"model": "svc"}),
        "degree": bbo.Int(2, 5, when={"kernel": "poly"}),
        "trees": bbo.Int(20, 200, log=True, when={"model": "forest"}),
        "max_features": bbo.Float(0.05, 0.5, when={"model": "forest"}),
        "min_samples_leaf": bbo.Int(1, 10, when={"model": "forest"}),
        "logistic_C": bbo.Float(1e-4, 1e2, log=True, when={"model": "logistic"}),
    }
)
SCALERS = {"none": "passthrough", "standard": StandardScaler(), "minmax": MinMaxScaler()}
DEFAULTS = {
    "svc": make_pipeline(StandardScaler(), SVC()),
    "forest": RandomForestClassifier(random_state=0),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
}


def classifier(params: dict[str, Any]) -> Pipeline:
    """The model that a configuration describes."""
    if params["model"] == "svc":
        model: Any = SVC(C=params["svc_C"], kernel=params["kernel"], gamma=params["gamma"], degree=params.get("degree", 3))
    elif params["model"] == "forest":
        forest = {name: params[name] for name in ("max_features", "min_samples_leaf")}
        model = RandomForestClassifier(params["trees"], **forest, random_state=0)
    else:
        model = LogisticRegression(C=params["logistic_C"])
    return make_pipeline(SCALERS[params["scaling"]], model)


class Accuracy:
    """Mean accuracy over five folds of the training digits."""

    def __init__(self, X: Any, y: Any) -> None:
        self.X, self.y = X, y

    def __call__(self, trial: bbo.Trial) -> float:
        return self.of(classifier(trial.params))

    def of(self, model: Any) -> float:
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what stops early is judged as it is
            return float(cross_val_score(model, self.X, self.y, cv=folds).mean())


def main() -> None:
    options = parsed()
    console = Console()
    if not options.resume:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{options.db}{suffix}").unlink(missing_ok=True)
    X, X_unseen, y, y_unseen = train_test_split(
        *load_digits(return_X_y=True), test_size=0.25, stratify=load_digits().target, random_state=0
    )
    accuracy = Accuracy(X, y)

    runs = {}
    for name, optimizer in (("bbo", "auto"), ("random search", "random")):
        console.print(f"[bold]{name}[/bold]: {options.trials} trials, {options.workers} at a time")
        runs[name] = bbo.Study(SPACE, {"accuracy": "maximize"}, optimizer=optimizer, storage=options.db, name=name, seed=options.seed)
        runs[name].optimize(accuracy, total=options.trials, workers=options.workers)
    console.print("The models as scikit-learn ships them ...")
    candidates = {
        **{f"{name}, defaults": (model, accuracy.of(model)) for name, model in DEFAULTS.items()},
        **{name: (classifier(study.best_params), study.best_value) for name, study in runs.items()},
    }

    study = runs["bbo"]
    console.print(f"\n[bold]Best configuration[/bold] (trial {study.best_trial.number})")
    best = Table("parameter", "value")
    for name, value in study.best_params.items():
        best.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console.print(best)
    console.print("\n[bold]Results[/bold]")
    results = Table("", "cross-validated accuracy", "accuracy on unseen digits")
    for name, (model, value) in candidates.items():
        results.add_row(name, f"{value:.4f}", f"{model.fit(X, y).score(X_unseen, y_unseen):.4f}")
    console.print(results)

    remarks = [
        compared("the best default model", max(value for name, (_, value) in candidates.items() if "defaults" in name), study.best_value),
        compared(f"random search with as many trials ({options.trials})", runs["random search"].best_value, study.best_value),
    ]
    for remark in remarks:
        console.print(remark)
    console.print(f"Report: {write_report(study, options.report, others=[runs['random search']], remarks=remarks)}")


def compared(with_what: str, theirs: float, ours: float) -> str:
    """One sentence: by how many points accuracy differs, and what that does to the errors."""
    if ours == theirs:
        return f"The same cross-validated accuracy as {with_what}."
    more, side = ("fewer", "above") if ours > theirs else ("more", "below")
    errors = abs((1 - ours) / (1 - theirs) - 1)
    return f"Cross-validated accuracy {100 * abs(ours - theirs):.2f} points {side} {with_what}: {errors:.0%} {more} errors."


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--db", default="demo.db", help="SQLite file; made anew unless --resume")
    parser.add_argument("--report", default="demo-report.html")
    parser.add_argument("--resume", action="store_true", help="go on with what the SQLite file holds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
