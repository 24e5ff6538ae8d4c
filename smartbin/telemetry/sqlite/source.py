"""Everything in the embedded telemetry store, piece by piece, for copying it elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from smartbin.core.errors import StoreUnavailable
from smartbin.facts.events import Fact
from smartbin.telemetry.sqlite.schema import BUSY_WAIT_S, mismatch, typed_errors, version_of
from smartbin.telemetry.sqlite.tables import TABLES, FactTable


class SqliteSource:
    """See the port. The devices are those there when it is opened. A file of an older version is
    read as it is.
    """

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self._path = path
        if not path.exists():
            raise StoreUnavailable(
                f"telemetry file {path} does not exist: there is nothing to copy"
            )
        with typed_errors(path):
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_WAIT_S
            )
            try:
                if problem := mismatch(self._db, path, zone, oldest=1):
                    raise StoreUnavailable(problem)
                self._version = version_of(self._db)
                self._series: list[tuple[FactTable[Any], tuple[str, ...]]] = [
                    (table, key)
                    for table in TABLES.values()
                    for key in self._db.execute(
                        f"SELECT DISTINCT {', '.join(_series(table))} FROM {table.name}"
                    )
                ]
            except BaseException:
                self._db.close()
                raise

    def extent(self, since_us: int) -> tuple[int, int] | None:
        """See the port."""
        with typed_errors(self._path):
            ends = [
                self._db.execute(
                    f"SELECT {function}(at_us) FROM {table.name} WHERE {_of(table)} AND at_us>=?",
                    (*key, since_us),
                ).fetchone()[0]
                for table, key in self._series
                for function in ("min", "max")
            ]
        known = [at_us for at_us in ends if at_us is not None]
        return (min(known), max(known)) if known else None

    def facts(self, start_us: int, end_us: int) -> Iterator[Fact]:
        """See the port."""
        with typed_errors(self._path):
            for table, key in self._series:
                rows = self._db.execute(
                    f"{table.select(self._version)} WHERE {_of(table)} AND at_us>=? AND at_us<?",
                    (*key, start_us, end_us),
                )
                for row in rows:
                    yield table.fact_of(*row)

    def close(self) -> None:
        """Release the file."""
        self._db.close()


def _series(table: FactTable[Any]) -> list[str]:
    return [name for name in table.keys if name != "at_us"]


def _of(table: FactTable[Any]) -> str:
    return " AND ".join(f"{column}=?" for column in _series(table))
