"""The registry's CSV tables: read strictly, every mistake with its file, line and remedy."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from smartbin.core.calendar import Days

E = TypeVar("E", bound=StrEnum)
OPEN_END = date(9999, 12, 30)
MAX_MISTAKES = 50
MAX_TABLE_BYTES = 16 * 1024 * 1024
_ID = re.compile(r"[a-z0-9-]{1,32}")
# Year first, as people and spreadsheets of this country write it; never 1/2/24, which is read in
# two ways.
_DATE = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?")
_ROUNDED = re.compile(r"[0-9]{15}00+|[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_XLSX, _UTF_16 = b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")


class Mistakes:
    """What is wrong, collected, so that a clerk mends a table in one go."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.unreadable: set[str] = set()
        """Tables that could not be read: what refers to them is not judged."""
        self._once: set[str] = set()

    def add(self, where: str, what: str, remedy: str) -> None:
        """Note one mistake."""
        if len(self.found) < MAX_MISTAKES:
            self.found.append(f"{where}: {what}; {remedy}")

    def add_once(self, key: str, where: str, what: str, remedy: str) -> None:
        """Note a mistake that a whole column shares: the first of each key."""
        if key not in self._once:
            self._once.add(key)
            self.add(where, what, remedy)

    def lose(self, name: str, where: str, what: str, remedy: str) -> None:
        """Note that a table cannot be read at all."""
        self.unreadable.add(name)
        self.add(where, what, remedy)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table. Each getter notes a mistake and answers something harmless instead."""

    where: str
    cells: dict[str, str]
    mistakes: Mistakes

    def cell(self, column: str) -> str:
        """A cell as it is compared: full-width digits and letters are the plain ones (NFKC)."""
        return unicodedata.normalize("NFKC", self.cells[column]).strip()

    def text(self, column: str) -> str:
        """A text that is not empty."""
        value = self.cells[column].strip()
        if not value:
            self.mistakes.add(self.where, f"{column} is empty", "fill it in")
        elif len(value) > 100 or not value.isprintable():
            self.mistakes.add(
                self.where, f"{column} is over-long or unprintable", "use at most 100 characters"
            )
        return value

    def id(self, column: str) -> str:
        """An id, as topics and addresses can carry it."""
        value = self.cell(column)
        if rounded(value):
            self.mistakes.add(self.where, f"{column} {value[:40]!r} {ROUNDED}", AS_TEXT)
        elif not _ID.fullmatch(value):
            self.mistakes.add(
                self.where,
                f"{column} {value[:40]!r} is not an id",
                "use 1 to 32 of a-z, 0-9 and '-'",
            )
        return value

    def number(self, column: str, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = unicodedata.normalize("NFKC", self.cell(column))  # ４４３ is 443
        if re.fullmatch(r"-?[0-9]{1,9}", value) and least <= int(value) <= most:
            return int(value)
        self.mistakes.add(
            self.where,
            f"{column} {value[:40]!r} is not a whole number from {least} to {most}",
            "write digits only",
        )
        return least

    def choice(self, column: str, kind: type[E]) -> E:
        """One of the words of an enumeration."""
        value = self.cell(column)
        try:
            return kind(value)
        except ValueError:
            words = ", ".join(kind)
            self.mistakes.add(self.where, f"{column} {value[:40]!r} is unknown", f"use {words}")
            return next(iter(kind))

    def yes(self, column: str) -> bool:
        """``yes`` or ``no``."""
        value = self.cell(column).lower()
        if value not in ("yes", "no"):
            self.mistakes.add(self.where, f"{column} {value[:40]!r} is unknown", "use yes or no")
        return value == "yes"

    def days(self) -> Days:
        """The columns ``from`` and ``to``, both inclusive; an empty ``to`` is open."""
        first = self._date("from", date(2000, 1, 1))
        last = self._date("to", OPEN_END) if self.cell("to") else OPEN_END
        if last < first:
            self.mistakes.add(self.where, f"to {last} lies before from {first}", "swap them")
            return Days(first, first)
        return Days(first, last)

    def _date(self, column: str, otherwise: date) -> date:
        value = self.cell(column)
        file = self.where.rpartition(":")[0]
        if re.fullmatch(r"[0-9]{5}", value):
            self.mistakes.add_once(
                f"{file} {column} serial",
                self.where,
                f"{column} {value} is a spreadsheet's number of a day, here and perhaps below",
                "format the column as a date with the year first (2026-11-24) and save it again",
            )
            return otherwise
        if re.fullmatch(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}", value):
            self.mistakes.add_once(
                f"{file} {column} year last",
                self.where,
                f"{column} {value!r} does not begin with the year, here and perhaps below",
                "format the column as a date with the year first (2026-11-24) and save it again",
            )
            return otherwise
        found = _DATE.fullmatch(value)
        try:
            if found is None:
                raise ValueError(value)
            return date(*map(int, found.groups()))
        except ValueError:
            self.mistakes.add(
                self.where, f"{column} {value[:40]!r} is not a date", "write it as 2026-11-24"
            )
            return otherwise


ROUNDED = "is a long number that a spreadsheet has rounded"
AS_TEXT = "format the column as text, enter the number again and save the table"


def rounded(value: str) -> bool:
    """Whether a spreadsheet has rounded a long number: it keeps fifteen digits and puts zeros for
    the rest, or shows scientific notation. One zero alone proves nothing.
    """
    return bool(_ROUNDED.fullmatch(value))


def read(
    folder: Path, name: str, columns: tuple[str, ...], mistakes: Mistakes
) -> Iterator[TableRow]:
    """The rows of one table; a table that cannot be read is one mistake and no row."""
    text = _text(folder / name, name, mistakes)
    if text is None:
        return
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(table.line_num, cells) for cells in table]
    except csv.Error as error:
        where = f"{name}:{table.line_num}"
        remedy = "check its quotes, or save it as CSV UTF-8"
        mistakes.lose(name, where, f"is not CSV ({error})", remedy)
        return
    header = _without_empty_end([cell.strip() for cell in lines[0][1]]) if lines else []
    missing = [column for column in columns if column not in header]
    if missing:
        what = f"no column {', '.join(missing)}"
        mistakes.lose(name, f"{name}:1", what, "add it to the first line")
        return
    twice = [column for column in dict.fromkeys(header) if header.count(column) > 1]
    if twice:
        at = [str(n) for n, column in enumerate(header, 1) if column == twice[0]]
        what = f"column {twice[0]!r} stands {len(at)} times (columns {', '.join(at)})"
        mistakes.lose(name, f"{name}:1", what, "keep one of them")
        return
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        # A spreadsheet leaves empty cells at a row's end out, or pads rows with them.
        filled = [*cells, *[""] * (len(header) - len(cells))]
        if any(cell.strip() for cell in filled[len(header) :]):
            what = f"{len(cells)} cells instead of {len(header)}"
            mistakes.add(f"{name}:{number}", what, "check its commas and quotes")
            continue
        yield TableRow(f"{name}:{number}", dict(zip(header, filled, strict=False)), mistakes)


def _without_empty_end(header: list[str]) -> list[str]:
    while header and not header[-1]:
        header.pop()
    return header


def _text(path: Path, name: str, mistakes: Mistakes) -> str | None:
    """The table's text: UTF-8, else GB18030, which office programs in Chinese save."""
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            mistakes.lose(name, name, "is over 16 MiB", "name a table of the registry")
            return None
        data = path.read_bytes()
    except OSError as error:
        mistakes.lose(name, name, f"cannot be read ({error.strerror})", "put the table there")
        return None
    if data.startswith(_XLSX):
        mistakes.lose(name, name, "is an Excel workbook", "open it and save it as 'CSV UTF-8'")
        return None
    if data.startswith(_UTF_16) or b"\0" in data:
        mistakes.lose(name, name, "is UTF-16 or not text", "save it as 'CSV UTF-8'")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("gb18030")
        line = data.count(b"\n", 0, error.start) + 1
        what = f"is neither UTF-8 nor GB18030 (byte {error.start})"
        mistakes.lose(name, f"{name}:{line}", what, "save it as 'CSV UTF-8'")
        return None


