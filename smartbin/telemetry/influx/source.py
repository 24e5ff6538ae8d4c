"""Everything in an InfluxDB, piece by piece, for copying it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from smartbin.facts.events import Fact
from smartbin.telemetry.influx.address import Address
from smartbin.telemetry.influx.facts import (
    ALARM,
    COLLECTION,
    DEPOSIT,
    LEVEL,
    STATUS,
    Kind,
    facts_of,
)
from smartbin.telemetry.influx.flux import LAST_US, Row, any_of, at_us_of, result, stream
from smartbin.telemetry.influx.reader import InfluxReader


class InfluxSource:
    """See the port. What has outlived its retention is gone, and so are the messages counted by
    it: InfluxDB's own ``influx backup`` keeps those.
    """

    def __init__(self, address: Address, zone: ZoneInfo, token: str | None) -> None:
        self._reader = InfluxReader(address, zone, token)
        self._kinds: list[tuple[str, Kind[Any]]] = [
            (address.bucket, DEPOSIT),
            (address.bucket, COLLECTION),
            (address.levels, LEVEL),
            (address.levels, STATUS),
            (address.levels, ALARM),
        ]

    def extent(self, since_us: int) -> tuple[int, int] | None:
        """See the port."""
        asked = []
        for bucket, kind in self._kinds:
            conditions = any_of("_measurement", [kind.measurement]), any_of("_field", kind.always)
            points = stream(bucket, since_us, LAST_US, *conditions)
            asked += [
                result(f"{kind.measurement}_{function}", points, f"{function}()")
                for function in ("first", "last")
            ]
        times = [at_us_of(row.at) for row in self._reader.ask(*asked)]
        return (min(times), max(times)) if times else None

    def facts(self, start_us: int, end_us: int) -> Iterator[Fact]:
        """See the port."""
        asked = [
            result(name, stream(bucket, start_us, end_us, any_of("_measurement", [name])))
            for bucket, kind in self._kinds
            for name in [kind.measurement]
        ]
        rows: dict[str, list[Row]] = {}
        for row in self._reader.ask(*asked):
            rows.setdefault(row.result, []).append(row)
        for _, kind in self._kinds:
            yield from facts_of(kind, rows.pop(kind.measurement, []))

    def close(self) -> None:
        """Release the connections."""
        self._reader.close()
