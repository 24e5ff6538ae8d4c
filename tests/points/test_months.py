"""Closed months: a file that can be made again, checked to the entry, and never added to."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from smartbin.core import calendar
from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.database import Database
from smartbin.deposit_lines.tables import unsettled
from smartbin.points.ledger import Entry, EntryKind, append
from smartbin.points.months import Closed, check, close
from tests.places.small import SHANGHAI
from tests.points.books import HOME, Books, kitchen

NOV, DEC = date(2026, 11, 30), date(2026, 12, 2)
IN_DEC_US = calendar.start_us(DEC, SHANGHAI) + 3_000_001
HEAD = "id,account,community,kind,points,day,booked_at,reason,reference,who"


def adjust(books: Books, points: int, day: date = NOV, reason: str = "thanks") -> None:
    now_us = calendar.start_us(day, SHANGHAI) + 1
    entry = Entry(HOME, "oak", EntryKind.ADJUSTMENT, points, day, reason, "r-1", "office")
    with books.database.write() as db:
        append(db, [entry], now_us, SHANGHAI)


def close_(books: Books, month: int = 202611, now_us: int = IN_DEC_US) -> Closed:
    return close(books.database, month, books.folder / "months", now_us, SHANGHAI)


def check_(books: Books, file: Path) -> list[str]:
    return check(books.database, file, SHANGHAI)


def tamper(database: Database, statement: str) -> None:
    """What only somebody with the database's own keys can do: change the ledger."""
    sqlite = database.dialect == "sqlite"
    with database.write() as db:
        if sqlite:
            db.execute(text("DROP TRIGGER ledger_no_update"))
        else:
            db.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        db.execute(text(statement))


def test_a_month_closes_into_a_file_that_agrees_with_the_ledger(books: Books) -> None:
    adjust(books, 30)
    adjust(books, -7, reason='=1+1\n\u2028wrong, "twice"')
    made = close_(books)
    content = made.file.read_bytes()
    assert made.file.name == "points-2026-11.csv"
    assert (made.month, made.entries, made.points, made.unsettled) == (202611, 2, 23, 0)
    assert made.sha256 == hashlib.sha256(content).hexdigest()
    lines = content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == HEAD
    assert lines[1].split(",", 1)[1] == (
        f"{HOME},oak,adjustment,30,2026-11-30,2026-11-30T00:00:00.000001+08:00,thanks,r-1,office"
    )
    assert '\'=1+1 wrong, ""twice""' in lines[2]
    assert lines[3:] == [""]
    assert [path.name for path in made.file.parent.iterdir()] == [made.file.name]
    assert check_(books, made.file) == []


def test_closing_again_writes_the_same_file(books: Books) -> None:
    adjust(books, 30)
    first = close_(books)
    content = first.file.read_bytes()
    first.file.unlink()
    adjust(books, 5, DEC)
    assert close_(books, now_us=IN_DEC_US + 99) == first
    assert first.file.read_bytes() == content
    assert check_(books, first.file) == []


def test_what_arrives_for_a_closed_month_is_an_entry_of_the_open_one(books: Books) -> None:
    books.keep(kitchen())
    books.settle()
    made = close_(books)
    books.keep(kitchen(3))
    books.settle(IN_DEC_US)
    late = books.entries(HOME)[-1]
    assert (late.month, late.entry.day.month, late.entry.reference) == (202612, 11, "2026-11")
    assert late.entry.points == 25
    assert check_(books, made.file) == []
    assert close_(books).entries == 1
    books.check()


def test_a_month_without_entries_closes_too_and_waiting_card_days_are_counted(
    books: Books,
) -> None:
    days = [date(2026, 11, 1), date(2026, 11, 30), date(2026, 10, 31), date(2026, 12, 1)]
    with books.database.write() as db:
        marks = [{"card": "H1", "day": day.toordinal(), "why": None} for day in days]
        db.execute(insert(unsettled), marks + marks[:1])
    made = close_(books)
    assert (made.entries, made.points, made.unsettled) == (0, 0, 2)
    assert made.file.read_bytes().decode("utf-8-sig") == HEAD + "\r\n"
    assert check_(books, made.file) == []
    december = close_(books, 202612, calendar.start_us(date(2027, 1, 1), SHANGHAI))
    assert december.unsettled == 1


