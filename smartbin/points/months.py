"""Closing a month: its ledger entries as a file that can be checked against the ledger forever.

The file is a table (CSV, UTF-8 with BOM), an entry a line, in the order of booking. It is made of
nothing but the ledger, so that the same month always gives the same bytes; the database keeps
their SHA-256. What arrives later for a closed month is booked in the month it is then.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, insert, select, text

from smartbin.core import calendar
from smartbin.core.cells import safe_cell
from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.deposit_lines.tables import unsettled
from smartbin.points.ledger import MONTHS_LOCK, month_of
from smartbin.points.tables import closed_month, ledger

MISTAKES_MAX = 20
_BOM = b"\xef\xbb\xbf"
_ROWS_AT_ONCE = 5_000
_NAME = re.compile(r"points-(\d{4})-(\d{2})\.csv")
_COLUMNS = (
    "id",
    "account",
    "community",
    "kind",
    "points",
    "day",
    "booked_at",
    "reason",
    "reference",
    "who",
)


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed month (yyyymm): its file, how many entries and points it holds, and how many
    card-days of it were waiting to be settled when it was closed: they go to the open month.
    """

    month: int
    file: Path
    entries: int
    points: int
    sha256: str
    unsettled: int


def close(database: Database, month: int, folder: Path, now_us: int, zone: ZoneInfo) -> Closed:
    """Write the month's file and close it. A closed month's file is written again, the same.

    Raises BadInput, one sentence, when the month is not over, when an earlier one is still open
    or when the ledger is no longer what it was at closing; StoreUnavailable.
    """
    if not 1 <= month % 100 <= 12:
        raise BadInput(f"month: {month} is not a month; write it as 202610")
    if month >= month_of(calendar.day_of(now_us, zone)):
        raise BadInput(f"month: {said(month)} is not over; close it in the next month")
    file = folder / f"points-{said(month)}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with database.write() as db:
            if db.dialect.name == "postgresql":
                db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MONTHS_LOCK})
            kept = _kept(db, month)
            if kept is None:
                _next_to_close(db, month)
            made = _write(db, month, file, zone)
            if kept is None:
                db.execute(insert(closed_month).values(_row(made, now_us)))
            elif kept != made.sha256:
                _beside(file).unlink()
                raise BadInput(
                    f"month: the ledger is not what it was when {said(month)} was closed; check "
                    "the file that was made then"
                )
            _put(file)
    except OSError as error:
        raise BadInput(f"{file}: cannot be written ({error.strerror}); choose a folder") from None
    return made


def check(database: Database, file: Path, zone: ZoneInfo) -> list[str]:
    """What differs between a closed month's file, the ledger and the sums stored at closing, as
    sentences (at most MISTAKES_MAX entries are named); nothing when all agree.

    Raises BadInput when this is not a file of a closed month; StoreUnavailable.
    """
    named = _NAME.fullmatch(file.name)
    if named is None:
        raise BadInput(f"{file.name}: is not a month's file; its name is as points-2026-10.csv")
    month = int(named[1] + named[2])
    try:
        content = file.read_bytes()
        lines = content.removeprefix(_BOM).decode().splitlines(keepends=True)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file.name}: is not UTF-8; take the file as it was made") from None
    with database.read() as db:
        kept = _kept(db, month)
        if kept is None:
            raise BadInput(f"{file.name}: {said(month)} is not closed")
        differences = _differences(lines, _lines(db, month, zone))
        some = list(islice(differences, MISTAKES_MAX + 1))
        now = _digest(_lines(db, month, zone))
    found = [f"{file.name}:{number}: {what}" for number, what in some[:MISTAKES_MAX]]
    if len(some) > MISTAKES_MAX:
        found.append(f"{file.name}: and more")
    if now != kept:
        found.append(f"{said(month)}: the ledger is not what it was when the month was closed")
    if hashlib.sha256(content).hexdigest() != kept:
        found.append(f"{file.name}: is not the file that was made when the month was closed")
    return found


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """The sums of a month (yyyymm) when it was closed."""

    month: int
    entries: int
    points: int
    sha256: str
    closed_us: int


def closed(database: Database) -> list[ClosedMonth]:
    """The closed months, the newest first."""
    asked = select(closed_month).order_by(closed_month.c.month.desc())
    with database.read() as db:
        return [ClosedMonth(**row._mapping) for row in db.execute(asked)]


def content(database: Database, month: int, zone: ZoneInfo) -> Iterator[bytes]:
    """The file of a month, as it is made from the ledger now: of a closed one, the same bytes
    each time.
    """
    with database.read() as db:
        yield _BOM
        for line in _lines(db, month, zone):
            yield line.encode()


