"""What asking and telling cost: milliseconds a trial of population methods in 20 dimensions, from the first trial to the 100,000th.

Batches are populations of 20 points; the function costs nothing. Wall time is given, and processor time, which leaves out the waits for
the disk: a batch on SQLite is two commits, and each waits until the disk has it. What one such wait costs is measured beside it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import bbo
from benchmarks.resumable import Row

CLAIM = (
    "Asking and telling cost below 1 ms a trial of processor time in 20 dimensions and batches of 20, in memory and on SQLite, and no more"
    " at the 100,000th trial than at the first."
)
TRIALS, BLOCKS, BATCH, D = 100_000, 10, 20, 20
OPTIMIZERS: dict[str, Any] = {
    "cma_es": bbo.CMAES(popsize=BATCH),
    "cbo": bbo.CBO(particles=BATCH),
    "snes": bbo.SNES(popsize=BATCH),
    "pgpe": bbo.PGPE(popsize=BATCH),
    "openai_es": bbo.OpenAIES(popsize=BATCH),
    "sep_cma": bbo.SepCMA(popsize=BATCH),
    "gfm": bbo.GFM(batch=BATCH // 2),
    "random": bbo.Random(),
}


def jobs(trials: int = TRIALS) -> Iterator[tuple[Mapping[str, Any], Callable[[], Row]]]:
    """Every optimizer, in memory and on SQLite."""
    for storage in ("memory", "sqlite"):
        for name in OPTIMIZERS:
            yield {"optimizer": name, "storage": storage, "trials": trials}, partial(measure, name, storage, trials)


def measure(name: str, storage: str, trials: int) -> Row:
    """Milliseconds a trial in each tenth of a run, by the wall and by the processor, and of one wait for the disk."""
    space = bbo.Space({f"x{i}": bbo.Float(-5, 5) for i in range(D)})
    with tempfile.TemporaryDirectory() as folder:
        where = None if storage == "memory" else f"sqlite:///{Path(folder) / 'asking.db'}"
        study = bbo.Study(space, "minimize", optimizer=OPTIMIZERS[name], storage=where, seed=0)
        asked, wall, processor = 0, [], []
        for block in range(1, BLOCKS + 1):
            began, ran = time.perf_counter(), time.process_time()
            first = asked
            while asked < block * trials // BLOCKS:
                batch = study.ask(BATCH)
                study.tell(batch, [sum(x * x for x in trial.params.values()) for trial in batch])
                asked += len(batch)
            wall.append(1e3 * (time.perf_counter() - began) / (asked - first))
            processor.append(1e3 * (time.process_time() - ran) / (asked - first))
        study.storage.close()
        return {"wall_ms": wall, "processor_ms": processor, "disk_ms": disk(Path(folder)) if where else 0.0}


def disk(folder: Path, times: int = 20) -> float:
    """Milliseconds until a write of a batch's size is on the disk."""
    with (folder / "probe").open("wb") as file:
        began = time.perf_counter()
        for _ in range(times):
            file.write(bytes(16_384))
            file.flush()
            os.fsync(file.fileno())
        return 1e3 * (time.perf_counter() - began) / times


def report(rows: Iterable[Row]) -> str:
    """The table."""
    rows = list(rows)
    lines = [
        "| optimizer | storage | trials | processor, first tenth | last tenth | wall, first tenth | last tenth | two waits for the disk |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ends = [f"{row[clock][at]:.2f}" for clock in ("processor_ms", "wall_ms") for at in (0, -1)]
        waits = f"{2 * row['disk_ms'] / BATCH:.2f}" if row["disk_ms"] else "none"
        lines.append(f"| `{row['optimizer']}` | {row['storage']} | {row['trials']:,} | {' | '.join(ends)} | {waits} |")
    worst = max(row["processor_ms"][-1] for row in rows)
    growth = max(row["processor_ms"][-1] / row["processor_ms"][0] for row in rows)
    lines += ["", f"Milliseconds a trial. The dearest last tenth took {worst:.2f} ms; the greatest growth is by a factor of {growth:.2f}."]
    return "\n".join(lines)
