"""An objective function that runs an executable: JSON in, JSON out."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy, TrialFailed
from bbo.execution.endings import exit_described
from bbo.result import Result

if TYPE_CHECKING:
    from bbo.trial import Trial

_FIELDS = ("params", "outcomes", "directory", "number", "seed")
_FIELD = re.compile(r"\{(\w+)\}")
_GRACE = 5.0  # seconds between the request to end and the kill
_TAIL = 2000  # characters of standard error that go into the log


@dataclass(frozen=True, slots=True)
class Command:
    """A function for any executable: ``study.optimize(bbo.Command("./wing {params} {outcomes}"), 100)``.

    Each evaluation gets a directory of its own, ``<directory>/<trial number>`` (``<trial number>-2`` where that is taken), with
    ``params.json``, ``stdout.txt`` and ``stderr.txt``. The command runs where the study does, without a shell, and writes its
    outcomes as JSON: a number, or numbers by outcome ``{"loss": 0.31, "latency_ms": 14}``. Where more is to be said, the
    outcomes stand under ``"values"``: ``{"values": {"loss": 0.31}, "sd": {"loss": 0.02}, "cost": 12.5, "attrs": {"node": "b7"}}``,
    with ``"gradient": {"x": 0.2}`` and ``"gradient_sd"`` as `Study.tell` takes them.

    The trial fails, with the end of standard error as the reason, when the command ends with a status other than zero, takes too
    long (it and what it started is then killed), or leaves no such outcomes.

    Args:
        template: The command line, split as a shell would. Filled in: ``{params}`` and ``{outcomes}``, paths of the two JSON
            files; ``{directory}``; ``{number}`` and ``{seed}`` of the trial.
        timeout: Seconds; None for no limit.
        directory: Where the directories of the trials go.

    Raises:
        InvalidStudy: The template or the timeout is malformed; on a call, the executable cannot be started.
    """

    template: str
    timeout: float | None = 3600.0
    directory: str | os.PathLike[str] = "runs"

    def __post_init__(self) -> None:
        words = _words(self.template)
        used = {name for word in words for name in _FIELD.findall(word)}
        if unknown := sorted(used - {*_FIELDS}):
            raise InvalidStudy(f"Command: {{{unknown[0]}}} in {self.template!r} is none of {', '.join(f'{{{name}}}' for name in _FIELDS)}")
        if not used & {"outcomes", "directory"}:
            raise InvalidStudy(f"Command: {self.template!r} does not say where the outcomes go; add {{outcomes}}, the path of a JSON file")
        limit = self.timeout
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0):
            raise InvalidStudy(f"Command: timeout is {limit!r}; it is a number of seconds above 0, or None")

    def __call__(self, trial: Trial) -> Result:
        """Run it for one trial."""
        folder = _new_folder(Path(self.directory).absolute(), trial.number)
        params, outcomes = folder / "params.json", folder / "outcomes.json"
        params.write_text(json.dumps(trial.params, ensure_ascii=False), encoding="utf-8")
        filled = {"params": params, "outcomes": outcomes, "directory": folder, "number": trial.number, "seed": trial.seed}
        status = self._run([_FIELD.sub(lambda match: str(filled[match[1]]), word) for word in _words(self.template)], folder)
        if status != 0:
            raise TrialFailed(_with_tail(f"the command {exit_described(status)}", folder))
        try:
            result = _read(outcomes)
        except (OSError, ValueError) as error:
            raise TrialFailed(_with_tail(f"the command left no usable outcomes: {error}", folder)) from error
        return replace(result, attrs={**(result.attrs or {}), "directory": str(folder)})

    def _run(self, words: list[str], folder: Path) -> int:
        with (folder / "stdout.txt").open("wb") as stdout, (folder / "stderr.txt").open("wb") as stderr:
            try:
                process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True)
            except OSError as error:  # no property of the point
                raise InvalidStudy(
                    f"Command: {words[0]!r} cannot be started: {error.strerror}; name an executable file, or one on PATH"
                ) from error
        try:
            return process.wait(self.timeout)
        except BaseException as error:
            _end_group(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TrialFailed(_with_tail(f"the command took longer than {self.timeout:g} s", folder)) from None
            raise


def _words(template: str) -> list[str]:
    try:
        words = shlex.split(template)
    except (ValueError, AttributeError) as error:
        raise InvalidStudy(f"Command: {template!r} is no command line: {error}") from None
    if not words:
        raise InvalidStudy("Command: the template is empty; write for example './wing {params} {outcomes}'")
    return words


def _new_folder(parent: Path, number: int) -> Path:
    """A directory nobody has used: neither an earlier attempt, nor another study."""
    parent.mkdir(parents=True, exist_ok=True)
    turn = 1
    while True:
        folder = parent / (str(number) if turn == 1 else f"{number}-{turn}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            turn += 1


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and all it started: asked first, then killed."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(path: Path) -> Result:
    """The outcomes that a command left.

    Raises:
        OSError, ValueError: There are none, or they are malformed.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path.name} was not written")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        return Result(_number(found, "the outcome"))
    if not isinstance(found.get("values"), dict):
        return Result({name: _number(value, name) for name, value in found.items()})
    if unknown := sorted(found.keys() - {"values", "sd", "gradient", "gradient_sd", "cost", "attrs"}):
        raise ValueError(f"{unknown[0]!r} stands beside 'values'; only sd, gradient, gradient_sd, cost and attrs may")
    sd, cost, attrs, gradient = found.get("sd"), found.get("cost"), found.get("attrs"), found.get("gradient")
    for name, part in (("attrs", attrs), ("gradient", gradient)):
        if part is not None and not isinstance(part, dict):
            raise ValueError(f"{name} is {part!r}; it is an object")
    return Result(
        {name: _number(value, name) for name, value in found["values"].items()},
        sd=None if sd is None else _deviations(sd),
        cost=None if cost is None else _amount(cost, "cost"),
        attrs=attrs,
        gradient=gradient,
        gradient_sd=found.get("gradient_sd"),
    )


def _number(given: Any, what: str) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError(f"{what} is {given!r}; it is a number")
    return float(given)


def _amount(given: Any, what: str) -> float:
    number = _number(given, what)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{what} is {number}; it is a finite number, at least 0")
    return number


def _deviations(given: Any) -> float | dict[str, float]:
    return {name: _amount(value, f"sd of {name}") for name, value in given.items()} if isinstance(given, dict) else _amount(given, "sd")


def _with_tail(reason: str, folder: Path) -> str:
    """The reason, with the end of what the command wrote to standard error."""
    with (folder / "stderr.txt").open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        tail = file.read().decode(errors="replace").strip()
    return f"{reason}; standard error: {tail}" if tail else f"{reason} (its files are in {folder})"
