"""What is measured: objectives to optimize and outcome constraints to keep."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bbo.errors import InvalidStudy

Direction = Literal["minimize", "maximize"]

RISKS = ("expectation", "var", "cvar", "worst_case")

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NAME = r"[^\W\d][\w.]*"
_CONSTRAINT = re.compile(
    rf"\s*(?:(?P<a>{_NUMBER})\s*(?P<op1><=|>=)\s*)?(?P<name>{_NAME})\s*(?:(?P<op2><=|>=)\s*(?P<b>{_NUMBER})\s*)?", flags=re.UNICODE
)


@dataclass(frozen=True, slots=True)
class Objective:
    """An outcome to minimize or maximize.

    Args:
        name: The outcome's name, as it is told.
        direction: ``"minimize"`` or ``"maximize"``.
        sd: Standard deviation of one measurement, in the outcome's units, where it is known beforehand.
        reference: With several objectives, the worst value still of interest (the reference point of the hypervolume).
        feedback: ``"value"`` (a number is told) or ``"ranking"`` (trials are told in order, best first, `Study.tell_ranking`). What a
            model makes of rankings is a utility, which is to be large whatever the direction.
        risk: What counts of a design whose outcome depends on an `Environment`, or that is set inexactly (`input_sd`): its
            ``"expectation"``; the value at risk ``"var"``, which it keeps with probability `risk_level`; the conditional value at risk
            ``"cvar"``, the mean of the worst ``1 - risk_level``; or the ``"worst_case"``.
        risk_level: Of ``"var"`` and ``"cvar"``, above 0 and below 1.

    Raises:
        InvalidStudy: A field is malformed.
    """

    name: str
    direction: Direction = "minimize"
    sd: float | None = None
    reference: float | None = None
    feedback: Literal["value", "ranking"] = "value"
    risk: Literal["expectation", "var", "cvar", "worst_case"] = "expectation"
    risk_level: float = 0.9

    def __post_init__(self) -> None:
        _check_name(self.name, "objective")
        if self.direction not in ("minimize", "maximize"):
            raise InvalidStudy(f"objective {self.name!r}: direction is {self.direction!r}; it is 'minimize' or 'maximize'")
        if self.feedback not in ("value", "ranking"):
            raise InvalidStudy(f"objective {self.name!r}: feedback is {self.feedback!r}; it is 'value' or 'ranking'")
        if self.sd is not None and not (_finite(self.sd) and self.sd >= 0):
            raise InvalidStudy(f"objective {self.name!r}: sd is {self.sd!r}; it is a finite number, at least 0")
        if self.reference is not None and not _finite(self.reference):
            raise InvalidStudy(f"objective {self.name!r}: reference is {self.reference!r}; it is a finite number")
        if self.risk not in RISKS:
            raise InvalidStudy(f"objective {self.name!r}: risk is {self.risk!r}; it is {', '.join(map(repr, RISKS[:-1]))} or {RISKS[-1]!r}")
        if not (_finite(self.risk_level) and 0 < self.risk_level < 1):
            raise InvalidStudy(f"objective {self.name!r}: risk_level is {self.risk_level!r}; it lies between 0 and 1")
        if self.risk_level != 0.9 and self.risk not in ("var", "cvar"):
            raise InvalidStudy(f"objective {self.name!r}: risk_level is {self.risk_level!r}, and belongs to risk='var' or 'cvar' alone")
        if self.risk != "expectation" and self.feedback == "ranking":
            raise InvalidStudy(f"objective {self.name!r}: risk={self.risk!r} is of measured values, and the study is told rankings")

    @property
    def sign(self) -> float:
        """What a value is multiplied by to be minimized; of rankings, what a utility is."""
        return 1.0 if self.direction == "minimize" and self.feedback == "value" else -1.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, without the defaults."""
        fields = {"sd": self.sd, "reference": self.reference}
        json: dict[str, Any] = {"name": self.name, "direction": self.direction}
        json |= {key: value for key, value in fields.items() if value is not None}
        if self.feedback != "value":
            json["feedback"] = self.feedback
        if self.risk != "expectation":
            json["risk"] = self.risk
        return json if self.risk_level == 0.9 else {**json, "risk_level": self.risk_level}


