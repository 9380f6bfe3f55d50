"""Where each optimizer runs, and how its environment is made.

Libraries whose pins exclude each other have environments of their own, below ``$BBO_BENCH_ENVS`` (``.bench/envs``):

    python benchmarks/environments.py            # makes those that are missing
    python benchmarks/environments.py hebo       # makes one

torch comes first and pinned: left to the resolver, a build with gigabytes of GPU libraries may be fetched.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TORCH = "torch==2.13.0"
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "main": (
        *("botorch==0.18.1", "gpytorch==1.15.2", "linear_operator==0.6.1", "ax-platform==1.3.1", "optuna==5.0.0", "cma==4.5.0"),
        *("nevergrad==1.0.12", "smac==2.4.1", "ConfigSpace==1.2.2", "numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1"),
        *("scikit-learn==1.9.1", "pyarrow==26.0.1"),
    ),
    # Left to itself pip takes a scikit-learn that has to be compiled, and cannot be.
    "hebo": ("HEBO==0.3.6", "numpy==1.24.4", "scipy==1.11.4", "pandas==2.1.4", "scikit-learn==1.4.2", "matplotlib==3.8.4"),
    # NGOpt's metamodels convert arrays of one entry to floats, which NumPy 2.4 refuses.
    "coco": (
        "ioh==0.4.2",
        "cma==4.5.0",
        "nevergrad==1.0.12",
        "numpy==2.2.6",
        "scipy==1.17.1",
        "threadpoolctl==3.8.0",
        "cloudpickle==3.1.2",
    ),
    # Newer JAX has dropped what its release of equinox uses, and the newest flax, optax and chex want that JAX.
    "vizier": ("google-vizier[jax]==0.1.24", "jax==0.4.38", "jaxlib==0.4.38", "flax==0.10.2", "optax==0.2.4", "chex==0.1.88"),
}
WITH_TORCH = ("main", "hebo")


@dataclass(frozen=True)
class Entry:
    """An optimizer that can be run.

    Args:
        adapter: Module of `benchmarks.peers`.
        environment: Its environment; None is the one that runs this, where bbo is installed.
        settings: What its adapter is told.
    """

    adapter: str
    environment: str | None = "main"
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter."""
        return Path(sys.executable) if self.environment is None else folder() / self.environment / "bin" / "python"

    @property
    def source(self) -> list[str]:
        """What is to be known of our own code beside its release: the commit, and whether files differ from it."""
        if self.environment is not None:
            return []
        described = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
        found = subprocess.run(described, capture_output=True, text=True, check=False, cwd=Path(__file__).parent).stdout.strip()
        return [f"commit=={found}"] if found else []


OPTIMIZERS: dict[str, Entry] = {
    "bbo": Entry("ours", None),
    "random": Entry("uniform", None),
    "optuna_gp": Entry("optuna", settings={"sampler": "gp"}),
    "optuna_tpe": Entry("optuna", settings={"sampler": "tpe"}),
    "botorch": Entry("botorch"),
    "botorch_cei": Entry("botorch", settings={"acquisition": "log_constrained_ei"}),
    "ax": Entry("ax"),
    "cma_es": Entry("cma"),
    "nevergrad": Entry("nevergrad"),
    "smac": Entry("smac"),
    "hebo": Entry("hebo", "hebo"),
    "vizier": Entry("vizier", "vizier"),
}


def entry(name: str) -> Entry:
    """The optimizer of a name: one of `OPTIMIZERS`, or bbo with another optimizer of its own or with settings.

    ``bbo`` is `auto`; ``bbo:bayes`` the optimizer of that name; ``bbo:{"name": "bayes", "settings": {...}}`` one with settings. What
    follows an ``@`` is a tag that keeps runs of different code apart; ``@x8`` at the end asks for eight points at a time (`batch_of`).

    Raises:
        KeyError: There is no such optimizer.
    """
    from json import loads

    base, _, chosen = name.split("@", maxsplit=1)[0].partition(":")
    found = OPTIMIZERS[base]
    if not chosen:
        return found
    return Entry(found.adapter, found.environment, {"optimizer": loads(chosen) if chosen.startswith("{") else chosen})


def batch_of(name: str) -> int:
    """How many points it is asked for at a time: 8 for ``optuna_gp@x8``, 1 for a name without such an end."""
    found = re.search(r"@x([1-9]\d*)$", name)
    return int(found[1]) if found else 1


def folder() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("BBO_BENCH_ENVS", ".bench/envs")).resolve()


def make(name: str) -> None:
    """Create an environment.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    place = folder() / name
    venv.create(place, with_pip=True, clear=True)
    pip = [str(place / "bin" / "pip"), "install", "--quiet"]
    if name in WITH_TORCH:
        subprocess.run([*pip, TORCH, *[p for p in ENVIRONMENTS[name] if p.startswith("numpy")]], check=True)
    subprocess.run([*pip, *ENVIRONMENTS[name], *([TORCH] if name in WITH_TORCH else [])], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *ENVIRONMENTS], default=[])
    for name in parser.parse_args().names or ENVIRONMENTS:
        if (folder() / name / "bin" / "python").exists():
            print(f"{name}: is there")
        else:
            make(name)
            print(f"{name}: made")


if __name__ == "__main__":
    main()
