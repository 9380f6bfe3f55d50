"""Words over an alphabet."""

from __future__ import annotations

from collections import abc
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

import numpy as np

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.expressions.types import Type
from bbo.space.parameter import Array, Parameter
from surrogates.columns import Column


@dataclass(frozen=True, repr=False)
class Sequence(Parameter):
    """A sequence of `length` letters.

    Args:
        alphabet: The letters, all different: a string (``"ACGT"``) or a list of strings.
        length: Number of letters.
        when: Condition under which it is active, see `Parameter`.

    The value is a string when every letter is one character, and a list of letters otherwise.

    Raises:
        InvalidSpace: No letters, a letter twice, or a length that is not a positive whole number.
    """

    alphabet: abc.Sequence[str]
    length: int
    tag: ClassVar[str] = "sequence"
    main: ClassVar[tuple[str, ...]] = ("alphabet",)

    def __post_init__(self) -> None:
        super().__post_init__()
        letters = tuple(self.alphabet) if isinstance(self.alphabet, (str, list, tuple)) else ()
        if not letters or not all(isinstance(letter, str) and letter for letter in letters):
            raise InvalidSpace(f"Sequence: alphabet={self.alphabet!r} must be a string or a list of non-empty strings")
        if len(set(letters)) < len(letters):
            raise InvalidSpace(f"Sequence: a letter stands twice in alphabet={self.alphabet!r}")
        if isinstance(self.length, bool) or not isinstance(self.length, int) or self.length < 1:
            raise InvalidSpace(f"Sequence: length={self.length!r} must be a positive whole number")
        object.__setattr__(self, "alphabet", "".join(letters) if self._joined(letters) else letters)

    @staticmethod
    def _joined(letters: abc.Sequence[str]) -> bool:
        return all(len(letter) == 1 for letter in letters)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {letter: k for k, letter in enumerate(self.alphabet)}

    @property
    def columns_wide(self) -> int:
        return self.length

    @property
    def cardinality(self) -> int:
        return int(len(self.alphabet) ** self.length)

    def check(self, value: Any, name: str, *, outside: bool = False) -> str | list[str]:
        if not isinstance(value, (str, list, tuple)):
            raise OutOfRange(f"{name}={value!r} must be a sequence of {self.length} letters from {self.alphabet!r}")
        letters = list(value)
        if len(letters) != self.length:
            raise OutOfRange(f"{name}={value!r} has {len(letters)} letters; it must have {self.length}")
        for letter in letters:
            if not isinstance(letter, str) or letter not in self._index:
                raise OutOfRange(f"{name}={value!r}: {letter!r} is not in the alphabet {self.alphabet!r}")
        return self._value(letters)

    def _value(self, letters: list[str]) -> str | list[str]:
        return "".join(letters) if isinstance(self.alphabet, str) else letters

    def encode(self, values: abc.Sequence[Any]) -> Array:
        return np.array([[(self._index[letter] + 0.5) / len(self.alphabet) for letter in value] for value in values])

    def decode(self, U: Array) -> list[Any]:
        size = len(self.alphabet)
        indices = np.clip(np.floor(U * size), 0, size - 1).astype(int)
        return [self._value([self.alphabet[k] for k in row]) for row in indices]

    def columns(self, name: str) -> tuple[Column, ...]:
        levels = tuple((k + 0.5) / len(self.alphabet) for k in range(len(self.alphabet)))
        return tuple(Column(f"{name}[{i}]", "categorical", levels, group=name) for i in range(self.length))

    def grid(self, resolution: int) -> Iterator[Any]:
        return (self._value(list(letters)) for letters in product(self.alphabet, repeat=self.length))

    def types(self, name: str) -> dict[str, Type]:
        return {name: "label"}

    def identity(self, value: Any) -> Hashable:
        return value if isinstance(value, str) else tuple(value)
