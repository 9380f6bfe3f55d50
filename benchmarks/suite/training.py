"""Losses of scikit-learn models that are really trained: log loss or squared error by three-fold cross-validation.

Each takes well below a second. Every loss is kept in a file named by a hash of the parameters and of scikit-learn's release, below
``$BBO_BENCH_CACHE`` (``.bench/cache``), so that no optimizer waits for what another one has trained.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
from collections.abc import Callable, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import Any

import bbo

Params = Mapping[str, Any]
Loss = Callable[[Params], dict[str, float]]

SVM = bbo.Space(
    {
        "kernel": bbo.Categorical(["rbf", "poly", "sigmoid"]),
        "C": bbo.Float(1e-2, 1e4, log=True),
        "gamma": bbo.Float(1e-5, 1e1, log=True),
        "epsilon": bbo.Float(1e-2, 1e2, log=True),
        "coef0": bbo.Float(0, 2),
        "degree": bbo.Int(1, 4),
    }
)
NETWORK = bbo.Space(
    {
        "activation": bbo.Categorical(["relu", "tanh", "logistic"]),
        "width": bbo.Int(8, 128, log=True),
        "learning_rate": bbo.Float(1e-4, 1e-1, log=True),
        "alpha": bbo.Float(1e-6, 1e1, log=True),
        "batch_size": bbo.Int(16, 256, log=True),
        "epochs": bbo.Int(5, 40),
        "momentum": bbo.Float(0.5, 0.999),
    }
)
BOOSTING = bbo.Space(
    {
        "loss": bbo.Categorical(["squared_error", "absolute_error", "huber"]),
        "trees": bbo.Int(10, 120, log=True),
        "learning_rate": bbo.Float(1e-3, 1, log=True),
        "depth": bbo.Int(1, 6),
        "subsample": bbo.Float(0.2, 1),
        "max_features": bbo.Float(0.1, 1),
        "min_leaf": bbo.Int(1, 40, log=True),
    }
)
FOREST = bbo.Space(
    {
        "criterion": bbo.Categorical(["gini", "entropy"]),
        "trees": bbo.Int(5, 60, log=True),
        "max_features": bbo.Float(0.03, 1, log=True),
        "depth": bbo.Int(1, 20),
        "min_leaf": bbo.Int(1, 30, log=True),
        "bootstrap": bbo.Bool(),
    }
)
CHOICE = bbo.Space(
    {
        "scaling": bbo.Categorical(["none", "standard", "minmax"]),
        "model": bbo.Categorical(["network", "kernel", "forest"]),
        "width": bbo.Int(16, 128, log=True, when={"model": "network"}),
        "learning_rate": bbo.Float(1e-4, 1e-1, log=True, when={"model": "network"}),
        "epochs": bbo.Int(5, 40, log=True, when={"model": "network"}),
        "gamma": bbo.Float(1e-4, 1e0, log=True, when={"model": "kernel"}),
        "C": bbo.Float(1e-2, 1e4, log=True, when={"model": "kernel"}),
        "trees": bbo.Int(5, 60, log=True, when={"model": "forest"}),
        "max_features": bbo.Float(0.03, 1, log=True, when={"model": "forest"}),
    }
)
RIDGE = bbo.Space(
    {
        "kernel": bbo.Categorical(["linear", "polynomial", "rbf", "laplacian"]),
        "alpha": bbo.Float(1e-4, 1e3, log=True),
        "gamma": bbo.Float(1e-5, 1e1, log=True, when={"kernel": ["polynomial", "rbf", "laplacian"]}),
        "degree": bbo.Int(1, 4, when={"kernel": "polynomial"}),
        "coef0": bbo.Float(0, 2, when={"kernel": "polynomial"}),
        "scaling": bbo.Categorical(["none", "standard", "minmax"]),
    }
)
NEIGHBOURS = bbo.Space(
    {
        "components": bbo.Int(2, 60),
        "whiten": bbo.Bool(),
        "neighbours": bbo.Int(1, 60, log=True),
        "weights": bbo.Categorical(["uniform", "distance"]),
        "power": bbo.Float(1, 6),
        "scaling": bbo.Categorical(["none", "standard", "minmax"]),
    }
)


def cached(loss: Loss) -> Loss:
    """`loss`, computed once for each point on this machine."""

    @wraps(loss)
    def look_up(params: Params) -> dict[str, float]:
        import sklearn

        key = json.dumps([loss.__name__, sklearn.__version__, sorted(params.items())])
        folder = Path(os.environ.get("BBO_BENCH_CACHE", ".bench/cache")) / loss.__name__
        file = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
        if file.exists():
            return dict(json.loads(file.read_text()))
        value = loss(params)
        folder.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(value))
        partial.replace(file)
        return value

    return look_up


@cached
def svm(params: Params) -> dict[str, float]:
    """Root mean squared error of support vector regression on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.svm import SVR

    return _squared_error(_scaled(SVR(**params, max_iter=20_000), "standard"), *load_diabetes(return_X_y=True))


