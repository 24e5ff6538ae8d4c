"""Publishes the figures of past days, and again when late data or a verdict changed one."""

from __future__ import annotations

from datetime import timedelta

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.places import Registry
from smartbin.sorting.revisions import CommunityDay, Revisions
from smartbin.sorting.rules import counts
from smartbin.telemetry import TelemetryReader
from smartbin.verdicts.store import HumanVerdicts

# A year and a month of 39 communities take a second: once a day; what comes late comes soon.
BACK_DAYS, SOON_DAYS = 400, 35


def publish(
    registry: Registry,
    reader: TelemetryReader,
    database: Database,
    now_us: int,
    back_days: int = BACK_DAYS,
) -> int:
    """Publish what of this many past days differs from what is published; answers how many."""
    today = calendar.day_of(now_us, registry.site.zone)
    window = Days(today - timedelta(days=back_days), today - timedelta(days=1))
    doors = {id: registry.doors_of_community(id, window) for id in registry.communities}
    spans = [door.span for found in doors.values() for door in found]
    tallies = counts.tallies(
        reader.deposit_totals(spans, by_day=True),
        doors,
        HumanVerdicts(database, registry.site.zone).corrections(window),
        by_day=True,
    )
    nothing = counts.complete({})
    current = {
        CommunityDay(id, day): tally.by_day.get(day, nothing)
        for id, tally in tallies.items()
        for day in window
    }
    empty_since = today - timedelta(days=SOON_DAYS)
    return Revisions(database).publish(current, empty_since, now_us)
