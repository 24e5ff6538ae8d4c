"""The registry's CSV tables: read strictly, every mistake with its file, line and remedy."""

from __future__ import annotations

import csv
import io
import re
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


class Mistakes:
    """What is wrong, collected, so that a clerk mends a table in one go."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        """Note one mistake."""
        if len(self.found) < MAX_MISTAKES:
            self.found.append(f"{where}: {what}; {remedy}")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table. Each getter notes a mistake and answers something harmless instead."""

    where: str
    cells: dict[str, str]
    mistakes: Mistakes

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
        value = self.cells[column].strip()
        if not _ID.fullmatch(value):
            self.mistakes.add(
                self.where,
                f"{column} {value[:40]!r} is no id",
                "use 1 to 32 of a-z, 0-9 and '-'",
            )
        return value

    def number(self, column: str, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self.cells[column].strip()
        if re.fullmatch(r"-?[0-9]{1,9}", value) and least <= int(value) <= most:
            return int(value)
        self.mistakes.add(
            self.where,
            f"{column} {value[:40]!r} is no whole number from {least} to {most}",
            "write digits only",
        )
        return least

    def choice(self, column: str, kind: type[E]) -> E:
        """One of the words of an enumeration."""
        value = self.cells[column].strip()
        try:
            return kind(value)
        except ValueError:
            words = ", ".join(kind)
            self.mistakes.add(self.where, f"{column} {value[:40]!r} is unknown", f"use {words}")
            return next(iter(kind))

    def yes(self, column: str) -> bool:
        """``yes`` or ``no``."""
        value = self.cells[column].strip().lower()
        if value not in ("yes", "no"):
            self.mistakes.add(self.where, f"{column} {value[:40]!r} is unknown", "use yes or no")
        return value == "yes"

    def days(self) -> Days:
        """The columns ``from`` and ``to``, both inclusive; an empty ``to`` is open."""
        first = self._date("from", date(2000, 1, 1))
        last = self._date("to", OPEN_END) if self.cells["to"].strip() else OPEN_END
        if last < first:
            self.mistakes.add(self.where, f"to {last} lies before from {first}", "swap them")
            return Days(first, first)
        return Days(first, last)

    def _date(self, column: str, otherwise: date) -> date:
        value = self.cells[column].strip()
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                raise ValueError(value)
            return date.fromisoformat(value)
        except ValueError:
            self.mistakes.add(
                self.where, f"{column} {value[:40]!r} is no date", "write it as 2026-11-24"
            )
            return otherwise


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
        mistakes.add(where, f"is no CSV ({error})", "check its quotes, or save it as CSV UTF-8")
        return
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    missing = [column for column in columns if column not in header]
    if missing:
        mistakes.add(f"{name}:1", f"no column {', '.join(missing)}", "add it to the first line")
        return
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            what = f"{len(cells)} cells instead of {len(header)}"
            mistakes.add(f"{name}:{number}", what, "check its commas and quotes")
            continue
        yield TableRow(f"{name}:{number}", dict(zip(header, cells, strict=True)), mistakes)


def _text(path: Path, name: str, mistakes: Mistakes) -> str | None:
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            mistakes.add(name, "is over 16 MiB", "this is no registry table")
            return None
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        mistakes.add(name, f"cannot be read ({error.strerror})", "put the table there")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        mistakes.add(
            f"{name}:{line}", f"is not UTF-8 (byte {error.start})", "save it as 'CSV UTF-8'"
        )
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
