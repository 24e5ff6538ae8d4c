"""Publishes the figures of past days, and again when late data or a verdict changed one."""

from __future__ import annotations

import logging
import threading
from datetime import date, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge

from api.parts import Parts
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import StoreUnavailable
from smartbin.sorting.revisions import CommunityDay
from smartbin.sorting.rules import counts

LOG = logging.getLogger("api.publishing")
EVERY_S = 600.0
# A year and a month of 39 communities take a second: once a day; what comes late comes soon.
BACK_DAYS, SOON_DAYS = 400, 35


def publish(parts: Parts, back_days: int = BACK_DAYS) -> int:
    """Publish what of so many past days differs from what is published; answers how many."""
    registry, today = parts.registry, parts.today()
    window = Days(today - timedelta(days=back_days), today - timedelta(days=1))
    doors = {id: registry.doors_of_community(id, window) for id in registry.communities}
    spans = [door.span for found in doors.values() for door in found]
    tallies = counts.tallies(
        parts.reader.deposit_totals(spans, by_day=True),
        doors,
        parts.stores.verdicts.corrections(window),
        by_day=True,
    )
    nothing = counts.complete({})
    current = {
        CommunityDay(id, day): tally.by_day.get(day, nothing)
        for id, tally in tallies.items()
        for day in window
    }
    empty_since = today - timedelta(days=SOON_DAYS)
    return parts.stores.revisions.publish(current, empty_since, parts.now_us())


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
                today = self._parts.today()
                back_days = SOON_DAYS if self._looked == today else BACK_DAYS
                self._published.inc(publish(self._parts, back_days))
                self._looked = today
                if self._published_at is not None:
                    self._published_at.set(self._parts.now_us() / calendar.US_PER_S)
            except StoreUnavailable as error:
                LOG.warning("publishing waits: %s", error)
            except Exception:  # one that ended the thread would hide every later change
                LOG.exception("publishing failed; it is tried again")
