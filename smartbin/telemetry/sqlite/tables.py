"""The tables of facts: statements and row converters, made once from the facts' columns."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Generic, TypeVar

from smartbin.facts.columns import IDENTITY, Column, compiled, made, members, stored
from smartbin.facts.events import Alarm, Collection, Deposit, Fact, LevelReading, Status

F = TypeVar("F", bound=Fact)
Row = tuple[Any, ...]
"""A row of a table of facts: the fact's columns, of which the last is seq, then day and hour."""


class FactTable(Generic[F]):
    """The table of one kind of fact, keyed by the fact's identity.

    ``columns`` are named in every statement: a file that an older version made has a newer column
    at its end.
    """

    def __init__(self, fact: type[F]) -> None:
        self.name = fact.kind
        self.keys = IDENTITY[fact]
        self._columns = stored(fact)
        names = [column.name for column in self._columns]
        self.columns = ", ".join(names)
        self._names = (*names, "day", "hour")
        values = ", ".join(column.plain(f"f.{column.name}") for column in self._columns)
        self.row_of: Callable[[F, int, int], Row] = compiled(
            "f, day, hour", f"({values}, day, hour)"
        )
        """The row of a fact on a day and in an hour of the site."""
        typed = {column.name: column.typed(column.name) for column in self._columns}
        self.fact_of: Callable[..., F] = compiled(
            self.columns, made(fact, typed), members=members(self._columns)
        )
        """The fact of a row that ``columns`` selected."""

    def create(self) -> str:
        """The table's statement for a new file."""
        columns = ", ".join(_definition(column) for column in self._columns)
        return (
            f"CREATE TABLE {self.name} ({columns}, day INTEGER NOT NULL, hour INTEGER NOT NULL, "
            f"PRIMARY KEY ({', '.join(self.keys)})) STRICT, WITHOUT ROWID"
        )

    def additions(self, version: int) -> list[str]:
        """The statements that bring this table of an older version up to date."""
        return [
            f"ALTER TABLE {self.name} ADD COLUMN {_definition(column)}"
            for column in self._columns
            if column.since > version
        ]

    def insert(self) -> str:
        """The statement that adds a row, and nothing where its identity is known."""
        # DO NOTHING for a known identity alone: OR IGNORE would also drop, silently, what is
        # malformed. OR FAIL spares a statement journal for every row; our own ROLLBACK undoes the
        # batch.
        marks = ",".join("?" * len(self._names))
        return (
            f"INSERT OR FAIL INTO {self.name} ({', '.join(self._names)}) VALUES ({marks}) "
            f"ON CONFLICT ({', '.join(self.keys)}) DO NOTHING"
        )

    def select(self, version: int | None = None) -> str:
        """The rows; those of an older version's file have None for what was added since."""
        columns = (
            column.name if version is None or column.since <= version else f"NULL AS {column.name}"
            for column in self._columns
        )
        return f"SELECT {', '.join(columns)} FROM {self.name}"

    def find(self) -> str:
        """The statement that reads the row of an identity, whose columns it takes in order."""
        return f"{self.select()} WHERE {' AND '.join(f'{key}=?' for key in self.keys)}"

    def pick(self, *names: str) -> Callable[[Row], Row]:
        """Takes some columns out of a row of ``row_of``."""
        return itemgetter(*(self._names.index(name) for name in names))

    @property
    def version(self) -> int:
        """The version of the schema that last added a column."""
        return max(column.since for column in self._columns)


def _definition(column: Column) -> str:
    kind = "TEXT" if column.value_type is str else "INTEGER"
    return f"{column.name} {kind}{'' if column.optional else ' NOT NULL'}"


LEVEL, DEPOSIT, COLLECTION = FactTable(LevelReading), FactTable(Deposit), FactTable(Collection)
STATUS, ALARM = FactTable(Status), FactTable(Alarm)
TABLES: dict[type[Fact], FactTable[Any]] = {
    LevelReading: LEVEL,
    Deposit: DEPOSIT,
    Collection: COLLECTION,
    Status: STATUS,
    Alarm: ALARM,
}
