"""The settler as a thread of the API: books what deposits earned, woken by the outbox."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge

from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.database.outbox import OutboxHead, OutboxKind, OutboxPosition
from smartbin.points.settle import Settler

LOG = logging.getLogger("api.settling")
PAUSE_S = 0.02
IDLE_S = 60.0
"""How long settling waits for news. What is marked without any (by a command) is settled then."""
MARKING = frozenset({OutboxKind.DEPOSIT, OutboxKind.VERDICT, OutboxKind.ACCOUNTS})
"""The rows whose transactions leave marks."""


class Settling:
    """Settles when the outbox says that there are marks, every ``every_s`` seconds at most, until
    stopped; and looks once a day for what expired. The marks are the work list: a wake-up that is
    lost delays them by ``IDLE_S``. A store that is away is tried again at the next turn.
    """

    def __init__(
        self,
        settler: Settler,
        every_s: float,
        now_us: Callable[[], int],
        metrics: CollectorRegistry,
    ) -> None:
        self._settler, self._every_s, self._now_us = settler, every_s, now_us
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._woken.set()  # what was left by a process before
        self._thread: threading.Thread | None = None
        self._looked: date | None = None
        self._booked = Counter(
            "smartbin_api_ledger_entries", "Ledger entries booked by settling", registry=metrics
        )
        self._metrics = metrics
        self._settled_at: Gauge | None = None

    def start(self) -> None:
        """Begin, unless settling is somebody else's (``every_s`` is 0)."""
        if self._every_s > 0:
            # Only where this program settles, and from its start on: its age is an alarm.
            self._settled_at = Gauge(
                "smartbin_api_settled_at_seconds",
                "When settling last succeeded",
                registry=self._metrics,
            )
            self._settled_at.set(self._now_us() / calendar.US_PER_S)
            self._thread = threading.Thread(target=self._run, name="settling", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the transaction in hand."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def arrived(self, _after: OutboxPosition, rows: Sequence[OutboxHead]) -> None:
        """Wake up if some of these rows left marks."""
        if any(row.kind in MARKING for row in rows):
            self._woken.set()

    def missed(self) -> None:
        """Wake up: some rows could not be read."""
        self._woken.set()

    def _pause(self) -> bool:
        """Between two transactions: lets the gateway have SQLite's write lock; whether to end."""
        return self._stopping.wait(PAUSE_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self._woken.wait(IDLE_S)
            self._woken.clear()  # before the marks are read: one that is made now wakes again
            if self._stopping.is_set():
                return
            again = True
            try:
                again = self._once()
            except StoreUnavailable as error:
                LOG.warning("settling waits: %s", error)
            except Exception:  # one that ended the thread would stop points without a word
                LOG.exception("settling failed; it is tried again")
            if again:
                self._woken.set()

    def _once(self) -> bool:
        """Settle; whether marks are left, as while another settler works."""
        now_us, taking, left = self._now_us(), True, False
        while taking and not self._stopping.is_set():
            done = self._settler.settle(now_us, stop=self._pause)
            self._booked.inc(done.entries)
            left = done.left
            taking = left and done.marks > 0
        today = calendar.day_of(now_us, self._settler.zone)
        if today != self._looked and not self._stopping.is_set():
            self._booked.inc(self._settler.expire(now_us))
            self._looked = today
        if self._settled_at is not None:
            self._settled_at.set(now_us / calendar.US_PER_S)
        return left
