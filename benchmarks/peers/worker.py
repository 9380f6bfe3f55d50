"""The process an optimizer runs in: JSON lines in on standard input, JSON lines out on standard output.

    python -m benchmarks.peers.worker <adapter>

Requests: ``{"op": "start", "spec", "seed", "settings"}``, ``{"op": "ask", "n"}``, ``{"op": "tell", "results": [[handle, point,
outcomes], ...]}``. Each is answered by one line, with the seconds that the library took, by the clock and of the processor; an error by
``{"error": its traceback}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

from benchmarks.peers.base import Peer, Unsupported
from benchmarks.peers.spec import Spec


def main(adapter: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    peer: Peer | None = None
    module: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        started, started_cpu = time.perf_counter(), time.process_time()
        answer: dict[str, Any] = {}
        try:
            if request["op"] == "start":
                module = import_module(f"benchmarks.peers.{adapter}")
                peer = module.Adapter(Spec.from_json(request["spec"]), request["seed"], request["settings"])
                answer["versions"] = {name: _version(name) for name in module.PACKAGES}
            elif peer is None:
                raise RuntimeError("the first request is start")
            elif request["op"] == "ask":
                answer["points"] = peer.ask(request["n"])
            else:
                for handle, point, outcomes in request["results"]:
                    peer.tell(handle, point, outcomes)
        except Unsupported as reason:
            answer = {"unsupported": str(reason)}
        except Exception:  # noqa: BLE001 - what a library raises is a result too, and is recorded
            answer = {"error": traceback.format_exc()}
        answer |= {"seconds": time.perf_counter() - started, "cpu": time.process_time() - started_cpu}
        _send(answers, answer)


def _send(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, default=_plain) + "\n")
    answers.flush()


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's."""
    return value.item()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    main(sys.argv[1])
