"""Many processes on one database: nothing acknowledged is lost, whoever writes, forks or is killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bbo.log.events import Event
from bbo.storage import Conflict, open_storage
from bbo.storage.forks import ForkGate

# The children of these tests touch nothing but the storage, whatever threads other tests left behind.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def created(study: str) -> Event:
    return Event("created", {"name": study})


@pytest.mark.parametrize("processes, appends", [(4, 20), pytest.param(16, 50, marks=pytest.mark.slow)])
def test_processes_append_at_once(url: str, append, in_children, processes: int, appends: int) -> None:
    """Each writer creates the study if it is first, and every event it was told is written stands in the log once."""

    def write(writer: int) -> None:
        storage = open_storage(url)
        with contextlib.suppress(Conflict):
            storage.append("x", [created("x")], 0)
        for k in range(appends):
            append(storage, "x", Event("told", {"writer": writer, "k": k}))

    in_children(*(lambda writer=writer: write(writer) for writer in range(processes)))
    log = open_storage(url).read("x")
    assert [event.seq for event in log] == list(range(1, 2 + processes * appends))
    assert [event.kind for event in log] == ["created"] + ["told"] * (processes * appends)
    told = [(event.body["writer"], event.body["k"]) for event in log[1:]]
    assert sorted(told) == [(writer, k) for writer in range(processes) for k in range(appends)]
    for writer in range(processes):
        assert [k for who, k in told if who == writer] == list(range(appends))


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_processes_create_at_once(url: str, in_children, rounds: int) -> None:
    """Also the database itself: of sixteen creators of one study one wins, and the others' own studies are made too."""
    for number in range(rounds):
        target = url if url.startswith("postgresql") else f"{url}.{number}"
        together = multiprocessing.get_context("fork").Barrier(16)
        winners = multiprocessing.get_context("fork").Value("i", 0)

        def create(child: int, target=target, together=together, winners=winners, shared=f"shared {number}") -> None:
            together.wait()
            storage = open_storage(target)
            try:
                storage.append(shared, [created(shared), Event("told", {"child": child}, trial=0)], 0)
                with winners:
                    winners.value += 1
            except Conflict:
                pass
            assert len(storage.read(shared)) == 2
            storage.append(f"{shared}, {child}", [created("own")], 0)

        in_children(*(lambda child=child: create(child) for child in range(16)))
        assert winners.value == 1
        expected = [f"shared {number}"] + [f"shared {number}, {child}" for child in range(16)]
        assert sorted(name for name in open_storage(target).studies() if name.startswith(f"shared {number}")) == sorted(expected)


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_writer_loses_nothing_acknowledged(url: str, kills: int) -> None:
    """Killed at random moments, the first ones while the database is being made; error probability 0, whatever the moments."""
    rng = np.random.default_rng(2)
    before = 0
    for kill in range(kills):
        acknowledged, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(acknowledged)
                storage = open_storage(url)
                if not storage.studies():
                    storage.append("x", [created("x")], 0)
                after = len(storage.read("x"))
                while True:
                    storage.append("x", [Event("told", {"kill": kill, "text": "x" * 3000}), Event("told", {"kill": kill})], after)
                    after += 2
                    os.write(write_end, b"%d\n" % after)
            finally:
                os._exit(1)
        os.close(write_end)
        with os.fdopen(acknowledged, "rb") as pipe:
            first = pipe.readline() if kill % 3 else b""  # the others die while they open or make the database
            time.sleep(rng.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), "the child ended by itself"
            last = max([before, *map(int, (first + pipe.read()).split())])
        storage = open_storage(url)
        log = storage.read("x") if storage.studies() else []
        assert len(log) in {last, last + 1, last + 2}, "at most the append in progress is missing or not acknowledged"
        assert len(log) % 2 == 1 or not log, "an append is there whole or not at all"
        if log:
            storage.append("x", [Event("told", {"after": kill}), Event("told", {})], len(log))
            before = len(storage.read("x"))
            assert before == len(log) + 2
        storage.close()
    assert before > kills, "the writers wrote between the kills"


def test_a_forked_child_goes_on_with_the_storage(url: str, append, in_children) -> None:
    """The parent closes while the child writes: with inherited connections, SQLite would delete the log under the child's hands."""
    storage = open_storage(url)
    storage.append("x", [created("x")], 0)
    ready, go = (multiprocessing.get_context("fork").Event() for _ in range(2))

    def write() -> None:
        append(storage, "x", Event("told", {"child": -1}))
        ready.set()
        go.wait()
        for k in range(10):
            append(storage, "x", Event("told", {"child": k}))

    def close() -> None:
        assert ready.wait(60)
        append(storage, "x", Event("told", {"parent": 0}))
        storage.close()
        go.set()

    closer = threading.Thread(target=close)  # started by the first operation after the fork, so that the fork itself has one thread
    context = multiprocessing.get_context("fork")
    child = context.Process(target=write)
    child.start()
    closer.start()
    closer.join()
    child.join()
    assert child.exitcode == 0
    log = open_storage(url).read("x")
    assert [event.body["child"] for event in log[1:] if "child" in event.body] == [-1, *range(10)]
    assert len(log) == 13


def test_forking_while_another_thread_writes(url: str, append, in_children) -> None:
    storage = open_storage(url)
    storage.append("x", [created("x")], 0)
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            append(storage, "x", Event("told", {"parent": written}))
            written += 1
            stop.wait(0.002)  # lets the child win the race for a number

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for child in range(5):
            in_children(lambda child=child: append(storage, "x", Event("told", {"child": child})))
    finally:
        stop.set()
        writer.join()
    log = storage.read("x")
    assert [event.body["child"] for event in log[1:] if "child" in event.body] == list(range(5))
    assert [event.body["parent"] for event in log[1:] if "parent" in event.body] == list(range(written))


def test_a_fork_waits_for_operations_and_closes() -> None:
    order: list[str] = []
    gate = ForkGate(lambda: order.append("closed"))
    begun, finish = threading.Event(), threading.Event()

    def operate() -> None:
        with gate.operation():
            begun.set()
            finish.wait()
            order.append("operation ended")

    operation = threading.Thread(target=operate)
    operation.start()
    begun.wait()
    shutting = threading.Thread(target=lambda: (gate.shut(), order.append("shut"), gate.open()))
    shutting.start()
    finish.set()
    operation.join()
    shutting.join()
    assert order == ["operation ended", "closed", "shut"]
    with gate.operation(), gate.operation():
        pass


def test_an_unused_storage_is_collected_and_lets_go_of_its_file(file: Path) -> None:
    storage = open_storage(file)
    storage.append("x", [created("x")], 0)
    assert file.with_name(f"{file.name}-wal").exists()
    del storage
    assert not file.with_name(f"{file.name}-wal").exists(), "the last connection to close clears the write-ahead log"
