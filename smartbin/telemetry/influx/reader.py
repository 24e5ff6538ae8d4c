"""The InfluxDB 2 telemetry store's reading half: every question is filtered, grouped and summed
by storage itself; what comes back is about as large as the answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from influxdb_client.domain.dialect import Dialect

from smartbin.core import calendar
from smartbin.core.calendar import US_PER_DAY, US_PER_HOUR, Days
from smartbin.core.errors import StoreRefused, StoreUnavailable
from smartbin.facts.events import (
    Alarm,
    Collection,
    Deposit,
    DoorKey,
    Fact,
    LevelReading,
    Span,
    Status,
)
from smartbin.telemetry import DayPresence, DoorTotals, ItemTotals
from smartbin.telemetry.influx.address import Address, typed_errors
from smartbin.telemetry.influx.facts import (
    ALARM,
    COLLECTION,
    DEPOSIT,
    ITEM_OF,
    LEVEL,
    STATUS,
    Kind,
    facts_of,
    newest_first,
    newest_of,
)
from smartbin.telemetry.influx.flux import (
    EVERYWHERE,
    FIRST_US,
    LAST_US,
    Row,
    any_of,
    at_doors,
    at_us_of,
    by_day,
    result,
    rows,
    stream,
)

DOORS_NAMED_MAX = 64
"""More doors than these are not named in a query: all are asked for, the others left out here."""
STREAMS_MAX = 60
"""Streams of one query; longer questions are several queries."""
_DIALECT = Dialect(header=True, annotations=[])
F = TypeVar("F", bound=Fact)


class InfluxReader:
    """The reading half, for any number of threads. The server need not be there yet."""

    def __init__(self, address: Address, zone: ZoneInfo, token: str | None) -> None:
        self._address = address
        self._zone = zone
        self._client = address.client(token)
        self._api = self._client.query_api()

    def ask(self, *streams: str) -> list[Row]:
        """The values of one query."""
        if not streams:
            return []
        try:
            with typed_errors(self._address):
                answer = self._api.query_raw("\n".join(streams), dialect=_DIALECT)
                try:
                    text = answer.read().decode()
                finally:
                    answer.release_conn()
        except StoreRefused as error:
            raise StoreUnavailable(f"InfluxDB cannot answer: {error.reason}") from error
        return list(rows(text))

    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        """See the port."""
        wanted = set(doors)
        found = self._newest(LEVEL, self._address.levels, since_us, LAST_US, _named(wanted))
        return {key: r for r in found if (key := DoorKey(r.device, r.door)) in wanted}

    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        """See the port."""
        where = any_of("device", [device])
        return self._list(LEVEL, self._address.levels, start_us, end_us, limit, where)

    def full_since(
        self, thresholds: Mapping[DoorKey, int], before_us: int, since_us: int
    ) -> Mapping[DoorKey, int]:
        """See the port."""
        by_pct: dict[int, list[DoorKey]] = defaultdict(list)
        for door, pct in thresholds.items():
            by_pct[pct].append(door)

        def known(start_us: int, *where: str) -> str:
            of_level = any_of("_measurement", ["level"]), any_of("_field", ["level_pct"])
            return stream(self._address.levels, start_us, before_us, *of_level, *where)

        if since_us >= before_us or not by_pct:
            return {}
        asked = [result("newest", known(since_us, at_doors(thresholds)), "last()")]
        for pct, doors in by_pct.items():
            low = known(since_us, at_doors(doors), f"r._value < {pct}")
            asked.append(result(f"low{pct}", low, "last()"))
        newest: dict[DoorKey, int] = {}
        low_us: dict[DoorKey, int] = {}
        for row in self.ask(*asked):
            door = DoorKey(row.device, row.door)
            if row.result == "newest":
                newest[door] = int(row.value)
            else:
                low_us[door] = at_us_of(row.at)
        full = [door for door, pct in newest.items() if pct >= thresholds[door]]
        always = [door for door in full if door not in low_us]
        firsts = [result("since", known(since_us, at_doors(always)), "first()")] if always else []
        firsts += [
            result(f"since{n}", known(low_us[door] + 1, at_doors([door])), "first()")
            for n, door in enumerate(full)
            if door in low_us
        ]
        return {
            DoorKey(row.device, row.door): at_us_of(row.at)
            for n in range(0, len(firsts), STREAMS_MAX)
            for row in self.ask(*firsts[n : n + STREAMS_MAX])
        }

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        """See the port."""
        sums: dict[tuple[Span, date], list[int]] = {}
        places = {("weight_g", "n"): 0, ("weight_g", "s"): 1, ("verdict", "n"): 2}
        places["verdict", "s"] = 3
        for span, day, row in self._span_rows(spans, ("weight_g", "verdict"), daily=by_day):
            figures = sums.setdefault((span, day), [0, 0, 0, 0])
            figures[places[row.field, row.result[0]]] += int(row.value)
        days: dict[Span, list[date]] = defaultdict(list)
        for span, day in sorted(sums, key=lambda slot: slot[1]):
            days[span].append(day)
        return [
            DoorTotals(span.door, day, *sums[span, day])
            for span in spans
            for day in days.get(span, [])
        ]

    def item_totals(self, spans: Sequence[Span]) -> Sequence[ItemTotals]:
        """See the port."""
        sums: dict[tuple[Span, str], list[int]] = {}
        for span, _, row in self._span_rows(spans, ITEM_OF, daily=False):
            figures = sums.setdefault((span, row.field), [0, 0])
            figures[row.result[0] == "s"] += int(row.value)
        return [
            ItemTotals(span.door, item, *sums[span, field])
            for span in spans
            for field, item in sorted(ITEM_OF.items(), key=lambda pair: pair[1])
            if (span, field) in sums
        ]

    def _span_rows(
        self, spans: Sequence[Span], fields: Iterable[str], *, daily: bool
    ) -> Iterable[tuple[Span, date, Row]]:
        """Counts ("n") and sums ("s") of some fields of deposits over each span, or its days."""
        by_days: dict[Days, set[DoorKey]] = defaultdict(set)
        for span in spans:
            by_days[span.days].add(span.door)
        day_of = _DayOf(self._zone)
        for days, doors in by_days.items():
            asked = []
            for start_us, end_us, offset_s in self._stretches(days, daily):
                source = stream(
                    *(self._address.bucket, start_us, end_us),
                    any_of("_measurement", ["deposit"]),
                    any_of("_field", fields),
                    _named(doors),
                )
                for name, function in (("n", "count"), ("s", "sum")):
                    step = by_day(function, offset_s) if daily else f"{function}()"
                    asked.append(result(f"{name}{start_us}", source, step))
            for row in self.ask(*asked):
                door = DoorKey(row.device, row.door)
                if door in doors:
                    yield Span(door, days), day_of(row.at) if daily else days.first, row

    def _stretches(self, days: Days, daily: bool) -> Iterable[tuple[int, int, int]]:
        if daily:
            return calendar.even_stretches(days, self._zone)
        return [(*calendar.bounds_us(days, self._zone), 0)]

    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        """See the port."""
        return self._at(DEPOSIT, set(doors), start_us, end_us, limit)

    def collections(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Collection]:
        """See the port."""
        return self._at(COLLECTION, set(doors), start_us, end_us, limit)

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        """See the port."""
        where = any_of("device", devices)
        found = self._newest(STATUS, self._address.levels, FIRST_US, LAST_US, where)
        return {status.device: status for status in found}

    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        """See the port."""
        order = {device: n for n, device in enumerate(dict.fromkeys(devices))}
        where = any_of("device", order)
        found = self._newest(ALARM, self._address.levels, FIRST_US, LAST_US, where)
        return sorted(
            (alarm for alarm in found if alarm.active),
            key=lambda alarm: (order[alarm.device], alarm.door, alarm.type),
        )

    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        """See the port."""
        today = calendar.start_us(calendar.day_of(until_us, self._zone), self._zone)
        passed_us = until_us - (until_us - today) % US_PER_HOUR
        order = list(dict.fromkeys(devices))
        where = any_of("device", order)
        messages = any_of("_measurement", ["deposit", "collection", "seen"])
        asked = []
        for start_us, end_us, offset_s in calendar.even_stretches(days, self._zone):
            window = self._address.bucket, start_us, end_us
            seqs = stream(*window, messages, any_of("_field", ["seq"]), where)
            asked += [
                result(f"{name}{start_us}", seqs, by_day(name, offset_s))
                for name in ("count", "min", "max")
            ]
            passed = self._address.bucket, start_us, min(end_us, passed_us)
            hours = stream(*passed, any_of("_measurement", ["hour"]), where)
            if start_us < passed_us:
                asked.append(result(f"hours{start_us}", hours, by_day("count", offset_s)))
        day_of = _DayOf(self._zone)
        heard: dict[tuple[str, date], dict[str, list[int]]] = {}
        for row in self.ask(*asked):
            figures = heard.setdefault((row.device, day_of(row.at)), defaultdict(list))
            figures[row.result.rstrip("-0123456789")].append(int(row.value))
        return [
            DayPresence(
                *(device, day, sum(f["hours"]), sum(f["count"])),
                min(f["min"]),
                max(f["max"]),
            )
            for device, day in sorted(heard, key=lambda slot: (order.index(slot[0]), slot[1]))
            if (f := heard[device, day])["count"]
        ]

    def counters(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[int]:
        """See the port."""
        messages = any_of("_measurement", ["deposit", "collection", "seen"])
        where = any_of("_field", ["seq"]), any_of("device", [device])
        seqs = stream(self._address.bucket, start_us, end_us, messages, *where)
        asked = [result("seqs", seqs, f"limit(n: {limit})")] if start_us < end_us else []
        said = self.ask(*asked)
        return [seq for _, seq in sorted((at_us_of(r.at) // 1000, int(r.value)) for r in said)][
            :limit
        ]

    def check(self) -> None:
        """See the port."""
        self.ask(
            *(
                result(f"b{n}", stream(bucket, 0, 1), "limit(n: 1)")
                for n, bucket in enumerate((self._address.bucket, self._address.levels))
            )
        )

    def close(self) -> None:
        """Release the connections."""
        self._client.close()

    def _newest(
        self, kind: Kind[F], bucket: str, start_us: int, end_us: int, where: str
    ) -> list[F]:
        """The newest fact of each series."""
        source = stream(bucket, start_us, end_us, any_of("_measurement", [kind.measurement]), where)
        return list(newest_of(kind, self.ask(result("newest", source, "last()"))).values())

    def _at(
        self, kind: Kind[F], doors: set[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[F]:
        if not doors:
            return []
        where = at_doors(sorted(doors))
        return self._list(kind, self._address.bucket, start_us, end_us, limit, where)

    def _list(
        self, kind: Kind[F], bucket: str, start_us: int, end_us: int, limit: int, where: str
    ) -> Sequence[F]:
        """The newest facts: from the newest backwards, in pieces that grow until ``limit`` are
        found, so that a long window costs little more than what it answers with.
        """
        measured = any_of("_measurement", [kind.measurement])
        start_us, end_us = max(start_us, FIRST_US), min(end_us, LAST_US)
        if end_us - start_us > US_PER_DAY:
            points = stream(
                bucket, start_us, end_us, measured, any_of("_field", kind.always), where
            )
            ends = [result("first", points, "first()"), result("last", points, "last()")]
            times = [at_us_of(row.at) for row in self.ask(*ends)]
            if not times:
                return []
            start_us, end_us = min(times), max(times) + 1
        found: list[F] = []
        width_us = US_PER_HOUR
        while start_us < end_us and len(found) < limit:
            low_us = max(start_us, end_us - width_us)
            newest = 'sort(columns: ["_time"], desc: true)', f"limit(n: {limit - len(found)})"
            piece = stream(bucket, low_us, end_us, measured, where)
            rows = self.ask(result("piece", piece, *newest))
            found += sorted(facts_of(kind, rows), key=newest_first)
            end_us, width_us = low_us, width_us * 16
        return found[:limit]


class _DayOf:
    """The site's day of a time in an answer; the same few times come again and again."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[str, date] = {}

    def __call__(self, at: str) -> date:
        if (day := self._known.get(at)) is None:
            day = self._known[at] = calendar.day_of(at_us_of(at), self._zone)
        return day


def _named(doors: set[DoorKey]) -> str:
    return EVERYWHERE if len(doors) > DOORS_NAMED_MAX else at_doors(sorted(doors))
