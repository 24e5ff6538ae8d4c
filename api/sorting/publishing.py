"""Publishes the figures of past days, and again when late data or a verdict changed one."""

from __future__ import annotations

import logging
import threading
from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge

from api.parts import Parts
from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.sorting.publish import BACK_DAYS, SOON_DAYS, publish

LOG = logging.getLogger("api.publishing")
EVERY_S = 600.0


class Publishing:
    """A thread of the API that publishes every so often, where the API settles too."""

    def __init__(self, parts: Parts, metrics: CollectorRegistry) -> None:
        self._parts = parts
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked: date | None = None
        self._published = Counter(
            "smartbin_api_figure_revisions", "Figures of past days published", registry=metrics
        )
        self._metrics = metrics
        self._published_at: Gauge | None = None

    def start(self) -> None:
        """Begin, unless the background work is somebody else's."""
        if self._parts.settle_every_s > 0:
            # Only where this program publishes, and from its start on: its age is an alarm.
            self._published_at = Gauge(
                "smartbin_api_published_at_seconds",
                "When publishing last succeeded",
                registry=self._metrics,
            )
            self._published_at.set(self._parts.now_us() / calendar.US_PER_S)
            self._thread = threading.Thread(target=self._run, name="publishing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the turn in hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        wait_s = min(EVERY_S, self._parts.settle_every_s)  # the first turn comes soon
        while not self._stopping.wait(wait_s):
            wait_s = EVERY_S
            try:
                parts = self._parts
                today = parts.today()
                back_days = SOON_DAYS if self._looked == today else BACK_DAYS
                self._published.inc(
                    publish(parts.registry, parts.reader, parts.database, parts.now_us(), back_days)
                )
                self._looked = today
                if self._published_at is not None:
                    self._published_at.set(self._parts.now_us() / calendar.US_PER_S)
            except StoreUnavailable as error:
                LOG.warning("publishing waits: %s", error)
            except Exception:  # one that ended the thread would hide every later change
                LOG.exception("publishing failed; it is tried again")