def said(month: int) -> str:
    """202610 -> "2026-10"."""
    return f"{month // 100}-{month % 100:02}"


def _kept(db: Connection, month: int) -> str | None:
    asked = select(closed_month.c.sha256).where(closed_month.c.month == month)
    sha256: str | None = db.execute(asked).scalar()
    return sha256


def _next_to_close(db: Connection, month: int) -> None:
    """Months are closed in their order: a late entry goes to the month it is, not to an older one
    that somebody forgot.
    """
    last = db.execute(select(func.max(closed_month.c.month))).scalar() or 0
    if month < last:
        raise BadInput(f"month: {said(last)} is closed already, {said(month)} lies before it")
    waiting = select(func.min(ledger.c.month)).where(ledger.c.month > last)
    first = db.execute(waiting).scalar()
    if first is not None and first < month:
        raise BadInput(f"month: {said(first)} has entries and is open; close it first")


def _write(db: Connection, month: int, file: Path, zone: ZoneInfo) -> Closed:
    digest, entries = hashlib.sha256(_BOM), -1  # the head is not an entry
    with _beside(file).open("wb") as out:
        out.write(_BOM)
        for line in _lines(db, month, zone):
            out.write(line.encode())
            digest.update(line.encode())
            entries += 1
        out.flush()
        os.fsync(out.fileno())
    of_month = select(func.coalesce(func.sum(ledger.c.points), 0)).where(ledger.c.month == month)
    points = int(db.execute(of_month).scalar_one())
    left = db.execute(select(func.count()).select_from(_waiting(month))).scalar_one()
    return Closed(month, file, entries, points, digest.hexdigest(), left)


def _waiting(month: int) -> Any:
    year, number = divmod(month, 100)
    first = date(year, number, 1).toordinal()
    after = date(year + number // 12, number % 12 + 1, 1).toordinal()
    days = unsettled.c.day.between(first, after - 1)
    return select(unsettled.c.card, unsettled.c.day).where(days).distinct().subquery()


def _put(file: Path) -> None:
    """The finished file under its name, before the month counts as closed: durable either way."""
    _beside(file).replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _beside(file: Path) -> Path:
    return file.with_suffix(".part")


def _row(made: Closed, now_us: int) -> dict[str, Any]:
    return {
        "month": made.month,
        "entries": made.entries,
        "points": made.points,
        "sha256": made.sha256,
        "closed_us": now_us,
    }


def _lines(db: Connection, month: int, zone: ZoneInfo) -> Iterator[str]:
    """The file's lines, the head first."""
    yield _line(_COLUMNS)
    asked = select(ledger).where(ledger.c.month == month).order_by(ledger.c.id)
    for row in db.execute(asked.execution_options(yield_per=_ROWS_AT_ONCE)):
        yield _line(_cells(row, zone))


def _cells(row: Row[Any], zone: ZoneInfo) -> Iterable[object]:
    return (
        row.id,
        row.account,
        row.community,
        row.kind,
        row.points,
        date.fromordinal(row.day).isoformat(),
        calendar.from_us(row.booked_us, zone).isoformat(timespec="microseconds"),
        _plain(row.reason),
        _plain(row.reference),
        _plain(row.who),
    )


def _plain(words: str | None) -> str:
    """What people wrote, on one line, and nothing that a spreadsheet would run."""
    return str(safe_cell(" ".join((words or "").split())))


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256(_BOM)
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()


def _differences(file: Iterable[str], now: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Line by line in the order of ids, so that a missing line is one difference, not all after."""
    theirs, ours = enumerate(file, 1), iter(now)
    number, line = next(theirs, (1, None))
    due = next(ours, None)
    while line is not None or due is not None:
        if line == due:
            due, (number, line) = next(ours, None), next(theirs, (number + 1, None))
        elif due is None or (line is not None and _id(line) < _id(due)):
            yield number, f"the ledger has no such entry: {(line or '').strip()}"
            number, line = next(theirs, (number + 1, None))
        elif line is None or _id(due) < _id(line):
            yield number, f"an entry of the ledger is missing: {due.strip()}"
            due = next(ours, None)
        else:
            yield number, f"says {line.strip()}, the ledger {due.strip()}"
            due, (number, line) = next(ours, None), next(theirs, (number + 1, None))


def _id(line: str) -> int:
    number = line.partition(",")[0]
    return int(number) if number.isdecimal() and len(number) < 20 else 0
