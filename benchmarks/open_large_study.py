"""How long it takes to open a study of 100,000 finished trials, and to ask it for a Sobol point.

Run: python benchmarks/open_large_study.py [trials]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import bbo
from bbo.log import Event
from bbo.storage import open_storage

BATCH = 10_000


def build(url: str, trials: int) -> None:
    """A study with so many asked and told trials, as a run of Sobol search would leave it."""
    space = bbo.Space(
        {"x": bbo.Float(0, 1), "y": bbo.Float(1e-4, 1, log=True), "n": bbo.Int(1, 64), "kind": bbo.Categorical(["a", "b", "c"])}
    )
    study = bbo.Study(space, "minimize", optimizer="sobol", storage=url, name="large", seed=0)
    study.tell(study.ask(), 0.0)
    storage = open_storage(url)
    pattern = storage.read("large")[2].body
    rng = np.random.default_rng(0)
    points = space.sample(trials, rng)
    end = 4
    for start in range(1, trials, BATCH):
        events = []
        for number in range(start, min(start + BATCH, trials)):
            params = points[number]
            asked = {**pattern, "params": params, "draw": number, "seen": end}
            events.append(Event("asked", asked, trial=number, time=float(number)))
            events.append(Event("told", {"attempt": 1, "values": {"value": params["x"]}}, trial=number, time=float(number)))
        end = storage.append("large", events, after=end)[-1].seq


def main(trials: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'large.db'}"
        build(url, trials)
        began = time.perf_counter()
        study = bbo.load_study("large", url)
        opened = time.perf_counter() - began
        asks = []
        for _ in range(21):
            began = time.perf_counter()
            study.ask()
            asks.append(time.perf_counter() - began)
        began = time.perf_counter()
        best = study.best_value
        print(f"{trials} trials: open {opened:.2f} s (limit 20 s)")
        first, median, worst = (1e3 * seconds for seconds in (asks[0], statistics.median(asks), max(asks)))
        print(f"ask of sobol: first {first:.1f} ms, median {median:.1f} ms, worst {worst:.1f} ms (limit 50 ms)")
        print(f"best value {best:g} in {1e3 * (time.perf_counter() - began):.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