@cached
def network(params: Params) -> dict[str, float]:
    """Log loss of a small network on 500 handwritten digits, trained by gradient descent with momentum."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (params["width"],),
        activation=params["activation"],
        solver="sgd",
        learning_rate_init=params["learning_rate"],
        alpha=params["alpha"],
        batch_size=params["batch_size"],
        max_iter=params["epochs"],
        momentum=params["momentum"],
        random_state=0,
    )
    return _log_loss(_scaled(model, "standard"), *_digits(500))


@cached
def boosting(params: Params) -> dict[str, float]:
    """Root mean squared error of boosted trees on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(
        loss=params["loss"],
        n_estimators=params["trees"],
        learning_rate=params["learning_rate"],
        max_depth=params["depth"],
        subsample=params["subsample"],
        max_features=params["max_features"],
        min_samples_leaf=params["min_leaf"],
        random_state=0,
    )
    return _squared_error(model, *load_diabetes(return_X_y=True))


@cached
def forest(params: Params) -> dict[str, float]:
    """Log loss of a random forest on the breast cancer data."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        params["trees"],
        criterion=params["criterion"],
        max_features=params["max_features"],
        max_depth=params["depth"],
        min_samples_leaf=params["min_leaf"],
        bootstrap=params["bootstrap"],
        random_state=0,
    )
    return _log_loss(model, *load_breast_cancer(return_X_y=True))


@cached
def choice(params: Params) -> dict[str, float]:
    """Log loss on 500 handwritten digits of a network, a kernel machine or a forest, each with parameters of its own."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline

    model: Any
    if params["model"] == "network":
        model = MLPClassifier((params["width"],), learning_rate_init=params["learning_rate"], max_iter=params["epochs"], random_state=0)
    elif params["model"] == "kernel":
        features = Nystroem(gamma=params["gamma"], n_components=50, random_state=0)
        model = make_pipeline(features, LogisticRegression(C=params["C"], max_iter=50))
    else:
        model = RandomForestClassifier(params["trees"], max_features=params["max_features"], random_state=0)
    return _log_loss(_scaled(model, params["scaling"]), *_digits(500))


@cached
def ridge(params: Params) -> dict[str, float]:
    """Root mean squared error of kernel ridge regression on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.kernel_ridge import KernelRidge

    model = KernelRidge(**{name: value for name, value in params.items() if name != "scaling"})
    return _squared_error(_scaled(model, params["scaling"]), *load_diabetes(return_X_y=True))


@cached
def neighbours(params: Params) -> dict[str, float]:
    """Log loss of nearest neighbours on the principal components of 500 handwritten digits."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    near = KNeighborsClassifier(params["neighbours"], weights=params["weights"], p=params["power"])
    principal = PCA(params["components"], whiten=params["whiten"], random_state=0)
    return _log_loss(_scaled(make_pipeline(principal, near), params["scaling"]), *_digits(500))


def _scaled(model: Any, scaling: str) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    return make_pipeline({"none": "passthrough", "standard": StandardScaler(), "minmax": MinMaxScaler()}[scaling], model)


@cache
def _digits(n: int) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X[:n], y[:n]


def _squared_error(model: Any, X: Any, y: Any) -> dict[str, float]:
    """At most 200, where the mean predicts 77."""
    score = _score(model, X, y, "neg_root_mean_squared_error")
    return {"loss": min(-score, 200.0)}


def _log_loss(model: Any, X: Any, y: Any) -> dict[str, float]:
    """A model that diverges counts as one that knows nothing of ten classes, three times over."""
    score = _score(model, X, y, "neg_log_loss")
    return {"loss": min(-score, 3 * math.log(10)) if math.isfinite(score) else 3 * math.log(10)}


def _score(model: Any, X: Any, y: Any, scoring: str) -> float:
    from sklearn.base import is_classifier
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    folds = (StratifiedKFold if is_classifier(model) else KFold)(3, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of networks stopped early: the number of epochs is one of the parameters
        return float(cross_val_score(model, X, y, cv=folds, scoring=scoring, error_score=-math.inf).mean())
