"""Every optimizer shipped with bbo keeps the contract, on every storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from bbo.optimizers import CONFIG, EPBO, GOUCB, Bayes, PrimalDual, TuRBO, list_optimizers
from bbo.optimizers.base import Optimizer, resolve
from bbo.storage import open_storage
from bbo.testing import check_optimizer

# Few initial points, so that the model has its say within the kit's short runs.
MODELS = (
    Bayes(n_initial=3),
    CONFIG(n_initial=3),
    EPBO(n_initial=3),
    PrimalDual(n_initial=3),
    TuRBO(n_initial=3),
    GOUCB(n_initial=3, hidden=3),
)
OPTIMIZERS = {name: resolve(name) for name in list_optimizers()} | {model.name: model for model in MODELS}
SHORT = {"auto": 2} | dict.fromkeys((model.name for model in MODELS), 4)  # trials of each of the kit's runs, where a trial costs a fit


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_check_optimizer(name: str) -> None:
    assert check_optimizer(OPTIMIZERS[name], n=SHORT.get(name, 8))


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_check_optimizer_on_a_database(optimizer: Optimizer, place: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/s.db" if place == "sqlite" else request.getfixturevalue("postgresql_url")
    storage = open_storage(url)
    assert check_optimizer(optimizer, n=12, storage=lambda: storage)
    storage.close()
