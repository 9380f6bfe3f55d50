"""Run optimizers on cases: paired seeds, equal initial designs, one pinned core, resumable.

    python -m benchmarks.run --suite quick --optimizers bbo random --seeds 2
    python -m benchmarks.run --suite visible --optimizers random optuna_gp botorch --seeds 3 --results runs.jsonl --hours 5
    python -m benchmarks.run --suite visible --optimizers hebo --seeds 3 --results more.jsonl --known docs/benchmarks/data/visible.parquet

Every finished run is a line of the results; what stands there, or in the files of known runs, is not run again. `benchmarks.report`
makes tables of it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.environments import batch_of, entry
from benchmarks.process import Failed, TimedOut, Worker
from benchmarks.results import Run
from benchmarks.suite import suite
from benchmarks.suite.case import Case, Outcomes
from benchmarks.suite.scoring import progress, regret

START_LIMIT = 300.0  # seconds to import a library on a busy machine


@dataclass(frozen=True)
class Limits:
    """When a run ends early.

    Args:
        ask: Seconds of processor time for one proposal, and for one tell: what it would take on an idle core.
        run: The same for all proposals and tells of a run.
        patience: How many times as long an answer is waited for by the clock, on a machine that others use too.
    """

    ask: float = 120.0
    run: float = 3600.0
    patience: float = 15.0

    @property
    def wait(self) -> float:
        """Seconds by the clock to wait for an answer."""
        return self.ask * self.patience


def run_one(case: Case, optimizer: str, seed: int, *, core: int | None, log: Path, limits: Limits, sealed: bool = False) -> Run:
    """One run. A library that fails or takes too long ends it early; what it had found by then counts."""
    chosen, batch = entry(optimizer), batch_of(optimizer)
    true: list[Outcomes] = []
    told: list[Outcomes] = []
    seconds: list[float] = []
    asks: list[float] = []
    tells: list[float] = []
    design: list[list[Any]] = []
    for point in case.initial(seed):
        true.append(case.evaluate(point))
        told.append(case.observe(true[-1], seed, len(true) - 1))
        design.append([None, point, told[-1]])
    status, reason, versions = "done", "", ""
    log.parent.mkdir(parents=True, exist_ok=True)
    with Worker(chosen.python, chosen.adapter, log=log.resolve(), core=core) as worker:
        try:
            start = {"op": "start", "spec": case.spec.to_json(), "seed": seed, "settings": dict(chosen.settings)}
            answer = worker.request(start, limit=START_LIMIT)
            if "unsupported" in answer:
                status, reason = "unsupported", answer["unsupported"]
                true, told = [], []
            else:
                versions = " ".join([f"{name}=={version}" for name, version in answer["versions"].items()] + chosen.source)
                worker.request({"op": "tell", "results": design}, limit=START_LIMIT)
            while status == "done" and len(true) < case.budget:
                answer = worker.request({"op": "ask", "n": min(batch, case.budget - len(true))}, limit=limits.wait)
                seconds.append(answer["seconds"])
                asks.append(answer["cpu"])
                if answer["cpu"] > limits.ask or sum(asks) + sum(tells) > limits.run:
                    raise TimedOut(f"ask {len(asks)} took {answer['cpu']:.1f} s, all of them {sum(asks) + sum(tells):.0f} s")
                measured = []
                for handle, proposed in answer["points"]:
                    true.append(case.evaluate(case.spec.active(proposed)))
                    told.append(case.observe(true[-1], seed, len(true) - 1))
                    measured.append([handle, proposed, told[-1]])
                tells.append(worker.request({"op": "tell", "results": measured}, limit=limits.wait)["cpu"])
        except TimedOut as error:
            status, reason = "timeout", str(error)
        except Failed as error:
            status, reason = "failed", str(error)[-2000:]
    found = progress(case, true, told)
    date = datetime.now(UTC).date().isoformat()
    return Run(
        case.name,
        optimizer,
        seed,
        case.budget,
        min(case.n_initial, len(true)),
        status,
        reason,
        found,
        seconds,
        asks,
        tells,
        versions,
        date,
        sealed,
    )


def run_all(
    cases: Sequence[Case],
    optimizers: Sequence[str],
    seeds: int,
    *,
    file: Path,
    core: int | None,
    limits: Limits,
    deadline: float,
    sealed: bool = False,
    known: Sequence[Path] = (),
) -> None:
    """What is missing in the results and in known ones, seed by seed so that an unfinished table is a fair one.

    No run starts after the deadline.
    """
    found = {run.key for run in results.read([file, *known])}
    wanted = [(case, name, seed) for seed in range(seeds) for case in cases for name in optimizers]
    missing = [(case, name, seed) for case, name, seed in wanted if (case.name, name, seed) not in found]
    for done, (case, name, seed) in enumerate(missing):
        if time.monotonic() > deadline:
            print(f"out of time: {len(missing) - done} runs are left")
            return
        log = file.parent / "logs" / f"{name.replace('/', '_')[:60]}.log"
        run = run_one(case, name, seed, core=core, log=log, limits=limits, sealed=sealed)
        results.append(file, run)
        seconds = sum(run.ask_cpu) + sum(run.tell_cpu)
        last = f"{regret(case, run.values[-1]):.4g}" if run.values else "-"
        print(
            f"{done + 1}/{len(missing)} {case.name} {name} seed {seed}: {run.status} regret {last} in {seconds:.1f} s {run.reason[-200:]}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", nargs="+", default=["quick"], help="visible, quick, sealed, constrained, or names of cases")
    parser.add_argument("--optimizers", nargs="+", default=["bbo", "random"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path(".bench/results/runs.jsonl"))
    parser.add_argument("--known", nargs="*", type=Path, default=[], help="files of runs that are not to be repeated")
    parser.add_argument("--core", type=int, default=None, help="the core to pin everything to (default: the last one)")
    parser.add_argument("--hours", type=float, default=24.0, help="start no further run after so many")
    parser.add_argument("--ask-limit", type=float, default=Limits.ask, help="seconds of processor time for one proposal")
    parser.add_argument("--sealed", action="store_true", help="really run the sealed cases; nothing may be tuned afterwards")
    arguments = parser.parse_args()
    core = max(os.sched_getaffinity(0)) if arguments.core is None else arguments.core
    os.sched_setaffinity(0, {core})
    for name in arguments.optimizers:
        if not (python := entry(name).python).exists():
            raise SystemExit(f"{name} has no environment yet ({python}): python benchmarks/environments.py {entry(name).environment}")
    cases = [case for name in arguments.suite for case in suite(name, sealed=arguments.sealed)]
    run_all(
        cases,
        arguments.optimizers,
        arguments.seeds,
        file=arguments.results,
        core=core,
        limits=Limits(ask=arguments.ask_limit),
        deadline=time.monotonic() + 3600 * arguments.hours,
        sealed="sealed" in arguments.suite,
        known=arguments.known,
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
