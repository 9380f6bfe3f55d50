"""Spaces as plain JSON data, the same in the log and in study files: ``{"float": [20, 80], "step": 1, "unit": "°C"}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from acquisitions.domain.convex import ConvexSet
from bbo.errors import InvalidSpace
from bbo.space.array import Array
from bbo.space.choices import Bool, Categorical, Fixed, Ordinal
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Parameter
from bbo.space.roles import Context, Environment, Fidelity, Normal, Source, Task, Uniform
from bbo.space.sequence import Sequence
from bbo.space.sets import set_from_json, set_to_json
from bbo.space.simplex import Simplex
from bbo.space.tree import nearest

KINDS: dict[str, type[Parameter]] = {
    kind.tag: kind
    for kind in (Float, Int, Bool, Categorical, Ordinal, Fixed, Simplex, Sequence, Array, Fidelity, Source, Task, Context, Environment)
}


def parameter_to_json(parameter: Parameter) -> dict[str, Any]:
    """The parameter under its tag, with every option that is not the default."""
    data: dict[str, Any] = {parameter.tag: _to_json_main(parameter)}
    for field in fields(parameter):
        value = getattr(parameter, field.name)
        if field.name not in parameter.main and (field.default is MISSING or value != field.default):
            data[field.name] = set_to_json(value) if isinstance(value, ConvexSet) else _plain(value)
    return data


def parameter_from_json(data: Any, name: str) -> Parameter:
    """The parameter that `parameter_to_json` gave, or its short form in a study file (``bool`` alone is a string).

    Raises:
        InvalidSpace: Not such data; the message names the parameter.
    """
    if data == "bool":
        data = {"bool": True}
    if not isinstance(data, Mapping):
        raise InvalidSpace(f"parameter {name!r} is {data!r}; it must be a mapping such as {{float: [0, 1]}}")
    tags = [tag for tag in KINDS if tag in data]
    if len(tags) != 1:
        got = ", ".join(map(repr, data)) or "nothing"
        raise InvalidSpace(f"parameter {name!r} must have exactly one of the keys {', '.join(KINDS)}; it has {got}")
    kind = KINDS[tags[0]]
    allowed = {field.name: field for field in fields(kind) if field.name not in kind.main}
    options = {key: value for key, value in data.items() if key != kind.tag}
    for key in options:
        if key not in allowed:
            raise InvalidSpace(f"parameter {name!r}: unknown key {key!r}{nearest(key, allowed)}")
    within = options.pop("within", None)
    try:
        given: dict[str, Any] = {} if within is None else {"within": set_from_json(within)}
        return kind(*_from_json_main(kind, data[kind.tag], name), **_plain(options), **given)
    except InvalidSpace as error:
        raise InvalidSpace(f"parameter {name!r}: {error}") from None
    except TypeError as error:
        raise InvalidSpace(f"parameter {name!r}: {data!r} is not a {kind.tag} ({error})") from None


def split_space(data: Any) -> tuple[Mapping[str, Any], list[Any]]:
    """Parameters and constraints of a space in either form.

    Raises:
        InvalidSpace: It is in neither.
    """
    if not isinstance(data, Mapping):
        raise InvalidSpace(f"a space is a mapping of parameter names to parameters, got a {type(data).__name__}")
    parameters = data.get("parameters")
    long = (
        isinstance(parameters, Mapping)
        and set(data) <= {"parameters", "constraints"}
        and all(isinstance(entry, Mapping) or entry == "bool" for entry in parameters.values())
    )
    constraints = data.get("constraints", [])
    if isinstance(constraints, Mapping) and not long:  # a parameter of that name
        return data, []
    if not isinstance(constraints, list):
        raise InvalidSpace(f"constraints must be a list of expressions, got {constraints!r}")
    if long and isinstance(parameters, Mapping):
        return parameters, constraints
    return {name: entry for name, entry in data.items() if name != "constraints"}, constraints


def _to_json_main(parameter: Parameter) -> Any:
    match parameter:
        case Context(inner):
            return parameter_to_json(inner)
        case Environment(Normal(mean, sd)):
            return {"normal": [mean, sd]}
        case Environment(Uniform(low, high)):
            return {"uniform": [low, high]}
        case Environment(weights) if isinstance(weights, Mapping):
            return {"weights": [[value, weight] for value, weight in weights.items()]}
        case Fidelity(low, None):
            return _plain(low)
    values = [_plain(getattr(parameter, name)) for name in parameter.main]
    if not values:
        return True
    return values[0] if len(values) == 1 else values


def _from_json_main(kind: type[Parameter], main: Any, name: str) -> list[Any]:
    if kind is Context:
        return [parameter_from_json(main, name)]
    if kind is Environment:
        return [_distribution(main)]
    if len(kind.main) < 2 or (kind is Fidelity and isinstance(main, Mapping)):
        return [_plain(main)] if kind.main else []
    if not isinstance(main, (list, tuple)) or len(main) != len(kind.main):
        raise InvalidSpace(f"{kind.tag} takes [{', '.join(kind.main)}], got {main!r}")
    return list(main)


def _distribution(data: Any) -> Any:
    match data:
        case {"normal": [mean, sd]}:
            return Normal(mean, sd)
        case {"uniform": [low, high]}:
            return Uniform(low, high)
        case {"weights": [*pairs]} if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return dict(pairs)
    raise InvalidSpace(
        f"environment takes {{normal: [mean, sd]}}, {{uniform: [low, high]}} or {{weights: [[value, p], ...]}}, got {data!r}"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return value
