"""Published figures of past days: a row whenever a day's counts differ from the newest row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select, tuple_

from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.database.bulk import insert_into
from smartbin.sorting.rules.counts import NOTHING, ByCategory, in_all
from smartbin.sorting.rules.revisions import Shown, changed, counts_of, shown
from smartbin.sorting.tables import figure_revision

_ROW = figure_revision.c


class CommunityDay(NamedTuple):
    """Whose figures of which day."""

    community: str
    day: date


@dataclass(frozen=True, slots=True)
class Revision:
    """The figures of a day as published at ``as_of_us``: 1 is the first; ``changed`` says what
    is more (or less) than in the revision before, empty in the first.
    """

    of: CommunityDay
    revision: int
    as_of_us: int
    figures: Shown
    changed: Shown


class Revisions:
    """The published figures in the records' database; append-only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self, current: Mapping[CommunityDay, ByCategory], empty_since: date, now_us: int
    ) -> int:
        """Publish what differs from the newest revision of its day; answers how many were new.

        A day without any deposit is published from ``empty_since`` on, so that what comes for it
        later shows as late; older ones are not worth a row.
        """
        if not current:
            return 0
        days = Days(min(key.day for key in current), max(key.day for key in current))
        with self._database.write() as db:
            known = _newest(db, days)
            rows = []
            for key, counts in sorted(current.items()):
                before = known.get(key)
                if before is None and in_all(counts) == NOTHING and key.day < empty_since:
                    continue
                if (row := _next(key, before, counts, now_us)) is not None:
                    rows.append(row)
            if rows:  # another publisher may have kept the same: it says the same
                added = insert_into(db, figure_revision).on_conflict_do_nothing()
                db.execute(added, rows)
        return len(rows)

    def of(
        self,
        community: str,
        days: Days,
        limit: int,
        after: tuple[int, int, int] | None = None,
    ) -> list[Revision]:
        """What was published of a community's days, the newest first; ``after`` says when the last
        one of the page before was published, its day (proleptic ordinal) and its revision.
        """
        key = _ROW.as_of_us, _ROW.day, _ROW.revision
        asked = select(figure_revision).where(_ROW.community == community, _within(days))
        if after is not None:
            asked = asked.where(tuple_(*key) < tuple_(*after))
        asked = asked.order_by(*(column.desc() for column in key)).limit(limit)
        with self._database.read() as db:
            return [_of(row) for row in db.execute(asked)]

    def highest(self, community: str | None, days: Days) -> int | None:
        """The highest revision among the days of a community, or of all; None before the first."""
        asked = select(func.max(_ROW.revision)).where(_within(days))
        if community is not None:
            asked = asked.where(_ROW.community == community)
        with self._database.read() as db:
            found: int | None = db.execute(asked).scalar()
        return found


def _within(days: Days) -> Any:
    return _ROW.day.between(days.first.toordinal(), days.last.toordinal())


def _newest(db: Connection, days: Days) -> Mapping[CommunityDay, Revision]:
    asked = select(figure_revision).where(_within(days)).order_by(_ROW.revision)
    every = (_of(row) for row in db.execute(asked))
    return {revision.of: revision for revision in every}


def _next(
    key: CommunityDay, before: Revision | None, counts: ByCategory, now_us: int
) -> dict[str, Any] | None:
    more = changed(counts_of(before.figures), counts) if before else {}
    if before and not more:
        return None
    return {
        "community": key.community,
        "day": key.day.toordinal(),
        "revision": before.revision + 1 if before else 1,
        "as_of_us": now_us,
        "figures": json.dumps(shown(counts)),
        "changed": json.dumps(more),
    }


def _of(row: Row[Any]) -> Revision:
    key = CommunityDay(row.community, date.fromordinal(row.day))
    figures, more = json.loads(row.figures), json.loads(row.changed)
    return Revision(key, row.revision, row.as_of_us, figures, more)
