"""The shape of a study file. What the values mean is checked by the classes they become."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ObjectiveSchema(_Strict):
    """An objective: `bbo.Objective` without its name."""

    direction: str
    sd: float | None = None
    reference: float | None = None
    feedback: str = "value"
    risk: str = "expectation"
    risk_level: float = 0.9


class MethodSchema(_Strict):
    """An optimizer or a pruner."""

    name: str
    settings: dict[str, Any] = {}


def _objectives(given: Any) -> Any:
    """A bare direction is that of an outcome called "value"; a bare direction of an objective stands for its settings."""
    if isinstance(given, str):
        given = {"value": given}
    if not isinstance(given, dict) or not given:
        raise ValueError("write a direction (minimize or maximize), or a mapping such as {loss: minimize}")
    return {name: {"direction": entry} if isinstance(entry, str) else entry for name, entry in given.items()}


def _method(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


def _space(given: Any) -> Any:
    if not isinstance(given, dict) or not given:
        raise ValueError("write the parameters by name, such as {x: {float: [0, 1]}}")
    if isinstance(given.get("constraints"), list):
        raise ValueError("constraints stand beside space, under a key of their own")
    return given


def _list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


class StudySchema(_Strict):
    """A study file."""

    name: Annotated[str, Field(min_length=1)] | None = None
    storage: Annotated[str, Field(min_length=1)] | None = None
    space: Annotated[dict[str, Any], BeforeValidator(_space)]
    constraints: Annotated[list[Any], BeforeValidator(_list)] = []
    objectives: Annotated[dict[str, ObjectiveSchema], BeforeValidator(_objectives)]
    outcome_constraints: Annotated[list[str], BeforeValidator(_list)] = []
    optimizer: Annotated[MethodSchema, BeforeValidator(_method)] | None = None
    pruner: Annotated[MethodSchema, BeforeValidator(_method)] | None = None
    seed: int | None = None


def keys_at(place: Iterable[str | int]) -> list[str]:
    """The keys allowed at a place of a study file."""
    head = next(iter(place), None)
    models: dict[Any, type[BaseModel]] = {"objectives": ObjectiveSchema, "optimizer": MethodSchema, "pruner": MethodSchema}
    return list(models.get(head, StudySchema).model_fields)
