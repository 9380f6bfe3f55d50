"""Study files: what a study is, in YAML 1.2.

The keys are ``name`` (by default the file's name without its ending), ``storage`` (relative to the file; by default ``bbo.db``
beside it), ``space`` (parameters by name, in the format of `Space.from_json`), ``constraints`` (known input constraints),
``objectives``, ``outcome_constraints``, ``optimizer`` and ``pruner`` (a name, or ``{name: ..., settings: {...}}``) and ``seed``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bbo.errors import BBOError, InvalidStudy
from bbo.objectives import Constraint, Objective, constraints_of, objectives_of
from bbo.optimizers.base import Optimizer
from bbo.optimizers.base import resolve as resolve_optimizer
from bbo.pruners import Pruner
from bbo.pruners import resolve as resolve_pruner
from bbo.space import Space
from bbo.space.constraints import known_from_json
from bbo.space.serialization import parameter_from_json

if TYPE_CHECKING:
    from pydantic import ValidationError

    from bbo.files.schema import StudySchema
    from bbo.storage.base import Storage
    from bbo.study import Study

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value of the file."""


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study file that was read and found sound.

    Args:
        path: The file.
        name: The study's name.
        storage: Path or URL of its storage, None where the file names none.
        space: Parameters and known constraints.
        objectives: What is optimized.
        outcome_constraints: Bounds on measured outcomes.
        optimizer: None where the file names none.
        pruner: None for none.
        seed: None where the file gives none.
    """

    path: Path
    name: str
    storage: str | None
    space: Space
    objectives: tuple[Objective, ...]
    outcome_constraints: tuple[Constraint, ...] = ()
    optimizer: Optimizer | None = None
    pruner: Pruner | None = None
    seed: int | None = None

    def open(self, storage: str | Storage) -> Study:
        """The study in a storage: created, or opened when it has this definition (see `Study`).

        Raises:
            StudyMismatch, Unsupported, StorageError: As `Study`.
        """
        from bbo.study import Study

        return Study(
            self.space,
            self.objectives,
            outcome_constraints=self.outcome_constraints,
            optimizer=self.optimizer,
            pruner=self.pruner,
            storage=storage,
            name=self.name,
            seed=self.seed,
        )


def read_study_file(path: str | Path) -> StudyFile:
    """Read and check a study file.

    Raises:
        InvalidStudy: It cannot be read, is not YAML, or describes no sound study; each problem comes with its line.
    """
    path = Path(path)
    data, lines = _parse(path, _text(path))
    checked = _check_shape(path, data, lines)
    at = _Where(path, lines)
    parameters = {}
    for name, entry in data["space"].items():
        with at(("space", name)):
            parameters[name] = parameter_from_json(entry, name)
    with at(*(("space", name) for name in parameters), ("space",)):
        Space(parameters)  # without the constraints first, so that a bad condition is not blamed on them
    constraints = []
    for index, entry in enumerate(checked.constraints):
        with at(("constraints", index)):
            constraints.append(known_from_json(entry))
    with at(*(("constraints", index) for index in range(len(constraints))), ("constraints",), named=[str(c) for c in constraints]):
        space = Space(parameters, constraints)
    with at(*(("objectives", name) for name in checked.objectives), ("objectives",)):
        objectives = objectives_of([Objective(name, **entry.model_dump()) for name, entry in checked.objectives.items()])
    with at(("outcome_constraints",)):
        outcome_constraints = constraints_of(checked.outcome_constraints)
    with at(("optimizer",)):
        optimizer = None if checked.optimizer is None else resolve_optimizer(checked.optimizer.model_dump())
    with at(("pruner",)):
        pruner = None if checked.pruner is None else resolve_pruner(checked.pruner.model_dump())
    return StudyFile(
        path=path,
        name=checked.name or path.stem,
        storage=None if checked.storage is None else _storage(path, checked.storage),
        space=space,
        objectives=objectives,
        outcome_constraints=outcome_constraints,
        optimizer=optimizer,
        pruner=pruner,
        seed=checked.seed,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InvalidStudy(f"there is no study file {path}; `bbo create --template {path}` writes one to fill in") from None
    except UnicodeDecodeError as error:
        raise InvalidStudy(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise InvalidStudy(f"{path} cannot be read: {error.strerror}") from None


def _parse(path: Path, text: str) -> tuple[dict[str, Any], dict[Place, int]]:
    """The file as plain data, and the line on which each key stands."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        lines = dict(_lines(node))
        data = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f":{mark.line + 1}"
        raise InvalidStudy(f"{path}{line}: not sound YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:
        raise InvalidStudy(f"{path}: not sound YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise InvalidStudy(f"{path}: a value contains itself, or is nested too deep") from None
    if not isinstance(data, dict) or not data:
        what = "empty" if data is None or data == {} else f"a {type(data).__name__}"
        raise InvalidStudy(f"{path} is {what}; a study file is a mapping with the keys {', '.join(_KEYS)}")
    return data, lines


def _lines(node: Any, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """Place and line (from 1) of every key and list entry below a YAML node."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        for key, value in node.value:
            here = (*place, key.value)
            yield here, key.start_mark.line + 1
            yield from _lines(value, here)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            here = (*place, index)
            yield here, value.start_mark.line + 1
            yield from _lines(value, here)


_KEYS = ("name", "storage", "space", "constraints", "objectives", "outcome_constraints", "optimizer", "pruner", "seed")


def _check_shape(path: Path, data: Mapping[str, Any], lines: Mapping[Place, int]) -> StudySchema:
    """The file's keys and the types of their values, checked by a schema.

    Raises:
        InvalidStudy: All that does not fit, a line each.
    """
    from pydantic import ValidationError

    from bbo.files.schema import StudySchema

    try:
        return StudySchema.model_validate(data)
    except ValidationError as error:
        raise InvalidStudy("\n".join(problem for _, problem in sorted(_problems(path, error, lines)))) from None


def _problems(path: Path, error: ValidationError, lines: Mapping[Place, int]) -> Iterator[tuple[int, str]]:
    """Line and text of each problem."""
    from bbo.files.schema import keys_at

    for problem in error.errors():
        place: Place = tuple(part for part in problem["loc"] if part != "[key]")
        line = _line_of(place, lines) or 0
        where = f"{path}:{line}" if line else str(path)
        shown = ".".join(map(str, place))
        if problem["type"] == "extra_forbidden":
            known = keys_at(place[:-1])
            near = get_close_matches(str(place[-1]), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield line, f"{where}: unknown key {shown!r}{hint} (keys: {', '.join(known)})"
        elif problem["type"] == "missing":
            yield line, f"{where}: the key {shown!r} is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            yield line, f"{where}: {shown} is {problem['input']!r}: {message[:1].lower()}{message[1:]}"


def _line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """Line of the nearest enclosing key."""
    return next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), None)


@dataclass(frozen=True, slots=True)
class _Where:
    """Puts file and line in front of the errors of what is read."""

    path: Path
    lines: Mapping[Place, int]

    @contextmanager
    def __call__(self, *places: Place, named: Sequence[str] = ()) -> Iterator[None]:
        """Blame that one of `places` whose last key (or text in `named`) the message quotes first, else the last one."""
        try:
            yield
        except BBOError as error:
            message = str(error)
            texts = [*named, *(str(place[-1]) for place in places[len(named) :])]
            quoted = [(message.find(repr(text)), place) for place, text in zip(places, texts, strict=True) if repr(text) in message]
            line = _line_of(min(quoted)[1] if quoted else places[-1], self.lines)
            raise InvalidStudy(f"{self.path}{f':{line}' if line else ''}: {error}") from error


def _storage(path: Path, given: str) -> str:
    """A URL as it is; a path counted from the file's folder."""
    return given if "://" in given else str(path.parent / given)
