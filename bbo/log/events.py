"""Events: the only truth of a study.

A log is an append-only sequence of events, numbered 1, 2, 3, ... without gaps. Everything else (trials, states, optimizers)
is derived from it. An event's body is plain JSON and carries the schema number it was written with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bbo.errors import StorageError

SCHEMA = 1
"""Schema number written into every body (key ``"v"``)."""

KINDS = frozenset(
    {
        "created",
        "configured",
        "redefined",
        "transferred",
        "added",
        "enqueued",
        "asked",
        "told",
        "ranked",
        "failed",
        "pruned",
        "retried",
        "reported",
        "amended",
        "lapsed",
        "abandoned",
        "stopped",
    }
)


_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))  # made once: `json.dumps` makes one a call


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a study's log.

    Args:
        kind: One of `KINDS`.
        body: Plain JSON data; finite numbers only.
        trial: Number of the trial it speaks of, None for the study as a whole.
        time: Seconds since the epoch, as told by the writer's clock. No decision of an optimizer rests on it.
        seq: Place in the log, from 1; 0 while it is not yet appended.
    """

    kind: str
    body: Mapping[str, Any]
    trial: int | None = None
    time: float = 0.0
    seq: int = 0


def dump_body(body: Mapping[str, Any]) -> str:
    """The body as one line of JSON, with its schema number. Floats round-trip exactly; NaN and infinity raise ValueError."""
    numbered = {"v": SCHEMA, **body}
    text = _ENCODER.encode(numbered)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair (an undecodable file name, say) has no UTF-8 form and must be escaped
        text = json.dumps(numbered, allow_nan=False, separators=(",", ":"))
    return text


def load_body(kind: str, text: str) -> dict[str, Any]:
    """Read a stored body and bring it to the current schema.

    Raises:
        StorageError: The body was written by a newer bbo, is of a kind this one does not know, or is no JSON object.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"the body of an event ({kind}) is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise StorageError(f"the body of an event ({kind}) is {type(body).__name__}; a JSON object is needed")
    if body.get("v") == SCHEMA and kind in KINDS:  # every body of a long log passes here
        return body
    return upgrade(kind, body)


def upgrade(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Bring a body of any older schema to the current one, a step at a time.

    Raises:
        StorageError: The body was written by a newer bbo, or is of a kind this one does not know.
    """
    version = body.get("v", 0)
    if not isinstance(version, int) or version < 0:
        raise StorageError(f"the schema number of an event ({kind}) is {version!r}; a whole number from 0 to {SCHEMA} is needed")
    if version > SCHEMA:
        raise StorageError(f"event of schema {version}, written by a newer bbo; this one reads up to {SCHEMA}: upgrade bbo-platform")
    if kind not in KINDS:
        raise StorageError(f"unknown event kind {kind!r}; this bbo knows {', '.join(sorted(KINDS))}")
    for step in range(version, SCHEMA):
        body = _UPGRADES[step](kind, body)
    return {**body, "v": SCHEMA}


def _upgrade_0(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Schema 0 (bodies without a number, from before the first release) differs in nothing else."""
    return body


_UPGRADES = {0: _upgrade_0}
