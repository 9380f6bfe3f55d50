"""Several optimizers on one problem, over several seeds, from equal starting points."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bbo.best import eligible
from bbo.errors import BBOError, InvalidStudy
from bbo.log.ledger import Record
from bbo.optimizers.base import Optimizer, resolve
from bbo.optimizers.base import to_json as optimizer_json
from bbo.problems.problem import TestProblem
from bbo.space import Space
from bbo.storage.base import Storage
from bbo.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from bbo.execution import ObjectiveFunction

_CHILD = "import sys; sys.path[:] = {path!r}; from bbo.comparison import _child; _child({job!r}, {answer!r})"


@dataclass(frozen=True, slots=True)
class _Job:
    """One optimizer with one seed; everything that a process needs to run it."""

    label: str
    optimizer: str | Optimizer
    seed: int
    fn: ObjectiveFunction
    space: Space
    objectives: Any
    outcome_constraints: Any
    n_trials: int
    n_initial: int
    storage: str | Storage | None
    catch: tuple[type[BaseException], ...]

    @property
    def study(self) -> str:
        return f"{self.label}, seed {self.seed}"

    def rows(self) -> list[dict[str, Any]]:
        """Run what is missing of it; one row a finished trial."""
        study = Study(
            self.space,
            self.objectives,
            outcome_constraints=self.outcome_constraints,
            optimizer=self.optimizer,
            storage=self.storage,
            name=self.study,
            seed=self.seed,
        )
        held = len(study.trials)
        for point in self.space.sobol(self.n_initial, seed=self.seed)[held:]:  # a run that was cut off holds the first of them
            study.enqueue(point)
        study.optimize(self.fn, total=self.n_trials, catch=self.catch, progress=False)
        return list(self._table(study))

    def _table(self, study: Study) -> Iterator[dict[str, Any]]:
        score = _score(study)
        evaluation = 0
        for trial in study.trials:
            record = study.record(trial.number)
            if not record.state.finished:
                continue
            row = {"optimizer": self.label, "seed": self.seed, "evaluation": evaluation, "state": record.state.value}
            yield {**row, **record.values, **score(record)}
            evaluation += 1


def compare(
    problem: Sequence[Any] | TestProblem,
    optimizers: Mapping[str, str | Optimizer] | Iterable[str | Optimizer],
    *,
    n_trials: int,
    n_initial: int = 5,
    seeds: int | Iterable[int] = 10,
    workers: int = 1,
    storage: str | os.PathLike[str] | Storage | None = None,
    catch: type[BaseException] | tuple[type[BaseException], ...] = (),
) -> pd.DataFrame:
    """Run optimizers side by side: with one seed all start from the same points and the same `trial.seed`.

    Each optimizer with each seed is a study of its own, named ``"<optimizer>, seed <seed>"``. With a storage the comparison goes on
    where it was cut off, runs again only what is new, and every study can be opened with `load_study` afterwards.

    Args:
        problem: A problem of `bbo.problems`; or ``(fn, space)``, ``(fn, space, objectives)`` or ``(fn, space, objectives,
            outcome_constraints)``, each as `Study` and `Study.optimize` take it.
        optimizers: Names or settings objects; a mapping gives them labels of your own.
        n_trials: Evaluations of each run, the initial points among them.
        n_initial: How many points of a Sobol sequence, drawn by the seed, all optimizers start from.
        seeds: How many, from 0; or which.
        workers: Runs at a time, each in a process of its own; every run by itself is one evaluation after another, so that the
            number changes no result. With more than one, the class of an optimizer must stand in a module that can be imported.
        storage: Where the studies are kept; None keeps none.
        catch: Exceptions of `fn` that mean a failed trial. Any other one ends the comparison.

    Returns:
        One row a finished trial: ``optimizer``, ``seed``, ``evaluation`` (from 0), ``state``, the outcomes, and what the run had
        reached by then: with one objective ``best``, the best feasible value in the objective's own sign, with several objectives
        that all have a `reference` ``hypervolume``, of the feasible trials; NaN while nothing feasible is known. Trials below the
        target of a fidelity or source do not count.

    Raises:
        InvalidStudy: An argument is malformed.
        StudyMismatch: The storage holds a study of that name with another problem or optimizer.

    Examples:
        >>> import bbo
        >>> space = bbo.Space({"x": bbo.Float(-1, 2)})
        >>> table = bbo.compare((lambda t: t["x"] ** 2, space), ["sobol", "random"], n_trials=8, seeds=3)
        >>> len(table), sorted(table.groupby("optimizer")["best"].median().index)
        (48, ['random', 'sobol'])
    """
    import pandas as pd

    fn, space, objectives, constraints = _parts(problem)
    if names := space.of_role("environment"):
        raise InvalidStudy(
            f"compare goes by what was measured, and the environment {', '.join(map(repr, names))} makes luck of that; "
            "run studies, and evaluate the designs of study.recommend() over the environment"
        )
    for name, value, least in (("n_trials", n_trials, 1), ("n_initial", n_initial, 0), ("workers", workers, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidStudy(f"compare: {name} is {value!r}; it is an integer, at least {least}")
    if n_initial > n_trials:
        raise InvalidStudy(f"compare: n_initial is {n_initial}, more than the {n_trials} trials of a run")
    labelled = _labelled(optimizers)
    numbers = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not labelled or not numbers:
        raise InvalidStudy(f"compare: {len(labelled)} optimizers and {len(numbers)} seeds; at least one of each is needed")
    kept = os.fspath(storage) if isinstance(storage, os.PathLike) else storage
    if workers > 1 and not (kept is None or isinstance(kept, str)):
        raise InvalidStudy("compare: with several workers give the storage's path or URL, which each process opens for itself")
    caught = catch if isinstance(catch, tuple) else (catch,)
    jobs = [
        _Job(label, optimizer, seed, fn, space, objectives, constraints, n_trials, n_initial, kept, caught)
        for seed in numbers
        for label, optimizer in labelled.items()
    ]
    if workers == 1:
        return pd.DataFrame([row for job in jobs for row in job.rows()])
    with ThreadPoolExecutor(workers) as threads:
        return pd.DataFrame([row for rows in threads.map(_in_process, jobs) for row in rows])


def _parts(problem: Sequence[Any] | TestProblem) -> tuple[Any, Space, Any, Any]:
    if isinstance(problem, TestProblem):
        return problem, problem.space, list(problem.objectives), list(problem.outcome_constraints)
    parts = list(problem) if isinstance(problem, (tuple, list)) else []
    if not 2 <= len(parts) <= 4 or not callable(parts[0]) or not isinstance(parts[1], Space):
        raise InvalidStudy(
            f"compare: problem is {problem!r}; write (fn, space), (fn, space, objectives) or these and outcome_constraints, "
            "or give one of bbo.problems"
        )
    return parts[0], parts[1], parts[2] if len(parts) > 2 else "minimize", parts[3] if len(parts) > 3 else ()


def _labelled(optimizers: Mapping[str, str | Optimizer] | Iterable[str | Optimizer]) -> dict[str, str | Optimizer]:
    """Optimizers by label: what the caller says, else the name; names that stand twice get their settings."""
    if isinstance(optimizers, Mapping):
        found = dict(optimizers)
    else:
        listed = [optimizers] if isinstance(optimizers, str) else list(optimizers)
        names = [resolve(each).name for each in listed]
        labels = [name if names.count(name) == 1 else repr(resolve(each)) for name, each in zip(names, listed, strict=True)]
        if len(set(labels)) < len(labels):
            raise InvalidStudy("compare: an optimizer stands twice in the list; a mapping gives each a label of its own")
        found = dict(zip(labels, listed, strict=True))
    for each in found.values():
        optimizer_json(resolve(each))
    return found


def _score(study: Study) -> Callable[[Record], dict[str, float]]:
    """A function that takes in one trial after another and says what the run has reached."""
    problem = study._problem
    if len(problem.objectives) == 1:
        sign, best = problem.objectives[0].sign, math.inf

        def reached(record: Record) -> dict[str, float]:
            nonlocal best
            if eligible(problem, record):
                best = min(best, float(problem.losses(record.values)[0]))
            return {"best": sign * best if best < math.inf else math.nan}

        return reached
    references = {objective.name: objective.reference for objective in problem.objectives if objective.reference is not None}
    if len(references) < len(problem.objectives):
        return lambda record: {}
    worst, front = problem.losses(references), list[Any]()

    def covered(record: Record) -> dict[str, float]:
        from bbo.hypervolume import hypervolume

        if eligible(problem, record):
            front.append(problem.losses(record.values))
        return {"hypervolume": hypervolume(front, worst) if front else math.nan}

    return covered


def _in_process(job: _Job) -> list[dict[str, Any]]:
    """The rows of a run in a fresh interpreter, which needs no main guard in the caller's script.

    Raises:
        Whatever the run raises; `BBOError` where its process died.
    """
    import cloudpickle

    with tempfile.TemporaryDirectory(prefix="bbo-compare-") as folder:
        sent, answer = Path(folder) / "job", Path(folder) / "answer"
        sent.write_bytes(cloudpickle.dumps(job))
        code = _CHILD.format(path=sys.path, job=str(sent), answer=str(answer))
        status = subprocess.run([sys.executable, "-c", code], check=False).returncode
        if not answer.exists():
            raise BBOError(f"compare: the process of {job.study!r} ended with status {status}")
        found = cloudpickle.loads(answer.read_bytes())
    if isinstance(found, BaseException):
        raise found
    return list(found)


def _child(job: str, answer: str) -> None:
    """What the fresh interpreter does."""
    import cloudpickle

    found: Any
    try:
        found = cloudpickle.loads(Path(job).read_bytes()).rows()
    except Exception as error:  # noqa: BLE001 - it is raised again in the process that started this one
        found = error
    Path(answer).write_bytes(cloudpickle.dumps(found))
