"""The settler as a thread of the API: books what deposits earned, every so often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge

from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.points.settle import Settler

LOG = logging.getLogger("api.settling")
PAUSE_S = 0.02


class Settling:
    """Settles every ``every_s`` seconds until stopped, and looks once a day for what expired. A
    store that is away is tried again at the next turn: marks wait.
    """

    def __init__(
        self,
        settler: Settler,
        every_s: float,
        now_us: Callable[[], int],
        metrics: CollectorRegistry,
    ) -> None:
        self._settler, self._every_s, self._now_us = settler, every_s, now_us
        self._stopping = threading.Event()
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
        if self._thread is not None:
            self._thread.join()

    def _pause(self) -> bool:
        """Between two transactions: lets the gateway have SQLite's write lock; whether to end."""
        return self._stopping.wait(PAUSE_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._once()
            except StoreUnavailable as error:
                LOG.warning("settling waits: %s", error)
            except Exception:  # one that ended the thread would stop points without a word
                LOG.exception("settling failed; it is tried again")

    def _once(self) -> None:
        now_us, left = self._now_us(), True
        while left and not self._stopping.is_set():
            done = self._settler.settle(now_us, stop=self._pause)
            self._booked.inc(done.entries)
            left = done.left and done.marks > 0
        today = calendar.day_of(now_us, self._settler.zone)
        if today != self._looked and not self._stopping.is_set():
            self._booked.inc(self._settler.expire(now_us))
            self._looked = today
        if self._settled_at is not None:
            self._settled_at.set(now_us / calendar.US_PER_S)