@dataclass(frozen=True, slots=True)
class Constraint:
    """Bounds on a measured outcome: a trial outside them is infeasible.

    Args:
        name: The outcome's name, as it is told. It may be an objective's.
        lower: Smallest feasible value, in the outcome's units.
        upper: Largest feasible value.

    Raises:
        InvalidStudy: No bound, a bound that is no finite number, or ``lower > upper``.
    """

    name: str
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        _check_name(self.name, "outcome constraint")
        for side, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound is not None and not _finite(bound):
                raise InvalidStudy(f"outcome constraint {self.name!r}: {side} is {bound!r}; it is a finite number")
        if self.lower is None and self.upper is None:
            raise InvalidStudy(f"outcome constraint {self.name!r} has no bound: give lower=, upper= or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InvalidStudy(f"outcome constraint {self.name!r}: lower {self.lower} lies above upper {self.upper}")

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read ``"latency_ms <= 20"``, ``"yield >= 0.8"`` or ``"1 <= pH <= 3"``.

        Raises:
            InvalidStudy: The text is none of these.
        """
        match = _CONSTRAINT.fullmatch(text)
        if match is None or (match["a"] is None and match["b"] is None):
            raise InvalidStudy(f"outcome constraint {text!r}: write 'name <= number', 'name >= number' or 'number <= name <= number'")
        bounds: dict[str, float] = {}
        for number, op, name_first in ((match["a"], match["op1"], False), (match["b"], match["op2"], True)):
            if number is None:
                continue
            side = "upper" if (op == "<=") == name_first else "lower"
            if side in bounds:
                raise InvalidStudy(f"outcome constraint {text!r} bounds {match['name']} twice from the same side")
            bounds[side] = float(number)
        return cls(match["name"], **bounds)

    def violations(self, value: float) -> list[float]:
        """``g <= 0`` for each bound, in the outcome's units: lower first."""
        both = (None if self.lower is None else self.lower - value, None if self.upper is None else value - self.upper)
        return [g for g in both if g is not None]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, without the defaults."""
        bounds = {"lower": self.lower, "upper": self.upper}
        return {"name": self.name, **{key: value for key, value in bounds.items() if value is not None}}

    def __str__(self) -> str:
        if self.lower is not None and self.upper is not None:
            return f"{self.lower:g} <= {self.name} <= {self.upper:g}"
        return f"{self.name} >= {self.lower:g}" if self.upper is None else f"{self.name} <= {self.upper:g}"


def objectives_of(given: str | Mapping[str, str] | Objective | Iterable[Objective]) -> tuple[Objective, ...]:
    """A bare direction (the outcome is then called "value"), a dict of directions, or objectives.

    Raises:
        InvalidStudy: None given, names repeated, or a ranking beside other objectives.
    """
    if isinstance(given, str):
        objectives: tuple[Any, ...] = (Objective("value", given),)  # type: ignore[arg-type]
    elif isinstance(given, Objective):
        objectives = (given,)
    elif isinstance(given, Mapping):
        objectives = tuple(Objective(name, direction) for name, direction in given.items())  # type: ignore[arg-type]
    else:
        objectives = tuple(given)
    for objective in objectives:
        if not isinstance(objective, Objective):
            raise InvalidStudy(
                f"objectives: {objective!r} is no Objective; give {{'loss': 'minimize'}} or [bbo.Objective('loss', 'minimize')]"
            )
    if not objectives:
        raise InvalidStudy("objectives: give at least one, for example {'loss': 'minimize'}")
    names = [objective.name for objective in objectives]
    if len(set(names)) < len(names):
        raise InvalidStudy(f"objectives: a name stands twice in {names}")
    if len(objectives) > 1 and any(objective.feedback == "ranking" for objective in objectives):
        raise InvalidStudy("objectives: a ranking is told of one objective alone; combine the criteria in the judges' ranking")
    return objectives


def constraints_of(given: str | Constraint | Iterable[str | Constraint]) -> tuple[Constraint, ...]:
    """Outcome constraints from strings or `Constraint` objects; bounds of one outcome are joined.

    Raises:
        InvalidStudy: One is malformed, or two of one outcome exclude each other.
    """
    if isinstance(given, (str, Constraint)):
        given = (given,)
    joined: dict[str, Constraint] = {}
    for entry in given:
        constraint = Constraint.parse(entry) if isinstance(entry, str) else entry
        if not isinstance(constraint, Constraint):
            raise InvalidStudy(f"outcome_constraints: {entry!r} is neither a string nor a Constraint")
        other = joined.get(constraint.name, constraint)
        lower = max((c.lower for c in (other, constraint) if c.lower is not None), default=None)
        upper = min((c.upper for c in (other, constraint) if c.upper is not None), default=None)
        joined[constraint.name] = Constraint(constraint.name, lower, upper)
    return tuple(joined.values())


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise InvalidStudy(f"{what}: the name {name!r} is not usable; letters, digits, _ and . after a letter")


def _finite(number: object) -> bool:
    return isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
