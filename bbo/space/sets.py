"""Convex sets as plain JSON data: ``{"l1_ball": 1, "centre": [0, 1]}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from acquisitions.domain.convex import (
    Box,
    ConvexSet,
    L1Ball,
    L2Ball,
    LInfBall,
    NuclearBall,
    Polytope,
    Product,
    Spectrahedron,
    SpectralBall,
    StandardSimplex,
)
from bbo.errors import InvalidSpace

_TAGS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "box": (Box, ("low", "high")),
    "standard_simplex": (StandardSimplex, ("total",)),
    "l1_ball": (L1Ball, ("radius",)),
    "l2_ball": (L2Ball, ("radius",)),
    "linf_ball": (LInfBall, ("radius",)),
    "polytope": (Polytope, ("A", "b")),
    "nuclear_ball": (NuclearBall, ("radius",)),
    "spectral_ball": (SpectralBall, ("radius",)),
    "spectrahedron": (Spectrahedron, ("trace",)),
    "product": (Product, ("sets",)),
}
"""The key that names each kind, and the fields that stand under it (a list of them where there are two)."""


def set_to_json(convex: ConvexSet) -> dict[str, Any]:
    """The set under its tag, with every option that is not the default.

    Raises:
        InvalidSpace: It is of a class of the user's own.
    """
    tag = next((tag for tag, (kind, _) in _TAGS.items() if kind is type(convex)), None)
    if tag is None:
        raise InvalidSpace(f"within={convex!r} cannot be stored; it must be one of bbo's convex sets")
    main = [_plain(getattr(convex, name)) for name in _TAGS[tag][1]]
    data = {tag: main[0] if len(main) == 1 else main}
    for field in fields(convex):
        value = getattr(convex, field.name)
        if field.name not in _TAGS[tag][1] and (field.default is MISSING or value != field.default):
            data[field.name] = _plain(value)
    return data


def set_from_json(data: Any) -> ConvexSet:
    """The set that `set_to_json` gave.

    Raises:
        InvalidSpace: Not such data.
    """
    tags = [tag for tag in _TAGS if isinstance(data, Mapping) and tag in data]
    if len(tags) != 1:
        raise InvalidSpace(f"a convex set has exactly one of the keys {', '.join(_TAGS)}; got {data!r}")
    kind, main = _TAGS[tags[0]]
    given = data[tags[0]]
    if kind is Product and isinstance(given, list):
        given = [set_from_json(entry) for entry in given]
    if len(main) == 2 and not (isinstance(given, list) and len(given) == 2):
        raise InvalidSpace(f"{tags[0]} takes [{', '.join(main)}], got {given!r}")
    options = {key: tuple(value) if key == "shape" and isinstance(value, list) else value for key, value in data.items() if key != tags[0]}
    try:
        made: ConvexSet = kind(*given, **options) if len(main) == 2 else kind(given, **options)
    except (TypeError, ValueError) as error:
        raise InvalidSpace(f"{data!r} is not a {tags[0]} ({error})") from None
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, ConvexSet):
        return set_to_json(value)
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value
