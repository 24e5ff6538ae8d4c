"""The columns of each fact: one table, read from the facts' own definitions in ``events``.

Everything that names a fact's columns follows from it: SQLite's tables and statements, InfluxDB's
fields, the copy source, the wire encoder, deposit lines, and rows of lists and CSV. A new field is
a line in ``events``. What a field means and its unit stand there; the unit is the name's suffix.

Functions that run once a fact are written out and compiled at import, as ``dataclasses`` does: a
loop over the columns took twice as long for each row, and the gateway makes one for every event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from smartbin.facts.events import (
    Added,
    Alarm,
    Collection,
    Deposit,
    Fact,
    LevelReading,
    Status,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a fact. ``value_type`` is ``int``, ``str`` or ``bool``; ``enumeration`` the
    texts it may hold; ``since`` the version of the telemetry schema that added it.
    """

    name: str
    value_type: type[int | str]
    optional: bool
    enumeration: type[StrEnum] | None
    since: int

    def plain(self, value: str) -> str:
        """The expression of what a driver is given. A driver looks for an adapter of every other
        type, for each value of each row; and an enumeration's ``value`` is a property.
        """
        if self.enumeration:
            return f"{value} and {value}._value_" if self.optional else f"{value}._value_"
        return f"int({value})" if self.value_type is bool else value

    def typed(self, value: str) -> str:
        """The expression of what a driver answered; ``members`` has the enumerations' texts."""
        if self.enumeration:
            return f"members[{self.name!r}][{value}]"
        return f"bool({value})" if self.value_type is bool else value


def _column(name: str, hint: Any) -> Column:
    since = 1
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        since = max(note.version for note in notes if isinstance(note, Added))
    types = [part for part in get_args(hint) or (hint,) if part is not type(None)]
    enumeration = types[0] if issubclass(types[0], StrEnum) else None
    plain = str if enumeration else types[0]
    return Column(name, plain, type(None) in get_args(hint), enumeration, since)


def _columns(fact: type[Any]) -> tuple[Column, ...]:
    hints = get_type_hints(fact, include_extras=True)
    return tuple(_column(field.name, hints[field.name]) for field in fields(fact))


FACTS: tuple[type[Fact], ...] = (LevelReading, Deposit, Collection, Status, Alarm)
COLUMNS: Mapping[type[Any], tuple[Column, ...]] = MappingProxyType(
    {fact: _columns(fact) for fact in FACTS}
)
"""Every column, in the order of the fact's definition."""
_AT_DOOR = ("device", "door", "at_us")
IDENTITY: Mapping[type[Any], tuple[str, ...]] = MappingProxyType(
    {
        LevelReading: _AT_DOOR,
        Deposit: _AT_DOOR,
        Collection: _AT_DOOR,
        Status: ("device", "at_us"),
        Alarm: ("device", "door", "type", "at_us"),
    }
)
"""The columns that name a fact of its kind."""


def stored(fact: type[Any]) -> tuple[Column, ...]:
    """The columns that telemetry keeps, ``seq`` last. Who deposited goes to records alone."""
    kept = [column for column in COLUMNS[fact] if column.name != "account"]
    return tuple(sorted(kept, key=lambda column: column.name == "seq"))


def measured(fact: type[Any]) -> tuple[Column, ...]:
    """The columns that telemetry keeps besides the fact's identity and ``seq``."""
    named = {*IDENTITY[fact], "seq"}
    return tuple(column for column in stored(fact) if column.name not in named)


def members(columns: Sequence[Column]) -> Mapping[str, Mapping[str | None, StrEnum | None]]:
    """By column the enumeration's member for each text, and None for None."""
    return {
        column.name: {None: None, **{member.value: member for member in list(column.enumeration)}}
        for column in columns
        if column.enumeration
    }


def made(fact: type[Any], values: Mapping[str, str], other: str = "") -> str:
    """The expression that makes a fact: each column from its expression in ``values``, else from
    the attribute of that name of ``other``; None for a column in neither.
    """
    # By position: keywords took twice as long, for each fact.
    given = (
        values.get(column.name) or (f"{other}.{column.name}" if other else "None")
        for column in COLUMNS[fact]
    )
    return f"{fact.__name__}({', '.join(given)})"


def compiled(parameters: str, expression: str, **names: Any) -> Callable[..., Any]:
    """A function of the expression. ``names`` is what it may use besides its parameters and the
    facts.
    """
    known = {fact.__name__: fact for fact in FACTS} | names
    # Made of the columns' names, which are identifiers of our own definitions.
    function: Callable[..., Any] = eval(f"lambda {parameters}: {expression}", known)  # noqa: S307
    return function
