"""What the outbox says of the facts of a batch: a row a kind, a column a field, and back.

Only what anybody may see: no card is in it, and no crew. Of the readings of a door only the newest
of a batch is news. A status is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from smartbin.database.outbox import OutboxKind
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DoorKey,
    Fact,
    Item,
    LevelReading,
    Status,
    Verdict,
)

FACTS_AT_ONCE = 500
"""Facts of one row at most, which bounds what a reader takes in one go."""
KINDS: Mapping[str, tuple[str, ...]] = {
    OutboxKind.DEPOSIT: ("device", "door", "at_us", "weight_g", "verdict", "item"),
    OutboxKind.COLLECTION: ("device", "door", "at_us", "gross_g", "tare_g"),
    OutboxKind.LEVEL: ("device", "door", "at_us", "level_pct"),
    OutboxKind.ALARM: ("device", "door", "at_us", "type", "active"),
}
"""The columns of each kind of row."""
Values = tuple[Any, ...]


def worth_telling(facts: Iterable[Fact]) -> list[Fact]:
    """Of facts without a line in the records, those that are news."""
    found: list[Fact] = []
    levels: dict[DoorKey, LevelReading] = {}
    for fact in facts:
        if isinstance(fact, LevelReading):
            door = DoorKey(fact.device, fact.door)
            if door not in levels or fact.at_us > levels[door].at_us:
                levels[door] = fact
        elif not isinstance(fact, Status):
            found.append(fact)
    return [*found, *levels.values()]


def rows(
    deposits: Sequence[Values], others: Iterable[Fact]
) -> Iterator[tuple[OutboxKind, Mapping[str, Any]]]:
    """The rows of new deposits, as values in the order of their columns, and of other facts."""
    values: dict[OutboxKind, list[Values]] = {OutboxKind.DEPOSIT: list(deposits)}
    for fact in others:
        kind = OutboxKind(fact.kind)
        values.setdefault(kind, []).append(tuple(getattr(fact, name) for name in KINDS[kind]))
    for kind, every in values.items():
        for start in range(0, len(every), FACTS_AT_ONCE):
            columns = zip(*every[start : start + FACTS_AT_ONCE], strict=True)
            yield kind, dict(zip(KINDS[kind], columns, strict=True))


def facts_of(kind: str, payload: str) -> list[Fact]:
    """The facts that a row names, oldest first; a row of people's work names none."""
    if kind not in KINDS:
        return []
    columns = json.loads(payload)
    values = zip(*(columns[name] for name in KINDS[kind]), strict=True)
    return sorted((_MAKE[kind](*row) for row in values), key=lambda fact: fact.at_us)


_MAKE: Mapping[str, Callable[..., Fact]] = {
    OutboxKind.DEPOSIT: lambda device, door, at_us, weight_g, verdict, item: Deposit(
        device, door, at_us, weight_g, verdict and Verdict(verdict), None, item and Item(item)
    ),
    OutboxKind.COLLECTION: Collection,
    OutboxKind.LEVEL: LevelReading,
    OutboxKind.ALARM: lambda device, door, at_us, type, active: Alarm(
        device, door, at_us, AlarmType(type), active
    ),
}
