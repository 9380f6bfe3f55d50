"""A storage in the memory of one process."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from bbo.log.events import Event
from bbo.storage.base import Conflict
from bbo.storage.rows import FORGOTTEN_AFTER, Row, not_found, to_events, to_rows


class MemoryStorage:
    """Logs that live as long as this object; the `Storage` contract says what its methods do.

    Bodies are kept as JSON text, so that what is read is what a database would give back, and nobody shares a dictionary with the log.
    """

    url = "memory"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[str, list[Row]] = {}
        self._leases: dict[str, dict[tuple[int, int], float]] = {}

    def append(self, study: str, events: Sequence[Event], after: int) -> list[Event]:
        rows = to_rows(study, events, after)
        numbered = to_events(study, rows, after)
        if not rows:
            return []
        with self._lock:
            log = self._logs.get(study, [])
            if after and not log:
                raise self._not_found(study)
            if len(log) != after:
                raise Conflict
            self._logs.setdefault(study, []).extend(rows)
        return numbered

    def read(self, study: str, after: int = 0) -> list[Event]:
        with self._lock:
            if study not in self._logs:
                raise self._not_found(study)
            rows = self._logs[study][after:]
        return to_events(study, rows, after)

    def studies(self) -> list[str]:
        with self._lock:
            return list(self._logs)

    def renew(self, study: str, leases: Mapping[tuple[int, int], float]) -> None:
        with self._lock:
            if study not in self._logs:
                raise self._not_found(study)
            if leases:
                kept = {**self._leases.get(study, {}), **leases}
                horizon = min(leases.values()) - FORGOTTEN_AFTER
                self._leases[study] = {key: until for key, until in kept.items() if until >= horizon}

    def leases(self, study: str) -> dict[tuple[int, int], float]:
        with self._lock:
            if study not in self._logs:
                raise self._not_found(study)
            return dict(self._leases.get(study, {}))

    def close(self) -> None:
        """Nothing to release: the logs stay."""

    def _not_found(self, study: str) -> Exception:
        return not_found(study, list(self._logs), "memory")
