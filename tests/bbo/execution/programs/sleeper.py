"""Run as a program, without a main guard: its function says where it is by files in a folder, and sleeps until it is told to go on."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import bbo
from bbo.execution import heartbeat, loop

folder, workers, total, lease = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
heartbeat.LEASE = loop.LEASE = lease


def sleep(trial: bbo.Trial) -> float:
    try:
        (folder / f"begun-{trial.number}").touch()
        while not (folder / "go").exists():
            time.sleep(0.02)
    except KeyboardInterrupt:
        if not (folder / "stubborn").exists():
            raise
        (folder / "swallowed").touch()
        time.sleep(600)
    finally:
        (folder / f"left-{trial.number}").touch()
    return trial["x"]


study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), {"loss": "minimize"}, optimizer="random", seed=0, storage=folder / "s.db", name="s")
study.optimize(sleep, total=total, workers=workers)
