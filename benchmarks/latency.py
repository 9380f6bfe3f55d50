"""How long one `ask` takes after a tell: ours over the peers', interleaved on one pinned core.

    python -m benchmarks.latency                                       # the table of n = 50 to 2,000 in 6 and 20 dimensions
    python -m benchmarks.latency --n 50 200 --d 6 --peers optuna_gp    # a part of it
    python -m benchmarks.latency --batch 8 --n 50 200

An optimizer is told n points of a shifted Levy function; then tell and ask alternate, one optimizer after the other. What `auto` is
here it is in the tables of regret. Its asks are timed over a whole cycle of refits: at most 10 % of n points lie between two. Given
are (a) their mean, (b) the longest, (c) the first of a new process, imports done. A peer's figure is the median of its asks; an ask
of 120 s is cut, and counts as 120.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import entry
from benchmarks.peers.spec import Parameter, Spec, latin_hypercube
from benchmarks.process import Failed, TimedOut, Worker
from benchmarks.suite.boxes import moved
from benchmarks.suite.functions import levy

CUT = 120.0  # seconds after which an ask is not waited for
PEERS = ("optuna_gp", "botorch", "ax", "hebo")
PEER_ASKS = 3


@dataclass
class Timed:
    """A worker that has been told its points, and what its asks took.

    Args:
        name: Of the optimizer.
        worker: Its process.
        asks: How many are wanted.
        seconds: Of those done; `CUT` where one was cut.
        reason: Why it has ended, if it has.
    """

    name: str
    worker: Worker
    asks: int
    seconds: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def open(self) -> bool:
        return not self.reason and len(self.seconds) < self.asks

    def ask(self, n: int, values: Any) -> None:
        """One ask of n points, timed, and its tell."""
        try:
            answer = self.worker.request({"op": "ask", "n": n}, limit=CUT)
            self.seconds.append(answer["seconds"])
            results = [[handle, point, values(point)] for handle, point in answer["points"]]
            self.worker.request({"op": "tell", "results": results}, limit=CUT)
        except TimedOut:
            self.seconds.append(CUT)
            self.reason = "cut"
        except Failed as error:
            self.reason = str(error).strip().splitlines()[-1]


def measure(n: int, d: int, names: Sequence[str], *, batch: int, core: int | None, folder: Path) -> dict[str, Timed]:
    """The asks of all optimizers on one history of n points in d dimensions, one after another in turn."""
    function = moved(levy, np.ones(d), 10.0, seed=d)
    spec = Spec(tuple(Parameter(f"x{i}", "float", -1.0, 1.0) for i in range(d)), ("value",), budget=None)
    points = latin_hypercube(spec, n, np.random.default_rng([n, d]))

    def values(point: Any) -> dict[str, float]:
        return {"value": function(np.array([point[f"x{i}"] for i in range(d)]))}

    timed: dict[str, Timed] = {}
    for name in names:
        chosen = entry(name)
        worker = Worker(chosen.python, chosen.adapter, log=folder / "log", core=core)
        ours = chosen.environment is None
        timed[name] = Timed(name, worker, 1 + math.ceil(0.1 * n) if ours and batch == 1 else PEER_ASKS + 1)
        try:
            start = {"op": "start", "spec": spec.to_json(), "seed": 0, "settings": dict(chosen.settings)}
            worker.request(start, limit=600)
            worker.request({"op": "tell", "results": [[None, point, values(point)] for point in points]}, limit=600)
        except (TimedOut, Failed) as error:
            timed[name].reason = str(error).strip().splitlines()[-1]
    try:
        while any(each.open for each in timed.values()):
            for each in timed.values():
                if each.open:
                    each.ask(batch, values)
    finally:
        for each in timed.values():
            each.worker.close()
    return timed


def line(n: int, d: int, timed: dict[str, Timed], ours: str) -> str:
    """One row of the table."""
    mine, peers = timed[ours], {name: each for name, each in timed.items() if name != ours}
    cells = []
    figures = []
    for each in peers.values():
        warm = each.seconds[1:] or each.seconds  # the first ask of a process is its cold one
        if warm and (not each.reason or each.reason == "cut"):
            figures.append(float(np.median(warm)))
            cells.append(f">{CUT:g}" if figures[-1] >= CUT else f"{figures[-1]:.3g}")
        else:
            cells.append(f"failed: {each.reason[:60]}")
    if mine.reason or len(mine.seconds) < 2:
        return f"| {n} | {d} | failed: {mine.reason[:80]} | | | {' | '.join(cells)} | |"
    cold, *warm = mine.seconds
    amortised, worst = float(np.mean(warm)), max(warm)
    ratio = f"{amortised / min(figures):.3f}" if figures else ""
    return f"| {n} | {d} | {amortised:.3g} | {worst:.3g} | {cold:.3g} | {' | '.join(cells)} | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[50, 200, 500, 1000, 2000])
    parser.add_argument("--d", type=int, nargs="+", default=[6, 20])
    parser.add_argument("--peers", nargs="*", default=list(PEERS))
    parser.add_argument("--ours", default="bbo")
    parser.add_argument("--batch", type=int, default=1, help="points an ask")
    parser.add_argument("--core", type=int, default=None, help="the core to pin everything to (default: the last one)")
    arguments = parser.parse_args()
    core = max(os.sched_getaffinity(0)) if arguments.core is None else arguments.core
    print(f"| n | d | (a) amortised | (b) worst | (c) cold | {' | '.join(arguments.peers)} | (a) / best peer |")
    print("|---" * (6 + len(arguments.peers)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for d in arguments.d:
            for n in arguments.n:
                timed = measure(n, d, [arguments.ours, *arguments.peers], batch=arguments.batch, core=core, folder=Path(folder))
                print(line(n, d, timed, arguments.ours), flush=True)


if __name__ == "__main__":
    main()
