"""The words of a command: which study, which trial, and cells such as ``T=60``, ``mix.THF=0.3``, ``loss=0.31``, ``sd.loss=0.02``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from bbo.files.cells import Layout


@dataclass(slots=True)
class Cells:
    """What words say of a trial.

    Attributes:
        values: Outcomes by name.
        numbers: Numbers without a name: the outcomes in their order.
        params: Parameters by name.
        sd: Standard deviations by outcome.
        failed: Why it failed.
        note: A remark.
    """

    values: dict[str, float] = field(default_factory=dict)
    numbers: list[float] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    sd: dict[str, float] = field(default_factory=dict)
    failed: str | None = None
    note: str | None = None

    @property
    def told(self) -> Any:
        """The outcomes as `Study.tell` takes them, None where there is none."""
        if self.numbers and self.values:
            raise typer.BadParameter("give all outcomes by name, or all without")
        if len(self.numbers) == 1:
            return self.numbers[0]
        return self.numbers or self.values or None


def split(words: Sequence[str] | None, own: Callable[[str], bool]) -> tuple[str | None, list[str]]:
    """The study's word, None where it is left out, and the others.

    Args:
        words: All words.
        own: Whether a word cannot be a study, since the command takes it for something else.
    """
    rest = list(words or ())
    for word in rest:
        if word.startswith("-") and not is_number(word):
            raise typer.BadParameter(f"no such option: {word.partition('=')[0]}")
    return (None, rest) if not rest or own(rest[0]) else (rest[0], rest[1:])


def is_number(word: str) -> bool:
    """Whether a word is a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def is_trial(word: str) -> bool:
    """Whether a word can be a trial's number."""
    return word.removeprefix("-").isdecimal()


def trial_of(words: Sequence[str]) -> int:
    """The trial that the first word names."""
    if not words:
        raise typer.BadParameter("which trial? Give its number")
    if not is_trial(words[0]):
        raise typer.BadParameter(f"{words[0]!r} is no trial's number")
    return int(words[0])


def read_cells(words: Iterable[str], layout: Layout) -> Cells:
    """What words such as ``T=60`` or ``0.31`` say.

    Raises:
        InvalidTell, OutOfRange: A name is unknown, or a value cannot be read.
    """
    cells = Cells()
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            cells.numbers.append(layout.measured("the outcome", word, "."))
            continue
        layout.check_name(name)
        if name in layout.slots:
            slot, value = layout.slots[name], layout.value(name, text, ".")
            if slot.member is None:
                cells.params[slot.parameter] = value
            else:
                cells.params.setdefault(slot.parameter, {})[slot.member] = value
        elif name in layout.outcomes:
            cells.values[name] = layout.measured(name, text, ".")
        elif name.startswith("sd."):
            cells.sd[name.removeprefix("sd.")] = layout.measured(name, text, ".")
        elif name == "failed":
            cells.failed = text
        elif name == "note":
            cells.note = text
        else:
            raise typer.BadParameter("the trial's number stands alone, without trial=")
    return cells


def read_params(words: Iterable[str] | None, layout: Layout, what: str) -> dict[str, Any]:
    """Parameters from words such as ``T=60``.

    Raises:
        InvalidTell, OutOfRange: A name is unknown, or a value cannot be read.
    """
    cells = read_cells(words or (), layout)
    if cells != Cells(params=cells.params):
        raise typer.BadParameter(f"{what} takes parameters, such as {next(iter(layout.slots))}=...")
    return cells.params


def read_attrs(words: Iterable[str] | None, note: str | None) -> dict[str, Any] | None:
    """Attributes from ``--attr key=value`` (the value as JSON where it is, else as text) and a note."""
    attrs: dict[str, Any] = {}
    for word in words or ():
        key, equals, text = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"--attr {word!r}: write --attr key=value")
        try:
            attrs[key] = json.loads(text)
        except ValueError:
            attrs[key] = text
    if note is not None:
        attrs["note"] = note
    return attrs or None