def unique(rows: list[tuple[TableRow, str]], what: str, mistakes: Mistakes) -> None:
    """Note ids that stand twice."""
    first: dict[str, str] = {}
    for row, value in rows:
        if value in first:
            mistakes.add(
                row.where, f"{what} {value!r} stands at {first[value]} too", "rename or remove one"
            )
        else:
            first[value] = row.where


def disjoint(rows: list[tuple[TableRow, str, Days]], what: str, mistakes: Mistakes) -> None:
    """Note dated rows of one key whose days overlap."""
    # In order of their beginning a row overlaps an earlier one if it overlaps the longest so far.
    order = sorted(range(len(rows)), key=lambda n: (rows[n][1], rows[n][2].first))
    longest: int | None = None
    for n in order:
        _, key, days = rows[n]
        if longest is None or rows[longest][1] != key:
            longest = n
            continue
        last = rows[longest][2].last
        if days.first <= last:
            earlier, later = sorted((longest, n))
            mistakes.add(
                rows[later][0].where,
                f"{what} {key} overlaps {rows[earlier][0].where}",
                "end one before the other begins",
            )
        if days.last > last:
            longest = n


def known(row: TableRow, column: str, value: str, among: Callable[[str], bool], file: str) -> None:
    """Note a reference to something no table has."""
    if not among(value):
        row.mistakes.add(row.where, f"{column} {value[:40]!r} is unknown", f"add it to {file}")
