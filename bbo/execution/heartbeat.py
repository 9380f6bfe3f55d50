"""Leases of running trials, kept from lapsing."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Self

from bbo.errors import BBOError

if TYPE_CHECKING:
    from bbo.study import Study
    from bbo.trial import Trial

LEASE = 60.0
"""Seconds after which the trial of a process that is gone goes to another one."""

INTERVAL = 20.0
"""Seconds between renewals: two may be lost before a lease lapses."""

_log = logging.getLogger(__name__)


class Heartbeat:
    """Renews the leases of the trials in `running`, from a thread of its own, within its context.

    Args:
        study: The study.
        running: The trials by number; the caller adds and removes.
    """

    def __init__(self, study: Study, running: dict[int, Trial]) -> None:
        self._study = study
        self._running = running
        self._beaten = time.time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="bbo heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def catch_up(self) -> None:
        """Renew now if that is overdue: the thread's clock stands still while a laptop sleeps, the leases' does not."""
        if time.time() - self._beaten > INTERVAL:
            self._beat()

    def _beat_on(self) -> None:
        while not self._over.wait(INTERVAL):
            self._beat()

    def _beat(self) -> None:
        trials = list(self._running.copy().values())
        now = time.time()
        try:
            self._study._renew(trials, now + LEASE)
            self._beaten = now
        except BBOError as error:  # the storage may be back at the next beat; if not, the next tell raises
            _log.warning("the leases of %d running trials could not be renewed: %s", len(trials), error)
