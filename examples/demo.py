"""Tune a classifier of handwritten digits: which model, which preprocessing, and each model's own hyperparameters.

    python examples/demo.py              # 30 trials, two at a time; writes demo.db and demo-report.html
    python examples/demo.py --resume     # go on with an interrupted run

The loss is scikit-learn's log loss: it falls when the model is surer of the right digit. The same number of trials of random
search, and the models as scikit-learn ships them, are measured on the same folds. What was chosen by cross-validation is then
judged once on digits that no trial has seen.
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
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

import bbo
from bbo.report import write_report

SPACE = bbo.Space(
    {
        "model": bbo.Categorical(["network", "kernel", "forest"]),
        "scaling": bbo.Categorical(["none", "standard", "minmax"]),
        # a neural network
        "width": bbo.Int(16, 256, log=True, when={"model": "network"}),
        "learning_rate": bbo.Float(1e-4, 1e-1, log=True, when={"model": "network"}),
        "alpha": bbo.Float(1e-6, 1e1, log=True, when={"model": "network"}),
        "epochs": bbo.Int(5, 80, log=True, when={"model": "network"}),
        # logistic regression on features of a Gaussian kernel
        "gamma": bbo.Float(1e-4, 1e0, log=True, when={"model": "kernel"}),
        "C": bbo.Float(1e-2, 1e4, log=True, when={"model": "kernel"}),
        # a random forest
        "trees": bbo.Int(20, 200, log=True, when={"model": "forest"}),
        "max_features": bbo.Float(0.05, 0.5, when={"model": "forest"}),
        "min_samples_leaf": bbo.Int(1, 10, when={"model": "forest"}),
    }
)
SCALERS = {"none": "passthrough", "standard": StandardScaler(), "minmax": MinMaxScaler()}
DEFAULTS = {
    "network, defaults": make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
    "logistic, defaults": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest, defaults": RandomForestClassifier(random_state=0),
}


def classifier(params: dict[str, Any]) -> Pipeline:
    """The model that a configuration describes."""
    if params["model"] == "network":
        training = {"learning_rate_init": params["learning_rate"], "alpha": params["alpha"], "max_iter": params["epochs"]}
        model: Any = MLPClassifier([params["width"]], **training, random_state=0)
    elif params["model"] == "kernel":
        model = make_pipeline(Nystroem(gamma=params["gamma"], random_state=0), LogisticRegression(C=params["C"]))
    else:
        growing = {name: params[name] for name in ("max_features", "min_samples_leaf")}
        model = RandomForestClassifier(params["trees"], **growing, random_state=0)
    return make_pipeline(SCALERS[params["scaling"]], model)


class LogLoss:
    """Mean log loss over three folds of the training digits."""

    def __init__(self, X: Any, y: Any) -> None:
        self.X, self.y = X, y

    def __call__(self, trial: bbo.Trial) -> float:
        return self.of(classifier(trial.params))

    def of(self, model: Any) -> float:
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what stops early is judged as it is
            return -float(cross_val_score(model, self.X, self.y, cv=folds, scoring="neg_log_loss").mean())


def main() -> None:
    options = parsed()
    console = Console()
    if not options.resume:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{options.db}{suffix}").unlink(missing_ok=True)
    X, X_unseen, y, y_unseen = train_test_split(
        *load_digits(return_X_y=True), test_size=0.25, stratify=load_digits().target, random_state=0
    )
    loss = LogLoss(X, y)

    runs = {}
    for name, optimizer in (("bbo", "auto"), ("random search", "random")):
        console.print(f"[bold]{name}[/bold]: {options.trials} trials, {options.workers} at a time")
        runs[name] = bbo.Study(SPACE, {"log_loss": "minimize"}, optimizer=optimizer, storage=options.db, name=name, seed=options.seed)
        runs[name].optimize(loss, total=options.trials, workers=options.workers)
    console.print("The models as scikit-learn ships them ...")
    candidates = {name: (model, loss.of(model)) for name, model in DEFAULTS.items()}
    best_default = min(value for _, value in candidates.values())
    candidates |= {name: (classifier(study.best_params), study.best_value) for name, study in runs.items()}

    study = runs["bbo"]
    console.print(f"\n[bold]Best configuration[/bold] (trial {study.best_trial.number})")
    best = Table("parameter", "value")
    for name, value in study.best_params.items():
        best.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console.print(best)
    console.print("\n[bold]Results[/bold]")
    results = Table("", "log loss\ncross-validated", "log loss\nunseen digits", "accuracy\nunseen digits")
    for name, (model, value) in candidates.items():
        results.add_row(name, f"{value:.4f}", *judged(model, X, y, X_unseen, y_unseen))
    console.print(results)

    remarks = [
        compared("the best default model", best_default, study.best_value),
        compared(f"random search with as many trials ({options.trials})", runs["random search"].best_value, study.best_value),
    ]
    for remark in remarks:
        console.print(remark)
    console.print(f"Report: {write_report(study, options.report, others=[runs['random search']], remarks=remarks)}")


def judged(model: Any, X: Any, y: Any, X_unseen: Any, y_unseen: Any) -> tuple[str, str]:
    """Log loss and accuracy on unseen digits of a model trained on all others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    return f"{log_loss(y_unseen, model.predict_proba(X_unseen)):.4f}", f"{model.score(X_unseen, y_unseen):.4f}"


def compared(with_what: str, theirs: float, ours: float) -> str:
    """One sentence on two cross-validated losses."""
    if ours == theirs:
        return f"The cross-validated log loss is that of {with_what}: {ours:.4f}."
    side = "below" if ours < theirs else "above"
    return f"The cross-validated log loss of {ours:.4f} lies {abs(ours / theirs - 1):.0%} {side} that of {with_what} ({theirs:.4f})."


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