def test_months_close_in_order_and_only_when_they_are_over(books: Books) -> None:
    adjust(books, 1, date(2026, 10, 5))
    adjust(books, 2)
    with pytest.raises(BadInput, match="2026-10 has entries and is open; close it first"):
        close_(books)
    with pytest.raises(BadInput, match="2026-12 is not over"):
        close_(books, 202612)
    last_us = calendar.start_us(date(2026, 12, 1), SHANGHAI) - 1
    with pytest.raises(BadInput, match="2026-11 is not over"):
        close_(books, now_us=last_us)
    for wrong in (202600, 202613):
        with pytest.raises(BadInput, match="is not a month; write it as 202610"):
            close_(books, wrong)
    assert close_(books, 202610).points == 1
    assert close_(books, now_us=last_us + 1).points == 2
    with pytest.raises(BadInput, match="2026-11 is closed already, 2026-09 lies before it"):
        close_(books, 202609)


def test_each_difference_between_file_and_ledger_is_named(books: Books) -> None:
    for points in (1, 2, 3, 4):
        adjust(books, points)
    made = close_(books)
    lines = made.file.read_bytes().splitlines(keepends=True)
    not_the_file = f"{made.file.name}: is not the file that was made when the month was closed"

    def differ(changed: list[bytes]) -> list[str]:
        made.file.write_bytes(b"".join(changed))
        *found, last = check_(books, made.file)
        assert last == not_the_file
        return [one.removeprefix(made.file.name) for one in found]

    (said,) = differ([*lines[:2], lines[2].replace(b",2,", b",9,"), *lines[3:]])
    assert said.startswith(":3: says ")
    assert ",9,2026" in said.partition(", the ledger ")[0]
    (said,) = differ([*lines[:2], *lines[3:]])
    assert said.startswith(":3: an entry of the ledger is missing: ")
    (said,) = differ(lines[:4])
    assert said.startswith(":5: an entry of the ledger is missing: ")
    (said,) = differ([*lines, b"999" + lines[4]])
    assert said.startswith(":6: the ledger has no such entry: 999")
    (said,) = differ([*lines[:3], b"?,\r\n", *lines[3:]])
    assert said == ":4: the ledger has no such entry: ?,"
    assert differ([lines[0].removeprefix(b"\xef\xbb\xbf"), *lines[1:]]) == []
    assert differ([*lines, *([b"x\r\n"] * 25)])[-1] == ": and more"
    assert len(differ([*lines, *([b"x\r\n"] * 25)])) == 21
    assert len(differ([*lines, *([b"x\r\n"] * 20)])) == 20


def test_a_ledger_that_was_changed_is_found_by_its_file(books: Books) -> None:
    adjust(books, 1)
    adjust(books, 2)
    made = close_(books)
    tamper(books.database, "UPDATE ledger SET points = 3 WHERE points = 2")
    difference, ledger_ = check_(books, made.file)
    assert difference.startswith("points-2026-11.csv:3: says ")
    assert ledger_ == "2026-11: the ledger is not what it was when the month was closed"
    with pytest.raises(BadInput, match="not what it was when 2026-11 was closed"):
        close_(books)
    assert [path.name for path in made.file.parent.iterdir()] == [made.file.name]


def test_what_is_no_closed_months_file(books: Books, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    with pytest.raises(
        BadInput, match=r"other.csv: is not a month's file; its name is as points-2026"
    ):
        check_(books, other)
    file = tmp_path / "points-2026-11.csv"
    with pytest.raises(BadInput, match="cannot be read"):
        check_(books, file)
    file.write_bytes(b"\xff")
    with pytest.raises(BadInput, match="is not UTF-8"):
        check_(books, file)
    file.write_text(HEAD)
    with pytest.raises(BadInput, match=r"points-2026-11.csv: 2026-11 is not closed"):
        check_(books, file)
    (tmp_path / "months").write_text("in the way")
    with pytest.raises(BadInput, match="cannot be written"):
        close_(books)


def test_a_database_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StoreUnavailable):
        close(database, 202611, tmp_path, IN_DEC_US, SHANGHAI)
    file = tmp_path / "points-2026-11.csv"
    file.write_text(HEAD)
    with pytest.raises(StoreUnavailable):
        check(database, file, SHANGHAI)
    database.close()
