"""How long one `ask` takes after a tell: ours over the peers', interleaved on one pinned core.

    python -m benchmarks.latency                                       # the table of n = 50 to 2,000 in 6 and 20 dimensions
    python -m benchmarks.latency --n 50 200 --d 6 --peers optuna_gp    # a part of it
    python -m benchmarks.latency --n 50 200 --batch 8 --peers optuna_gp botorch
    python -m benchmarks.latency --n 50 200 --space plain linear mixed warped --peers
    python -m benchmarks.latency --n 50 --space objectives --batch 1 4 --peers botorch

An optimizer is told n points of a shifted Levy function; then tell and ask alternate, one optimizer after the other. What `auto` is
here it is in the tables of regret. Its asks are timed over a whole cycle of refits: at most 10 % of n points lie between two. Given
are (a) their mean, (b) the longest, (c) the first of a new process, imports done. A peer's figure is the median of its asks; an ask
of 120 s is cut, and counts as 120. The last column but one is (a) over that of the plain space with the same n, d and batch.

Spaces: ``plain``; ``linear``, one linear constraint, and ``warped``, a model with input and output warps, which only ours is told of;
``mixed``, an integer and a category in place of two floats; ``objectives``, a second objective, which is the function mirrored.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bbo.problems.functions import levy
from benchmarks.environments import entry
from benchmarks.peers.spec import Parameter, Point, Spec, latin_hypercube
from benchmarks.process import Failed, TimedOut, Worker
from benchmarks.suite.boxes import moved

CUT = 120.0  # seconds after which an ask is not waited for
SPACES = ("plain", "linear", "mixed", "warped", "objectives")
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

    @property
    def amortised(self) -> float:
        """Mean of the asks after the first, which is the cold one."""
        return float(np.mean(self.seconds[1:])) if len(self.seconds) > 1 else math.nan

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


@dataclass(frozen=True)
class Problem:
    """What is asked about.

    Args:
        spec: The space and the outcomes, as all are told.
        points: What was measured before.
        values: What is measured.
        settings: What our adapter is told beside.
    """

    spec: Spec
    points: list[Point]
    values: Callable[[Point], dict[str, float]]
    settings: dict[str, Any]


def problem(space: str, n: int, d: int) -> Problem:
    """A space (one of `SPACES`) of d parameters with n points of it."""
    function = moved(levy, np.ones(d), 10.0, seed=d)
    bound = d / 6  # about a quarter of the cube lies outside
    floats = [Parameter(f"x{i}", "float", -1.0, 1.0) for i in range(d)]
    objectives: tuple[str, ...] = ("value",)
    reference: tuple[float, ...] = ()
    settings: dict[str, Any] = {}
    if space == "mixed":
        floats[:2] = [Parameter("x0", "int", -5, 5), Parameter("x1", "categorical", choices=("a", "b", "c"))]
    elif space == "linear":
        settings["constraints"] = [" + ".join(p.name for p in floats) + f" <= {bound}"]
    elif space == "warped":
        settings["optimizer"] = {"name": "bayes", "settings": {"input_warp": True, "output_warp": True}}
    elif space == "objectives":
        objectives, reference = ("value", "mirrored"), (100.0 * d, 100.0 * d)
    spec = Spec(tuple(floats), objectives, reference=reference)

    def x(point: Point) -> np.ndarray:
        return spec.encode(point) * 2.0 - 1.0

    def values(point: Point) -> dict[str, float]:
        both = {"value": function(x(point)), "mirrored": function(-x(point))}
        return {name: both[name] for name in objectives}

    drawn = latin_hypercube(spec, 4 * n if space == "linear" else n, np.random.default_rng([n, d]))
    inside = [point for point in drawn if space != "linear" or x(point).sum() <= bound]
    return Problem(spec, inside[:n], values, settings)


def measure(n: int, d: int, names: Sequence[str], *, batch: int, core: int | None, folder: Path, space: str = "plain") -> dict[str, Timed]:
    """The asks of all optimizers on one history of n points in d dimensions, one after another in turn."""
    given = problem(space, n, d)
    timed: dict[str, Timed] = {}
    for name in names:
        chosen = entry(name)
        worker = Worker(chosen.python, chosen.adapter, log=folder / "log", core=core)
        ours = chosen.environment is None
        timed[name] = Timed(name, worker, 1 + math.ceil(0.1 * n) if ours and batch == 1 else PEER_ASKS + 1)
        try:
            settings = {**chosen.settings, **(given.settings if ours else {})}
            answer = worker.request({"op": "start", "spec": given.spec.to_json(), "seed": 0, "settings": settings}, limit=600)
            if "unsupported" in answer:
                raise Failed(answer["unsupported"])
            told = [[None, point, given.values(point)] for point in given.points]
            worker.request({"op": "tell", "results": told}, limit=600)
        except (TimedOut, Failed) as error:
            timed[name].reason = str(error).strip().splitlines()[-1]
    try:
        while any(each.open for each in timed.values()):
            for each in timed.values():
                if each.open:
                    each.ask(batch, given.values)
    finally:
        for each in timed.values():
            each.worker.close()
    return timed


def line(case: Sequence[object], timed: dict[str, Timed], ours: str, plain: float | None) -> str:
    """One row of the table.

    Args:
        case: What the first columns say.
        timed: By optimizer.
        ours: Which of them is compared with the others.
        plain: Mean of its asks where the space is plain, if that was measured.
    """
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
    first = " | ".join(map(str, case))
    if mine.reason or len(mine.seconds) < 2:
        return f"| {first} | failed: {mine.reason[:80]} | | | {' | '.join([*cells, '', ''])} |"
    longest = max(mine.seconds[1:])
    versus = f"{mine.amortised / plain:.2f}" if plain else ""
    ratio = f"{mine.amortised / min(figures):.3f}" if figures else ""
    return f"| {first} | {mine.amortised:.3g} | {longest:.3g} | {mine.seconds[0]:.3g} | {' | '.join([*cells, versus, ratio])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[50, 200, 500, 1000, 2000])
    parser.add_argument("--d", type=int, nargs="+", default=[6, 20])
    parser.add_argument("--space", nargs="+", choices=SPACES, default=["plain"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1], help="points an ask")
    parser.add_argument("--peers", nargs="*", default=list(PEERS))
    parser.add_argument("--ours", default="bbo")
    parser.add_argument("--core", type=int, default=None, help="the core to pin everything to (default: the last one)")
    arguments = parser.parse_args()
    core = max(os.sched_getaffinity(0)) if arguments.core is None else arguments.core
    last = ["/ plain", "(a) / best peer"]
    print(f"| space | q | n | d | (a) mean | (b) longest | (c) first | {' | '.join([*arguments.peers, *last])} |")
    print("|---" * (9 + len(arguments.peers)) + "|")
    names, plain = [arguments.ours, *arguments.peers], dict[tuple[int, int, int], float]()
    with tempfile.TemporaryDirectory() as folder:
        for space, batch, d, n in product(arguments.space, arguments.batch, arguments.d, arguments.n):
            timed = measure(n, d, names, batch=batch, core=core, folder=Path(folder), space=space)
            if space == "plain":
                plain[batch, d, n] = timed[arguments.ours].amortised
            versus = None if space == "plain" else plain.get((batch, d, n))
            print(line((space, batch, n, d), timed, arguments.ours, versus), flush=True)


if __name__ == "__main__":
    main()
