"""How long `import bbo` takes beside `import torch`: medians of 10 fresh interpreters each, run in turn on the same machine."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 10
STATEMENTS = {"python": "pass", "bbo": "import bbo", "torch": "import torch"}


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    for statement in STATEMENTS.values():  # byte code and disk cache are warm for all of them alike
        seconds(statement)
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(RUNS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    median = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{STATEMENTS[name]:<12}  median {median[name]:.3f} s  (from {min(values):.3f} to {max(values):.3f})")
    print(f"import bbo / import torch = {median['bbo'] / median['torch']:.3f}  (at most 0.25 is wanted)")


if __name__ == "__main__":
    main()
